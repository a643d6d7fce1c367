package hub

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// imageTask makes a task of labuser's that Toji has no workflow for.
func imageTask(t *testing.T, h *Hub) int64 {
	t.Helper()
	id, err := h.MakeTask(asLabuser(t), "image", []any{"name", "1", []any{"x86_64"}, "f40", "http://tree/", map[string]any{}}, TaskOpts{})
	require.NoError(t, err)
	require.NoError(t, h.Store.KeepForeign(t.Context(), id))
	return id
}

// onKojid gives a task to the host h1, which runs Koji's own builder and opens it.
func onKojid(t *testing.T, h *Hub, id int64) *api.OpenedTask {
	t.Helper()
	must(t, asHost(t, 1), h, api.HostUpdateHost, api.UpdateHostParams{Ready: true, Data: map[string]any{"methods": []any{"image"}}})
	require.NoError(t, h.Store.Assign(t.Context(), []store.Assignment{{TaskID: id, HostID: 1, Weight: 1}}, nil))
	opened := must(t, asHost(t, 1), h, api.HostOpenTask, api.TaskIDParams{TaskID: id})
	require.NotNil(t, opened)
	return opened
}

// response is a result as kojid sends it.
func response(t *testing.T, v any) string {
	t.Helper()
	text, err := xmlrpc.MarshalResult(v)
	require.NoError(t, err)
	return text
}

func TestHostTaskLife(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	h1, h2 := asHost(t, 1), asHost(t, 2)
	id := imageTask(t, h)
	require.Nil(t, must(t, h1, h, api.HostOpenTask, api.TaskIDParams{TaskID: id}), "it is free")
	opened := onKojid(t, h, id)
	require.Equal(t, int(koji.TaskOpen), opened.State)
	method, _, err := xmlrpc.UnmarshalRequest(opened.Request)
	require.NoError(t, err)
	require.Equal(t, "image", method)
	require.Nil(t, must(t, h1, h, api.HostOpenTask, api.TaskIDParams{TaskID: id}), "it is open already")
	require.Nil(t, must(t, h2, h, api.HostOpenTask, api.TaskIDParams{TaskID: id}), "it is another's")

	must(t, h1, h, api.HostCloseTask, api.EndTaskParams{TaskID: id, Response: response(t, []any{"a", int64(1)})})
	require.Equal(t, koji.TaskClosed, stateOf(t, h, id))
	require.Equal(t, []any{"a", int64(1)}, must(t, t.Context(), h, api.GetTaskResult, api.TaskResultParams{TaskID: id}))

	failed := imageTask(t, h)
	onKojid(t, h, failed)
	must(t, h1, h, api.HostFailTask, api.EndTaskParams{TaskID: failed, Response: xmlrpc.MarshalFault(koji.FaultBuild, "no luck")})
	require.Equal(t, koji.TaskFailed, stateOf(t, h, failed))
	refused(t, t.Context(), h, api.GetTaskResult, api.TaskResultParams{TaskID: failed, RaiseFault: true}, koji.FaultBuild, "no luck")
	status := must(t, t.Context(), h, api.GetTaskStatus, api.TaskIDParams{TaskID: failed})
	require.Equal(t, koji.KindPackage, status.Failures[0].Class)
}

func TestHostFreesTasks(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	own, others, given := imageTask(t, h), imageTask(t, h), imageTask(t, h)
	onKojid(t, h, own)
	openTask(t, h, others, 2)
	require.NoError(t, h.Store.Assign(t.Context(), []store.Assignment{{TaskID: given, HostID: 1, Weight: 1}}, nil))
	must(t, asHost(t, 1), h, api.HostFreeTasks, api.FreeTasksParams{Tasks: []int64{own, others, given}})
	require.Equal(t, koji.TaskFree, stateOf(t, h, own))
	require.Equal(t, koji.TaskOpen, stateOf(t, h, others))
	require.Equal(t, koji.TaskAssigned, stateOf(t, h, given))
	refused(t, asHost(t, 1), h, api.HostFreeTasks, api.FreeTasksParams{Tasks: []int64{999}}, koji.FaultGeneric, "No such task: 999")
}

// Every method is refused to others than the host that has the task open, and
// leaves all rows as they were.
func TestHostTaskRefusals(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	open, given, free := imageTask(t, h), imageTask(t, h), imageTask(t, h)
	onKojid(t, h, open)
	require.NoError(t, h.Store.Assign(t.Context(), []store.Assignment{{TaskID: given, HostID: 1, Weight: 1}}, nil))
	calls := map[string]func(id int64) []any{
		"host.closeTask":       func(id int64) []any { return []any{id, response(t, nil)} },
		"host.failTask":        func(id int64) []any { return []any{id, xmlrpc.MarshalFault(1, "x")} },
		"host.subtask":         func(id int64) []any { return []any{"sleep", []any{int64(1)}, id} },
		"host.subtask2":        func(id int64) []any { return []any{id, map[string]any{}, "sleep", int64(1)} },
		"host.taskSetWait":     func(id int64) []any { return []any{id, nil} },
		"host.taskWait":        func(id int64) []any { return []any{id} },
		"host.taskWaitResults": func(id int64) []any { return []any{id, nil} },
	}
	all := func() []string {
		list, err := database.All[string](t.Context(), h.Store.DB, `SELECT t::text FROM task t ORDER BY id`)
		require.NoError(t, err)
		return list
	}
	before := all()
	for name, args := range calls {
		for _, c := range []struct {
			as    context.Context
			id    int64
			fault int
			text  string
		}{
			{t.Context(), open, koji.FaultAuth, "Not logged-in"},
			{asLabuser(t), open, koji.FaultAuth, "User 2 is not a host"},
			{asHost(t, 2), open, koji.FaultActionNotAllowed, "host 2 does not own task 1"},
			{asHost(t, 1), given, koji.FaultActionNotAllowed, "host 1 does not own task 2"},
			{asHost(t, 1), free, koji.FaultActionNotAllowed, "host 1 does not own task 3"},
			{asHost(t, 1), 999, koji.FaultGeneric, "No such task: 999"},
		} {
			t.Run(name, func(t *testing.T) {
				_, err := h.Caller().Call(c.as, name, args(c.id))
				require.EqualError(t, err, c.text)
				require.Equal(t, c.fault, koji.FaultOf(err))
				require.Equal(t, before, all())
			})
		}
	}
	refused(t, asHost(t, 1), h, api.HostCloseTask, api.EndTaskParams{TaskID: open, Response: "nonsense"}, koji.FaultParameter,
		"Invalid task result: not well-formed (invalid token): line 1, column 0")
	refused(t, asHost(t, 1), h, api.HostFailTask, api.EndTaskParams{TaskID: open, Response: response(t, 1)}, koji.FaultParameter,
		"Invalid task result: not a fault")
	refused(t, asHost(t, 1), h, api.HostOpenTask, api.TaskIDParams{TaskID: 999}, koji.FaultGeneric, "query returned no rows")
	require.Equal(t, before, all())
}

func TestHostSubtasks(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	h1 := asHost(t, 1)
	parent := imageTask(t, h)
	onKojid(t, h, parent)
	sub := func(method string, opts map[string]any, args ...any) int64 {
		return must(t, h1, h, api.HostSubtask, api.SubtaskParams{Method: method, ArgList: args, Parent: parent, Opts: opts})
	}
	first := sub("createImage", map[string]any{"label": "x86_64", "arch": "x86_64", "kwargs": map[string]any{"opt": int64(1)}}, "a")
	require.Equal(t, first, sub("createImage", map[string]any{"label": "x86_64"}), "the label names it")
	second := must(t, h1, h, api.HostSubtask2, api.Subtask2Params{Parent: parent, TaskOpts: map[string]any{"label": "b"},
		Method: "createImage", Args: []any{"b"}, Opts: map[string]any{"opt": int64(2)}})
	row, err := h.Store.Task(t.Context(), first)
	require.NoError(t, err)
	require.Equal(t, parent, *row.Parent)
	require.Equal(t, int64(2), row.Owner)
	require.Equal(t, "x86_64", row.Arch)
	require.Equal(t, int64(PriorityDefault-1), *row.Priority)
	for id, want := range map[int64][]any{
		first:  {"a", xmlrpc.Keywords(map[string]any{"opt": int64(1)})},
		second: {"b", xmlrpc.Keywords(map[string]any{"opt": int64(2)})},
	} {
		require.Equal(t, want, must(t, t.Context(), h, api.GetTaskRequest, api.TaskParams{TaskID: id}))
	}
	refused(t, h1, h, api.HostSubtask, api.SubtaskParams{Method: "x", Parent: parent, Opts: map[string]any{"owner": int64(1)}},
		koji.FaultActionNotAllowed, "The owner option is not allowed here")
}

func TestHostWaitsForSubtasks(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	h1 := asHost(t, 1)
	parent := imageTask(t, h)
	onKojid(t, h, parent)
	var children []int64
	for range 3 {
		id := must(t, h1, h, api.HostSubtask, api.SubtaskParams{Method: "createImage", ArgList: []any{}, Parent: parent})
		children = append(children, id)
	}
	must(t, h1, h, api.HostTaskSetWait, api.TaskSetWaitParams{Parent: parent, Tasks: &children})
	onKojid(t, h, children[0])
	must(t, h1, h, api.HostCloseTask, api.EndTaskParams{TaskID: children[0], Response: response(t, "done")})
	list := must(t, h1, h, api.HostGetHostTasks, api.NoParams{})
	require.True(t, list[0].Alert)
	require.Equal(t, [][]int64{children[:1], children[1:]}, must(t, h1, h, api.HostTaskWait, api.TaskWaitParams{Parent: parent}))
	require.Equal(t, [][]int64{{}, children[1:]}, must(t, h1, h, api.HostTaskWait, api.TaskWaitParams{Parent: parent}))

	onKojid(t, h, children[1])
	must(t, h1, h, api.HostFailTask, api.EndTaskParams{TaskID: children[1], Response: xmlrpc.MarshalFault(koji.FaultBuild, "no luck")})
	must(t, asAdmin(t), h, api.CancelTask, api.CancelTaskParams{TaskID: children[2]})
	results := func(tasks *[]int64, canFail ...int64) any {
		v, err := xmlrpc.Plain(must(t, h1, h, api.HostTaskWaitResults, api.TaskWaitResultsParams{Parent: parent, Tasks: tasks, CanFail: canFail}))
		require.NoError(t, err)
		return v
	}
	first, last := children[:1], children[2:]
	require.Equal(t, []any{[]any{children[0], "done"}}, results(&first))
	fault := func(code int, text string) any {
		return map[string]any{"faultCode": int64(code), "faultString": text}
	}
	require.Equal(t, []any{
		[]any{children[0], "done"},
		[]any{children[1], fault(koji.FaultBuild, "no luck")},
		[]any{children[2], fault(koji.FaultGeneric, "Task 4 is canceled")},
	}, results(nil, children[1:]...))
	refused(t, h1, h, api.HostTaskWaitResults, api.TaskWaitResultsParams{Parent: parent, Tasks: &children}, koji.FaultBuild, "no luck")
	refused(t, h1, h, api.HostTaskWaitResults, api.TaskWaitResultsParams{Parent: parent, Tasks: &last}, koji.FaultGeneric, "Task 4 is canceled")
	refused(t, h1, h, api.HostTaskWaitResults, api.TaskWaitResultsParams{Parent: parent, Tasks: &[]int64{parent}, CanFail: []int64{parent}},
		koji.FaultGeneric, "Task 1 is not finished")
	row, err := h.Store.Task(t.Context(), parent)
	require.NoError(t, err)
	require.False(t, *row.Waiting)
}
