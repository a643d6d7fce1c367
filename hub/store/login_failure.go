package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
)

// LoginFailure counts the recent failed logins of one kind.
type LoginFailure struct {
	Key      []byte    `db:"key"`
	Failures int       `db:"failures"`
	Since    time.Time `db:"since"` // the first of them
}

// LoginFailures returns the counts of those keys that were begun after a time.
func (s *Store) LoginFailures(ctx context.Context, keys [][]byte, after time.Time) ([]LoginFailure, error) {
	return database.All[LoginFailure](ctx, s.DB,
		`SELECT key, failures, since FROM toji.login_failure WHERE key = ANY($1) AND since > $2`, keys, after)
}

// CountLoginFailure adds one to each key. A count that was begun before a time
// begins anew, and some of those that nobody asks for any more are forgotten: at
// least as many as there may be new ones, so that the table stays small. It
// stays when the context's transaction is rolled back.
func (s *Store) CountLoginFailure(ctx context.Context, keys [][]byte, now, after time.Time) error {
	ctx = database.Detached(ctx)
	// In one order, so that two such statements do not wait for each other.
	const count = `
		INSERT INTO toji.login_failure AS f (key, failures, since)
		SELECT key, 1, $2 FROM unnest($1::bytea[]) key ORDER BY key
		ON CONFLICT (key) DO UPDATE SET
			failures = CASE WHEN f.since > $3 THEN f.failures + 1 ELSE 1 END,
			since = CASE WHEN f.since > $3 THEN f.since ELSE excluded.since END`
	if _, err := s.Exec(ctx, count, keys, now, after); err != nil {
		return fmt.Errorf("count failed login: %w", err)
	}
	const forget = `
		DELETE FROM toji.login_failure WHERE key IN (
			SELECT key FROM toji.login_failure WHERE since <= $1 ORDER BY since LIMIT 100 FOR UPDATE SKIP LOCKED)`
	if _, err := s.Exec(ctx, forget, after); err != nil {
		return fmt.Errorf("forget old failed logins: %w", err)
	}
	return nil
}

// ForgetLoginFailures forgets what was counted under a key.
func (s *Store) ForgetLoginFailures(ctx context.Context, key []byte) error {
	_, err := s.Exec(ctx, `DELETE FROM toji.login_failure WHERE key = $1`, key)
	return err
}
