package system

import (
	"context"

	"github.com/toji-build/toji/koji/tasks"
)

// DistRepoRequest is a distRepo task.
type DistRepoRequest struct {
	TaskID int64                `json:"task"`
	Params tasks.DistRepoParams `json:"params"`
}

// PlanDistRepo returns the arches of a dist repo, each once.
func (a *Activities) PlanDistRepo(ctx context.Context, req DistRepoRequest) ([]string, error) {
	return result(a.Hub.PlanDistRepo(ctx, req.TaskID, req.Params))
}

// MoveDistRepoRequest names the task that made one arch of a dist repo.
type MoveDistRepoRequest struct {
	RepoID int64  `json:"repo_id"`
	Arch   string `json:"arch"`
	TaskID int64  `json:"task"`
}

// MoveDistRepo puts one arch of a dist repo into place.
func (a *Activities) MoveDistRepo(ctx context.Context, req MoveDistRepoRequest) error {
	stop := beat(ctx)
	defer stop()
	return answer(a.Hub.PlaceDistRepo(ctx, req.RepoID, req.TaskID, req.Arch))
}
