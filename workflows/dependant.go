package workflows

import (
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// followEvery is how long a lost wake-up can delay a dependantTask.
const followEvery = time.Minute

// dependantTask waits for the tasks of its first list, which are nobody's
// children, and then starts those of the second and waits for them.
func dependantTask(r *run, p tasks.DependantTaskParams) (task.Nothing, error) {
	for {
		var reply system.FollowReply
		if err := r.local(db.FollowTasks, system.FollowRequest{TaskID: r.task.ID, Tasks: p.WaitList}, &reply); err != nil {
			return task.Nothing{}, err
		}
		if reply.Failed != 0 {
			return task.Nothing{}, koji.GenericErrorf("Dependency %d failed to complete.", reply.Failed)
		}
		if reply.Done {
			break
		}
		if _, err := r.sleepUntilWoken(workflow.NewTimer(r.ctx, followEvery)); err != nil {
			return task.Nothing{}, err
		}
	}
	return task.Nothing{}, r.startListed(p.TaskList)
}

// startListed starts the listed tasks, each [method, args, opts], and waits for
// all of them.
func (r *run) startListed(list []any) error {
	var started []workflow.ChildWorkflowFuture
	for i, item := range list {
		entry, _ := whole(item).([]any)
		method, args := listed(entry)
		t, ok := task.Lookup(method)
		if !ok {
			return koji.ParameterErrorf("task_list[%d]: want [method, args], got %v", i, item)
		}
		params, err := t.Decode(args, nil)
		if err != nil {
			return fmt.Errorf("task_list[%d]: %w", i, err)
		}
		_, future, err := r.startMethod(method, args, params, childOpts{label: fmt.Sprint(i)})
		if err != nil {
			return err
		}
		started = append(started, future)
	}
	for _, f := range started {
		if err := f.Get(r.ctx, nil); err != nil {
			return err
		}
	}
	return nil
}

func listed(entry []any) (method string, args []any) {
	if len(entry) > 0 {
		method, _ = entry[0].(string)
	}
	if len(entry) > 1 {
		args, _ = entry[1].([]any)
	}
	return method, args
}

// whole undoes what JSON did to integers.
func whole(v any) any {
	switch v := v.(type) {
	case float64:
		if v == float64(int64(v)) {
			return int64(v)
		}
	case []any:
		for i := range v {
			v[i] = whole(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = whole(v[k])
		}
	}
	return v
}
