package store

import (
	"context"

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
