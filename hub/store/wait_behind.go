package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// WaitBehind is the code of the tasks that the scheduler does not look at yet.
const WaitBehind = "behind-others"

// RecordBehind gives a reason to those free tasks that have none, but those of the
// given methods: they stand so far behind in their line that they were not looked at.
func (s *Store) RecordBehind(ctx context.Context, but []string) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.task_wait (task_id, code, reason)
		SELECT t.id, $2, 'many other tasks of ' || u.name || ' for ' || t.arch || ' in channel ' || c.name || ' come first'
		FROM task t JOIN users u ON u.id = t.owner JOIN channels c ON c.id = t.channel_id
		WHERE t.state = 0 AND t.method <> ALL($1) AND t.create_time < now() - interval '5 seconds'
			AND NOT EXISTS (SELECT 1 FROM toji.task_wait w WHERE w.task_id = t.id)
		ORDER BY t.id ON CONFLICT (task_id) DO NOTHING`, but, WaitBehind)
	if err != nil {
		return fmt.Errorf("record waits: %w", err)
	}
	return nil
}

// behind is how many tasks of a task's channel and arch come before it, and when
// they will have hosts: by how long such tasks take, and how many run at once now.
// Who asks pays for it: with thousands of tasks nobody could keep it up to date.
const behind = `
WITH me AS (SELECT id, channel_id, arch, coalesce(priority, 20) AS priority FROM task WHERE id = $1),
ahead AS (
	SELECT t.method, count(*) AS tasks FROM task t JOIN me ON me.channel_id = t.channel_id AND me.arch = t.arch
	WHERE t.state = 0 AND (coalesce(t.priority, 20), t.id) < (me.priority, me.id) GROUP BY t.method
), work AS (
	SELECT sum(tasks) AS tasks, sum(tasks * d.seconds) AS seconds FROM ahead
	LEFT JOIN toji.task_duration d ON d.method = ahead.method AND d.arch = (SELECT arch FROM me) AND d.package_id = 0
), running AS (
	SELECT count(*) AS tasks FROM task t JOIN me ON me.channel_id = t.channel_id AND me.arch = t.arch
	WHERE t.state IN (1, 4) AND t.host_id IS NOT NULL
)
SELECT coalesce(work.tasks, 0)::bigint AS tasks, now() + make_interval(secs => work.seconds / running.tasks) AS eta
FROM work, running WHERE running.tasks > 0
UNION ALL SELECT coalesce(work.tasks, 0)::bigint, NULL FROM work, running WHERE running.tasks = 0`

// addBehind adds to the wait of a task that the scheduler does not look at yet how
// many others are ahead of it, and until when.
func (s *Store) addBehind(ctx context.Context, id int64, w *api.TaskWait) error {
	if w == nil || w.Code != WaitBehind {
		return nil
	}
	type row struct {
		Tasks int64      `db:"tasks"`
		ETA   *koji.Time `db:"eta"`
	}
	r, err := database.One[row](ctx, s.DB, behind, id)
	if err != nil {
		return fmt.Errorf("tasks ahead of task %d: %w", id, err)
	}
	w.Reason += fmt.Sprintf(": about %d are ahead", r.Tasks)
	w.ETA = r.ETA
	return nil
}
