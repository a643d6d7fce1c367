package system

import (
	"context"

	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// ImportWrapperRPMsRequest names what a wrapperRPM task made and the build that it
// belongs to.
type ImportWrapperRPMsRequest struct {
	TaskID  int64                  `json:"task"`
	BuildID int64                  `json:"build_id"`
	Result  tasks.WrapperRPMResult `json:"result"`
}

// ImportWrapperRPMs adds the RPMs that wrap a build's files to the build.
func (a *Activities) ImportWrapperRPMs(ctx context.Context, req ImportWrapperRPMsRequest) error {
	stop := beat(ctx)
	defer stop()
	return answer(a.Hub.ImportWrapperRPMs(ctx, req.BuildID, api.WrapperRPMs{
		TaskID: req.TaskID, BuildrootID: &req.Result.BuildrootID, SRPM: req.Result.SRPM, RPMs: req.Result.RPMs, Logs: req.Result.Logs,
	}))
}
