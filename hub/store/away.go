package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
)

// HostLeft notes that the builder of a host has no connection any more. It is away
// until it reports again.
func (s *Store) HostLeft(ctx context.Context, user string) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.host_away (host_id, since)
		SELECT h.id, now() FROM host h JOIN users u ON u.id = h.user_id WHERE u.name = $1
		ON CONFLICT (host_id) DO UPDATE SET since = excluded.since`, user)
	return err
}

// openAway are the open tasks of hosts that are away ($1: seconds), but those that
// may fail on no other host ($2) and those that an admin gave to their host.
const openAway = `
SELECT t.id, t.host_id, a.attempt, extract(epoch FROM now() - w.since)::int8 AS away
FROM toji.host_away w JOIN host h ON h.id = w.host_id JOIN task t ON t.host_id = h.id AND t.state = 1
JOIN toji.task_attempt a ON a.task_id = t.id AND a.attempt > 0 AND a.ended IS NULL
WHERE w.since < now() - make_interval(secs => $1) AND (h.update_time IS NULL OR h.update_time < w.since)
	AND (SELECT count(*) FROM toji.task_failure f WHERE f.task_id = t.id AND f.class = 'infrastructure') < $2
	AND EXISTS (SELECT 1 FROM scheduler_task_runs r WHERE r.task_id = t.id AND r.active)
ORDER BY t.id`

// FreeAway gives back the tasks of hosts that have been away for the grace, which
// counts as trouble of the host, and marks these as not ready. A task that has had
// such trouble so often that the next is its own is left to its workflow, which
// ends it. It returns the tasks.
func (s *Store) FreeAway(ctx context.Context, grace time.Duration) (freed []int64, err error) {
	type open struct {
		ID      int64 `db:"id"`
		Host    int64 `db:"host_id"`
		Attempt int   `db:"attempt"`
		Away    int64 `db:"away"` // seconds
	}
	lost, err := database.All[open](ctx, s.DB, openAway, grace.Seconds(), task.HostAttempts-1)
	if err != nil {
		return nil, fmt.Errorf("tasks of hosts that are away: %w", err)
	}
	for _, t := range lost {
		err := s.InTx(ctx, func(ctx context.Context) error {
			reason := fmt.Sprintf("The host went away: its builder has had no connection for %d seconds", t.Away)
			if err := s.ReleaseTask(ctx, Release{TaskID: t.ID, HostID: t.Host, Attempt: t.Attempt, Reason: reason}); err != nil {
				return err
			}
			_, err := s.Exec(ctx, `WITH away AS (UPDATE host SET ready = false WHERE id = $1 AND ready RETURNING id)
				INSERT INTO scheduler_log_messages (host_id, msg) SELECT id, 'Marking host not ready' FROM away`, t.Host)
			if err != nil {
				return err
			}
			return s.Signal(ctx, t.ID, task.SignalFreed)
		})
		if err != nil {
			return freed, fmt.Errorf("free task %d: %w", t.ID, err)
		}
		freed = append(freed, t.ID)
	}
	return freed, nil
}

// Troubles counts the hosts that failed a task.
func (s *Store) Troubles(ctx context.Context, id int64) (int, error) {
	return database.One[int](ctx, s.DB, `SELECT count(*) FROM toji.task_failure WHERE task_id = $1 AND class = 'infrastructure'`, id)
}
