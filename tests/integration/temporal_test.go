package integration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/converter"

	"github.com/toji-build/toji/internal/task"
)

// attributes are the search attributes of a task's workflow.
type attributes struct {
	Task                    int64
	Method, Owner, Tag, NVR string
}

func (l *lab) attributes(t *testing.T, id int64) (a attributes) {
	t.Helper()
	d, err := l.temporal.DescribeWorkflowExecution(t.Context(), task.WorkflowID(id), "")
	require.NoError(t, err)
	require.Equal(t, l.task(t, id).Method, d.GetWorkflowExecutionInfo().GetType().GetName())
	fields := d.GetWorkflowExecutionInfo().GetSearchAttributes().GetIndexedFields()
	for name, to := range map[string]any{
		"TojiTask": &a.Task, "TojiMethod": &a.Method, "TojiOwner": &a.Owner, "TojiTag": &a.Tag, "TojiNVR": &a.NVR,
	} {
		if p := fields[name]; p != nil {
			require.NoError(t, converter.GetDefaultDataConverter().FromPayload(p, to))
		}
	}
	return a
}
