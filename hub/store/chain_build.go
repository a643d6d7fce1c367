package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// ChainedBuild is a complete build of a build task below a chainbuild task.
type ChainedBuild struct {
	Label  string `db:"label"` // the build task's
	ID     int64  `db:"id"`
	NVR    string `db:"nvr"`
	Tagged bool   `db:"tagged"` // into the tag that was asked about
}

// ChainedBuilds lists the complete builds below a chainbuild task, and below the
// tasks of the same request and owner that failed or were canceled since the
// last one that succeeded.
func (s *Store) ChainedBuilds(ctx context.Context, taskID, tagID int64) ([]ChainedBuild, error) {
	return database.All[ChainedBuild](ctx, s.DB, `
		WITH me AS (SELECT id, owner, request FROM task WHERE id = $1),
		same AS (
			SELECT t.id, t.state FROM task t JOIN me ON t.owner = me.owner AND t.request = me.request AND t.id < me.id
			WHERE t.parent IS NULL AND t.state IN (2, 3, 5) AND t.method = 'chainbuild'
		), chain AS (
			SELECT id FROM same WHERE id > (SELECT coalesce(max(id), 0) FROM same WHERE state = 2)
			UNION SELECT id FROM me)
		SELECT DISTINCT ON (c.label) c.label, b.id, p.name || '-' || b.version || '-' || b.release AS nvr,
			EXISTS (SELECT FROM tag_listing l WHERE l.build_id = b.id AND l.tag_id = $2 AND l.active) AS tagged
		FROM chain JOIN task c ON c.parent = chain.id AND c.method = 'build' JOIN build b ON b.task_id = c.id AND b.state = 1
			JOIN package p ON p.id = b.pkg_id
		WHERE c.label IS NOT NULL ORDER BY c.label, b.id DESC`, taskID, tagID)
}

// NVRsOfTasks lists the complete builds of tasks.
func (s *Store) NVRsOfTasks(ctx context.Context, taskIDs []int64) ([]string, error) {
	return database.All[string](ctx, s.DB, `SELECT p.name || '-' || b.version || '-' || b.release
		FROM build b JOIN package p ON p.id = b.pkg_id WHERE b.task_id = ANY($1) AND b.state = 1 ORDER BY b.id`, taskIDs)
}
