package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestListTasks(t *testing.T) {
	d := newTaskDB(t)
	free, open, closed := d.make("build", 0, false), d.opened(1), d.opened(2)
	child := d.make("sleep", open, true)
	d.close(closed, 1)
	d.exec(`UPDATE task SET owner = 2, arch = 'x86_64', channel_id = 2 WHERE id = $1`, free)
	d.exec(`UPDATE task SET create_time = '2020-01-01 00:00:00Z' WHERE id = $1`, closed)
	method := "build"
	for _, c := range []struct {
		name   string
		filter TaskFilter
		want   []int64
	}{
		{"all", TaskFilter{}, []int64{free, open, closed, child}},
		{"method", TaskFilter{Method: &method}, []int64{free}},
		{"states", TaskFilter{Sets: []TaskSet{{Column: "state", Values: []int64{0, 2}}}}, []int64{free, closed, child}},
		{"not a state", TaskFilter{Sets: []TaskSet{{Column: "state", Values: []int64{0}, Not: true}}}, []int64{open, closed}},
		{"arch", TaskFilter{Sets: []TaskSet{{Column: "arch", Values: []string{"x86_64"}}}}, []int64{free}},
		{"owner", TaskFilter{Sets: []TaskSet{{Column: "owner", Values: []int64{2}}}}, []int64{free}},
		{"an id that no column can hold", TaskFilter{Sets: []TaskSet{{Column: "owner", Values: []int64{1 << 40}}}}, nil},
		{"channel", TaskFilter{Sets: []TaskSet{{Column: "channel_id", Values: []int64{2}}}}, []int64{free}},
		{"host", TaskFilter{Sets: []TaskSet{{Column: "host_id", Values: []int64{1}}}}, []int64{open}},
		{"top-level", TaskFilter{Sets: []TaskSet{{Column: "parent"}}}, []int64{free, open, closed}},
		{"not top-level", TaskFilter{Sets: []TaskSet{{Column: "parent", Not: true}}}, []int64{child}},
		{"nothing in the set", TaskFilter{Sets: []TaskSet{{Column: "state", Values: []int64{}}}}, nil},
		{"before", TaskFilter{Times: []TimeTest{{"task.create_time <", koji.NewTime(time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC))}}}, []int64{closed}},
		{"before, as text", TaskFilter{Times: []TimeTest{{"task.create_time <", "2020-06-01"}}}, []int64{closed}},
		{"ended", TaskFilter{Times: []TimeTest{{"task.completion_time >", koji.FromTS(0)}}}, []int64{closed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := d.ListTasks(t.Context(), c.filter, query.Options{Order: "id"}, nil)
			require.NoError(t, err)
			rows, err = rows.Load()
			require.NoError(t, err)
			var got []int64
			for _, r := range rows.List {
				got = append(got, r.ID)
				require.NotNil(t, r.OwnerName)
			}
			require.Equal(t, c.want, got)
			rows, err = d.ListTasks(t.Context(), c.filter, query.Options{CountOnly: true}, nil)
			require.NoError(t, err)
			require.EqualValues(t, len(c.want), *rows.Count)
		})
	}
}

func TestTasksOfAFamily(t *testing.T) {
	d := newTaskDB(t)
	top, first, second, grandchild := d.tree()
	ids := func(list []StoredTask) (ids []int64) {
		for _, s := range list {
			ids = append(ids, s.ID)
		}
		return ids
	}
	children, err := d.TaskChildren(t.Context(), top, false, true)
	require.NoError(t, err)
	require.Equal(t, []int64{first, second}, ids(children))
	require.Equal(t, "<?xml version='1.0'?>", *children[0].Request)
	below, err := d.TaskChildren(t.Context(), top, true, false)
	require.NoError(t, err)
	require.Equal(t, []int64{first, second, grandchild}, ids(below))
	require.Nil(t, below[0].Request)
	for _, id := range []int64{top, second, grandchild} {
		got, err := d.TopTask(t.Context(), id)
		require.NoError(t, err)
		require.Equal(t, top, got)
	}
	got, err := d.TopTask(t.Context(), 99)
	require.NoError(t, err)
	require.Zero(t, got)

	require.NoError(t, d.SetTaskPriority(t.Context(), second, 3, false))
	require.NoError(t, d.SetTaskPriority(t.Context(), top, 7, false))
	require.Equal(t, []int64{7, 20, 3, 20}, all[int64](d, `SELECT priority FROM task ORDER BY id`))
	require.NoError(t, d.SetTaskPriority(t.Context(), top, 9, true))
	require.Equal(t, []int64{9, 9, 9, 9}, all[int64](d, `SELECT priority FROM task ORDER BY id`))
}

func TestTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(1)
	task, err := d.Task(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, task.CreateTime.TS(), task.CreateTS)
	require.Equal(t, task.StartTime.TS(), *task.StartTS)
	priority, host := int64(20), int64(1)
	require.Equal(t, &api.Task{ID: id, State: 1, Method: "sleep", Owner: 1, ChannelID: 1, HostID: &host, Arch: "noarch", Priority: &priority,
		Weight: 1.5, CreateTime: task.CreateTime, CreateTS: task.CreateTS, StartTime: task.StartTime, StartTS: task.StartTS}, task)
	none, err := d.Task(t.Context(), 1<<40)
	require.NoError(t, err)
	require.Nil(t, none)
}

func TestTaskStatus(t *testing.T) {
	d := newTaskDB(t)
	id := d.opened(2)
	require.NoError(t, d.ReleaseTask(t.Context(), Release{TaskID: id, HostID: 2, Attempt: 1, Reason: "disk full"}))
	require.NoError(t, d.SetTaskWait(t.Context(), id, "no-capacity", "1 host busy"))
	st, err := d.TaskStatus(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "no-capacity", st.Wait.Code)
	require.Equal(t, "1 host busy", st.Wait.Reason)
	require.Len(t, st.Attempts, 1)
	require.Equal(t, "h2", *st.Attempts[0].Host)
	require.Equal(t, "disk full", *st.Attempts[0].Outcome)
	require.Len(t, st.Failures, 1)
	require.Equal(t, koji.KindInfrastructure, st.Failures[0].Class)
	require.Equal(t, "disk full", st.Failures[0].Message)
}

func TestHostsTasks(t *testing.T) {
	d := newTaskDB(t)
	top, _, second, _ := d.tree()
	d.exec(`UPDATE task SET host_id = 1 WHERE id = $1`, top)
	given := d.make("sleep", 0, false)
	d.assign(given, 1)
	open, err := d.OpenTasks(t.Context(), 1)
	require.NoError(t, err)
	yes := true
	require.Equal(t, []api.OpenHostTask{{ID: top, Waiting: &yes, Weight: 1.5}}, open)
	d.exec(`UPDATE task SET state = 2 WHERE id = $1`, second)
	open, err = d.OpenTasks(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, open[0].Alert)
	assigned, err := d.AssignedTasks(t.Context(), 1)
	require.NoError(t, err)
	require.Len(t, assigned, 1)
	require.Equal(t, given, assigned[0].ID)

	status, err := d.HostStatus(t.Context())
	require.NoError(t, err)
	require.Len(t, status, 2)
	require.Equal(t, 1.5, status[0].Load, "what waits is no load")
	require.EqualValues(t, 2, status[0].Tasks)
	require.NoError(t, d.SetTaskWeight(t.Context(), given, 2.5))
	status, err = d.HostStatus(t.Context())
	require.NoError(t, err)
	require.Equal(t, 2.5, status[0].Load)
}
