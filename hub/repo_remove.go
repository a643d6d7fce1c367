package hub

import (
	"context"
	"os"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
)

// oldRepos is how many repositories one call of RemoveOldRepos removes at most.
const oldRepos = 100

// RemoveOldRepos removes the files of repositories that were replaced, or given
// up, longer ago than is configured, and marks them DELETED. What a task builds
// with stays. Koji: kojira does this.
func (h *Hub) RemoveOldRepos(ctx context.Context) error {
	age := h.Repo.DeletedLifetime.Std()
	if age <= 0 {
		return nil
	}
	old, err := h.Store.OldRepos(ctx, age.Seconds(), oldRepos)
	if err != nil {
		return err
	}
	for _, r := range old {
		if err := h.removeRepo(ctx, r); err != nil {
			return err
		}
		h.Log.InfoContext(ctx, "old repository removed", "repo", r.ID, "tag", r.TagName)
	}
	return nil
}

// removeRepo removes the files before the commit: a crash leaves a row that is
// found again.
func (h *Hub) removeRepo(ctx context.Context, r store.OldRepo) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		ok, err := h.Store.SetRepoState(ctx, r.ID, koji.RepoDeleted, koji.RepoExpired, koji.RepoProblem)
		if err != nil || !ok {
			return err
		}
		return os.RemoveAll(h.Paths.Repo(r.TagName, r.ID))
	})
}
