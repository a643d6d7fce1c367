package workflows

import (
	"fmt"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// childOpts say what a subtask's row holds beside its request.
type childOpts struct {
	label  string // unique among the attempt's children of one method
	arch   string // the parent's by default
	assign int64  // a host's id, to bypass the scheduler
}

// child is a subtask that was started.
type child[R any] struct {
	id     int64
	future workflow.ChildWorkflowFuture
}

// start makes a subtask of type t: a row in the task table, whose id is the
// same however often the step is tried, and a child workflow.
func start[P, R any](r *run, t task.Type[P, R], p P, o childOpts) (child[R], error) {
	args, err := rpc.Encode(p)
	if err != nil {
		return child[R]{}, err
	}
	id, future, err := r.startMethod(t.Method, args, p, o)
	return child[R]{id, future}, err
}

// startMethod is start for a type that is only known by its method; params is
// what args are to the type.
func (r *run) startMethod(method string, args []any, params any, o childOpts) (int64, workflow.ChildWorkflowFuture, error) {
	request, err := xmlrpc.MarshalRequest(method, args...)
	if err != nil {
		return 0, nil, err
	}
	req := system.SubtaskRequest{
		Parent: r.task.ID, Key: fmt.Sprintf("%d/%s/%s", r.attempt, method, o.label),
		Method: method, Request: request, Label: o.label, Arch: o.arch, Assign: o.assign,
	}
	var tk task.Task
	if err := r.local(db.Subtask, req, &tk); err != nil {
		return 0, nil, err
	}
	ctx := workflow.WithChildOptions(r.ctx, workflow.ChildWorkflowOptions{
		WorkflowID: task.WorkflowID(tk.ID),
		// A parent that fails takes its other children's work with it.
		ParentClosePolicy:     enums.PARENT_CLOSE_POLICY_REQUEST_CANCEL,
		WorkflowIDReusePolicy: enums.WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE,
		TypedSearchAttributes: searchAttributes(tk),
	})
	return tk.ID, workflow.ExecuteChildWorkflow(ctx, method, tk, params), nil
}

// wait returns the child's result, or the fault that it failed with.
func (c child[R]) wait(r *run) (R, error) {
	var result R
	err := c.future.Get(r.ctx, &result)
	return result, err
}

// waitAll waits for all children and returns their results in order. It
// returns the first failure as soon as it comes; what the other children do is
// ended when the caller fails in turn.
func waitAll[R any](r *run, children []child[R]) ([]R, error) {
	results := make([]R, len(children))
	var failed error
	s := workflow.NewSelector(r.ctx)
	for i, c := range children {
		s.AddFuture(c.future, func(f workflow.Future) {
			if err := f.Get(r.ctx, &results[i]); err != nil && failed == nil {
				failed = err
			}
		})
	}
	for range children {
		if s.Select(r.ctx); failed != nil {
			return nil, failed
		}
	}
	return results, nil
}

// startAndWait is start and wait.
func startAndWait[P, R any](r *run, t task.Type[P, R], p P, o childOpts) (R, error) {
	c, err := start(r, t, p, o)
	if err != nil {
		var none R
		return none, err
	}
	return c.wait(r)
}

// local runs a short change of the database.
func (r *run) local(activity, req, reply any) error {
	return workflow.ExecuteLocalActivity(workflow.WithLocalActivityOptions(r.ctx, transition), activity, req).Get(r.ctx, reply)
}

// inHub runs a longer step on the database side.
func (r *run) inHub(activity, req, reply any) error {
	return workflow.ExecuteActivity(workflow.WithActivityOptions(r.ctx, onDatabaseSide), activity, req).Get(r.ctx, reply)
}

// onHost runs the task's work on its host.
func (r *run) onHost(activity, req, reply any) error {
	o := onHostQueue
	o.TaskQueue = task.HostQueue(r.host.Host)
	return workflow.ExecuteActivity(workflow.WithActivityOptions(r.ctx, o), activity, req).Get(r.ctx, reply)
}

// Search attributes of every task's workflow; the outbox sets the same ones
// for tasks without a parent.
var (
	attrTask   = temporal.NewSearchAttributeKeyInt64("TojiTask")
	attrMethod = temporal.NewSearchAttributeKeyKeyword("TojiMethod")
	attrOwner  = temporal.NewSearchAttributeKeyKeyword("TojiOwner")
	attrTag    = temporal.NewSearchAttributeKeyKeyword("TojiTag")
	attrNVR    = temporal.NewSearchAttributeKeyKeyword("TojiNVR")
)

func searchAttributes(t task.Task) temporal.SearchAttributes {
	return temporal.NewSearchAttributes(
		attrTask.ValueSet(t.ID), attrMethod.ValueSet(t.Method), attrOwner.ValueSet(t.Owner))
}
