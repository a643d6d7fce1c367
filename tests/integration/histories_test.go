package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/history/v1"
	"go.temporal.io/api/temporalproto"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

const histories = "../../workflows/testdata/histories"

// Records the histories that package workflows replays: run it with -update
// after a deliberate change of what workflows do, and only then.
func TestRecordHistories(t *testing.T) {
	if !*update {
		t.Skip("records only with -update; package workflows replays what is recorded")
	}
	l := start(t)
	first := l.anyRepo(t, "plain-build")
	l.record(t, "newRepo", *first.TaskID)
	l.record(t, "createrepo", l.child(t, *first.TaskID, "createrepo").ID)

	_, id, arch := l.slow(t, 4)
	require.NoError(t, l.KillChild("worker --config"))
	l.closed(t, id)
	l.record(t, "build", id)
	l.record(t, "buildArch-daemon-restarted", arch)
	l.record(t, "rebuildSRPM", l.child(t, id, "rebuildSRPM").ID)
	l.record(t, "tagBuild", l.child(t, id, "tagBuild").ID)

	waiting := l.build(t, l.srpm(t, "hello-noarch", 0), "chain", map[string]any{"wait_repo": true})
	l.closed(t, waiting)
	l.record(t, "waitrepo", l.child(t, waiting, "waitrepo").ID)

	_, id, arch = l.slow(t, 4)
	call(t, l, api.FreeTask, api.TaskIDParams{TaskID: arch})
	l.closed(t, id)
	l.record(t, "buildArch-freed", arch)

	s, id, _ := l.slow(t, 4)
	call(t, l, api.FreeTask, api.TaskIDParams{TaskID: id})
	l.closed(t, id)
	l.record(t, "build-freed", id)

	_, id, arch = l.slow(t, 300)
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
	l.awaitState(t, arch, koji.TaskCanceled)
	l.record(t, "build-canceled", id)
	l.record(t, "buildArch-canceled", arch)

	id = l.build(t, l.srpm(t, "fail-build", 0), "plain", nil)
	l.failed(t, id)
	l.record(t, "build-failed", id)

	url, _ := l.repository(t, "hello-noarch", s)
	id = call(t, l, api.BuildTask, api.BuildTaskParams{Src: url, Target: "plain", Opts: map[string]any{"scratch": true}})
	l.closed(t, id)
	l.record(t, "build-git-scratch", id)
	l.recordChain(t)
	l.recordRunroot(t)
}

// recordRunroot records commands in buildroots.
func (l *lab) recordRunroot(t *testing.T) {
	for name, command := range map[string]string{"runroot": "echo hi", "runroot-failed": "exit 3"} {
		id := l.runroot(t, "plain-build", "default", command, nil)
		await(t, name, func() bool { return l.state(t, id).Finished() })
		l.record(t, name, id)
	}
}

// recordChain records chains of builds and dist repos.
func (l *lab) recordChain(t *testing.T) {
	hello, user := l.srpm(t, "hello-noarch", 0), l.srpm(t, "use-noarch", 0)
	first, _ := l.repository(t, "hello-noarch", hello)
	second, _ := l.repository(t, "use-noarch", user)
	id := l.chainBuild(t, "chain", nil, []string{first}, []string{second})
	l.closed(t, id)
	l.record(t, "chainbuild", id)
	again := l.chainBuild(t, "chain", nil, []string{first}, []string{hello.nvr})
	l.failed(t, again) // its NVR exists
	l.record(t, "chainbuild-failed", again)

	tag, _ := l.distTag(t, "hello-noarch")
	id, _ = l.distRepo(t, tag, []any{}, map[string]any{"allow_missing_signatures": true})
	l.closed(t, id)
	l.record(t, "distRepo", id)
	l.record(t, "createdistrepo", l.child(t, id, "createdistrepo").ID)
	id, _ = l.distRepo(t, tag, []any{"abcd1234"}, nil)
	l.failed(t, id)
	l.record(t, "distRepo-failed", id)
}

// record writes the history of a task's workflow, which it waits for.
func (l *lab) record(t *testing.T, name string, id int64) {
	t.Helper()
	// The result is of no interest, only that there is one.
	_ = l.temporal.GetWorkflow(t.Context(), task.WorkflowID(id), "").Get(t.Context(), nil)
	var whole history.History
	events := l.temporal.GetWorkflowHistory(t.Context(), task.WorkflowID(id), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	for events.HasNext() {
		event, err := events.Next()
		require.NoError(t, err)
		whole.Events = append(whole.Events, event)
	}
	text, err := temporalproto.CustomJSONMarshalOptions{Indent: " "}.Marshal(&whole)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(histories, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(histories, name+".json"), append(text, '\n'), 0o644))
}
