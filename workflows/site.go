package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/task"
)

// bindSite registers the workflow of all task types that sites have added. What
// the declarations say is in the tasks' requests: a worker needs to know no type.
func bindSite(w worker.WorkflowRegistry) {
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, tk task.Task, p task.SiteRequest) (task.SiteResult, error) {
		return begin(ctx, task.Info{Method: tk.Method, Queue: task.Host, Weight: p.Weight}, tk, site, p)
	}, workflow.RegisterOptions{Name: task.SiteWorkflow})
}

// site has the site's own worker do the task on the worker's host.
func site(r *run, p task.SiteRequest) (result task.SiteResult, err error) {
	err = r.onHost(task.SiteActivity(r.task.Method), builder.SiteRequest{Task: r.task, Request: p.Request}, &result)
	return result, err
}
