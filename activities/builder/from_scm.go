package builder

import (
	"context"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// BuildSRPMFromSCMRequest is a buildSRPMFromSCM task.
type BuildSRPMFromSCMRequest struct {
	Task   task.Task                    `json:"task"`
	Params tasks.BuildSRPMFromSCMParams `json:"params"`
}

// BuildSRPMFromSCM checks a package out and makes its SRPM.
func (a *Activities) BuildSRPMFromSCM(ctx context.Context, req BuildSRPMFromSCMRequest) (tasks.SRPMResult, error) {
	return do(ctx, a, req.Task, func(context.Context, *job) (tasks.SRPMResult, error) {
		return tasks.SRPMResult{}, koji.GenericErrorf("builds from source control are not there yet")
	})
}
