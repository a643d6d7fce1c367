package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
)

// pendingWindow is how many events before a repository's own are looked at for
// such that are not there yet: more than come while the longest call is at work.
const pendingWindow = 10_000

// NotePending records which events before a repository's own may still come:
// those whose numbers are taken and that cannot be seen. It is called in a
// statement after the one that took the repository's own.
//
// Koji: such changes are missed until the tag changes again.
func (s *Store) NotePending(ctx context.Context, repoID, event int64) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.repo_pending (repo_id, events)
		SELECT $1, array_agg(n) FROM generate_series(greatest($2::int - $3::int, 1), $2::int - 1) n
		WHERE NOT EXISTS (SELECT FROM events WHERE id = n) HAVING count(*) > 0`, repoID, event, pendingWindow)
	if err != nil {
		return fmt.Errorf("note pending events of repo %d: %w", repoID, err)
	}
	return nil
}

// missedBy makes the condition that a repository, by its id, lacks a change of
// an event up to another one.
func missedBy(repo, upTo string) string {
	return `EXISTS (SELECT FROM toji.repo_pending p JOIN events late ON late.id = ANY(p.events)
		WHERE p.repo_id = ` + repo + ` AND late.id <= ` + upTo + `)`
}

// HasMissed tells whether a repository lacks changes that are older than itself.
func (s *Store) HasMissed(ctx context.Context, repoID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT `+missedBy("r.id", "r.create_event")+` FROM repo r WHERE r.id = $1`, repoID)
}

// ForgetPending removes what was noted of repositories that are not used any more.
func (s *Store) ForgetPending(ctx context.Context) error {
	_, err := s.Exec(ctx, `DELETE FROM toji.repo_pending p USING repo r WHERE r.id = p.repo_id AND r.state NOT IN (0, 1)`)
	return err
}
