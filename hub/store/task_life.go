package store

import (
	"context"
	"errors"
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

// taskOpen is one statement: the change, its attempt's row and the end of the
// wait. Its answer shows the row as it was before. $2 says whether the task
// needs a host; which one is the scheduler's choice, as the row has it.
const taskOpen = `
WITH opened AS (
	UPDATE task SET state = 1, start_time = now(), host_id = CASE WHEN $2 THEN host_id END
	WHERE id = $1 AND state = CASE WHEN $2 THEN 4 ELSE 0 END
	RETURNING id, host_id
), attempt AS (
	INSERT INTO toji.task_attempt (task_id, attempt, host_id, started)
	SELECT id, $3::int, host_id, now() FROM opened
	ON CONFLICT (task_id, attempt) DO UPDATE SET host_id = excluded.host_id, started = now(), ended = NULL, outcome = NULL
), waited AS (
	DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM opened)
)
SELECT t.state, EXISTS (SELECT 1 FROM opened) AS changed,
	t.state = 1 AND EXISTS (SELECT 1 FROM toji.task_attempt a
		WHERE a.task_id = t.id AND a.attempt = $3::int AND a.ended IS NULL) AS repeated,
	coalesce(h.id, 0) AS host_id, coalesce(h.name, '') AS host
FROM task t LEFT JOIN host h ON h.id = t.host_id WHERE t.id = $1`

// OpenTask moves a task to OPEN: from ASSIGNED when it needs a host, else from
// FREE. attempt counts the task's openings from 1. It returns the host.
func (s *Store) OpenTask(ctx context.Context, id int64, needsHost bool, attempt int) (TaskOutcome, task.Assigned, error) {
	type opened struct {
		transition
		HostID int64  `db:"host_id"`
		Host   string `db:"host"`
	}
	row, err := database.One[opened](ctx, s.DB, taskOpen, id, needsHost, attempt)
	if err != nil {
		return 0, task.Assigned{}, fmt.Errorf("open task %d: %w", id, err)
	}
	return row.outcome(), task.Assigned{HostID: row.HostID, Host: row.Host}, nil
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

// taskEnd ends an attempt and its task ($2: state, $3: result, $4: attempt). The
// parent no longer waits when this was the last child that it waited for.
// Builds that the task leaves unfinished fail with it.
const taskEnd = `
WITH ended AS (
	UPDATE task SET state = $2::int, result = $3, completion_time = now(), awaited = false, waiting = false
	WHERE id = $1 AND (state = 1 OR ($4::int = 0 AND state IN (0, 4))) RETURNING id, parent
), attempt AS (
	UPDATE toji.task_attempt SET ended = now(), outcome = CASE $2::int WHEN 2 THEN 'closed' ELSE 'failed' END
	WHERE task_id IN (SELECT id FROM ended) AND attempt = $4
), waited AS (
	DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM ended)
), parent AS (
	UPDATE task p SET waiting = false FROM ended
	WHERE p.id = ended.parent AND p.waiting AND NOT EXISTS (
		SELECT 1 FROM task c WHERE c.parent = p.id AND c.awaited AND c.id <> ended.id)
), build AS (
	UPDATE build SET state = 3, completion_time = now()
	WHERE $2::int = 5 AND state = 0 AND task_id IN (SELECT id FROM ended)
), followers AS (
	INSERT INTO toji.outbox (task_id, kind, name) SELECT f.id, 'signal', 'wake' FROM task f, ended
	WHERE f.state = 1 AND f.method = 'dependantTask'
), healthy AS (
	UPDATE toji.host_health SET failures_in_row = 0, updated = now()
	WHERE failures_in_row > 0 AND host_id IN (SELECT t.host_id FROM task t JOIN ended ON t.id = ended.id)
)
SELECT state, EXISTS (SELECT 1 FROM ended) AS changed, state = $2::int AS repeated FROM task WHERE id = $1`

// CloseTask ends an OPEN task well; result is XML-RPC text.
func (s *Store) CloseTask(ctx context.Context, id int64, attempt int, result string) (TaskOutcome, error) {
	return s.endTask(ctx, id, attempt, koji.TaskClosed, result)
}

// FailTask ends an OPEN task badly; result is an XML-RPC fault. With attempt 0
// it fails a task that never opened. Builds of the task that are still
// BUILDING become FAILED.
func (s *Store) FailTask(ctx context.Context, id int64, attempt int, result string, f task.Failure) (out TaskOutcome, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if out, err = s.endTask(ctx, id, attempt, koji.TaskFailed, result); err != nil || out != TaskDone {
			return err
		}
		_, err = s.Exec(ctx, `INSERT INTO toji.task_failure (task_id, at, class, host_id, message)
			SELECT id, now(), $2, host_id, $3 FROM task WHERE id = $1`, id, string(f.Kind), f.Msg)
		return err
	})
	return out, err
}

func (s *Store) endTask(ctx context.Context, id int64, attempt int, state koji.TaskState, result string) (TaskOutcome, error) {
	row, err := database.One[transition](ctx, s.DB, taskEnd, id, int(state), result, attempt)
	if err != nil {
		return 0, fmt.Errorf("end task %d: %w", id, err)
	}
	return row.outcome(), nil
}

// Release gives a task back after trouble of its host.
type Release struct {
	TaskID, HostID int64
	Attempt        int
	Refused        bool   // the host would not take it, and is not asked again
	Reason         string // one sentence
}

// hostQuarantine is how many failures in a row put a host aside.
const hostQuarantine = 3

const taskRelease = `
WITH freed AS (
	UPDATE task SET state = 0, host_id = NULL, start_time = NULL
	WHERE id = $1 AND host_id = $2 AND state IN (1, 4) RETURNING id
), attempt AS (
	UPDATE toji.task_attempt SET ended = now(), outcome = $4
	WHERE task_id IN (SELECT id FROM freed) AND attempt = $3
), runs AS (
	UPDATE scheduler_task_runs SET active = false WHERE active AND task_id IN (SELECT id FROM freed)
)
SELECT state, EXISTS (SELECT 1 FROM freed) AS changed, state = 0 AS repeated FROM task WHERE id = $1`

// ReleaseTask moves an OPEN or ASSIGNED task of the host back to FREE. A refusal
// is remembered, so that the scheduler asks other hosts; other trouble counts
// against the host, which is quarantined after three in a row.
func (s *Store) ReleaseTask(ctx context.Context, r Release) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		row, err := database.One[transition](ctx, s.DB, taskRelease, r.TaskID, r.HostID, r.Attempt, r.Reason)
		if err != nil || !row.Changed {
			return err
		}
		if r.Refused {
			_, err := s.Exec(ctx, `INSERT INTO scheduler_task_refusals (task_id, host_id, by_host, soft, msg)
				VALUES ($1, $2, true, true, $3) ON CONFLICT (task_id, host_id) DO UPDATE SET time = now(), msg = excluded.msg`,
				r.TaskID, r.HostID, r.Reason)
			return err
		}
		_, err = s.Exec(ctx, `INSERT INTO toji.task_failure (task_id, at, class, host_id, message)
			VALUES ($1, now(), 'infrastructure', $2, $3)`, r.TaskID, r.HostID, r.Reason)
		if err != nil {
			return err
		}
		_, err = s.Exec(ctx, `INSERT INTO toji.host_health AS h (host_id, failures_in_row, note, updated) VALUES ($1, 1, $2, now())
			ON CONFLICT (host_id) DO UPDATE SET failures_in_row = h.failures_in_row + 1, note = excluded.note, updated = now(),
				quarantined_at = CASE WHEN h.failures_in_row + 1 >= $3 THEN coalesce(h.quarantined_at, now()) END,
				quarantine_reason = CASE WHEN h.failures_in_row + 1 >= $3 THEN excluded.note END`,
			r.HostID, r.Reason, hostQuarantine)
		return err
	})
}

// FreeTask moves a task that has not ended to FREE and cancels its children.
// It returns the task's state before.
func (s *Store) FreeTask(ctx context.Context, id int64) (before koji.TaskState, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		before, err = database.One[koji.TaskState](ctx, s.DB, `SELECT state FROM task WHERE id = $1 FOR UPDATE`, id)
		if errors.Is(err, database.ErrNotFound) {
			return koji.GenericErrorf("No such task: %d", id)
		}
		if err != nil {
			return err
		}
		if before.Finished() {
			return koji.GenericErrorf("Cannot free task %d, state is %s", id, before)
		}
		if _, err := s.Exec(ctx, `UPDATE task SET state = 0, host_id = NULL, start_time = NULL, waiting = false WHERE id = $1`, id); err != nil {
			return err
		}
		if _, err := s.cancelTree(ctx, id, false); err != nil {
			return err
		}
		if before != koji.TaskOpen {
			return nil
		}
		return s.Signal(ctx, id, task.SignalFreed)
	})
	return before, err
}

// CancelTask cancels a task and, with recurse, all below it, with the builds
// that they have under way, and asks for the end of its workflow. It returns
// false for a task that had ended otherwise.
func (s *Store) CancelTask(ctx context.Context, id int64, recurse bool) (ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		state, err := database.One[koji.TaskState](ctx, s.DB, `SELECT state FROM task WHERE id = $1 FOR UPDATE`, id)
		if errors.Is(err, database.ErrNotFound) {
			return koji.GenericErrorf("No such task: %d", id)
		}
		if err != nil || state.Finished() {
			ok = state == koji.TaskCanceled
			return err
		}
		ok = true
		if err := s.cancelTasks(ctx, []int64{id}); err != nil {
			return err
		}
		if recurse {
			if _, err := s.cancelTree(ctx, id, false); err != nil {
				return err
			}
		}
		return s.outbox(ctx, id, "cancel", "")
	})
	return ok, err
}

// CancelChildren cancels all tasks below id, and asks for the end of the
// workflows of its children.
func (s *Store) CancelChildren(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		_, err := s.cancelTree(ctx, id, true)
		return err
	})
}

// cancelTree cancels the unfinished tasks below id. The workflows of tasks
// below end with the workflow of id; stop asks for the end of those of the
// direct children, for when that goes on.
func (s *Store) cancelTree(ctx context.Context, id int64, stop bool) ([]int64, error) {
	type node struct {
		ID    int64 `db:"id"`
		Child bool  `db:"child"`
	}
	nodes, err := database.All[node](ctx, s.DB, `
		WITH RECURSIVE tree (id, child) AS (
			SELECT id, true FROM task WHERE parent = $1
			UNION SELECT t.id, false FROM task t JOIN tree ON t.parent = tree.id)
		SELECT t.id, tree.child FROM task t JOIN tree ON t.id = tree.id WHERE t.state IN (0, 1, 4) ORDER BY t.id FOR UPDATE OF t`, id)
	if err != nil || len(nodes) == 0 {
		return nil, err
	}
	ids := make([]int64, len(nodes))
	for i, n := range nodes {
		ids[i] = n.ID
		if stop && n.Child {
			if err := s.outbox(ctx, n.ID, "cancel", ""); err != nil {
				return nil, err
			}
		}
	}
	return ids, s.cancelTasks(ctx, ids)
}

func (s *Store) cancelTasks(ctx context.Context, ids []int64) error {
	for _, q := range []string{
		`UPDATE task SET state = 3, completion_time = now(), waiting = false, awaited = false WHERE id = ANY($1)`,
		`UPDATE build SET state = 4, completion_time = now() WHERE state = 0 AND task_id = ANY($1)`,
		`DELETE FROM toji.task_wait WHERE task_id = ANY($1)`,
		`UPDATE toji.task_attempt SET ended = now(), outcome = 'canceled' WHERE ended IS NULL AND task_id = ANY($1)`,
		`UPDATE task p SET waiting = false WHERE p.waiting AND p.id IN (SELECT parent FROM task WHERE id = ANY($1))
			AND NOT EXISTS (SELECT 1 FROM task c WHERE c.parent = p.id AND c.awaited)`,
		`INSERT INTO toji.outbox (task_id, kind, name) SELECT id, 'signal', 'wake' FROM task
			WHERE state = 1 AND method = 'dependantTask' AND cardinality($1::bigint[]) > 0`,
	} {
		if _, err := s.Exec(ctx, q, ids); err != nil {
			return fmt.Errorf("cancel tasks: %w", err)
		}
	}
	return nil
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

// SetTaskWait records why a task waits; an empty reason says that it does not.
// since stays what it was while the code does.
func (s *Store) SetTaskWait(ctx context.Context, id int64, code, reason string) error {
	if reason == "" {
		_, err := s.Exec(ctx, `DELETE FROM toji.task_wait WHERE task_id = $1`, id)
		return err
	}
	_, err := s.Exec(ctx, `INSERT INTO toji.task_wait AS w (task_id, code, reason, since, updated) VALUES ($1, $2, $3, now(), now())
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
