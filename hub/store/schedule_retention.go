package store

import (
	"context"
	"fmt"
	"time"
)

// prune removes old rows of what the scheduler keeps: $1 is their age in seconds,
// $2 how many go at once, so that nobody waits for a large change.
var prune = []struct {
	what string
	logs bool // Koji: koji-sweep-db keeps messages for a shorter time
	sql  string
}{
	{"messages", true, `DELETE FROM scheduler_log_messages WHERE id IN (SELECT id FROM scheduler_log_messages ORDER BY id LIMIT $2)
		AND msg_time < now() - make_interval(secs => $1)`},
	{"runs", false, `DELETE FROM scheduler_task_runs WHERE id IN (SELECT id FROM scheduler_task_runs
		WHERE create_time < now() - make_interval(secs => $1) AND NOT active ORDER BY create_time LIMIT $2)`},
	// Koji: refusals go when their task has ended.
	{"refusals", false, `DELETE FROM scheduler_task_refusals WHERE id IN (SELECT r.id FROM scheduler_task_refusals r
		JOIN task t ON t.id = r.task_id WHERE t.state IN (2, 3, 5) AND $1::float8 IS NOT NULL LIMIT $2)`},
	{"attempts", false, `DELETE FROM toji.task_attempt WHERE (task_id, attempt) IN (SELECT a.task_id, a.attempt FROM toji.task_attempt a
		JOIN task t ON t.id = a.task_id WHERE a.ended < now() - make_interval(secs => $1) AND t.state IN (2, 3, 5) LIMIT $2)`},
	{"failures", false, `DELETE FROM toji.task_failure WHERE id IN (SELECT f.id FROM toji.task_failure f
		JOIN task t ON t.id = f.task_id WHERE f.at < now() - make_interval(secs => $1) AND t.state IN (2, 3, 5) LIMIT $2)`},
	{"subtasks", false, `DELETE FROM toji.subtask WHERE (parent, key) IN (SELECT s.parent, s.key FROM toji.subtask s
		JOIN task t ON t.id = s.parent WHERE t.state IN (2, 3, 5) AND t.completion_time < now() - make_interval(secs => $1) LIMIT $2)`},
	{"maintenance", false, `DELETE FROM toji.host_maintenance WHERE id IN (SELECT id FROM toji.host_maintenance
		WHERE ends < now() - make_interval(secs => $1) LIMIT $2)`},
}

// pruneBatch is how many rows one statement removes.
const pruneBatch = 5000

// PruneSchedule removes what is kept of tasks that ended: the scheduler's messages
// after logs, the runs, attempts, failures and keys of subtasks after history. It
// returns how many rows went, by what they are.
func (s *Store) PruneSchedule(ctx context.Context, logs, history time.Duration) (map[string]int64, error) {
	gone := map[string]int64{}
	for _, p := range prune {
		age := history
		if p.logs {
			age = logs
		}
		for n := int64(pruneBatch); n == pruneBatch; {
			r, err := s.Exec(ctx, p.sql, age.Seconds(), pruneBatch)
			if err == nil {
				n, err = r.RowsAffected()
			}
			if err != nil {
				return gone, fmt.Errorf("remove old %s: %w", p.what, err)
			}
			if n > 0 {
				gone[p.what] += n
			}
		}
	}
	return gone, nil
}
