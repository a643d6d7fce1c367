package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// EndedTask is a task whose output may go.
type EndedTask struct {
	ID     int64          `db:"id"`
	State  koji.TaskState `db:"state"`
	Method string         `db:"method"`
	Owner  string         `db:"owner"`
}

// EndedTasks returns those of the tasks that came to one of the states longer ago
// than age, in seconds, and whose parent has ended as well.
func (s *Store) EndedTasks(ctx context.Context, ids []int64, states []koji.TaskState, age float64) (map[int64]EndedTask, error) {
	list, err := database.All[EndedTask](ctx, s.DB, `SELECT t.id, t.state, coalesce(t.method, '') AS method, u.name AS owner
		FROM task t JOIN users u ON u.id = t.owner LEFT JOIN task p ON p.id = t.parent
		WHERE t.id = ANY($1) AND t.state = ANY($2) AND t.completion_time < now() - make_interval(secs => $3)
			AND (p.state IS NULL OR p.state IN (2, 3, 5))`, ids, states, age)
	by := map[int64]EndedTask{}
	for _, t := range list {
		by[t.ID] = t
	}
	return by, err
}

// UnknownTasks returns those of the ids that no task has.
func (s *Store) UnknownTasks(ctx context.Context, ids []int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT i FROM unnest($1::int8[]) i WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = i)`, ids)
}

// NamedByTasks returns those of the texts that the request of a task holds which
// has not ended.
func (s *Store) NamedByTasks(ctx context.Context, texts []string) ([]string, error) {
	return database.All[string](ctx, s.DB, `SELECT x FROM unnest($1::text[]) x
		WHERE EXISTS (SELECT 1 FROM task WHERE state IN (0, 1, 4) AND position(x IN request) > 0)`, texts)
}

// OldTask is a task whose row may go.
type OldTask struct {
	ID      int64  `db:"id"`
	Method  string `db:"method"`
	Request string `db:"request"` // XML-RPC text
}

// OldTasks returns up to limit tasks of the types that ended longer ago than age,
// in seconds, in the order of their ids, from behind one.
func (s *Store) OldTasks(ctx context.Context, methods []string, age float64, after int64, limit int) ([]OldTask, error) {
	return database.All[OldTask](ctx, s.DB, `SELECT id, method, coalesce(request, '') AS request FROM task
		WHERE id > $3 AND method = ANY($1) AND state IN (2, 3, 5) AND completion_time < now() - make_interval(secs => $2)
		ORDER BY id LIMIT $4`, methods, age, after, limit)
}

// taskTree is a task and those below it, unless one of them has not ended or made
// a build, a repository or a part of one.
const taskTree = `WITH RECURSIVE tree AS (
		SELECT id FROM task WHERE id = $1 UNION ALL SELECT t.id FROM task t JOIN tree ON t.parent = tree.id
	)
	SELECT id FROM tree WHERE NOT EXISTS (SELECT 1 FROM tree JOIN task t USING (id) WHERE t.state IN (0, 1, 4)
		OR EXISTS (SELECT 1 FROM build WHERE task_id = t.id) OR EXISTS (SELECT 1 FROM repo WHERE task_id = t.id)
		OR EXISTS (SELECT 1 FROM repo_queue WHERE task_id = t.id))`

// deleteTasks are what refers to tasks, and these. Toji's own tables follow by
// themselves.
// Koji: koji-sweep-db removes the same.
var deleteTasks = []string{
	`DELETE FROM standard_buildroot WHERE task_id = ANY($1)`,
	`DELETE FROM scheduler_task_runs WHERE task_id = ANY($1)`,
	`DELETE FROM scheduler_task_refusals WHERE task_id = ANY($1)`,
	`DELETE FROM scheduler_log_messages WHERE task_id = ANY($1)`,
	`DELETE FROM task WHERE id = ANY($1)`,
}

// DeleteTask removes a task, those below it and what is noted of them. It returns
// how many tasks went; none if something still needs one of them.
func (s *Store) DeleteTask(ctx context.Context, id int64) (int, error) {
	var tree []int64
	err := s.InTx(ctx, func(ctx context.Context) (err error) {
		if tree, err = database.All[int64](ctx, s.DB, taskTree, id); err != nil || len(tree) == 0 {
			return err
		}
		for _, statement := range deleteTasks {
			if _, err := s.Exec(ctx, statement, tree); err != nil {
				return fmt.Errorf("delete task %d: %w", id, err)
			}
		}
		return nil
	})
	return len(tree), err
}

// unusedBuildroots are those of this hub that no task has and nothing was built in.
// Koji: koji-sweep-db fails if something was.
const unusedBuildroots = `buildroot b WHERE b.cg_id IS NULL
	AND NOT EXISTS (SELECT 1 FROM standard_buildroot s WHERE s.buildroot_id = b.id)
	AND NOT EXISTS (SELECT 1 FROM rpminfo r WHERE r.buildroot_id = b.id)
	AND NOT EXISTS (SELECT 1 FROM archiveinfo a WHERE a.buildroot_id = b.id)`

// SweepBuildroots removes up to limit buildroots that nothing refers to, with what
// was in them, and returns how many. A dry run counts all.
func (s *Store) SweepBuildroots(ctx context.Context, dry bool, limit int) (n int64, err error) {
	if dry {
		return database.One[int64](ctx, s.DB, `SELECT count(*) FROM `+unusedBuildroots)
	}
	err = s.InTx(ctx, func(ctx context.Context) error {
		ids, err := database.All[int64](ctx, s.DB, `SELECT b.id FROM `+unusedBuildroots+` ORDER BY b.id LIMIT $1`, limit)
		if err != nil || len(ids) == 0 {
			return err
		}
		n = int64(len(ids))
		for _, statement := range []string{
			`DELETE FROM buildroot_listing WHERE buildroot_id = ANY($1)`,
			`DELETE FROM buildroot_archives WHERE buildroot_id = ANY($1)`,
			`DELETE FROM buildroot_tools_info WHERE buildroot_id = ANY($1)`,
			`DELETE FROM buildroot WHERE id = ANY($1)`,
		} {
			if _, err := s.Exec(ctx, statement, ids); err != nil {
				return fmt.Errorf("remove unused buildroots: %w", err)
			}
		}
		return nil
	})
	return n, err
}
