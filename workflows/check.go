package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// sleep holds a place on a host.
func sleep(r *run, p tasks.SleepParams) (task.Nothing, error) {
	seconds, ok := p.N.(float64) // JSON knows no other number
	if !ok {
		return task.Nothing{}, koji.ParameterErrorf("sleep: want a number of seconds, got %v", p.N)
	}
	return task.Nothing{}, r.onHost(onBuilder.Sleep, builder.SleepRequest{Task: r.task, Seconds: seconds}, nil)
}

// fork leaves processes on its host, which have to be gone with the task.
func fork(r *run, p tasks.ForkParams) (task.Nothing, error) {
	return task.Nothing{}, r.onHost(onBuilder.Fork, builder.ForkRequest{Task: r.task, Params: p}, nil)
}

// waitTest waits for several sleeps; one more has a bad argument and may fail.
func waitTest(r *run, p tasks.WaitTestParams) (task.Nothing, error) {
	var children []child[task.Nothing]
	for i := range p.Count {
		c, err := start(r, tasks.Sleep, tasks.SleepParams{N: p.Seconds}, childOpts{label: fmt.Sprint(i)})
		if err != nil {
			return task.Nothing{}, err
		}
		children = append(children, c)
	}
	bad, err := start(r, tasks.Sleep, tasks.SleepParams{N: "BAD_ARG"}, childOpts{label: "bad"})
	if err != nil {
		return task.Nothing{}, err
	}
	if _, err := waitAll(r, children); err != nil {
		return task.Nothing{}, err
	}
	if _, err := bad.wait(r); err != nil {
		workflow.GetLogger(r.ctx).Info("the bad task failed, as it should", "error", err)
	}
	return task.Nothing{}, nil
}

// subtask nests n tasks with a sleep at the bottom.
func subtask(r *run, p tasks.SubtaskParams) (task.Nothing, error) {
	if p.N > 0 {
		return startAndWait(r, tasks.Subtask, tasks.SubtaskParams{N: p.N - 1}, childOpts{label: "foo"})
	}
	return startAndWait(r, tasks.Sleep, tasks.SleepParams{N: 15}, childOpts{label: "bar"})
}

// someMethod answers 42.
func someMethod(*run, tasks.ArgsParams) (int, error) { return 42, nil }

// unknownMethod fails as a task of an unknown method does.
func unknownMethod(r *run, _ tasks.ArgsParams) (task.Nothing, error) {
	return task.Nothing{}, koji.GenericErrorf("Invalid method: %s", r.task.Method)
}
