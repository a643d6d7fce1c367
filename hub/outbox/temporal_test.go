package outbox

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/tasks"
)

// Every call can be repeated, and comes when there is no workflow.
func TestTemporal(t *testing.T) {
	c, err := client.Dial(client.Options{HostPort: testenv.Temporal(t), Namespace: "toji"})
	require.NoError(t, err)
	defer c.Close()
	m, ctx := Temporal{c}, t.Context()
	tk := task.Task{ID: time.Now().UnixNano(), Method: "sleep", Owner: "alice"} // an id of its own in each run
	params := &tasks.SleepParams{N: 1}

	require.NoError(t, m.Signal(ctx, tk.ID, task.SignalWake), "a task that has not started looks for itself")
	require.NoError(t, m.Cancel(ctx, tk.ID))
	for range 2 {
		require.NoError(t, m.Start(ctx, tk.Method, tk, params))
	}
	for range 2 {
		require.NoError(t, m.Signal(ctx, tk.ID, task.SignalWake))
	}
	d, err := c.DescribeWorkflowExecution(ctx, task.WorkflowID(tk.ID), "")
	require.NoError(t, err)
	info := d.GetWorkflowExecutionInfo()
	require.Equal(t, "sleep", info.GetType().GetName())
	require.Equal(t, task.SystemQueue, info.GetTaskQueue())
	require.Contains(t, info.GetSearchAttributes().GetIndexedFields(), "TojiTask")
	require.NoError(t, m.Cancel(ctx, tk.ID))
	history := c.GetWorkflowHistory(ctx, task.WorkflowID(tk.ID), "", false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	got := map[enums.EventType]int{}
	for history.HasNext() {
		event, err := history.Next()
		require.NoError(t, err)
		got[event.GetEventType()]++
	}
	require.Equal(t, 1, got[enums.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED])
	require.Equal(t, 2, got[enums.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED])
	require.Equal(t, 1, got[enums.EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED])

	require.NoError(t, c.TerminateWorkflow(ctx, task.WorkflowID(tk.ID), "", "the test is over"))
	require.NoError(t, m.Start(ctx, tk.Method, tk, params), "it has run already")
	require.NoError(t, m.Signal(ctx, tk.ID, task.SignalWake))
	require.NoError(t, m.Cancel(ctx, tk.ID))
}
