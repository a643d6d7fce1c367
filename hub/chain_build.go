package hub

import (
	"context"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// ChainPlan is what a chain build works towards.
type ChainPlan struct {
	BuildTag string
	DestTag  int64
	// Done are the builds that an earlier attempt of the same chain completed, by
	// the label of their task.
	Done map[string]ChainedBuild
}

// ChainedBuild is a complete build of a chain.
type ChainedBuild struct {
	ID     int64
	NVR    string
	Tagged bool // into the target's destination
}

// PlanChain checks a chain build's request and finds out what of it is done: by
// an attempt of the task itself before it was freed, or by earlier tasks with
// the same request of the same owner that failed or were canceled, and of which
// this one thus is the continuation. Koji: it builds everything anew, and fails
// on the first NVR that exists.
func (h *Hub) PlanChain(ctx context.Context, taskID int64, p tasks.ChainBuildParams) (ChainPlan, error) {
	if p.Opts.Scratch {
		return ChainPlan{}, koji.BuildErrorf("--scratch is not allowed with chain-builds")
	}
	target, err := h.buildTarget(ctx, p.Target, nil)
	if err != nil {
		return ChainPlan{}, err
	}
	if target == nil {
		return ChainPlan{}, koji.GenericErrorf("unknown build target: %s", p.Target)
	}
	plan := ChainPlan{BuildTag: target.BuildTagName, DestTag: target.DestTag, Done: map[string]ChainedBuild{}}
	done, err := h.Store.ChainedBuilds(ctx, taskID, target.DestTag)
	if err != nil {
		return ChainPlan{}, err
	}
	for _, b := range done {
		plan.Done[b.Label] = ChainedBuild{ID: b.ID, NVR: b.NVR, Tagged: b.Tagged}
	}
	return plan, nil
}

// BuildsOfTasks lists the NVRs of the builds that the tasks completed.
func (h *Hub) BuildsOfTasks(ctx context.Context, taskIDs []int64) ([]string, error) {
	return h.Store.NVRsOfTasks(ctx, taskIDs)
}
