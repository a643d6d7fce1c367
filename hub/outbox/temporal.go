package outbox

import (
	"context"
	"errors"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/motion"
	"github.com/toji-build/toji/internal/task"
)

// Temporal is the Motion of a real cluster.
type Temporal struct {
	Client client.Client
}

// Search attributes of a task's workflow, by which ops find it.
var (
	attrTask   = temporal.NewSearchAttributeKeyInt64("TojiTask")
	attrMethod = temporal.NewSearchAttributeKeyKeyword("TojiMethod")
	attrOwner  = temporal.NewSearchAttributeKeyKeyword("TojiOwner")
)

// Start starts the workflow of t, or finds it started.
func (m Temporal) Start(ctx context.Context, workflow string, t task.Task, params any) error {
	_, err := m.Client.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                       task.WorkflowID(t.ID),
		TaskQueue:                task.SystemQueue,
		WorkflowIDReusePolicy:    enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		EnableEagerStart:         true,
		TypedSearchAttributes: temporal.NewSearchAttributes(
			attrTask.ValueSet(t.ID), attrMethod.ValueSet(t.Method), attrOwner.ValueSet(t.Owner)),
	}, workflow, t, params)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		return nil
	}
	return err
}

// Signal sends a signal to the workflow of a task, if it runs.
func (m Temporal) Signal(ctx context.Context, taskID int64, name string) error {
	return motion.IfThere(m.Client.SignalWorkflow(ctx, task.WorkflowID(taskID), "", name, nil))
}

// Cancel asks for the end of the workflow of a task, if it runs.
func (m Temporal) Cancel(ctx context.Context, taskID int64) error {
	return motion.IfThere(m.Client.CancelWorkflow(ctx, task.WorkflowID(taskID), ""))
}
