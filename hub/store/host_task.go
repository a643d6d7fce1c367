package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// A host may run Koji's own builder, kojid, in the place of Toji's worker. It asks
// for the tasks that it was assigned, and opens and ends them by itself; the
// workflow of the task, if its type has one, waits for the end. The attempts of
// such hosts are numbered downwards from -1, apart from those of workflows.

// runsKojid says in SQL whether a host's builder is Koji's: those tell with each
// check-in which methods they know.
func runsKojid(hostID string) string {
	return `EXISTS (SELECT 1 FROM scheduler_host_data kojid WHERE kojid.host_id = ` + hostID + ` AND ` + knowsMethods("kojid.data") + `)`
}

// knowsMethods says the same of a host's data.
func knowsMethods(data string) string {
	return `jsonb_typeof(` + data + `->'methods') = 'array' AND ` + data + `->'methods' <> '[]'`
}

// nextHostAttempt numbers an attempt of kojid's.
const nextHostAttempt = `coalesce((SELECT min(n.attempt) FROM toji.task_attempt n WHERE n.task_id = $1 AND n.attempt < 0), 0) - 1`

const hostOpen = `
WITH opened AS (
	UPDATE task SET state = 1, start_time = now() WHERE id = $1 AND state = 4 AND host_id = $2 RETURNING id, host_id
), attempt AS (
	INSERT INTO toji.task_attempt (task_id, attempt, host_id, started) SELECT id, ` + nextHostAttempt + `, host_id, now() FROM opened
), waited AS (
	DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM opened)
)
SELECT EXISTS (SELECT 1 FROM opened)`

// HostOpenTask opens a task for the host that it is ASSIGNED to. It returns false
// for any other task.
func (s *Store) HostOpenTask(ctx context.Context, id, host int64) (bool, error) {
	opened, err := database.One[bool](ctx, s.DB, hostOpen, id, host)
	if err != nil {
		return false, fmt.Errorf("open task %d for its host: %w", id, err)
	}
	return opened, nil
}

// hostAttempt finds the attempt that is under way. A task that was open when this
// database was adopted has none yet.
const hostAttempt = `
WITH found AS (
	SELECT attempt FROM toji.task_attempt WHERE task_id = $1 AND ended IS NULL
), made AS (
	INSERT INTO toji.task_attempt (task_id, attempt, host_id) SELECT $1, ` + nextHostAttempt + `, $2
	WHERE NOT EXISTS (SELECT 1 FROM found) RETURNING attempt
)
SELECT attempt FROM found UNION ALL SELECT attempt FROM made LIMIT 1`

// HostEndTask ends a task that the host has OPEN: as FAILED with f, else as
// CLOSED. result is XML-RPC text. It returns false for any other task.
func (s *Store) HostEndTask(ctx context.Context, id, host int64, result string, f *task.Failure) (ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		t, err := s.lockTask(ctx, id)
		if err != nil || t.State != koji.TaskOpen || t.Host != host {
			return err
		}
		ok = true
		attempt, err := database.One[int](ctx, s.DB, hostAttempt, id, host)
		if err != nil {
			return fmt.Errorf("attempt of task %d: %w", id, err)
		}
		if f == nil {
			_, err = s.CloseTask(ctx, id, attempt, result)
		} else {
			_, err = s.FailTask(ctx, id, attempt, result, *f)
		}
		if err != nil {
			return err
		}
		return s.Signal(ctx, id, task.SignalEnded)
	})
	return ok, err
}

// TaskEnd returns how a task ended that is CLOSED or FAILED; nil for others.
func (s *Store) TaskEnd(ctx context.Context, id int64) (*task.End, error) {
	type row struct {
		State  koji.TaskState `db:"state"`
		Result string         `db:"result"`
		Class  koji.Kind      `db:"class"`
	}
	r, err := database.One[row](ctx, s.DB, `SELECT state, coalesce(result, '') AS result,
		coalesce((SELECT class FROM toji.task_failure f WHERE f.task_id = task.id ORDER BY f.id DESC LIMIT 1), '') AS class
		FROM task WHERE id = $1`, id)
	if err != nil {
		return nil, fmt.Errorf("end of task %d: %w", id, err)
	}
	switch r.State {
	case koji.TaskClosed:
		return &task.End{Result: r.Result}, nil
	case koji.TaskFailed:
		f := task.Failure{Fault: koji.FaultGeneric, Kind: r.Class, Msg: "the task failed"}
		_, err := xmlrpc.UnmarshalResult(r.Result)
		if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
			f.Fault, f.Msg = fault.Code, fault.String
		}
		return &task.End{Failure: &f}, nil
	}
	return nil, nil
}

// SetTaskWaiting marks a task as waiting for its children: for those listed, and
// for no others any more, or for all if the list is nil.
func (s *Store) SetTaskWaiting(ctx context.Context, parent int64, children []int64) error {
	set := `WITH waits AS (UPDATE task SET waiting = true WHERE id = $1)
		UPDATE task SET awaited = $2::int8[] IS NULL OR id = ANY($2::int8[])
		WHERE parent = $1 AND ($2::int8[] IS NULL OR id = ANY($2::int8[]) OR awaited)`
	if children != nil && len(children) == 0 {
		set = `UPDATE task SET waiting = true WHERE id = $1 AND $2::int8[] IS NOT NULL`
	}
	if _, err := s.Exec(ctx, set, parent, children); err != nil {
		return fmt.Errorf("let task %d wait: %w", parent, err)
	}
	return nil
}

// AwaitedTasks lists the children that a task waits for, by id: those that have
// ended, which it awaits no longer, and the others.
func (s *Store) AwaitedTasks(ctx context.Context, parent int64) (ended, others []int64, err error) {
	type child struct {
		ID    int64          `db:"id"`
		State koji.TaskState `db:"state"`
	}
	err = s.InTx(ctx, func(ctx context.Context) error {
		children, err := database.All[child](ctx, s.DB, `SELECT id, state FROM task WHERE parent = $1 AND awaited ORDER BY id FOR UPDATE`, parent)
		if err != nil {
			return err
		}
		ended, others = []int64{}, []int64{}
		for _, c := range children {
			if c.State.Finished() {
				ended = append(ended, c.ID)
			} else {
				others = append(others, c.ID)
			}
		}
		_, err = s.Exec(ctx, `UPDATE task SET awaited = false WHERE id = ANY($1)`, ended)
		return err
	})
	if err != nil {
		return nil, nil, fmt.Errorf("children that task %d waits for: %w", parent, err)
	}
	return ended, others, nil
}

// EndTaskWaiting ends a task's wait for its children. It returns those that have
// ended, by id.
func (s *Store) EndTaskWaiting(ctx context.Context, parent int64) (ended []int64, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		for _, q := range []string{
			`UPDATE task SET waiting = false WHERE id = $1`,
			`UPDATE task SET awaited = false WHERE parent = $1`,
		} {
			if _, err := s.Exec(ctx, q, parent); err != nil {
				return err
			}
		}
		ended, err = database.All[int64](ctx, s.DB, `SELECT id FROM task WHERE parent = $1 AND state IN (2, 3, 5) ORDER BY id`, parent)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("end the wait of task %d: %w", parent, err)
	}
	return ended, nil
}

// SubtaskByLabel finds the child of a task with the label, 0 if there is none.
func (s *Store) SubtaskByLabel(ctx context.Context, parent int64, label string) (int64, error) {
	id, err := database.One[int64](ctx, s.DB, `SELECT id FROM task WHERE parent = $1 AND label = $2`, parent, label)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// KeepForeign notes that there is no workflow for a task.
func (s *Store) KeepForeign(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `WITH kept AS (INSERT INTO toji.foreign_task (task_id) VALUES ($1) ON CONFLICT DO NOTHING)
		SELECT pg_notify('toji_sched', '')`, id)
	return err
}

// FreeLost gives back the tasks of hosts that run kojid and have lost them: those
// that such a host did not open in time since they were assigned, and those that
// it has open and was not heard of for silence. Tasks that workflows carry on
// hosts are found lost by their heartbeats. It returns the tasks.
func (s *Store) FreeLost(ctx context.Context, opening, silence time.Duration) ([]int64, error) {
	lost, err := database.All[int64](ctx, s.DB, `
		SELECT t.id FROM task t JOIN host h ON h.id = t.host_id
		WHERE t.state IN (1, 4) AND `+runsKojid("t.host_id")+` AND CASE t.state
			WHEN 1 THEN (h.update_time IS NULL OR h.update_time < now() - make_interval(secs => $2))
				AND NOT EXISTS (SELECT 1 FROM toji.task_attempt a WHERE a.task_id = t.id AND a.ended IS NULL AND a.attempt > 0)
			ELSE EXISTS (SELECT 1 FROM scheduler_task_runs r
				WHERE r.task_id = t.id AND r.active AND r.create_time < now() - make_interval(secs => $1)) END
		ORDER BY t.id`, opening.Seconds(), silence.Seconds())
	if err != nil {
		return nil, fmt.Errorf("lost tasks: %w", err)
	}
	for _, id := range lost {
		if _, err := s.FreeTask(ctx, id); err != nil && !koji.IsFault(err, koji.FaultGeneric) { // it has just ended
			return nil, err
		}
	}
	return lost, nil
}

// EndStaleRuns records that nothing runs for tasks that have ended, or have no
// host any more, and that no workflow cares for.
func (s *Store) EndStaleRuns(ctx context.Context) error {
	_, err := s.Exec(ctx, `UPDATE scheduler_task_runs r SET active = false FROM task t
		WHERE r.active AND t.id = r.task_id AND t.state NOT IN (1, 4)
			AND EXISTS (SELECT 1 FROM toji.foreign_task f WHERE f.task_id = t.id)`)
	if err != nil {
		return fmt.Errorf("end runs: %w", err)
	}
	return nil
}

// TaskBelow reports whether a task is the top one or somewhere below it.
func (s *Store) TaskBelow(ctx context.Context, id, top int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `WITH RECURSIVE up (id, parent) AS (
			SELECT id, parent FROM task WHERE id = $1::int8
			UNION SELECT t.id, t.parent FROM task t JOIN up ON t.id = up.parent)
		SELECT EXISTS (SELECT 1 FROM up WHERE id = $2::int8)`, id, top)
}
