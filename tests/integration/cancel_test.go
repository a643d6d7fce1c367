package integration

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// cancelTime is how long after the call processes of a build may live on.
const cancelTime = 2 * time.Second

func TestCancelBuild(t *testing.T) {
	t.Parallel()
	l := start(t)
	s, id, arch := l.slow(t, 300)
	began := time.Now()
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
	awaitFor(t, cancelTime, "the end of all processes", func() bool { return len(l.asleep(t, s)) == 0 })
	t.Logf("no process left %v after the call", time.Since(began))

	require.Equal(t, koji.TaskCanceled, l.state(t, id))
	require.Equal(t, koji.TaskCanceled, l.state(t, arch))
	require.Equal(t, koji.BuildCanceled, l.buildOf(t, s.nvr).State)
	require.Equal(t, []string{"canceled"}, l.outcomes(t, arch))
	for _, id := range []int64{id, arch} {
		l.awaitWorkflow(t, id, enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	}
	require.Zero(t, l.count(t, `SELECT count(*) FROM scheduler_task_runs WHERE task_id = $1 AND active`, arch))
	await(t, "the buildroot's end", func() bool {
		return l.count(t, `SELECT count(*) FROM standard_buildroot WHERE task_id = $1 AND state <> 3`, arch) == 0
	})
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), l.Dir)
}

// A subtask that somebody cancelled fails its parent, and the build with it.
func TestCancelSubtask(t *testing.T) {
	t.Parallel()
	l := start(t)
	s, id, arch := l.slow(t, 300)
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: arch, Recurse: true})
	awaitFor(t, cancelTime, "the end of all processes", func() bool { return len(l.asleep(t, s)) == 0 })
	l.failed(t, id)
	require.Equal(t, koji.BuildFailed, l.buildOf(t, s.nvr).State)
	require.Equal(t, koji.KindCanceled, l.status(t, id).Failures[0].Class)
}

func TestCancelFree(t *testing.T) {
	t.Parallel()
	l := start(t)
	id := l.idle(t, "canceled-early")
	l.awaitWorkflow(t, id, enums.WORKFLOW_EXECUTION_STATUS_RUNNING)
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
	require.Equal(t, koji.TaskCanceled, l.state(t, id))
	l.awaitWorkflow(t, id, enums.WORKFLOW_EXECUTION_STATUS_CANCELED)
	require.Nil(t, l.status(t, id).Wait)
}

// awaitWorkflow waits until a task's workflow has the status.
func (l *lab) awaitWorkflow(t *testing.T, id int64, want enums.WorkflowExecutionStatus) {
	t.Helper()
	await(t, "the workflow being "+want.String(), func() bool {
		d, err := l.temporal.DescribeWorkflowExecution(t.Context(), task.WorkflowID(id), "")
		return err == nil && d.GetWorkflowExecutionInfo().GetStatus() == want
	})
}
