package hub

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// asHost returns a context in which the caller is the build host with the id,
// alone with itself.
func asHost(t *testing.T, id int64) context.Context {
	t.Helper()
	return session.With(t.Context(), &session.Session{ID: 100 + id, UserID: 10 + id, UserName: fmt.Sprintf("h%d", id), HostID: &id, Exclusive: true})
}

// newHosts adds the hosts h1 and h2, with ids 1 and 2.
func newHosts(t *testing.T, h *Hub) {
	t.Helper()
	_, err := h.Store.Exec(t.Context(), `SELECT setval('users_id_seq', 10)`)
	require.NoError(t, err)
	for _, name := range []string{"h1", "h2"} {
		must(t, asAdmin(t), h, api.AddHost, api.AddHostParams{Hostname: name, Arches: []string{"x86_64"}})
	}
}

// sleepTask makes a task of labuser's.
func sleepTask(t *testing.T, h *Hub) int64 {
	t.Helper()
	id, err := h.MakeTask(asLabuser(t), "sleep", []any{int64(7)}, TaskOpts{})
	require.NoError(t, err)
	return id
}

// openTask opens a task on a host, or on none (0).
func openTask(t *testing.T, h *Hub, id, host int64) {
	t.Helper()
	if host != 0 {
		require.NoError(t, h.Store.Assign(t.Context(), []store.Assignment{{TaskID: id, HostID: host, Weight: 1}}, nil))
	}
	out, _, err := h.Store.OpenTask(t.Context(), id, host != 0, 1, 1)
	require.NoError(t, err)
	require.Equal(t, store.TaskDone, out)
}

func stateOf(t *testing.T, h *Hub, id int64) koji.TaskState {
	t.Helper()
	row, err := h.Store.Task(t.Context(), id)
	require.NoError(t, err)
	return koji.TaskState(row.State)
}

func TestWhoMayCancel(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	const notOwner = "Cannot cancel task, not owner"
	for _, c := range []struct {
		name string
		as   context.Context
		text string
	}{
		{"owner", asLabuser(t), ""},
		{"admin", asAdmin(t), ""},
		{"its host", asHost(t, 1), ""},
		{"another host", asHost(t, 2), notOwner},
		{"another user", session.With(t.Context(), &session.Session{ID: 9, UserID: 9}), notOwner},
		{"nobody", t.Context(), notOwner},
		{"an expired session", session.With(t.Context(), &session.Session{ID: 2, UserID: 2, Expired: true}), notOwner},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := sleepTask(t, h)
			openTask(t, h, id, 1)
			if c.text == "" {
				must(t, c.as, h, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
				require.Equal(t, koji.TaskCanceled, stateOf(t, h, id))
				return
			}
			refused(t, c.as, h, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true}, koji.FaultActionNotAllowed, c.text)
			require.Equal(t, koji.TaskOpen, stateOf(t, h, id))
		})
	}
	refused(t, asLabuser(t), h, api.CancelTask, api.CancelTaskParams{TaskID: 999}, koji.FaultGeneric, "No such task: 999")
	refused(t, t.Context(), h, api.CancelTask, api.CancelTaskParams{TaskID: 999}, koji.FaultActionNotAllowed, notOwner)
}

func TestCancelFamilies(t *testing.T) {
	h := newTestHub(t)
	top := sleepTask(t, h)
	openTask(t, h, top, 0)
	child, err := h.MakeTask(asAdmin(t), "sleep", []any{int64(1)}, TaskOpts{Parent: top, Label: "a"})
	require.NoError(t, err)
	admin := asAdmin(t)
	refused(t, admin, h, api.CancelTaskFull, api.CancelTaskFullParams{TaskID: child, Strict: true}, koji.FaultGeneric,
		fmt.Sprintf("Task %d is not top-level (parent=%d)", child, top))
	refused(t, asLabuser(t), h, api.CancelTaskFull, api.CancelTaskFullParams{TaskID: top}, koji.FaultActionNotAllowed,
		"admin permission required (logged in as labuser)")
	must(t, asLabuser(t), h, api.CancelTaskChildren, api.TaskIDParams{TaskID: top})
	require.Equal(t, koji.TaskOpen, stateOf(t, h, top))
	require.Equal(t, koji.TaskCanceled, stateOf(t, h, child))
	must(t, admin, h, api.CancelTaskFull, api.CancelTaskFullParams{TaskID: child})
	require.Equal(t, koji.TaskCanceled, stateOf(t, h, top))
}

func TestMakeTask(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	admin := asAdmin(t)
	id := must(t, admin, h, api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{int64(3)}},
		Opts: map[string]any{"priority": int64(15), "channel": "image", "arch": "x86_64", "assign": "h2"}})
	row := must(t, admin, h, api.GetTaskInfo, api.TaskInfoParams{TaskID: id, Request: true}).(*api.TaskInfo)
	require.Equal(t, []any{int64(3)}, row.Request)
	require.Equal(t, int64(15), *row.Priority)
	require.Equal(t, "x86_64", row.Arch)
	require.Equal(t, int64(2), *row.HostID)
	require.Equal(t, int(koji.TaskAssigned), row.State)
	channel, err := h.Channel(admin, row.ChannelID)
	require.NoError(t, err)
	require.Equal(t, "image", channel.Name)

	for _, c := range []struct {
		args  []any
		opts  map[string]any
		fault int
		text  string
	}{
		{[]any{"sleep", []any{}}, map[string]any{"owner": int64(2)}, koji.FaultActionNotAllowed, "The owner option is not allowed here"},
		{[]any{"sleep", []any{}}, map[string]any{"channel": "nosuchchannel"}, koji.FaultGeneric, "No such channel: nosuchchannel"},
		{[]any{"sleep", []any{}}, map[string]any{"parent": int64(99)}, koji.FaultGeneric, "Invalid parent task: 99"},
		{[]any{"sleep", []any{}}, map[string]any{"parent": id}, koji.FaultGeneric, fmt.Sprintf("Parent task (id %d) is not open", id)},
		{[]any{"sleep", []any{}}, map[string]any{"priority": "high"}, koji.FaultParameter, "Invalid type for value 'high': <class 'str'>, expected type <class 'int'>"},
		{[]any{"sleep", []any{}}, map[string]any{"assign": "nosuchhost"}, koji.FaultGeneric, "Invalid hostInfo: nosuchhost"},
		{[]any{int64(1), []any{}}, nil, koji.FaultParameter, "Invalid type for value '1': <class 'int'>, expected type <class 'str'>"},
		{[]any{"sleep"}, nil, faultUnforeseen, "<class 'TypeError'>: make_task() missing 1 required positional argument: 'arglist'"},
	} {
		refused(t, admin, h, api.MakeTask, api.ArgsParams{Args: c.args, Opts: c.opts}, c.fault, c.text)
	}
	refused(t, asHost(t, 1), h, api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{}}}, koji.FaultActionNotAllowed, "admin permission required (logged in as h1)")
	must(t, admin, h, api.DisableChannel, api.SwitchChannelParams{ChannelName: "image"})
	refused(t, admin, h, api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{}}, Opts: map[string]any{"channel": "image"}},
		koji.FaultGeneric, "Channel image is disabled.")
}

func TestBuildTask(t *testing.T) {
	h := newTestHub(t)
	id := must(t, asLabuser(t), h, api.BuildTask, api.BuildTaskParams{Src: "git://example.com/foo#abc", Target: "f40", Priority: new(int64(5))})
	row, err := h.Store.Task(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, int64(25), *row.Priority)
	require.Equal(t, []any{"git://example.com/foo#abc", "f40", map[string]any{}}, must(t, t.Context(), h, api.GetTaskRequest, api.TaskParams{TaskID: id}))
	refused(t, asLabuser(t), h, api.BuildTask, api.BuildTaskParams{Src: "x", Target: "f40", Priority: new(int64(-1))},
		koji.FaultActionNotAllowed, "only admins may create high-priority tasks")
	refused(t, t.Context(), h, api.BuildTask, api.BuildTaskParams{Src: "x", Target: "f40"},
		koji.FaultActionNotAllowed, "you must be logged in for this operation")
	must(t, asAdmin(t), h, api.BuildTask, api.BuildTaskParams{Src: "x", Target: nil, Priority: new(int64(-1))})
}

func TestTaskPolicies(t *testing.T) {
	h := newTestHub(t)
	require.NoError(t, h.LoadPolicy(config.Policies{Texts: map[string]string{
		"channel":  "method build && source *foo* :: use maven\n is_child_task :: parent\n has_perm admin :: req\n all :: use nosuchchannel",
		"priority": "method build :: set 3\n method sleep :: adjust +2\n all :: nonsense",
	}}))
	made := func(ctx context.Context, method string, args []any, o TaskOpts) (*api.Task, error) {
		id, err := h.MakeTask(ctx, method, args, o)
		if err != nil {
			return nil, err
		}
		return h.Store.Task(ctx, id)
	}
	build, err := made(asLabuser(t), "build", []any{"git://foo", "f40"}, TaskOpts{})
	require.NoError(t, err)
	maven, err := h.Channel(t.Context(), "maven")
	require.NoError(t, err)
	require.Equal(t, maven.ID, build.ChannelID)
	require.Equal(t, int64(3), *build.Priority)

	openTask(t, h, build.ID, 0)
	child, err := made(asLabuser(t), "sleep", []any{int64(1)}, TaskOpts{Parent: build.ID, Label: "x"})
	require.NoError(t, err)
	require.Equal(t, maven.ID, child.ChannelID, "its parent's")
	require.Equal(t, int64(4), *child.Priority, "its parent's, less one, and two more by policy")
	require.Equal(t, int64(2), child.Owner)

	_, err = made(asAdmin(t), "sleep", nil, TaskOpts{})
	require.EqualError(t, err, "invalid channel policy", "nothing was requested")
	_, err = made(asLabuser(t), "sleep", nil, TaskOpts{})
	require.EqualError(t, err, "No such channel: nosuchchannel")
	_, err = made(asLabuser(t), "newRepo", nil, TaskOpts{Parent: build.ID})
	require.EqualError(t, err, "invalid priority policy")
}

func TestSubtask(t *testing.T) {
	h := newTestHub(t)
	top := sleepTask(t, h)
	openTask(t, h, top, 0)
	request, err := xmlrpc.MarshalRequest("sleep", 5)
	require.NoError(t, err)
	r := SubtaskRequest{Parent: top, Key: "1/sleep/a", Method: "sleep", Label: "a", Request: request, Arch: "x86_64"}
	first, err := h.Subtask(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, task.Task{ID: first.ID, Method: "sleep", Parent: top, OwnerID: 2, Owner: "labuser", Label: "a", Arch: "x86_64", Channel: "default", Priority: 19}, first)
	again, err := h.Subtask(t.Context(), r)
	require.NoError(t, err)
	require.Equal(t, first, again)
	r.Key = "1/sleep/b"
	_, err = h.Subtask(t.Context(), r)
	require.EqualError(t, err, fmt.Sprintf("task %d has a subtask labeled a already", top))
	// The next attempt has children of its own under the same labels.
	_, err = h.Store.FreeTask(t.Context(), top)
	require.NoError(t, err)
	out, _, err := h.Store.OpenTask(t.Context(), top, false, 2, 1)
	require.NoError(t, err)
	require.Equal(t, store.TaskDone, out)
	r.Key = "2/sleep/a"
	next, err := h.Subtask(t.Context(), r)
	require.NoError(t, err)
	require.NotEqual(t, first.ID, next.ID)
	require.Equal(t, "a", next.Label)
}

func TestTaskResults(t *testing.T) {
	h := newTestHub(t)
	closed, failed, open := sleepTask(t, h), sleepTask(t, h), sleepTask(t, h)
	for _, id := range []int64{closed, failed, open} {
		openTask(t, h, id, 0)
	}
	text, err := xmlrpc.MarshalResult([]any{int64(1), "x"})
	require.NoError(t, err)
	_, err = h.Store.CloseTask(t.Context(), closed, 1, text)
	require.NoError(t, err)
	_, err = h.FailTask(t.Context(), failed, 1, task.Failure{Fault: koji.FaultBuild, Kind: koji.KindPackage, Msg: "error building package"})
	require.NoError(t, err)
	ctx := t.Context()
	result := func(id int64, raise bool) any {
		return must(t, ctx, h, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: raise})
	}
	require.Equal(t, []any{int64(1), "x"}, result(closed, true))
	refused(t, ctx, h, api.GetTaskResult, api.TaskResultParams{TaskID: failed, RaiseFault: true}, koji.FaultBuild, "error building package")
	require.Equal(t, api.TaskFault{Code: koji.FaultBuild, String: "error building package"}, result(failed, false))
	refused(t, ctx, h, api.GetTaskResult, api.TaskResultParams{TaskID: open, RaiseFault: true}, koji.FaultGeneric, fmt.Sprintf("Task %d is not finished", open))
	require.True(t, must(t, ctx, h, api.TaskFinished, api.TaskParams{TaskID: failed}))
	require.False(t, must(t, ctx, h, api.TaskFinished, api.TaskParams{TaskID: open}))

	rows := must(t, ctx, h, api.ListTasks, api.ListTasksParams{Opts: map[string]any{"decode": true}, QueryOpts: map[string]any{"order": "id"}})
	require.Equal(t, []any{int64(7)}, rows.List[0].Request)
	require.Equal(t, []any{[]any{int64(1), "x"}}, rows.List[0].Result)
	require.Equal(t, api.TaskFault{Code: koji.FaultBuild, String: "error building package"}, rows.List[1].Result)
	require.Nil(t, rows.List[2].Result)
	rows = must(t, ctx, h, api.ListTasks, api.ListTasksParams{Opts: map[string]any{"state": []any{int64(2)}}})
	require.Len(t, rows.List, 1)
	require.Equal(t, text, rows.List[0].Result)
}

// Rows of old installations hold their texts in base64.
func TestOldTexts(t *testing.T) {
	h := newTestHub(t)
	id := sleepTask(t, h)
	openTask(t, h, id, 0)
	result, err := xmlrpc.MarshalResult("done")
	require.NoError(t, err)
	_, err = h.Store.CloseTask(t.Context(), id, 1, result)
	require.NoError(t, err)
	_, err = h.Store.Exec(t.Context(), `UPDATE task SET request = encode(convert_to(request, 'UTF8'), 'base64'), result = encode(convert_to(result, 'UTF8'), 'base64')`)
	require.NoError(t, err)
	require.Equal(t, []any{int64(7)}, must(t, t.Context(), h, api.GetTaskRequest, api.TaskParams{TaskID: id}))
	require.Equal(t, "done", must(t, t.Context(), h, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true}))
	rows := must(t, t.Context(), h, api.ListTasks, api.ListTasksParams{Opts: map[string]any{"decode": true}})
	require.Equal(t, []any{"done"}, rows.List[0].Result)
}

func TestListTasksOptions(t *testing.T) {
	h := newTestHub(t)
	sleepTask(t, h)
	for _, c := range []struct {
		opts map[string]any
		n    int
	}{
		{nil, 1},
		{map[string]any{"owner": int64(2)}, 1},
		{map[string]any{"owner": []any{int64(1)}}, 0},
		{map[string]any{"not_owner": int64(1)}, 1},
		{map[string]any{"parent": nil, "host_id": nil}, 1},
		{map[string]any{"not_parent": nil}, 0},
		{map[string]any{"state": int64(0), "arch": "noarch"}, 1},
		{map[string]any{"not_arch": []any{"noarch"}}, 0},
		{map[string]any{"method": "sleep", "createdAfter": int64(0), "createdBefore": "2100-01-01"}, 1},
		{map[string]any{"startedAfter": 0.5}, 0},
		{map[string]any{"completedBefore": nil, "nosuchoption": int64(1)}, 1},
	} {
		rows := must(t, t.Context(), h, api.ListTasks, api.ListTasksParams{Opts: c.opts})
		require.Len(t, rows.List, c.n, "%v", c.opts)
	}
	refused(t, t.Context(), h, api.ListTasks, api.ListTasksParams{Opts: map[string]any{"owner": "labuser"}}, koji.FaultParameter,
		"[0]: Invalid type for value 'labuser': <class 'str'>, expected type <class 'int'>")
	refused(t, t.Context(), h, api.ListTasks, api.ListTasksParams{QueryOpts: map[string]any{"order": "id; DROP TABLE task"}}, koji.FaultParameter,
		"Invalid order: id; DROP TABLE task")
}

func TestAssignAndFree(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	id, admin := sleepTask(t, h), asAdmin(t)
	refused(t, admin, h, api.FreeTask, api.TaskIDParams{TaskID: id}, koji.FaultGeneric, fmt.Sprintf("No such task: %d", id))
	require.True(t, must(t, admin, h, api.AssignTask, api.AssignTaskParams{TaskID: id, Host: "h1"}))
	row, err := h.Store.Task(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, 0.25, row.Weight, "the type's, as the host has it now")
	require.False(t, must(t, admin, h, api.AssignTask, api.AssignTaskParams{TaskID: id, Host: int64(2)}))
	require.True(t, must(t, admin, h, api.AssignTask, api.AssignTaskParams{TaskID: id, Host: "h2", Force: true}))
	must(t, admin, h, api.FreeTask, api.TaskIDParams{TaskID: id})
	require.Equal(t, koji.TaskFree, stateOf(t, h, id))
	refused(t, admin, h, api.AssignTask, api.AssignTaskParams{TaskID: 999, Host: "h1"}, koji.FaultGeneric, "query returned no rows")
	refused(t, admin, h, api.AssignTask, api.AssignTaskParams{TaskID: id, Host: "h9"}, koji.FaultGeneric, "Invalid hostInfo: h9")

	must(t, admin, h, api.SetTaskPriority, api.SetTaskPriorityParams{TaskID: id, Priority: 3})
	must(t, admin, h, api.CancelTask, api.CancelTaskParams{TaskID: id})
	refused(t, admin, h, api.SetTaskPriority, api.SetTaskPriorityParams{TaskID: id, Priority: 3}, koji.FaultGeneric, "Finished task's priority can't be updated")
	refused(t, admin, h, api.FreeTask, api.TaskIDParams{TaskID: id}, koji.FaultGeneric, fmt.Sprintf("Cannot free task %d, state is CANCELED", id))

	again := must(t, asLabuser(t), h, api.ResubmitTask, api.ResubmitTaskParams{TaskID: id})
	row, err = h.Store.Task(t.Context(), again)
	require.NoError(t, err)
	require.Equal(t, int64(3), *row.Priority)
	require.Equal(t, []any{int64(7)}, must(t, admin, h, api.GetTaskRequest, api.TaskParams{TaskID: again}))
}

func TestTaskOutput(t *testing.T) {
	h := newTestHub(t)
	id, ctx := sleepTask(t, h), t.Context()
	list := func(p api.ListTaskOutputParams) any {
		p.TaskID = id
		return must(t, ctx, h, api.ListTaskOutput, p)
	}
	require.Equal(t, []string{}, list(api.ListTaskOutputParams{}))
	require.Empty(t, list(api.ListTaskOutputParams{AllVolumes: true}))
	refused(t, ctx, h, api.ListTaskOutput, api.ListTaskOutputParams{TaskID: 999, Strict: true}, koji.FaultGeneric, "Task doesn't exist")

	require.NoError(t, os.Mkdir(filepath.Join(h.Paths.TopDir, "vol"), 0o755))
	require.NoError(t, os.Mkdir(h.Paths.Volume("slow"), 0o755))
	must(t, asAdmin(t), h, api.AddVolume, api.AddVolumeParams{Name: "slow"})
	write := func(volume, name, text string) {
		path := filepath.Join(h.Paths.Task(volume, id), name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	write("", "build.log", "0123456789")
	write("", "rpms/foo.rpm", "rpm")
	write("slow", "build.log", "elsewhere")
	require.NoError(t, os.Symlink("build.log", filepath.Join(h.Paths.Task("", id), "imported.log")))
	require.NoError(t, os.Symlink("gone", filepath.Join(h.Paths.Task("", id), "gone.log")))
	require.Equal(t, []string{"build.log", "imported.log", "rpms/foo.rpm"}, list(api.ListTaskOutputParams{}))
	require.Equal(t, map[string][]string{"build.log": {"DEFAULT", "slow"}, "imported.log": {"DEFAULT"}, "rpms/foo.rpm": {"DEFAULT"}},
		list(api.ListTaskOutputParams{AllVolumes: true}))
	stats := list(api.ListTaskOutputParams{Stat: true}).(map[string]api.FileStat)
	require.Equal(t, "10", stats["build.log"].Size)
	require.NotZero(t, stats["build.log"].MTime)
	byVolume := list(api.ListTaskOutputParams{Stat: true, AllVolumes: true}).(map[string]map[string]api.FileStat)
	require.Equal(t, "9", byVolume["build.log"]["slow"].Size)

	for _, c := range []struct {
		p    api.DownloadTaskOutputParams
		want string
	}{
		{api.DownloadTaskOutputParams{FileName: "build.log"}, "0123456789"},
		{api.DownloadTaskOutputParams{FileName: "imported.log"}, "0123456789"},
		{api.DownloadTaskOutputParams{FileName: "rpms/foo.rpm"}, "rpm"},
		{api.DownloadTaskOutputParams{FileName: "build.log", Volume: "slow"}, "elsewhere"},
		{api.DownloadTaskOutputParams{FileName: "build.log", Offset: new(int64(8))}, "89"},
		{api.DownloadTaskOutputParams{FileName: "build.log", Offset: new(int64(2)), Size: new(int64(3))}, "234"},
		{api.DownloadTaskOutputParams{FileName: "build.log", Offset: new(int64(-2)), Size: new(int64(9))}, "89"},
		{api.DownloadTaskOutputParams{FileName: "build.log", Offset: new(int64(99))}, ""},
		{api.DownloadTaskOutputParams{FileName: "build.log", Size: new(int64(0))}, ""},
	} {
		c.p.TaskID = id
		text, err := base64.StdEncoding.DecodeString(must(t, ctx, h, api.DownloadTaskOutput, c.p))
		require.NoError(t, err)
		require.Equal(t, c.want, string(text))
	}
	for name, text := range map[string]string{
		"../../../../../etc/passwd": "Invalid file name: ../../../../../etc/passwd",
		"nosuchfile":                fmt.Sprintf(`no file "nosuchfile" output by task %d`, id),
		"rpms":                      fmt.Sprintf(`no file "rpms" output by task %d`, id),
		"":                          fmt.Sprintf(`no file "" output by task %d`, id),
	} {
		refused(t, ctx, h, api.DownloadTaskOutput, api.DownloadTaskOutputParams{TaskID: id, FileName: name}, koji.FaultGeneric, text)
	}
	refused(t, ctx, h, api.DownloadTaskOutput, api.DownloadTaskOutputParams{TaskID: id, FileName: "build.log", Volume: "fast"},
		koji.FaultGeneric, "No such volume: fast")
}

func TestTaskStatus(t *testing.T) {
	h := newTestHub(t)
	id := sleepTask(t, h)
	require.NoError(t, h.Store.SetTaskWait(t.Context(), id, "no-channel", "no enabled host is in channel default"))
	st := must(t, t.Context(), h, api.GetTaskStatus, api.TaskIDParams{TaskID: id})
	require.Equal(t, fmt.Sprintf("task-%d", id), st.WorkflowID)
	require.Equal(t, "no-channel", st.Wait.Code)
	require.Empty(t, st.Attempts)
	require.Nil(t, must(t, t.Context(), h, api.GetTaskStatus, api.TaskIDParams{TaskID: 999}))
}

func TestRestartHosts(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	ctx := asLabuser(t, "host")
	id := must(t, ctx, h, api.RestartHosts, api.RestartHostsParams{Priority: 5, Options: map[string]any{"arches": []any{"x86_64"}}})
	row, err := h.Store.Task(ctx, id)
	require.NoError(t, err)
	require.Equal(t, int64(5), *row.Priority)
	refused(t, ctx, h, api.RestartHosts, api.RestartHostsParams{Options: "all"}, koji.FaultParameter, "Invalid type of options: <class 'str'>")
	refused(t, asLabuser(t), h, api.RestartHosts, api.RestartHostsParams{}, koji.FaultActionNotAllowed, "host permission required (logged in as labuser)")

	must(t, asAdmin(t), h, api.DisableHost, api.HostnameParams{Hostname: "h2"})
	for _, c := range []struct {
		opts tasks.RestartHostsOpts
		want []tasks.HostInfo
	}{
		{tasks.RestartHostsOpts{}, []tasks.HostInfo{{ID: 1, Name: "h1"}}},
		{tasks.RestartHostsOpts{Channel: tasks.Ref{Name: "default"}, Arches: []string{"aarch64", "x86_64"}}, []tasks.HostInfo{{ID: 1, Name: "h1"}}},
		{tasks.RestartHostsOpts{Arches: []string{"aarch64"}}, []tasks.HostInfo{}},
	} {
		got, err := h.RestartableHosts(ctx, c.opts)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestHostCalls(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	h1, h2 := asHost(t, 1), asHost(t, 2)
	require.Equal(t, int64(1), must(t, h1, h, api.HostGetID, api.NoParams{}))
	require.Equal(t, "h2", must(t, h2, h, api.HostGetHost, api.NoParams{}).Name)
	require.True(t, must(t, h2, h, api.HostIsEnabled, api.NoParams{}))
	refused(t, asAdmin(t), h, api.HostGetID, api.NoParams{}, koji.FaultAuth, "User 1 is not a host")
	shared := session.With(t.Context(), &session.Session{ID: 5, UserID: 11, HostID: new(int64(1))})
	refused(t, shared, h, api.HostGetID, api.NoParams{}, koji.FaultAuth, "This method requires an exclusive session")

	must(t, h1, h, api.HostUpdateHost, api.UpdateHostParams{TaskLoad: 1.5, Ready: true, Data: map[string]any{"maxjobs": int64(3)}})
	host := must(t, h1, h, api.HostGetHost, api.NoParams{})
	require.True(t, host.Ready)
	require.Equal(t, 1.5, host.TaskLoad)
	require.NotNil(t, host.UpdateTS)
	maxJobs := func() string {
		v, err := database.One[string](t.Context(), h.Store.DB, `SELECT data->>'maxjobs' FROM scheduler_host_data WHERE host_id = 1`)
		require.NoError(t, err)
		return v
	}
	require.Equal(t, "3", maxJobs())
	must(t, h1, h, api.HostSetHostData, api.SetHostDataParams{HostData: `{"maxjobs": 4}`})
	require.Equal(t, "4", maxJobs())
	refused(t, h1, h, api.HostSetHostData, api.SetHostDataParams{HostData: []any{}}, koji.FaultParameter, "Host data should be a dictionary")

	given, open := sleepTask(t, h), sleepTask(t, h)
	require.NoError(t, h.Store.Assign(t.Context(), []store.Assignment{{TaskID: given, HostID: 1, Weight: 1}}, nil))
	openTask(t, h, open, 1)
	require.Equal(t, given, must(t, h1, h, api.HostGetTasks, api.NoParams{})[0].ID)
	require.Equal(t, []api.OpenHostTask{{ID: open, Weight: 1}}, must(t, h1, h, api.HostGetHostTasks, api.NoParams{}))
	require.Empty(t, must(t, h2, h, api.HostGetTasks, api.NoParams{}))
	load, err := xmlrpc.Plain(must(t, h1, h, api.HostGetLoadData, api.NoParams{}))
	require.NoError(t, err)
	var seen struct{ Hosts, Tasks []map[string]any }
	require.NoError(t, rpc.Into(load.([]any)[0], &seen.Hosts))
	require.NoError(t, rpc.Into(load.([]any)[1], &seen.Tasks))
	require.Equal(t, []any{int64(1)}, seen.Hosts[0]["channels"])
	require.Equal(t, given, seen.Tasks[0]["id"])

	must(t, h1, h, api.HostSetTaskWeight, api.SetTaskWeightParams{TaskID: open, Weight: 2.5})
	refused(t, h2, h, api.HostSetTaskWeight, api.SetTaskWeightParams{TaskID: open, Weight: 1}, koji.FaultActionNotAllowed,
		fmt.Sprintf("host 2 does not own task %d", open))
	refused(t, h1, h, api.HostSetTaskWeight, api.SetTaskWeightParams{TaskID: given, Weight: 1}, koji.FaultActionNotAllowed,
		fmt.Sprintf("host 1 does not own task %d", given))

	must(t, h2, h, api.HostRefuseTask, api.RefuseTaskParams{TaskID: given, Soft: true}) // not its own: without effect
	require.Equal(t, koji.TaskAssigned, stateOf(t, h, given))
	must(t, h1, h, api.HostRefuseTask, api.RefuseTaskParams{TaskID: given, Soft: false, Msg: "no"})
	require.Equal(t, koji.TaskFree, stateOf(t, h, given))
}

func TestHostStatus(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	for range 3 {
		id := sleepTask(t, h)
		openTask(t, h, id, 2)
		require.NoError(t, h.Store.ReleaseTask(t.Context(), store.Release{TaskID: id, HostID: 2, Attempt: 1, Reason: "no space left"}))
	}
	status := must(t, t.Context(), h, api.GetHostStatus, api.NoParams{})
	require.Equal(t, []string{"h1", "h2"}, []string{status[0].Name, status[1].Name})
	require.Nil(t, status[0].QuarantinedAt)
	require.NotNil(t, status[1].QuarantinedAt)
	require.True(t, strings.Contains(*status[1].Reason, "no space left"))
	refused(t, asLabuser(t), h, api.TrustHost, api.TrustHostParams{Host: "h2"}, koji.FaultActionNotAllowed, "host permission required (logged in as labuser)")
	require.True(t, must(t, asLabuser(t, "host"), h, api.TrustHost, api.TrustHostParams{Host: "h2"}))
	require.Nil(t, must(t, t.Context(), h, api.GetHostStatus, api.NoParams{})[1].QuarantinedAt)
}
