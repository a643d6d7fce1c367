package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
)

// taskDB is a database with users alice (1) and bob (2) and hosts h1 (1) and
// h2 (2) of capacity 4 in the channel default (1).
type taskDB struct {
	*Store
	t testing.TB
}

func newTaskDB(t testing.TB) *taskDB {
	t.Helper()
	d := &taskDB{New(testenv.Database(t)), t}
	d.exec(`INSERT INTO users (name, status, usertype) VALUES ('alice', 0, 0), ('bob', 0, 0), ('h1', 0, 1), ('h2', 0, 1)`)
	d.exec(`INSERT INTO host (user_id, name, ready) SELECT id, name, true FROM users WHERE usertype = 1 ORDER BY id`)
	d.exec(`INSERT INTO host_config (host_id, arches, capacity, creator_id) SELECT id, 'x86_64', 4, 1 FROM host`)
	d.exec(`INSERT INTO host_channels (host_id, channel_id, creator_id) SELECT id, 1, 1 FROM host`)
	return d
}

func (d *taskDB) exec(sql string, args ...any) {
	d.t.Helper()
	_, err := d.Exec(d.t.Context(), sql, args...)
	require.NoError(d.t, err)
}

// make inserts a task of alice's: started says that its workflow is another's child.
func (d *taskDB) make(method string, parent int64, started bool) int64 {
	d.t.Helper()
	id, err := d.InsertTask(d.t.Context(), NewTask{
		Method: method, Request: "<?xml version='1.0'?>", OwnerID: 1, ChannelID: 1, Parent: parent, Arch: "noarch", Priority: 20,
	}, started)
	require.NoError(d.t, err)
	return id
}

// assign gives the task to a host, as the scheduler does.
func (d *taskDB) assign(id, host int64) {
	d.t.Helper()
	require.NoError(d.t, d.Assign(d.t.Context(), []Assignment{{id, host, 1.5}}, nil))
}

func (d *taskDB) open(id int64, needsHost bool, attempt int) TaskOutcome {
	d.t.Helper()
	out, _, err := d.OpenTask(d.t.Context(), id, needsHost, attempt, 1.5)
	require.NoError(d.t, err)
	return out
}

// opened makes a task that is OPEN in its first attempt, on host (0: none).
func (d *taskDB) opened(host int64) int64 {
	d.t.Helper()
	id := d.make("sleep", 0, false)
	if host != 0 {
		d.assign(id, host)
	}
	require.Equal(d.t, TaskDone, d.open(id, host != 0, 1))
	return id
}

func (d *taskDB) close(id int64, attempt int) TaskOutcome {
	d.t.Helper()
	out, err := d.CloseTask(d.t.Context(), id, attempt, "42")
	require.NoError(d.t, err)
	return out
}

func (d *taskDB) fail(id int64, attempt int, kind koji.Kind) TaskOutcome {
	d.t.Helper()
	out, err := d.FailTask(d.t.Context(), id, attempt, "fault", task.Failure{Fault: 1005, Kind: kind, Msg: "broken"})
	require.NoError(d.t, err)
	return out
}

// row is what the tests look at of a task.
type row struct {
	State   koji.TaskState `db:"state"`
	Host    int64          `db:"host_id"`
	Waiting *bool          `db:"waiting"`
	Awaited *bool          `db:"awaited"`
	Started bool           `db:"started"`
	Ended   bool           `db:"ended"`
	Result  string         `db:"result"`
	Weight  float64        `db:"weight"`
}

func (d *taskDB) row(id int64) row {
	d.t.Helper()
	return one[row](d, `SELECT state, coalesce(host_id, 0) AS host_id, waiting, awaited, start_time IS NOT NULL AS started,
		completion_time IS NOT NULL AS ended, coalesce(result, '') AS result, weight FROM task WHERE id = $1`, id)
}

func one[T any](d *taskDB, sql string, args ...any) T {
	d.t.Helper()
	v, err := database.One[T](d.t.Context(), d.DB, sql, args...)
	require.NoError(d.t, err)
	return v
}

// all returns the values of a column.
func all[T any](d *taskDB, sql string, args ...any) []T {
	d.t.Helper()
	v, err := database.All[T](d.t.Context(), d.DB, sql, args...)
	require.NoError(d.t, err)
	return v
}

// intents takes what is in the outbox: "1 start", "1 signal assigned".
func (d *taskDB) intents() []string {
	d.t.Helper()
	list := all[string](d, `SELECT concat_ws(' ', task_id, kind, name) FROM toji.outbox ORDER BY id`)
	d.exec(`DELETE FROM toji.outbox`)
	return list
}

func (d *taskDB) attempts(id int64) []string {
	d.t.Helper()
	return all[string](d, `SELECT concat_ws(' ', attempt, coalesce(host_id, 0), coalesce(outcome, 'under way'))
		FROM toji.task_attempt WHERE task_id = $1 ORDER BY attempt`, id)
}

func (d *taskDB) activeRuns(id int64) int {
	return one[int](d, `SELECT count(*) FROM scheduler_task_runs WHERE task_id = $1 AND active`, id)
}

func TestLifeOfAHostTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("buildArch", 0, false)
	require.Equal(t, row{State: koji.TaskFree, Weight: 1}, d.row(id))
	require.Equal(t, []string{"1 start"}, d.intents())
	require.Equal(t, TaskTaken, d.open(id, true, 1), "it has no host yet")
	require.NoError(t, d.SetTaskWait(t.Context(), id, "no-capacity", "busy"))

	d.assign(id, 2)
	require.Equal(t, row{State: koji.TaskAssigned, Host: 2, Weight: 1.5}, d.row(id))
	require.Equal(t, []string{"1 signal assigned"}, d.intents())
	require.Equal(t, 1, d.activeRuns(id))
	require.Empty(t, all[string](d, `SELECT reason FROM toji.task_wait`), "it does not wait any more")

	for range 2 { // Temporal runs a step at least once
		out, host, err := d.OpenTask(t.Context(), id, true, 1, 1.5)
		require.NoError(t, err)
		require.Equal(t, TaskDone, out)
		require.Equal(t, task.Assigned{HostID: 2, Host: "h2"}, host)
		require.Equal(t, []string{"1 2 under way"}, d.attempts(id))
	}
	require.Equal(t, row{State: koji.TaskOpen, Host: 2, Started: true, Weight: 1.5}, d.row(id))
	require.Equal(t, TaskTaken, d.open(id, true, 2), "another attempt has it")

	for range 2 {
		require.Equal(t, TaskDone, d.close(id, 1))
		require.Equal(t, []string{"1 2 closed"}, d.attempts(id))
	}
	require.Equal(t, row{State: koji.TaskClosed, Host: 2, Started: true, Ended: true, Result: "42", Weight: 1.5}, d.row(id))
	require.Zero(t, d.activeRuns(id))
	require.Equal(t, TaskOver, d.fail(id, 1, koji.KindPackage), "it has ended")
	require.Equal(t, TaskOver, d.open(id, true, 2))
	require.Empty(t, d.intents())
}

func TestTaskWithoutHost(t *testing.T) {
	d := newTaskDB(t)
	free, given := d.make("build", 0, false), d.make("build", 0, false)
	require.Equal(t, TaskDone, d.open(free, false, 1))
	require.Equal(t, []string{"1 0 under way"}, d.attempts(free))
	// An admin may assign it all the same; it must not wait for ever.
	d.assign(given, 1)
	out, host, err := d.OpenTask(t.Context(), given, false, 1, 0.2)
	require.NoError(t, err)
	require.Equal(t, TaskDone, out)
	require.Zero(t, host)
	require.Equal(t, row{State: koji.TaskOpen, Started: true, Weight: 0.2}, d.row(given))
}

func TestFailTask(t *testing.T) {
	for _, c := range []struct {
		kind     koji.Kind
		class    string
		failures int // of the host, in a row
	}{
		{koji.KindPackage, "package", 0},
		{koji.KindPolicy, "policy", 0},
		{koji.KindInfrastructure, "infrastructure", 3},
		{"", "package", 0},
	} {
		t.Run(string(c.kind), func(t *testing.T) {
			d := newTaskDB(t)
			id := d.opened(1)
			d.exec(`INSERT INTO toji.host_health (host_id, failures_in_row) VALUES (1, 2)`)
			for range 2 {
				require.Equal(t, TaskDone, d.fail(id, 1, c.kind))
			}
			require.Equal(t, koji.TaskFailed, d.row(id).State)
			require.Equal(t, []string{c.class + " 1 broken"}, all[string](d, `SELECT concat_ws(' ', class, host_id, message) FROM toji.task_failure`))
			require.Equal(t, []string{"1 1 failed"}, d.attempts(id))
			require.Equal(t, c.failures, one[int](d, `SELECT failures_in_row FROM toji.host_health`))
			require.Equal(t, c.failures == 3, one[bool](d, `SELECT quarantined_at IS NOT NULL FROM toji.host_health`))
		})
	}
}

func TestFailTaskThatNeverOpened(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	require.Equal(t, TaskDone, d.fail(id, 0, koji.KindPolicy))
	require.Equal(t, koji.TaskFailed, d.row(id).State)
	open := d.opened(0)
	require.Equal(t, TaskTaken, d.fail(open, 0, koji.KindPolicy), "an attempt has it")
	require.Equal(t, koji.TaskOpen, d.row(open).State)
}

func TestEndOfATaskEndsItsBuild(t *testing.T) {
	d := newTaskDB(t)
	failed, canceled, closed := d.opened(0), d.opened(0), d.opened(0)
	d.exec(`INSERT INTO package (name) VALUES ('foo')`)
	for _, id := range []int64{failed, canceled, closed} {
		d.exec(`INSERT INTO build (volume_id, pkg_id, version, release, state, task_id, owner) VALUES (0, 1, $1, '1', 0, $2, 1)`, fmt.Sprint(id), id)
	}
	d.fail(failed, 1, koji.KindPackage)
	_, err := d.CancelTask(t.Context(), canceled, true)
	require.NoError(t, err)
	d.close(closed, 1)
	require.Equal(t, []koji.BuildState{koji.BuildFailed, koji.BuildCanceled, koji.BuildBuilding},
		all[koji.BuildState](d, `SELECT state FROM build ORDER BY task_id`))
}

func TestReleaseTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(1)
	r := Release{TaskID: id, HostID: 1, Attempt: 1, Reason: "disk full"}
	for range 2 {
		require.NoError(t, d.ReleaseTask(t.Context(), r))
	}
	require.Equal(t, row{State: koji.TaskFree, Weight: 1.5}, d.row(id))
	require.Equal(t, []string{"1 1 disk full"}, d.attempts(id))
	require.Zero(t, d.activeRuns(id))
	require.Equal(t, []string{"infrastructure disk full"}, all[string](d, `SELECT class || ' ' || message FROM toji.task_failure`))
	require.Equal(t, 1, one[int](d, `SELECT failures_in_row FROM toji.host_health WHERE host_id = 1`))

	// It went back to the same host: the late repetition means the attempt before.
	d.assign(id, 1)
	require.NoError(t, d.ReleaseTask(t.Context(), r))
	require.Equal(t, koji.TaskAssigned, d.row(id).State)
	require.Equal(t, TaskDone, d.open(id, true, 2))
	require.NoError(t, d.ReleaseTask(t.Context(), r))
	require.Equal(t, koji.TaskOpen, d.row(id).State)

	r.Attempt, r.Refused, r.Reason = 2, true, "no room"
	require.NoError(t, d.ReleaseTask(t.Context(), r))
	require.Equal(t, []string{"1 true true no room"},
		all[string](d, `SELECT concat_ws(' ', host_id, by_host::text, soft::text, msg) FROM scheduler_task_refusals`))
	require.Equal(t, 1, one[int](d, `SELECT failures_in_row FROM toji.host_health WHERE host_id = 1`), "a refusal is no failure")
}

func TestQuarantine(t *testing.T) {
	d := newTaskDB(t)
	trouble := func() {
		id := d.opened(1)
		require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 1, Attempt: 1, Reason: "mock is missing"}))
	}
	quarantined := func() bool {
		return one[bool](d, `SELECT quarantined_at IS NOT NULL AND quarantine_reason = 'mock is missing' FROM toji.host_health WHERE host_id = 1`)
	}
	trouble()
	trouble()
	require.False(t, quarantined())
	again := one[int64](d, `SELECT max(id) FROM task`)
	d.assign(again, 1)
	require.Equal(t, TaskDone, d.open(again, true, 2))
	require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: again, HostID: 1, Attempt: 2, Reason: "mock is missing"}))
	require.False(t, quarantined(), "it may be the task")
	d.fail(d.opened(1), 1, koji.KindPackage) // the host did its work
	trouble()
	trouble()
	require.False(t, quarantined())
	before := d.opened(1)
	trouble()
	require.True(t, quarantined())
	d.close(before, 1)
	require.True(t, quarantined(), "it was given to the host before")
	require.Equal(t, "quarantined for 10", d.quarantine())
	d.exec(`UPDATE toji.host_health SET quarantine_until = now()`)
	require.Equal(t, "on probation", d.quarantine())

	probe := d.opened(1)
	require.Equal(t, "quarantined for 0", d.quarantine(), "one probe at a time")
	require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: probe, HostID: 1, Attempt: 1, Reason: "still missing"}))
	require.Equal(t, "quarantined for 20", d.quarantine(), "longer each time")
	d.exec(`UPDATE toji.host_health SET quarantine_until = now()`)
	probe = d.opened(1)
	_, err := d.CancelTask(t.Context(), probe, true)
	require.NoError(t, err)
	require.Equal(t, "on probation", d.quarantine(), "the probe showed nothing")
	d.fail(d.opened(1), 1, koji.KindPackage)
	require.Equal(t, "well", d.quarantine())
	require.Equal(t, []string{"Host is put in quarantine: mock is missing", "Host stays in quarantine: still missing"},
		all[string](d, `SELECT msg FROM scheduler_log_messages WHERE msg LIKE 'Host %' ORDER BY id`))

	trouble()
	trouble()
	trouble()
	for _, want := range []bool{true, false} {
		ok, err := d.TrustHost(t.Context(), 1)
		require.NoError(t, err)
		require.Equal(t, want, ok)
	}
	require.False(t, quarantined())
}

// How soon a host is put aside, and for how long, is configuration.
func TestQuarantineAsConfigured(t *testing.T) {
	d := newTaskDB(t)
	trouble := func() {
		id := d.opened(1)
		require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 1, Attempt: 1, Reason: "mock is missing"}))
	}
	d.Quarantine = Quarantine{First: time.Hour, Longest: 90 * time.Minute}
	for range 5 {
		trouble()
	}
	require.Equal(t, "well", d.quarantine(), "never")
	d.Quarantine.Failures = 6
	trouble()
	require.Equal(t, "quarantined for 60", d.quarantine())
	d.exec(`UPDATE toji.host_health SET quarantine_until = now()`)
	trouble()
	require.Equal(t, "quarantined for 90", d.quarantine(), "no longer than the longest")
}

// quarantine says how the scheduler sees h1.
func (d *taskDB) quarantine() string {
	d.t.Helper()
	hosts, _, err := d.BuildHosts(d.t.Context())
	require.NoError(d.t, err)
	switch h := hosts[0]; {
	case h.Probe:
		return "on probation"
	case h.Quarantined:
		return fmt.Sprintf("quarantined for %d", int(math.Round(time.Until(h.Until.Time).Minutes())))
	}
	return "well"
}

// A host that lost a task and is silent gets no other one to lose.
func TestSilentHostLosesATask(t *testing.T) {
	for age, ready := range map[string]bool{"20 seconds": true, "2 minutes": false} {
		d := newTaskDB(t)
		id := d.opened(1)
		d.exec(`UPDATE host SET update_time = now() - $1::interval`, age)
		require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 1, Attempt: 1, Reason: "gone"}))
		require.Equal(t, []bool{ready, true}, all[bool](d, `SELECT ready FROM host ORDER BY id`), age)
		require.Contains(t, all[string](d, `SELECT msg FROM scheduler_log_messages WHERE host_id = 1 AND task_id = $1`, id), "Freeing task: gone")
	}
}

// A task that an admin gave to a host with override stays there.
func TestReleaseAfterOverride(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	ok, err := d.AssignTask(t.Context(), id, 1, AssignOptions{Override: true})
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, TaskDone, d.open(id, true, 1))
	require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 1, Attempt: 1, Reason: "gone"}))
	require.Equal(t, koji.TaskAssigned, d.row(id).State)
	require.Equal(t, int64(1), d.row(id).Host)
	require.Equal(t, TaskDone, d.open(id, true, 2))
	require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 1, Attempt: 2, Refused: true, Reason: "no room"}))
	require.Equal(t, koji.TaskFree, d.row(id).State)
}

func TestFreeTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(1)
	child := d.make("sleep", id, true)
	d.exec(`UPDATE task SET label = 'one' WHERE id = $1`, child)
	d.exec(`UPDATE task SET waiting = true WHERE id = $1`, id)
	d.intents()

	before, err := d.FreeTask(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, koji.TaskOpen, before)
	no := false
	require.Equal(t, row{State: koji.TaskFree, Waiting: &no, Weight: 1.5}, d.row(id))
	require.Equal(t, koji.TaskCanceled, d.row(child).State)
	require.Equal(t, []string{"1 1 freed"}, d.attempts(id))
	require.Equal(t, []string{"2 cancel", "1 signal freed"}, d.intents())
	require.Equal(t, "one#2", one[string](d, `SELECT label FROM task WHERE id = $1`, child), "the next attempt wants the label")

	require.Equal(t, TaskTaken, d.close(id, 1), "the attempt has lost it")
	held, err := d.TaskHeld(t.Context(), id, 1)
	require.NoError(t, err)
	require.False(t, held)

	d.assign(id, 2)
	require.Equal(t, 1, d.activeRuns(id), "the one before has ended")
	require.Equal(t, TaskDone, d.open(id, true, 2))
	require.Equal(t, TaskTaken, d.close(id, 1), "another attempt has it")
	require.Equal(t, TaskDone, d.close(id, 2))
	_, err = d.FreeTask(t.Context(), id)
	require.EqualError(t, err, "Cannot free task 1, state is CLOSED")
	_, err = d.FreeTask(t.Context(), 99)
	require.EqualError(t, err, "No such task: 99")
}

func TestFreeAssignedTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	d.assign(id, 1)
	d.intents()
	before, err := d.FreeTask(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, koji.TaskAssigned, before)
	require.Equal(t, koji.TaskFree, d.row(id).State)
	require.Empty(t, d.intents(), "its workflow still waits for a host")
	require.Equal(t, TaskTaken, d.open(id, true, 1))
}

// tree makes an OPEN task with two children, of which the second has a child.
func (d *taskDB) tree() (top, first, second, grandchild int64) {
	top = d.opened(0)
	first, second = d.make("sleep", top, true), d.make("sleep", top, true)
	d.exec(`UPDATE task SET waiting = true WHERE id = $1`, top)
	require.Equal(d.t, TaskDone, d.open(second, false, 1))
	grandchild = d.make("sleep", second, true)
	d.exec(`UPDATE task SET waiting = true WHERE id = $1`, second)
	d.intents()
	return top, first, second, grandchild
}

func TestCancelTask(t *testing.T) {
	d := newTaskDB(t)
	top, first, second, grandchild := d.tree()
	for range 2 {
		ok, err := d.CancelTask(t.Context(), top, true)
		require.NoError(t, err)
		require.True(t, ok)
	}
	for _, id := range []int64{top, first, second, grandchild} {
		r := d.row(id)
		require.Equal(t, koji.TaskCanceled, r.State)
		require.True(t, r.Ended)
		require.NotEqual(t, new(true), r.Waiting)
		require.NotEqual(t, new(true), r.Awaited)
	}
	require.Equal(t, []string{"1 cancel", "2 cancel", "3 cancel", "4 cancel"}, d.intents())
	require.Equal(t, []string{"1 0 canceled"}, d.attempts(second))
	require.Equal(t, TaskOver, d.close(second, 1))

	closed := d.opened(0)
	d.close(closed, 1)
	ok, err := d.CancelTask(t.Context(), closed, true)
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, koji.TaskClosed, d.row(closed).State)
	_, err = d.CancelTask(t.Context(), 99, true)
	require.EqualError(t, err, "No such task: 99")
}

func TestCancelOneTaskOnly(t *testing.T) {
	d := newTaskDB(t)
	top, first, second, grandchild := d.tree()
	ok, err := d.CancelTask(t.Context(), second, false)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, koji.TaskFree, d.row(grandchild).State)
	require.True(t, *d.row(top).Waiting, "for the first")
	_, err = d.CancelTask(t.Context(), first, false)
	require.NoError(t, err)
	require.False(t, *d.row(top).Waiting)
}

func TestCancelChildren(t *testing.T) {
	d := newTaskDB(t)
	top, first, second, grandchild := d.tree()
	d.exec(`UPDATE task SET state = 5 WHERE id = $1`, second) // what is below one that ended is canceled, too
	require.NoError(t, d.CancelChildren(t.Context(), top))
	require.Equal(t, koji.TaskOpen, d.row(top).State)
	require.Equal(t, koji.TaskCanceled, d.row(first).State)
	require.Equal(t, koji.TaskFailed, d.row(second).State)
	require.Equal(t, koji.TaskCanceled, d.row(grandchild).State)
	require.Equal(t, []string{"2 cancel", "4 cancel"}, d.intents())
}

func TestRunOfACanceledTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(1)
	_, err := d.CancelTask(t.Context(), id, true)
	require.NoError(t, err)
	require.Equal(t, 1, d.activeRuns(id), "the host still cleans up")
	require.NoError(t, d.EndRuns(t.Context(), id))
	require.Zero(t, d.activeRuns(id))
}

func TestParentWaitsForItsLastChild(t *testing.T) {
	d := newTaskDB(t)
	top, first, second, _ := d.tree()
	require.Equal(t, TaskDone, d.open(first, false, 1))
	d.close(first, 1)
	require.True(t, *d.row(top).Waiting)
	require.False(t, *d.row(first).Awaited)
	d.fail(second, 1, koji.KindPackage)
	require.False(t, *d.row(top).Waiting)
}

// Children that end at the same time must not each take the other for running.
func TestParentOfChildrenThatEndAtOnce(t *testing.T) {
	d := newTaskDB(t)
	for range 20 {
		top := d.opened(0)
		children := []int64{d.make("sleep", top, true), d.make("sleep", top, true), d.make("sleep", top, true)}
		d.exec(`UPDATE task SET waiting = true WHERE id = $1`, top)
		for _, id := range children {
			require.Equal(t, TaskDone, d.open(id, false, 1))
		}
		together(t, len(children), func(ctx context.Context, i int) error {
			_, err := d.CloseTask(ctx, children[i], 1, "")
			return err
		})
		require.False(t, *d.row(top).Waiting)
	}
}

// together runs fn n times at once.
func together(t testing.TB, n int, fn func(ctx context.Context, i int) error) {
	t.Helper()
	var all sync.WaitGroup
	start, errs := make(chan struct{}), make([]error, n)
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = fn(t.Context(), i)
		})
	}
	close(start)
	all.Wait()
	require.NoError(t, errors.Join(errs...))
}

// Whatever wins, the task is in a state that its workflow and its row agree on.
func TestRaces(t *testing.T) {
	d := newTaskDB(t)
	cancel := func(ctx context.Context, id int64) error {
		_, err := d.CancelTask(ctx, id, true)
		return err
	}
	free := func(ctx context.Context, id int64) error {
		_, err := d.FreeTask(ctx, id)
		if koji.FaultOf(err) != 0 { // it has ended
			return nil
		}
		return err
	}
	for _, c := range []struct {
		name    string
		prepare func() int64
		step    func(ctx context.Context, id int64) (TaskOutcome, error)
		other   func(ctx context.Context, id int64) error
		// by the outcome of the step, the state of the task in the end
		want map[TaskOutcome]koji.TaskState
	}{
		{"cancel while opening",
			func() int64 { id := d.make("sleep", 0, false); d.assign(id, 1); return id },
			func(ctx context.Context, id int64) (TaskOutcome, error) {
				out, _, err := d.OpenTask(ctx, id, true, 1, 1)
				return out, err
			}, cancel,
			map[TaskOutcome]koji.TaskState{TaskDone: koji.TaskCanceled, TaskOver: koji.TaskCanceled}},
		{"free while opening",
			func() int64 { id := d.make("sleep", 0, false); d.assign(id, 1); return id },
			func(ctx context.Context, id int64) (TaskOutcome, error) {
				out, _, err := d.OpenTask(ctx, id, true, 1, 1)
				return out, err
			}, free,
			map[TaskOutcome]koji.TaskState{TaskDone: koji.TaskFree, TaskTaken: koji.TaskFree}},
		{"cancel while closing", func() int64 { return d.opened(1) },
			func(ctx context.Context, id int64) (TaskOutcome, error) { return d.CloseTask(ctx, id, 1, "") }, cancel,
			map[TaskOutcome]koji.TaskState{TaskDone: koji.TaskClosed, TaskOver: koji.TaskCanceled}},
		{"free while closing", func() int64 { return d.opened(1) },
			func(ctx context.Context, id int64) (TaskOutcome, error) { return d.CloseTask(ctx, id, 1, "") }, free,
			map[TaskOutcome]koji.TaskState{TaskDone: koji.TaskClosed, TaskTaken: koji.TaskFree}},
		{"close twice", func() int64 { return d.opened(1) },
			func(ctx context.Context, id int64) (TaskOutcome, error) { return d.CloseTask(ctx, id, 1, "") },
			func(ctx context.Context, id int64) error { _, err := d.CloseTask(ctx, id, 1, ""); return err },
			map[TaskOutcome]koji.TaskState{TaskDone: koji.TaskClosed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			for range 15 {
				id := c.prepare()
				var out TaskOutcome
				together(t, 2, func(ctx context.Context, i int) (err error) {
					if i == 1 {
						return c.other(ctx, id)
					}
					out, err = c.step(ctx, id)
					return err
				})
				require.Contains(t, c.want, out)
				require.Equal(t, c.want[out], d.row(id).State)
			}
		})
	}
}

// Families are changed from both ends at once; nobody may end in a deadlock.
func TestNoDeadlocks(t *testing.T) {
	d := newTaskDB(t)
	for range 20 {
		top, first, second, grandchild := d.tree()
		together(t, 5, func(ctx context.Context, i int) (err error) {
			switch i {
			case 0:
				_, err = d.CancelTask(ctx, top, true)
			case 1:
				_, err = d.CloseTask(ctx, second, 1, "")
			case 2:
				_, err = d.CancelTask(ctx, grandchild, true)
			case 3:
				_, err = d.CancelTask(ctx, first, true)
			default:
				err = d.SetTaskPriority(ctx, top, 7, true)
			}
			return err
		})
	}
}

func TestDependantTasksAreWoken(t *testing.T) {
	d := newTaskDB(t)
	follower := d.make("dependantTask", 0, false)
	require.Equal(t, TaskDone, d.open(follower, false, 1))
	a, b := d.opened(0), d.opened(0)
	done, failed, err := d.FollowTasks(t.Context(), follower, []int64{a, b, 99})
	require.NoError(t, err)
	require.False(t, done)
	require.Zero(t, failed)
	require.Equal(t, "waiting for 2 tasks to end", one[string](d, `SELECT reason FROM toji.task_wait WHERE task_id = $1`, follower))
	d.intents()
	d.close(a, 1)
	require.Equal(t, []string{"1 signal wake"}, d.intents())
	_, err = d.CancelTask(t.Context(), b, true)
	require.NoError(t, err)
	require.Equal(t, []string{"3 cancel", "1 signal wake"}, d.intents())
	_, failed, err = d.FollowTasks(t.Context(), follower, []int64{a, b})
	require.NoError(t, err)
	require.Equal(t, b, failed)
	done, _, err = d.FollowTasks(t.Context(), follower, []int64{a})
	require.NoError(t, err)
	require.True(t, done)
}

func TestSetTaskWait(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(0)
	since := func() string { return one[string](d, `SELECT since::text FROM toji.task_wait WHERE task_id = $1`, id) }
	require.NoError(t, d.SetTaskWait(t.Context(), id, "repo", "request 1"))
	first := since()
	require.NoError(t, d.SetTaskWait(t.Context(), id, "repo", "request 1, task 2"))
	require.Equal(t, first, since(), "it still waits for the same")
	require.NoError(t, d.SetTaskWait(t.Context(), id, "tasks", "others"))
	require.NotEqual(t, first, since())
	require.NoError(t, d.SetTaskWait(t.Context(), id, "", ""))
	require.Empty(t, all[string](d, `SELECT reason FROM toji.task_wait`))
	d.close(id, 1)
	require.NoError(t, d.SetTaskWait(t.Context(), id, "repo", "too late"))
	require.Empty(t, all[string](d, `SELECT reason FROM toji.task_wait`))
}
