package system

import (
	"context"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/koji/tasks"
)

// ChainRequest is a chain build's request with its task.
type ChainRequest struct {
	TaskID int64                  `json:"task"`
	Params tasks.ChainBuildParams `json:"params"`
}

// ChainPlan is what a chain build works towards.
type ChainPlan struct {
	BuildTag string `json:"build_tag"`
	DestTag  int64  `json:"dest_tag"`
	// Done are the builds that need no task any more, by its label.
	Done map[string]hub.ChainedBuild `json:"done,omitempty"`
}

// PlanChain checks a chain build's request and finds out what of it was done
// before.
func (a *Activities) PlanChain(ctx context.Context, req ChainRequest) (ChainPlan, error) {
	p, err := a.Hub.PlanChain(ctx, req.TaskID, req.Params)
	return result(ChainPlan(p), err)
}

// BuildsOfTasks lists the NVRs of the builds that tasks completed.
func (a *Activities) BuildsOfTasks(ctx context.Context, taskIDs []int64) ([]string, error) {
	return result(a.Hub.BuildsOfTasks(ctx, taskIDs))
}
