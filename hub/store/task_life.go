package store

import (
	"cmp"
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// TaskOutcome says what a transition of a task found.
type TaskOutcome int

const (
	// TaskDone is the wanted change, made now or by an earlier try of the same call.
	TaskDone TaskOutcome = iota
	// TaskTaken means that the attempt no longer has the task: it was freed.
	TaskTaken
	// TaskOver means that the task ended otherwise: it was cancelled.
	TaskOver
)

// Locks: whoever changes several tasks of a family locks them from the top down,
// which is in the order of their ids, so that no two changes wait for each other.

// lockedTask is a task that the transaction has for itself, as it has its parent.
type lockedTask struct {
	ID     int64          `db:"id"`
	State  koji.TaskState `db:"state"`
	Host   int64          `db:"host_id"` // 0: none
	Parent int64          `db:"parent"`  // 0: none
}

// lockTask locks a task's parent and the task.
func (s *Store) lockTask(ctx context.Context, id int64) (lockedTask, error) {
	family, err := database.All[lockedTask](ctx, s.DB, `SELECT id, state, coalesce(host_id, 0) AS host_id, coalesce(parent, 0) AS parent FROM task
		WHERE id = $1 OR id = (SELECT parent FROM task WHERE id = $1) ORDER BY id FOR UPDATE`, id)
	if err != nil {
		return lockedTask{}, err
	}
	for _, t := range family {
		if t.ID == id {
			return t, nil
		}
	}
	return lockedTask{}, koji.GenericErrorf("No such task: %d", id)
}

// taskOpen is one statement: the change, its attempt's row and the end of the
// wait. Its answer shows the row as it was before. $2 says whether the task
// needs a host; which one is the scheduler's choice, as the row has it. A host
// that runs kojid opens the task by itself.
var taskOpen = `
WITH before AS MATERIALIZED (
	SELECT id, state, host_id FROM task WHERE id = $1 FOR UPDATE
), opened AS (
	UPDATE task t SET state = 1, start_time = now(), weight = $4, host_id = CASE WHEN $2 THEN b.host_id END
	FROM before b WHERE t.id = b.id AND (b.state = 4 OR (b.state = 0 AND NOT $2))
		AND NOT ($2 AND ` + runsKojid("b.host_id") + `)
	RETURNING t.id, t.host_id
), attempt AS (
	INSERT INTO toji.task_attempt (task_id, attempt, host_id, started)
	SELECT id, $3::int, host_id, now() FROM opened
	ON CONFLICT (task_id, attempt) DO UPDATE SET host_id = excluded.host_id, started = now(), ended = NULL, outcome = NULL
), waited AS (
	DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM opened)
)
SELECT b.state, EXISTS (SELECT 1 FROM opened) AS changed,
	b.state = 1 AND EXISTS (SELECT 1 FROM toji.task_attempt a
		WHERE a.task_id = b.id AND a.attempt = $3::int AND a.ended IS NULL) AS repeated,
	coalesce(h.id, 0) AS host_id, coalesce(h.name, '') AS host
FROM before b LEFT JOIN host h ON $2 AND h.id = b.host_id`

// OpenTask moves a task to OPEN: from ASSIGNED when it needs a host, else from
// FREE, or from ASSIGNED if an admin gave it to a host that it has no use for.
// attempt counts the task's openings from 1. It returns the host. Asking again
// for the attempt that the task is in changes nothing.
func (s *Store) OpenTask(ctx context.Context, id int64, needsHost bool, attempt int, weight float64) (TaskOutcome, task.Assigned, error) {
	type opened struct {
		transition
		HostID int64  `db:"host_id"`
		Host   string `db:"host"`
	}
	row, err := database.One[opened](ctx, s.DB, taskOpen, id, needsHost, attempt, weight)
	if err != nil {
		return 0, task.Assigned{}, fmt.Errorf("open task %d: %w", id, err)
	}
	return row.outcome(), task.Assigned{HostID: row.HostID, Host: row.Host}, nil
}

// TaskHeld tells whether a task is still in the attempt: it was not freed.
func (s *Store) TaskHeld(ctx context.Context, id int64, attempt int) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM task t JOIN toji.task_attempt a ON a.task_id = t.id
		WHERE t.id = $1 AND t.state = 1 AND a.attempt = $2 AND a.ended IS NULL)`, id, attempt)
}

// transition is what the statements of this file answer.
type transition struct {
	State    koji.TaskState `db:"state"` // before the change
	Changed  bool           `db:"changed"`
	Repeated bool           `db:"repeated"` // an earlier try made the change
}

func (t transition) outcome() TaskOutcome {
	switch {
	case t.Changed, t.Repeated:
		return TaskDone
	case t.State.Finished():
		return TaskOver
	}
	return TaskTaken
}

// taskEnd ends an attempt and its task ($2: state, $3: result, $4: attempt, 0 for
// a task that never opened, $5: the host did well). Builds that the task leaves
// unfinished fail with it.
const taskEnd = `
WITH ended AS (
	UPDATE task t SET state = $2::int, result = $3, completion_time = now(), ` + waitsNoMore + `
	WHERE id = $1 AND CASE WHEN $4::int = 0 THEN state IN (0, 4)
		ELSE state = 1 AND EXISTS (SELECT 1 FROM toji.task_attempt a WHERE a.task_id = t.id AND a.attempt = $4::int AND a.ended IS NULL) END
	RETURNING id, host_id
), attempt AS (
	UPDATE toji.task_attempt SET ended = now(), outcome = CASE $2::int WHEN 2 THEN 'closed' ELSE 'failed' END
	WHERE task_id IN (SELECT id FROM ended) AND attempt = $4::int
), runs AS (
	UPDATE scheduler_task_runs SET active = false WHERE active AND task_id IN (SELECT id FROM ended)
), waited AS (
	DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM ended)
), build AS (
	UPDATE build SET state = 3, completion_time = now()
	WHERE $2::int = 5 AND state = 0 AND task_id IN (SELECT id FROM ended)
), followers AS (
	INSERT INTO toji.outbox (task_id, kind, name) SELECT f.id, 'signal', 'wake' FROM task f, ended
	WHERE f.state = 1 AND f.method = 'dependantTask'
), healthy AS (
	UPDATE toji.host_health h SET ` + trusted + ` FROM ended e
	WHERE $5 AND h.host_id = e.host_id AND (h.failures_in_row > 0 AND h.quarantined_at IS NULL OR h.probe_task = e.id)
)
SELECT state, EXISTS (SELECT 1 FROM ended) AS changed, state = $2::int AS repeated FROM task WHERE id = $1`

// parentsGoOn ends the wait of those tasks' parents ($1) of which no child is
// awaited any more. It must be a statement of its own: of two changes of one table
// in one statement PostgreSQL runs the triggers, which wake the scheduler, for the
// columns of the second alone.
const parentsGoOn = `UPDATE task p SET waiting = false WHERE p.waiting AND p.id IN (SELECT parent FROM task WHERE id = ANY($1))
	AND NOT EXISTS (SELECT 1 FROM task c WHERE c.parent = p.id AND c.awaited)`

// waitsNoMore clears the flags of a task that ends; NULL stays, as Koji has it. A
// parent that kojid works on is told of the end by the flag, and clears it itself.
const waitsNoMore = `waiting = CASE WHEN waiting IS NOT NULL THEN false END,
	awaited = CASE WHEN awaited IS NOT NULL THEN awaited AND EXISTS (SELECT 1 FROM toji.task_attempt a
		WHERE a.task_id = parent AND a.attempt < 0 AND a.ended IS NULL) END`

// CloseTask ends an OPEN task well; result is XML-RPC text.
func (s *Store) CloseTask(ctx context.Context, id int64, attempt int, result string) (out TaskOutcome, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		row, err := s.endTask(ctx, id, attempt, koji.TaskClosed, result, true)
		out = row.outcome()
		return err
	})
	return out, err
}

// FailTask ends an OPEN task badly; result is an XML-RPC fault. With attempt 0
// it fails a task that never opened. Builds of the task that are still
// BUILDING become FAILED. A failure of the infrastructure counts against the
// task's host.
func (s *Store) FailTask(ctx context.Context, id int64, attempt int, result string, f task.Failure) (out TaskOutcome, err error) {
	trouble := f.Kind == koji.KindInfrastructure
	err = s.InTx(ctx, func(ctx context.Context) error {
		row, err := s.endTask(ctx, id, attempt, koji.TaskFailed, result, !trouble)
		if out = row.outcome(); err != nil || !row.Changed {
			return err
		}
		host, err := database.One[int64](ctx, s.DB, `INSERT INTO toji.task_failure (task_id, at, class, host_id, message)
			SELECT id, now(), $2, host_id, $3 FROM task WHERE id = $1 RETURNING coalesce(host_id, 0)`,
			id, string(cmp.Or(f.Kind, koji.KindPackage)), f.Msg)
		if err != nil || host == 0 || !trouble {
			return err
		}
		return s.countTrouble(ctx, host, id, f.Msg)
	})
	return out, err
}

func (s *Store) endTask(ctx context.Context, id int64, attempt int, state koji.TaskState, result string, healthy bool) (transition, error) {
	t, err := s.lockTask(ctx, id)
	if err != nil {
		return transition{}, err
	}
	var builds []int64
	if state == koji.TaskFailed {
		if builds, err = s.buildsUnderWay(ctx, []int64{id}); err != nil {
			return transition{}, err
		}
	}
	row, err := database.One[transition](ctx, s.DB, taskEnd, id, int(state), result, attempt, healthy)
	if err == nil && row.Changed && t.Parent != 0 {
		_, err = s.Exec(ctx, parentsGoOn, []int64{id})
	}
	if err == nil && row.Changed && len(builds) > 0 {
		err = s.BuildsEnded(ctx, builds)
	}
	if err != nil {
		return transition{}, fmt.Errorf("end task %d: %w", id, err)
	}
	return row, nil
}

// Release gives a task back after trouble of its host.
type Release struct {
	TaskID, HostID int64
	Attempt        int
	Refused        bool   // the host would not take it, and is not asked again
	Reason         string // one sentence
}

// taskRelease leaves a task without a run, which an admin gave to the host, with
// it, unless the host refuses ($5).
const taskRelease = `
WITH held AS MATERIALIZED (
	SELECT NOT $5 AND NOT EXISTS (SELECT 1 FROM scheduler_task_runs WHERE task_id = $1 AND active) AS stays
), freed AS (
	UPDATE task t SET state = CASE WHEN stays THEN 4 ELSE 0 END, host_id = CASE WHEN stays THEN host_id END, start_time = NULL FROM held
	WHERE id = $1 AND host_id = $2 AND state = 1
		AND EXISTS (SELECT 1 FROM toji.task_attempt a WHERE a.task_id = t.id AND a.attempt = $3 AND a.ended IS NULL)
	RETURNING id
), message AS (
	INSERT INTO scheduler_log_messages (task_id, host_id, msg) SELECT id, $2, 'Freeing task: ' || $4::text FROM freed WHERE NOT $5
), attempt AS (
	UPDATE toji.task_attempt SET ended = now(), outcome = $4
	WHERE task_id IN (SELECT id FROM freed) AND attempt = $3
), runs AS (
	UPDATE scheduler_task_runs SET active = false WHERE active AND task_id IN (SELECT id FROM freed)
)
SELECT EXISTS (SELECT 1 FROM freed)`

// ReleaseTask moves a task that the host has OPEN back to FREE. A refusal is
// remembered, so that the scheduler asks other hosts; other trouble counts
// against the host. A task that the host has lost already is left alone.
//
// Koji: a task that an admin assigned with override stays with its host.
func (s *Store) ReleaseTask(ctx context.Context, r Release) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		freed, err := database.One[bool](ctx, s.DB, taskRelease, r.TaskID, r.HostID, r.Attempt, r.Reason, r.Refused)
		if err != nil || !freed {
			return err
		}
		if r.Refused {
			return s.Refuse(ctx, r.TaskID, r.HostID, true, r.Reason)
		}
		_, err = s.Exec(ctx, `INSERT INTO toji.task_failure (task_id, at, class, host_id, message)
			VALUES ($1, now(), 'infrastructure', $2, $3)`, r.TaskID, r.HostID, r.Reason)
		if err != nil {
			return err
		}
		if err := s.countTrouble(ctx, r.HostID, r.TaskID, r.Reason); err != nil {
			return err
		}
		return s.expireHost(ctx, r.HostID)
	})
}

// FreeTask moves a task that has not ended to FREE and cancels its children; those
// of a task without a workflow stay, as kojid looks for them when it begins again.
// It returns the task's state before.
func (s *Store) FreeTask(ctx context.Context, id int64) (before koji.TaskState, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		t, err := s.lockTask(ctx, id)
		if err != nil {
			return err
		}
		if before = t.State; before.Finished() {
			return koji.GenericErrorf("Cannot free task %d, state is %s", id, before)
		}
		for _, q := range []string{
			`UPDATE task SET state = 0, host_id = NULL, start_time = NULL, waiting = CASE WHEN waiting IS NOT NULL THEN false END WHERE id = $1`,
			`UPDATE toji.task_attempt SET ended = now(), outcome = 'freed' WHERE ended IS NULL AND task_id = $1`,
		} {
			if _, err := s.Exec(ctx, q, id); err != nil {
				return fmt.Errorf("free task %d: %w", id, err)
			}
		}
		foreign, err := database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM toji.foreign_task WHERE task_id = $1)`, id)
		if err != nil || foreign {
			return err
		}
		if err := s.dropChildren(ctx, id); err != nil || before != koji.TaskOpen {
			return err
		}
		return s.Signal(ctx, id, task.SignalFreed)
	})
	return before, err
}

// dropChildren cancels the tasks below one that begins again. The children of its
// next attempt have the same labels, which are unique.
func (s *Store) dropChildren(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE task SET label = left(label, 240) || '#' || id WHERE parent = $1 AND label NOT LIKE '%#' || id`, id)
	if err != nil {
		return fmt.Errorf("rename the children of task %d: %w", id, err)
	}
	return s.cancelTree(ctx, id)
}

// CancelTask cancels a task and, with recurse, all below it, with the builds
// that they have under way, and asks for the end of their workflows. It returns
// false for a task that had ended otherwise.
func (s *Store) CancelTask(ctx context.Context, id int64, recurse bool) (ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		t, err := s.lockTask(ctx, id)
		if err != nil {
			return err
		}
		ok = !t.State.Finished() || t.State == koji.TaskCanceled
		if t.State.Finished() {
			return nil
		}
		if err := s.cancelTasks(ctx, []int64{id}); err != nil || !recurse {
			return err
		}
		return s.cancelTree(ctx, id)
	})
	return ok, err
}

// EndRuns records that no host has anything to do with a task any more. Koji: the
// run of a task that was freed or canceled lasts until the scheduler has seen it.
func (s *Store) EndRuns(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE scheduler_task_runs SET active = false WHERE active AND task_id = $1`, id)
	return err
}

// CancelChildren cancels all tasks below id.
func (s *Store) CancelChildren(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.lockTask(ctx, id); err != nil {
			return err
		}
		return s.cancelTree(ctx, id)
	})
}

// cancelTree cancels the unfinished tasks below id.
func (s *Store) cancelTree(ctx context.Context, id int64) error {
	ids, err := database.All[int64](ctx, s.DB, `
		WITH RECURSIVE tree (id) AS (
			SELECT id FROM task WHERE parent = $1
			UNION SELECT t.id FROM task t JOIN tree ON t.parent = tree.id)
		SELECT t.id FROM task t JOIN tree ON t.id = tree.id WHERE t.state IN (0, 1, 4) ORDER BY t.id FOR UPDATE OF t`, id)
	if err != nil || len(ids) == 0 {
		return err
	}
	return s.cancelTasks(ctx, ids)
}

// cancelTasks cancels tasks that the transaction has locked. Each workflow is
// told, too: not every task below another has a workflow that ends with it.
func (s *Store) cancelTasks(ctx context.Context, ids []int64) error {
	builds, err := s.buildsUnderWay(ctx, ids)
	if err != nil {
		return err
	}
	for _, q := range []string{
		`UPDATE task SET state = 3, completion_time = now(), ` + waitsNoMore + ` WHERE id = ANY($1)`,
		`UPDATE build SET state = 4, completion_time = now() WHERE state = 0 AND task_id = ANY($1)`,
		`DELETE FROM toji.task_wait WHERE task_id = ANY($1)`,
		`UPDATE toji.task_attempt SET ended = now(), outcome = 'canceled' WHERE ended IS NULL AND task_id = ANY($1)`,
		parentsGoOn,
		`INSERT INTO toji.outbox (task_id, kind) SELECT id, 'cancel' FROM unnest($1::int[]) AS t (id)`,
		`INSERT INTO toji.outbox (task_id, kind, name) SELECT id, 'signal', 'wake' FROM task
			WHERE state = 1 AND method = 'dependantTask' AND cardinality($1::int[]) > 0`,
	} {
		if _, err := s.Exec(ctx, q, ids); err != nil {
			return fmt.Errorf("cancel tasks: %w", err)
		}
	}
	if len(builds) == 0 {
		return nil
	}
	return s.BuildsEnded(ctx, builds)
}

// buildsUnderWay lists the builds that end if the tasks do, if anybody is to be
// told of that.
func (s *Store) buildsUnderWay(ctx context.Context, tasks []int64) ([]int64, error) {
	if s.BuildsEnded == nil {
		return nil, nil
	}
	return database.All[int64](ctx, s.DB, `SELECT id FROM build WHERE state = 0 AND task_id = ANY($1) ORDER BY id FOR UPDATE`, tasks)
}

// Signal nudges a task's workflow once the transaction is committed.
func (s *Store) Signal(ctx context.Context, id int64, name string) error {
	return s.outbox(ctx, id, "signal", name)
}

// outbox writes an intent towards Temporal in the caller's transaction.
func (s *Store) outbox(ctx context.Context, id int64, kind, name string) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.outbox (task_id, kind, name) VALUES ($1, $2, nullif($3, ''))`, id, kind, name)
	if err != nil {
		return fmt.Errorf("outbox %s of task %d: %w", kind, id, err)
	}
	return nil
}

// SetTaskWait records why a task that has not ended waits; an empty reason says that it does not.
// since stays what it was while the code does.
func (s *Store) SetTaskWait(ctx context.Context, id int64, code, reason string) error {
	if reason == "" {
		_, err := s.Exec(ctx, `DELETE FROM toji.task_wait WHERE task_id = $1`, id)
		return err
	}
	_, err := s.Exec(ctx, `INSERT INTO toji.task_wait AS w (task_id, code, reason, since, updated)
		SELECT id, $2, $3, now(), now() FROM task WHERE id = $1 AND state IN (0, 1, 4)
		ON CONFLICT (task_id) DO UPDATE SET code = excluded.code, reason = excluded.reason, updated = now(),
			since = CASE WHEN w.code = excluded.code THEN w.since ELSE now() END`, id, code, reason)
	return err
}

// nullable is NULL for the zero id.
func nullable(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

// FollowTasks says whether all tasks of the list ended well, or names one that
// ended badly; ids of no task are passed over. If neither, it records that id
// waits for them.
func (s *Store) FollowTasks(ctx context.Context, id int64, list []int64) (done bool, failed int64, err error) {
	type state struct {
		Failed int64 `db:"failed"`
		Left   int   `db:"unfinished"`
	}
	st, err := database.One[state](ctx, s.DB, `SELECT coalesce(min(id) FILTER (WHERE state IN (3, 5)), 0) AS failed,
		count(*) FILTER (WHERE state IN (0, 1, 4)) AS unfinished FROM task WHERE id = ANY($1)`, list)
	if err != nil || st.Failed != 0 || st.Left == 0 {
		return st.Left == 0, st.Failed, err
	}
	return false, 0, s.SetTaskWait(ctx, id, "tasks", fmt.Sprintf("waiting for %d tasks to end", st.Left))
}
