package system

import (
	"context"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/tasks"
)

// FindRepoRequest says which repository is wanted.
type FindRepoRequest struct {
	TaskID int64                `json:"task"`
	Owner  int64                `json:"owner"`
	Want   tasks.WaitrepoParams `json:"want"`
}

// FindRepoReply is a repository that will do, or what there is to wait for.
type FindRepoReply struct {
	Repo *tasks.RepoInfo `json:"repo,omitempty"`
	// Want is the request with what "last" means resolved; ask with it again.
	Want   tasks.WaitrepoParams `json:"want"`
	Reason string               `json:"reason,omitempty"` // why it is not there yet
}

// FindRepo looks for a repository that satisfies the request. If there is none
// it makes sure that one is asked for, and that the task is woken when one is
// ready or a build is tagged.
func (a *Activities) FindRepo(ctx context.Context, req FindRepoRequest) (FindRepoReply, error) {
	r, err := a.Hub.FindRepo(ctx, req.TaskID, req.Owner, req.Want)
	return result(FindRepoReply{Repo: r.Repo, Want: r.Want, Reason: r.Reason}, err)
}

// GetRepo returns the repository with the id, if a build may use it.
func (a *Activities) GetRepo(ctx context.Context, id int64) (tasks.RepoInfo, error) {
	return result(a.Hub.UsableRepo(ctx, id))
}

// InitRepoRequest is a newRepo task's request.
type InitRepoRequest struct {
	Task   task.Task           `json:"task"`
	Params tasks.NewRepoParams `json:"params"`
}

// InitRepoReply is a repository whose metadata is to be made.
type InitRepoReply struct {
	RepoID  int64    `json:"repo_id"`
	EventID int64    `json:"event_id"`
	Tag     string   `json:"tag"`
	Arches  []string `json:"arches"`
	OldRepo int64    `json:"old_repo,omitempty"` // whose metadata may be reused
	// OldRepos are other ones, by arch.
	OldRepos map[string]int64 `json:"old_repos,omitempty"`
}

// InitRepo makes a repository's row and its package lists, groups and block
// lists on disk. The same task gets the same repository.
func (a *Activities) InitRepo(ctx context.Context, req InitRepoRequest) (InitRepoReply, error) {
	stop := beat(ctx)
	defer stop()
	r, err := a.Hub.InitRepo(ctx, req.Task.ID, req.Params)
	return result(InitRepoReply(r), err)
}

// FinishRepoRequest names the metadata of each arch.
type FinishRepoRequest struct {
	TaskID int64                             `json:"task"`
	RepoID int64                             `json:"repo_id"`
	Arches map[string]tasks.CreaterepoResult `json:"arches"`
}

// FinishRepo moves the metadata into place and makes the repository READY,
// which wakes those who wait for it.
func (a *Activities) FinishRepo(ctx context.Context, req FinishRepoRequest) error {
	return answer(a.Hub.FinishRepo(ctx, hub.FinishRepoRequest(req)))
}

// AbandonRepo marks a repository that was not finished as a problem.
func (a *Activities) AbandonRepo(ctx context.Context, repoID int64) error {
	return answer(a.Hub.AbandonRepo(ctx, repoID))
}
