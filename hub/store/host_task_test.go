package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// kojid makes h2 a host that runs Koji's own builder.
func (d *taskDB) kojid() {
	d.t.Helper()
	require.NoError(d.t, d.CheckInHost(d.t.Context(), 2, 0, true))
	require.NoError(d.t, d.SetHostData(d.t.Context(), 2, map[string]any{"methods": []any{"sleep", "image"}, "maxjobs": 10}))
}

func (d *taskDB) hostOpen(id, host int64) bool {
	d.t.Helper()
	ok, err := d.HostOpenTask(d.t.Context(), id, host)
	require.NoError(d.t, err)
	return ok
}

func (d *taskDB) hostEnd(id, host int64, f *task.Failure) bool {
	d.t.Helper()
	result := "<?xml version='1.0'?>"
	if f != nil {
		result = xmlrpc.MarshalFault(f.Fault, f.Msg)
	}
	ok, err := d.HostEndTask(d.t.Context(), id, host, result, f)
	require.NoError(d.t, err)
	return ok
}

// opens makes a task that kojid has open on h2.
func (d *taskDB) opens(method string, parent int64) int64 {
	d.t.Helper()
	id := d.make(method, parent, false)
	d.assign(id, 2)
	require.True(d.t, d.hostOpen(id, 2))
	return id
}

func TestHostsOpenTheirTasks(t *testing.T) {
	d := newTaskDB(t)
	d.kojid()
	id := d.make("sleep", 0, false)
	require.False(t, d.hostOpen(id, 2), "it is free")
	d.assign(id, 2)
	require.False(t, d.hostOpen(id, 1), "it is another's")
	require.Equal(t, TaskTaken, d.open(id, true, 1), "the workflow leaves it alone")
	require.True(t, d.hostOpen(id, 2))
	require.False(t, d.hostOpen(id, 2), "it is open")
	require.Equal(t, TaskTaken, d.open(id, true, 1), "nor does the workflow take it for its own attempt")
	require.False(t, d.hostEnd(id, 1, nil), "it is another's")
	require.True(t, d.hostEnd(id, 2, nil))
	require.False(t, d.hostEnd(id, 2, nil), "it has ended")
	require.Equal(t, TaskOver, d.open(id, true, 1))
	require.Equal(t, []string{"-1 2 closed"}, d.attempts(id))
	require.Zero(t, d.activeRuns(id))
	require.Equal(t, []string{fmt.Sprintf("%d start", id), fmt.Sprintf("%d signal assigned", id), fmt.Sprintf("%d signal ended", id)}, d.intents())
	end, err := d.TaskEnd(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, &task.End{Result: "<?xml version='1.0'?>"}, end)
}

func TestHostsFailTheirTasks(t *testing.T) {
	d := newTaskDB(t)
	d.kojid()
	id := d.opens("sleep", 0)
	f := task.Failure{Fault: koji.FaultBuild, Kind: koji.KindPackage, Msg: "broken"}
	require.True(t, d.hostEnd(id, 2, &f))
	require.Equal(t, koji.TaskFailed, d.row(id).State)
	end, err := d.TaskEnd(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, &task.End{Failure: &f}, end)

	canceled := d.opens("sleep", 0)
	_, err = d.CancelTask(t.Context(), canceled, true)
	require.NoError(t, err)
	require.False(t, d.hostEnd(canceled, 2, nil))
	end, err = d.TaskEnd(t.Context(), canceled)
	require.NoError(t, err)
	require.Nil(t, end)
}

// A task goes to and fro between kojid and a workflow.
func TestTasksChangeBetweenBuilders(t *testing.T) {
	d := newTaskDB(t)
	d.kojid()
	id := d.opens("sleep", 0)
	_, err := d.FreeTask(t.Context(), id)
	require.NoError(t, err)
	d.assign(id, 1)
	require.Equal(t, TaskDone, d.open(id, true, 1))
	_, err = d.FreeTask(t.Context(), id)
	require.NoError(t, err)
	d.assign(id, 2)
	require.Equal(t, TaskTaken, d.open(id, true, 2))
	require.True(t, d.hostOpen(id, 2))
	require.True(t, d.hostEnd(id, 2, nil))
	require.Equal(t, []string{"-2 2 closed", "-1 2 freed", "1 1 freed"}, d.attempts(id))
	st, err := d.TaskStatus(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3}, []int64{st.Attempts[0].Attempt, st.Attempts[1].Attempt, st.Attempts[2].Attempt})
}

// A task that was open when the database was adopted ends like any other.
func TestAdoptedTasksEnd(t *testing.T) {
	d := newTaskDB(t)
	d.exec(`INSERT INTO task (state, method, owner, channel_id, arch, host_id, start_time) VALUES (1, 'image', 1, 1, 'noarch', 2, now())`)
	require.True(t, d.hostEnd(1, 2, nil))
	require.Equal(t, []string{"-1 2 closed"}, d.attempts(1))
}

func TestWaitingForSubtasks(t *testing.T) {
	d := newTaskDB(t)
	d.kojid()
	parent := d.opens("image", 0)
	var children []int64
	for range 3 {
		children = append(children, d.make("createImage", parent, false))
	}
	awaited := func() string {
		return one[string](d, `SELECT string_agg(CASE WHEN awaited THEN 't' WHEN awaited IS NULL THEN '-' ELSE 'f' END, '' ORDER BY id)
			FROM task WHERE parent = $1`, parent)
	}
	alert := func() bool {
		list, err := d.OpenTasks(t.Context(), 2)
		require.NoError(t, err)
		require.Len(t, list, 1)
		return list[0].Alert
	}
	require.NoError(t, d.SetTaskWaiting(t.Context(), parent, children[:2]))
	require.Equal(t, "tt-", awaited())
	require.True(t, *d.row(parent).Waiting)
	require.NoError(t, d.SetTaskWaiting(t.Context(), parent, children[1:]))
	require.Equal(t, "ftt", awaited())
	require.NoError(t, d.SetTaskWaiting(t.Context(), parent, []int64{}))
	require.Equal(t, "ftt", awaited())
	require.NoError(t, d.SetTaskWaiting(t.Context(), parent, nil))
	require.Equal(t, "ttt", awaited())
	require.False(t, alert())

	// The end of a child leaves the flags to kojid, which is woken by them.
	d.assign(children[0], 2)
	require.True(t, d.hostOpen(children[0], 2))
	require.True(t, d.hostEnd(children[0], 2, nil))
	_, err := d.CancelTask(t.Context(), children[1], true)
	require.NoError(t, err)
	require.True(t, *d.row(parent).Waiting)
	require.True(t, alert())
	ended, others, err := d.AwaitedTasks(t.Context(), parent)
	require.NoError(t, err)
	require.Equal(t, children[:2], ended)
	require.Equal(t, children[2:], others)
	require.Equal(t, "fft", awaited())
	require.False(t, alert())

	ended, err = d.EndTaskWaiting(t.Context(), parent)
	require.NoError(t, err)
	require.Equal(t, children[:2], ended)
	require.Equal(t, "fff", awaited())
	require.False(t, *d.row(parent).Waiting)
}

// kojid finds the children of its earlier attempt; a workflow begins anew.
func TestFreeingKeepsForeignChildren(t *testing.T) {
	for _, foreign := range []bool{true, false} {
		d := newTaskDB(t)
		d.kojid()
		parent := d.opens("image", 0)
		if foreign {
			require.NoError(t, d.KeepForeign(t.Context(), parent))
		}
		child, err := d.InsertTask(t.Context(), NewTask{Method: "createImage", OwnerID: 1, ChannelID: 1, Parent: parent, Label: "x86_64", Arch: "noarch"}, false)
		require.NoError(t, err)
		_, err = d.FreeTask(t.Context(), parent)
		require.NoError(t, err)
		found, err := d.SubtaskByLabel(t.Context(), parent, "x86_64")
		require.NoError(t, err)
		if foreign {
			require.Equal(t, child, found)
			require.Equal(t, koji.TaskFree, d.row(child).State)
		} else {
			require.Zero(t, found)
			require.Equal(t, koji.TaskCanceled, d.row(child).State)
		}
	}
}

func TestLostTasksAreFreed(t *testing.T) {
	d := newTaskDB(t)
	d.kojid()
	lost := func() []int64 {
		list, err := d.FreeLost(t.Context(), 5*time.Minute, 15*time.Minute)
		require.NoError(t, err)
		return list
	}
	open, given, waits := d.opens("image", 0), d.make("image", 0, false), d.make("image", 0, false)
	d.assign(given, 2)
	others := d.opened(1)
	require.Empty(t, lost())
	d.exec(`UPDATE scheduler_task_runs SET create_time = now() - interval '6 minutes'`)
	require.Equal(t, []int64{given}, lost())
	d.exec(`UPDATE host SET update_time = now() - interval '16 minutes'`)
	require.Equal(t, []int64{open}, lost())
	for _, id := range []int64{open, given, waits} {
		require.Equal(t, koji.TaskFree, d.row(id).State)
	}
	require.Equal(t, koji.TaskOpen, d.row(others).State)

	require.NoError(t, d.KeepForeign(t.Context(), open))
	require.Equal(t, 1, d.activeRuns(open))
	require.NoError(t, d.EndStaleRuns(t.Context()))
	require.Zero(t, d.activeRuns(open))
}
