package workflows

import (
	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/tasks"
)

// saveFailedTree sends the buildroot of a failed task, which its host has kept.
func saveFailedTree(r *run, p tasks.SaveFailedTreeParams) (task.Nothing, error) {
	return task.Nothing{}, r.onHost(onBuilder.SaveFailedTree, builder.SaveFailedTreeRequest{Task: r.task, Params: p}, nil)
}
