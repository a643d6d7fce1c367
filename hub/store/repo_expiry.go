package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// OldRepo is a repository whose files are not needed any more.
type OldRepo struct {
	ID      int64  `db:"id"`
	TagName string `db:"tag_name"`
	Dist    bool   `db:"dist"`
}

// OldRepos finds up to limit repositories that were replaced, or given up, so
// many seconds ago and that no task builds with.
func (s *Store) OldRepos(ctx context.Context, age float64, limit int) ([]OldRepo, error) {
	return database.All[OldRepo](ctx, s.DB, `SELECT r.id, t.name AS tag_name, coalesce(r.dist, false) AS dist
		FROM repo r JOIN tag t ON t.id = r.tag_id
		WHERE r.state IN (2, 4) AND coalesce(r.state_time, r.creation_time) < now() - make_interval(secs => $1)
			AND NOT EXISTS (SELECT 1 FROM standard_buildroot b JOIN task ON task.id = b.task_id
				WHERE b.repo_id = r.id AND b.state <> 3 AND task.state IN (0, 1, 4))
		ORDER BY r.id LIMIT $2`, age, limit)
}

// ExpireRepos expires ready repositories that have not been current for a while:
// those whose tag has changed, or whose options are not the tag's own, and which
// were made longer ago than so many seconds. The latest dist repo of a tag stays,
// and the latest repository of a tag in which targets build.
func (s *Store) ExpireRepos(ctx context.Context, age, distAge float64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `
		UPDATE repo r SET state = 2, state_time = now()
		WHERE r.state = 1 AND (r.end_event IS NOT NULL OR coalesce(r.custom_opts, '{}') <> '{}')
			AND coalesce(r.state_time, r.creation_time) < now() - make_interval(secs => CASE WHEN r.dist THEN $2::float8 ELSE $1::float8 END)
			AND (CASE WHEN r.dist THEN false
				ELSE coalesce(r.custom_opts, '{}') <> '{}' OR r.tag_id NOT IN (SELECT build_tag FROM build_target_config WHERE active) END
				OR EXISTS (SELECT 1 FROM repo n WHERE n.tag_id = r.tag_id AND n.state = 1 AND n.create_event > r.create_event
					AND coalesce(n.dist, false) = coalesce(r.dist, false) AND coalesce(n.custom_opts, '{}') = '{}'))
		RETURNING r.id`, age, distAge)
}

// LostRepos finds the repositories that are in the making for nobody: their task
// has ended, or they have none and were begun longer ago than so many seconds.
func (s *Store) LostRepos(ctx context.Context, age float64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT r.id FROM repo r LEFT JOIN task ON task.id = r.task_id
		WHERE r.state = 0 AND CASE WHEN r.task_id IS NOT NULL THEN task.state IN (2, 3, 5)
			ELSE r.creation_time < now() - make_interval(secs => $1) END ORDER BY r.id`, age)
}

// WatchedRepo is an external repository that tags use.
type WatchedRepo struct {
	ID   int64   `db:"id"`
	URL  string  `db:"url"`
	Data *string `db:"data"` // what was last seen of it, as JSON
}

// WatchedRepos lists the external repositories that tags use.
func (s *Store) WatchedRepos(ctx context.Context) ([]WatchedRepo, error) {
	return database.All[WatchedRepo](ctx, s.DB, `SELECT c.external_repo_id AS id, c.url, d.data::text AS data
		FROM external_repo_config c LEFT JOIN external_repo_data d ON d.external_repo_id = c.external_repo_id AND d.active
		WHERE c.active AND c.external_repo_id IN (SELECT external_repo_id FROM tag_external_repos WHERE active) ORDER BY c.external_repo_id`)
}

// FirstExternalRepoData records what an external repository is like when it is
// looked at for the first time, as if that had been when it was added: nothing
// has changed by the look.
func (s *Store) FirstExternalRepoData(ctx context.Context, id int64, data string, userID int64) error {
	_, err := s.Exec(ctx, `INSERT INTO external_repo_data (external_repo_id, data, create_event, creator_id)
		SELECT external_repo_id, $2::text::jsonb, create_event, $3::int FROM external_repo_config
		WHERE external_repo_id = $1 AND active ON CONFLICT DO NOTHING`, id, data, userID)
	return err
}
