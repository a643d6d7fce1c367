package store

import (
	"context"

	"github.com/toji-build/toji/internal/query"
)

// schedulerView is a View of one of the scheduler's tables, with fields of the
// task and the host that a row is about. join is LEFT JOIN where these may be
// missing.
func schedulerView(table, join string, fields map[string]query.Field, byDefault ...string) query.View {
	for name, expr := range map[string]string{
		"method": "task.method", "state": "task.state", "owner": "task.owner", "arch": "task.arch", "channel_id": "task.channel_id",
	} {
		fields[name] = query.Field{Expr: expr, Join: "task"}
	}
	for name, expr := range map[string]string{"host_name": "host.name", "host_ready": "host.ready"} {
		fields[name] = query.Field{Expr: expr, Join: "host"}
	}
	for _, name := range []string{"id", "task_id", "host_id"} {
		fields[name] = query.Field{Expr: table + "." + name}
	}
	return query.View{
		From: table, Fields: fields, Default: byDefault,
		Joins: map[string]string{
			"task": join + " task ON " + table + ".task_id = task.id",
			"host": join + " host ON " + table + ".host_id = host.id",
		},
	}
}

// The views of what the scheduler keeps.
var (
	TaskRuns = schedulerView("scheduler_task_runs", "JOIN", map[string]query.Field{
		"active":        {Expr: "scheduler_task_runs.active"},
		"create_ts":     {Expr: "date_part('epoch', scheduler_task_runs.create_time)"},
		"start_ts":      {Expr: "date_part('epoch', task.start_time)", Join: "task"},
		"completion_ts": {Expr: "date_part('epoch', task.completion_time)", Join: "task"},
	}, "id", "task_id", "host_id", "active", "create_ts")

	TaskRefusals = schedulerView("scheduler_task_refusals", "JOIN", map[string]query.Field{
		"by_host": {Expr: "scheduler_task_refusals.by_host"},
		"soft":    {Expr: "scheduler_task_refusals.soft"},
		"msg":     {Expr: "scheduler_task_refusals.msg"},
		"ts":      {Expr: "date_part('epoch', scheduler_task_refusals.time)"},
	}, "id", "task_id", "host_id", "by_host", "soft", "msg", "ts")

	SchedulerMessages = schedulerView("scheduler_log_messages", "LEFT JOIN", map[string]query.Field{
		"msg":    {Expr: "scheduler_log_messages.msg"},
		"msg_ts": {Expr: "date_part('epoch', scheduler_log_messages.msg_time)"},
	}, "id", "task_id", "host_id", "msg", "msg_ts")
)

// SchedulerView returns the rows of a view, as maps, or their number.
func (s *Store) SchedulerView(ctx context.Context, v query.View, w query.Wanted) (any, error) {
	q, err := v.Select(w)
	if err != nil {
		return nil, err
	}
	return query.Maps(ctx, s.DB, q)
}

// WakeScheduler has the scheduler look at all waiting tasks.
func (s *Store) WakeScheduler(ctx context.Context) error {
	_, err := s.Exec(ctx, `SELECT pg_notify('toji_sched', '')`)
	return err
}
