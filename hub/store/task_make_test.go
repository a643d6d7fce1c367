package store

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

func TestInsertTask(t *testing.T) {
	d := newTaskDB(t)
	top := d.opened(0)
	d.intents()
	no, yes := (*bool)(nil), true
	for _, c := range []struct {
		name    string
		task    NewTask
		started bool
		want    row
		intents []string
	}{
		{"top-level", NewTask{}, false, row{State: koji.TaskFree, Awaited: no, Weight: 1}, []string{"2 start"}},
		{"for a host", NewTask{HostID: 2}, false, row{State: koji.TaskAssigned, Host: 2, Awaited: no, Weight: 1}, []string{"3 start"}},
		{"child that its parent's workflow starts", NewTask{Parent: top, Label: "x86_64"}, true, row{State: koji.TaskFree, Awaited: &yes, Weight: 1}, nil},
		{"child without a label", NewTask{Parent: top}, false, row{State: koji.TaskFree, Awaited: no, Weight: 1}, []string{"5 start"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.task.Method, c.task.OwnerID, c.task.ChannelID, c.task.Arch = "sleep", 1, 1, "noarch"
			id, err := d.InsertTask(t.Context(), c.task, c.started)
			require.NoError(t, err)
			require.Equal(t, c.want, d.row(id))
			require.Equal(t, c.intents, d.intents())
		})
	}
	_, err := d.InsertTask(t.Context(), NewTask{Method: "sleep", OwnerID: 1, ChannelID: 1, Arch: "noarch", Parent: top, Label: "x86_64"}, true)
	require.EqualError(t, err, "task 1 has a subtask labeled x86_64 already")
}

// What is not committed leaves neither a task nor an intent behind.
func TestInsertTaskIsAllOrNothing(t *testing.T) {
	d := newTaskDB(t)
	crash := errors.New("crash")
	err := d.InTx(t.Context(), func(ctx context.Context) error {
		_, err := d.InsertTask(ctx, NewTask{Method: "sleep", OwnerID: 1, ChannelID: 1, Arch: "noarch"}, false)
		require.NoError(t, err)
		return crash
	})
	require.ErrorIs(t, err, crash)
	require.Zero(t, one[int](d, `SELECT count(*) FROM task`))
	require.Empty(t, d.intents())
}

func TestSubtaskKeys(t *testing.T) {
	d := newTaskDB(t)
	top := d.opened(0)
	id, err := d.SubtaskByKey(t.Context(), top, "1/sleep/a")
	require.NoError(t, err)
	require.Zero(t, id)
	child := d.make("sleep", top, true)
	require.NoError(t, d.KeepSubtask(t.Context(), top, "1/sleep/a", child))
	require.True(t, *d.row(top).Waiting)
	id, err = d.SubtaskByKey(t.Context(), top, "1/sleep/a")
	require.NoError(t, err)
	require.Equal(t, child, id)
	id, err = d.SubtaskByKey(t.Context(), top, "2/sleep/a")
	require.NoError(t, err)
	require.Zero(t, id, "the next attempt has children of its own")

	p, err := d.Parent(t.Context(), top)
	require.NoError(t, err)
	require.Equal(t, ParentTask{State: koji.TaskOpen, OwnerID: 1, ChannelID: 1, Priority: 20, Arch: "noarch"}, p)
	_, err = d.Parent(t.Context(), 99)
	require.EqualError(t, err, "Invalid parent task: 99")
}

func TestTaskForWorkflow(t *testing.T) {
	d := newTaskDB(t)
	top := d.opened(0)
	child := d.make("sleep", top, true)
	w, err := d.TaskForWorkflow(t.Context(), child)
	require.NoError(t, err)
	require.Equal(t, koji.TaskFree, w.State)
	require.Equal(t, task.Task{ID: child, Method: "sleep", Parent: top, OwnerID: 1, Owner: "alice", Arch: "noarch", Channel: "default", Priority: 20}, w.Task())
	_, err = d.TaskForWorkflow(t.Context(), 99)
	require.EqualError(t, err, "No such task: 99")
}
