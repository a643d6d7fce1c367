package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// TaskLimits lists the limits of owners and channels.
func (s *Store) TaskLimits(ctx context.Context) ([]api.TaskLimit, error) {
	return database.All[api.TaskLimit](ctx, s.DB, `SELECT l.kind, l.id, coalesce(u.name, c.name, '') AS name, l.tasks
		FROM toji.task_limit l LEFT JOIN users u ON l.kind = 'owner' AND u.id = l.id LEFT JOIN channels c ON l.kind = 'channel' AND c.id = l.id
		ORDER BY l.kind, name`)
}

// SetTaskLimit bounds how many tasks hosts carry at once for a user (kind owner)
// or a channel; nil removes the bound.
func (s *Store) SetTaskLimit(ctx context.Context, kind string, id int64, tasks *int64) error {
	if tasks == nil {
		_, err := s.Exec(ctx, `DELETE FROM toji.task_limit WHERE kind = $1 AND id = $2`, kind, id)
		return err
	}
	_, err := s.Exec(ctx, `INSERT INTO toji.task_limit (kind, id, tasks) VALUES ($1, $2, $3)
		ON CONFLICT (kind, id) DO UPDATE SET tasks = excluded.tasks`, kind, id, *tasks)
	return err
}
