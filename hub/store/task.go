package store

import (
	"context"
	"errors"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

var taskColumns = []query.Column{
	{Expr: "task.id", Alias: "id"}, {Expr: "task.state", Alias: "state"}, {Expr: "task.method", Alias: "method"},
	{Expr: "task.owner", Alias: "owner"}, {Expr: "task.channel_id", Alias: "channel_id"}, {Expr: "task.host_id", Alias: "host_id"},
	{Expr: "task.parent", Alias: "parent"}, {Expr: "task.label", Alias: "label"}, {Expr: "task.arch", Alias: "arch"},
	{Expr: "task.priority", Alias: "priority"}, {Expr: "task.weight", Alias: "weight"},
	{Expr: "task.waiting", Alias: "waiting"}, {Expr: "task.awaited", Alias: "awaited"},
	{Expr: "task.create_time", Alias: "create_time"}, {Expr: "date_part('epoch', task.create_time)", Alias: "create_ts"},
	{Expr: "task.start_time", Alias: "start_time"}, {Expr: "date_part('epoch', task.start_time)", Alias: "start_ts"},
	{Expr: "task.completion_time", Alias: "completion_time"}, {Expr: "date_part('epoch', task.completion_time)", Alias: "completion_ts"},
}

func selectTasks(request bool) query.Select {
	q := query.Select{From: "task"}
	q.Columns = append(q.Columns, taskColumns...)
	if request {
		q.Column("task.request", "request")
	}
	return q
}

// Task returns a task, nil if there is none.
func (s *Store) Task(ctx context.Context, id int64) (*api.Task, error) {
	q := selectTasks(false)
	q.Where("task.id = ?::int8", id)
	return orNil(query.One[api.Task](ctx, s.DB, &q))
}

// StoredTask is a task with its request as it is stored, if that was asked for.
type StoredTask struct {
	api.Task
	Request *string `rpc:"request"`
}

// Tasks returns the tasks with the ids, in no particular order.
func (s *Store) Tasks(ctx context.Context, ids []int64, request bool) ([]StoredTask, error) {
	q := selectTasks(request)
	q.Where("task.id = ANY(?::int8[])", ids)
	return query.All[StoredTask](ctx, s.DB, &q)
}

// TaskChildren lists the subtasks of a task, or with all those of the tasks
// below it too, by id.
func (s *Store) TaskChildren(ctx context.Context, id int64, all, request bool) ([]StoredTask, error) {
	q := selectTasks(request)
	q.Options.Order = "id"
	if !all {
		q.Where("task.parent = ?::int8", id)
		return query.All[StoredTask](ctx, s.DB, &q)
	}
	q.With = `WITH RECURSIVE tree (id) AS (
		SELECT id FROM task WHERE parent = ` + q.Arg(id) + `::int8
		UNION SELECT task.id FROM task JOIN tree ON task.parent = tree.id)`
	q.Join("tree ON tree.id = task.id")
	return query.All[StoredTask](ctx, s.DB, &q)
}

// TaskText is what a task's row holds as XML-RPC text, "" for none.
type TaskText struct {
	State   int    `db:"state"`
	Request string `db:"request"`
	Result  string `db:"result"`
}

// TaskText returns a task's request and result, nil if there is no such task.
func (s *Store) TaskText(ctx context.Context, id int64) (*TaskText, error) {
	return orNil(database.One[TaskText](ctx, s.DB, `SELECT state, coalesce(request, '') AS request, coalesce(result, '') AS result
		FROM task WHERE id = $1::int8`, id))
}

// TaskFilter chooses tasks; the zero value chooses all.
type TaskFilter struct {
	Method *string
	Sets   []TaskSet
	Times  []TimeTest // on columns of task
}

// TaskSet is a condition upon a column of the task table.
type TaskSet struct {
	Column string // arch, state, owner, host_id, channel_id or parent
	Values any    // the values that it may have, []int64 or []string; nil: NULL
	Not    bool   // it must not have them
}

// ListTasks lists tasks with their requests and results as they are stored, or as
// decode, if not nil, changes them.
func (s *Store) ListTasks(ctx context.Context, f TaskFilter, opts query.Options, decode func(*api.ListedTask) error) (rpc.Rows[api.ListedTask], error) {
	q := selectTasks(true)
	q.Options = opts
	q.Column("task.result", "result")
	if !opts.CountOnly {
		q.Join("LEFT JOIN users ON task.owner = users.id")
		q.Column("users.name", "owner_name")
		q.Column("users.usertype", "owner_type")
	}
	if f.Method != nil {
		q.Where("task.method = ?", *f.Method)
	}
	for _, c := range f.Sets {
		switch column := "task." + c.Column; {
		case c.Values == nil && c.Not:
			q.Where(column + " IS NOT NULL")
		case c.Values == nil:
			q.Where(column + " IS NULL")
		case c.Not:
			q.Where(column+" <> ALL(?"+arrayOf(c.Values)+")", c.Values)
		default:
			q.Where(column+" = ANY(?"+arrayOf(c.Values)+")", c.Values)
		}
	}
	for _, t := range f.Times {
		q.Where(t.Expr+" ?::timestamptz", t.Time)
	}
	if decode != nil {
		return query.StreamEach(ctx, s.DB, &q, decode)
	}
	return query.Stream[api.ListedTask](ctx, s.DB, &q, nil)
}

// arrayOf is the cast of a list of values; ids may be too large for the column.
func arrayOf(values any) string {
	if _, ok := values.([]string); ok {
		return "::text[]"
	}
	return "::int8[]"
}

// TopTask returns the task without a parent above a task, which may be itself;
// 0 if there is no such task.
func (s *Store) TopTask(ctx context.Context, id int64) (int64, error) {
	top, err := database.One[int64](ctx, s.DB, `WITH RECURSIVE up (id, parent) AS (
		SELECT id, parent FROM task WHERE id = $1::int8
		UNION SELECT t.id, t.parent FROM task t JOIN up ON t.id = up.parent)
		SELECT id FROM up WHERE parent IS NULL`, id)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return top, err
}

// SetTaskPriority changes the priority of a task and, with recurse, of all
// below it.
func (s *Store) SetTaskPriority(ctx context.Context, id, priority int64, recurse bool) error {
	_, err := s.Exec(ctx, `WITH RECURSIVE tree (id) AS (
			SELECT $1::int UNION SELECT t.id FROM task t JOIN tree ON t.parent = tree.id WHERE $3
		), locked AS (
			SELECT t.id FROM task t JOIN tree ON t.id = tree.id ORDER BY t.id FOR UPDATE OF t
		)
		UPDATE task SET priority = $2 WHERE id IN (SELECT id FROM locked)`, id, priority, recurse)
	return err
}

// SetTaskWeight changes the load that a task puts on its host. The scheduler
// looks again, as there may be room now.
func (s *Store) SetTaskWeight(ctx context.Context, id int64, weight float64) error {
	_, err := s.Exec(ctx, `WITH changed AS (UPDATE task SET weight = $2 WHERE id = $1 RETURNING id)
		SELECT pg_notify('toji_sched', '') FROM changed`, id, weight)
	return err
}

// TaskStatus returns what Toji's own tables know of a task.
func (s *Store) TaskStatus(ctx context.Context, id int64) (st api.TaskStatus, err error) {
	st.TaskID = id
	st.Wait, err = orNil(database.One[api.TaskWait](ctx, s.DB, `SELECT code, reason, since, eta FROM toji.task_wait WHERE task_id = $1`, id))
	if err != nil {
		return st, err
	}
	if err := s.addBehind(ctx, id, st.Wait); err != nil {
		return st, err
	}
	st.Takes, err = orNil(database.One[float64](ctx, s.DB, `SELECT d FROM (SELECT `+expectedSeconds+` AS d FROM task t WHERE t.id = $1) e WHERE d IS NOT NULL`, id))
	if err != nil {
		return st, err
	}
	st.Attempts, err = database.All[api.TaskAttempt](ctx, s.DB, `SELECT row_number() OVER w AS attempt, a.host_id, h.name AS host_name, a.started, a.ended, a.outcome
		FROM toji.task_attempt a LEFT JOIN host h ON h.id = a.host_id WHERE a.task_id = $1
		WINDOW w AS (ORDER BY a.started, abs(a.attempt)) ORDER BY 1`, id)
	if err != nil {
		return st, err
	}
	st.Failures, err = database.All[api.TaskFailure](ctx, s.DB, `SELECT f.at AS time, f.class, f.host_id, h.name AS host_name, f.message
		FROM toji.task_failure f LEFT JOIN host h ON h.id = f.host_id WHERE f.task_id = $1 ORDER BY f.id`, id)
	return st, err
}

// Why reads a task with why it waits; nil if there is none. Its Hosts are the
// scheduler's to say.
func (s *Store) Why(ctx context.Context, id int64) (*api.Why, error) {
	type row struct {
		api.Why
		Code   *string    `db:"code"`
		Reason string     `db:"reason"`
		Since  koji.Time  `db:"since"`
		ETA    *koji.Time `db:"eta"`
	}
	r, err := orNil(database.One[row](ctx, s.DB, `SELECT t.id AS task_id, coalesce(t.method, '') AS method, t.arch, c.name AS channel,
			u.name AS owner, t.state, coalesce(t.priority, 20) AS priority, h.name AS host_name, t.start_time, `+expectedSeconds+` AS takes,
			ARRAY(SELECT s.id FROM task s WHERE s.parent = t.id AND s.state IN (0, 1, 4) ORDER BY s.id)::bigint[] AS children,
			w.code, coalesce(w.reason, '') AS reason, w.since, w.eta
		FROM task t JOIN channels c ON c.id = t.channel_id JOIN users u ON u.id = t.owner
		LEFT JOIN host h ON h.id = t.host_id LEFT JOIN toji.task_wait w ON w.task_id = t.id WHERE t.id = $1`, id))
	if err != nil || r == nil {
		return nil, err
	}
	if r.Code != nil {
		r.Wait = &api.TaskWait{Code: *r.Code, Reason: r.Reason, Since: r.Since, ETA: r.ETA}
	}
	return &r.Why, s.addBehind(ctx, id, r.Wait)
}

// TaskWaits lists those of the tasks that wait, by id.
func (s *Store) TaskWaits(ctx context.Context, ids []int64) ([]api.WaitingTask, error) {
	return database.All[api.WaitingTask](ctx, s.DB, `SELECT task_id, code, reason, since, eta FROM toji.task_wait
		WHERE task_id = ANY($1::int8[]) ORDER BY task_id`, ids)
}
