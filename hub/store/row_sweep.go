package store

import (
	"context"
	"fmt"
	"strings"
)

// RowSweep removes rows that are old. Which, say its parameters: $1 is an age in
// seconds; t is the row.
type RowSweep struct {
	What  string // the rows, for people
	table string
	key   string
	join  string
	where string
	front bool // old rows have low ids, and no index finds them by their age
	// again says that what goes may let others go.
	again bool
}

// The rows that somebody said how long to keep.
var (
	// SweepSessions is about sessions that ended; $2 is the age at which one ends
	// that was not renewed. Those that have subsessions go after these.
	SweepSessions = []RowSweep{{What: "sessions", table: "sessions", key: "id", again: true,
		where: `t.update_time < now() - make_interval(secs => $1)
			AND (t.closed OR t.expired OR ($2 > 0 AND coalesce(t.renew_time, t.start_time) < now() - make_interval(secs => $2)))
			AND NOT EXISTS (SELECT 1 FROM sessions sub WHERE sub.master = t.id)`}}
	SweepReservations = []RowSweep{{What: "reservations", table: "build_reservations", key: "build_id",
		where: `t.created < now() - make_interval(secs => $1)`}}
	SweepMessages = []RowSweep{{What: "messages nobody relayed", table: "proton_queue", key: "id", front: true,
		where: `t.created_ts < now() - make_interval(secs => $1)`}}
	SweepReports = []RowSweep{{What: "reports of clean-ups", table: "toji.retention_run", key: "id",
		where: `t.ended < now() - make_interval(secs => $1)`}}
	SweepSchedulerLogs = []RowSweep{{What: "scheduler messages", table: "scheduler_log_messages", key: "id", front: true,
		where: `t.msg_time < now() - make_interval(secs => $1)`}}
	// SweepHistory is about what is kept of tasks that ended.
	SweepHistory = []RowSweep{
		{What: "runs of tasks", table: "scheduler_task_runs", key: "id", where: `t.create_time < now() - make_interval(secs => $1) AND NOT t.active`},
		// Koji: refusals go when their task has ended.
		{What: "refusals of tasks", table: "scheduler_task_refusals", key: "id", join: ofTask, where: ended + ` AND $1::float8 IS NOT NULL`},
		{What: "attempts at tasks", table: "toji.task_attempt", key: "task_id, attempt", join: ofTask,
			where: ended + ` AND t.ended < now() - make_interval(secs => $1)`},
		{What: "failures of tasks", table: "toji.task_failure", key: "id", join: ofTask, where: ended + ` AND t.at < now() - make_interval(secs => $1)`},
		{What: "keys of subtasks", table: "toji.subtask", key: "parent, key", join: `JOIN task ON task.id = t.parent`,
			where: ended + ` AND task.completion_time < now() - make_interval(secs => $1)`},
		{What: "notes of foreign tasks", table: "toji.foreign_task", key: "task_id", join: ofTask,
			where: ended + ` AND task.completion_time < now() - make_interval(secs => $1)`},
		{What: "maintenance of hosts", table: "toji.host_maintenance", key: "id", where: `t.ends < now() - make_interval(secs => $1)`},
	}
)

const (
	ofTask = `JOIN task ON task.id = t.task_id`
	ended  = `task.state IN (2, 3, 5)`
)

// sweepBatch is how many rows one statement removes, so that nobody waits for a
// large change.
const sweepBatch = 5000

// Sweep removes a batch of rows and returns how many went and whether there may be
// more. A dry run counts them all.
func (s *Store) Sweep(ctx context.Context, r RowSweep, dry bool, args ...any) (rows int64, more bool, err error) {
	if dry {
		err = s.QueryRow(ctx, r.count(), args...).Scan(&rows)
	} else {
		rows, err = s.affected(ctx, r.remove(), args...)
	}
	if err != nil {
		return 0, false, fmt.Errorf("remove old %s: %w", r.What, err)
	}
	return rows, !dry && (rows == sweepBatch || r.again && rows > 0), nil
}

func (r RowSweep) count() string {
	return fmt.Sprintf(`SELECT count(*) FROM %s t %s WHERE %s`, r.table, r.join, r.where)
}

func (r RowSweep) remove() string {
	from, limit := r.table, fmt.Sprintf("LIMIT %d", sweepBatch)
	if r.front {
		from, limit = fmt.Sprintf(`(SELECT * FROM %s ORDER BY %s %s)`, r.table, r.key, limit), ""
	}
	keys := "t." + strings.ReplaceAll(r.key, ", ", ", t.")
	return fmt.Sprintf(`DELETE FROM %s WHERE (%s) IN (SELECT %s FROM %s t %s WHERE %s %s)`, r.table, r.key, keys, from, r.join, r.where, limit)
}

// affected runs a statement and returns how many rows it changed.
func (s *Store) affected(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := s.Exec(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
