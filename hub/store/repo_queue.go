package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// ExternalRepoData returns what was last seen of an external repository, nil if
// nothing was.
func (s *Store) ExternalRepoData(ctx context.Context, id int64) (api.Extra, error) {
	data, err := optional[api.Extra](ctx, s, `SELECT data FROM external_repo_data WHERE external_repo_id = $1 AND active`, id)
	if data == nil {
		return nil, err
	}
	return *data, err
}

// SetRequestPriority sets the priority of a repo request, if there is one.
func (s *Store) SetRequestPriority(ctx context.Context, id, priority int64) error {
	_, err := s.Exec(ctx, `UPDATE repo_queue SET priority = $2 WHERE id = $1`, id, priority)
	return err
}

// SetExternalRepoData records what was seen of an external repository; data is a
// JSON object.
func (s *Store) SetExternalRepoData(ctx context.Context, id int64, data string) error {
	return s.Replace(ctx, "external_repo_data", Row{"external_repo_id": id}, Row{"data": data})
}

// WakeRepoKeeper has the requests for repositories looked at.
func (s *Store) WakeRepoKeeper(ctx context.Context) error {
	_, err := s.Exec(ctx, `SELECT pg_notify('toji_repos', '')`)
	return err
}

// LockRepo returns the state of a repository, which nobody else changes until
// the end of the transaction; nil if there is no such repository.
func (s *Store) LockRepo(ctx context.Context, id int64) (*koji.RepoState, error) {
	return optional[koji.RepoState](ctx, s, `SELECT coalesce(state, 0) FROM repo WHERE id = $1::int8 FOR UPDATE`, id)
}

// RepoReferences lists the buildroots that use a repository.
func (s *Store) RepoReferences(ctx context.Context, id int64) ([]api.RepoReference, error) {
	return database.All[api.RepoReference](ctx, s.DB, `SELECT buildroot_id AS id, host_id, task_id, create_event, state
		FROM standard_buildroot WHERE repo_id = $1::int8 AND retire_event IS NULL AND state <> 3 ORDER BY buildroot_id`, id)
}

// OpenRepo is a ready repository of which it is not known until when it shows
// its tag.
type OpenRepo struct {
	ID    int64 `db:"id"`
	TagID int64 `db:"tag_id"`
	Event int64 `db:"create_event"`
}

// OpenRepos lists the repositories whose end_event is to be found.
func (s *Store) OpenRepos(ctx context.Context) ([]OpenRepo, error) {
	return database.All[OpenRepo](ctx, s.DB, `SELECT id, tag_id, create_event FROM repo WHERE state = 1 AND end_event IS NULL ORDER BY id`)
}

// SetRepoEnd records the event that changed the tag of a repository.
func (s *Store) SetRepoEnd(ctx context.Context, id, event int64) error {
	return s.updateRow(ctx, "repo", id, Row{"end_event": event})
}

// AutoTag is a tag whose repositories are made without a request.
type AutoTag struct {
	ID  int64  `db:"tag_id"`
	Lag *int64 `db:"lag"` // seconds; nil for the default
}

// AutoTags lists the tags that have repo.auto set.
func (s *Store) AutoTags(ctx context.Context) ([]AutoTag, error) {
	return database.All[AutoTag](ctx, s.DB, `SELECT a.tag_id, CASE WHEN l.value ~ '^-?[0-9]{1,9}$' THEN l.value::int END AS lag
		FROM tag_extra a JOIN tag_config c ON c.tag_id = a.tag_id AND c.active
		LEFT JOIN tag_extra l ON l.tag_id = a.tag_id AND l.key = 'repo.lag' AND l.active
		WHERE a.key = 'repo.auto' AND a.active AND a.value NOT IN ('false', 'null', '0', '""') ORDER BY a.tag_id`)
}
