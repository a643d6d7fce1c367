package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestRunroot(t *testing.T) {
	h := newTestHub(t)
	admin := asAdmin(t)
	must(t, admin, h, api.CreateTag, api.CreateTagParams{Name: "bare"})
	must(t, admin, h, api.CreateTag, api.CreateTagParams{Name: "base", Arches: "x86_64"})
	_, err := h.Store.Exec(t.Context(), `INSERT INTO channels (name) VALUES ('runroot') ON CONFLICT DO NOTHING`)
	require.NoError(t, err)
	ask := func(p api.RunrootParams) api.RunrootParams {
		if p.TagInfo == nil {
			p.TagInfo = "base"
		}
		if p.Command == nil {
			p.Command = "id"
		}
		return p
	}
	user := asLabuser(t, "runroot")
	_, err = rpc.Invoke(asLabuser(t), h.Caller(), api.Runroot, ask(api.RunrootParams{Arch: "x86_64"}))
	require.Equal(t, koji.FaultActionNotAllowed, koji.FaultOf(err))
	refused(t, user, h, api.Runroot, ask(api.RunrootParams{Arch: "x86_64", Command: int64(3)}), koji.FaultGeneric, "Invalid type for value '3': <class 'int'>")
	refused(t, user, h, api.Runroot, ask(api.RunrootParams{Arch: "noarch", TagInfo: "bare"}), koji.FaultGeneric, "no arches defined for tag bare")

	id := must(t, user, h, api.Runroot, ask(api.RunrootParams{Arch: "x86_64", Command: []any{"id", "-u"}, Opts: map[string]any{"packages": []any{"foo"}}}))
	task, err := h.Store.Task(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "runroot", task.Method)
	require.Equal(t, int64(15), *task.Priority)
	require.Equal(t, []any{"base", "x86_64", []any{"id", "-u"}, map[string]any{"__starstar": true, "packages": []any{"foo"}}},
		must(t, user, h, api.GetTaskRequest, api.TaskParams{TaskID: id}))
}

func TestSaveFailedTree(t *testing.T) {
	l := newLife(t)
	root, err := l.NewBuildroot(l.ctx, 1, 1, "x86_64", 100)
	require.NoError(t, err)
	user := asLabuser(t)
	p := api.SaveFailedTreeParams{BuildrootID: root}
	refused(t, user, l.Hub, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: "x"}, koji.FaultParameter,
		"Invalid type for value 'x': <class 'str'>, expected type <class 'int'>")
	refused(t, user, l.Hub, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: int64(999)}, koji.FaultGeneric, "No such buildroot: 999")
	refused(t, user, l.Hub, api.SaveFailedTree, p, koji.FaultPreBuild, "Task 100 has not failed. Only failed tasks can upload their buildroots.")
	l.exec(`UPDATE task SET state = 5 WHERE id = 100`)
	refused(t, user, l.Hub, api.SaveFailedTree, p, koji.FaultPreBuild, "Only buildArch tasks can upload their buildroots (Task 100 is build).")
	l.SavedTrees.AllowedMethods = []string{"*"}
	l.exec(`UPDATE task SET owner = 1 WHERE id = 100`)
	refused(t, user, l.Hub, api.SaveFailedTree, p, koji.FaultActionNotAllowed, "Only owner of failed task or 'admin' can run this task.")
	id := must(t, asAdmin(t), l.Hub, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root, Full: true})
	task, err := l.Store.Task(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "saveFailedTree", task.Method)
	require.Equal(t, int64(1), *task.HostID)
	l.exec(`UPDATE host_config SET enabled = false WHERE host_id = 1`)
	refused(t, asAdmin(t), l.Hub, api.SaveFailedTree, p, koji.FaultPreBuild, "Host is disabled.")
}
