package hub

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

const (
	// oldRepos is how many repositories one call of RemoveOldRepos removes at most.
	oldRepos = 100
	// lostAfter is how many seconds a repository without a task may be in the
	// making. Koji: kojira's init_timeout.
	lostAfter = 2 * 3600
)

// RetireRepos does what time does to repositories: those in the making that
// nobody makes become a PROBLEM, those that were replaced or ask for it by age
// EXPIRED. Koji: kojira does this.
func (h *Hub) RetireRepos(ctx context.Context) error {
	lost, err := h.Store.LostRepos(ctx, lostAfter)
	if err != nil {
		return err
	}
	made, err := h.distReposInTheMaking(ctx)
	if err != nil {
		return err
	}
	for _, id := range lost {
		if slices.Contains(made, id) {
			continue
		}
		if err := h.AbandonRepo(ctx, id); err != nil {
			return err
		}
		h.Log.WarnContext(ctx, "repository given up: nobody makes it", "repo", id)
	}
	expired, err := h.Store.ExpireRepos(ctx, h.Repo.Lifetime.Std().Seconds(), h.Repo.DistLifetime.Std().Seconds())
	for _, id := range expired {
		h.Log.InfoContext(ctx, "repository expired by age", "repo", id)
	}
	return err
}

// distReposInTheMaking lists the repositories of distRepo tasks that have not
// ended: their rows name no task.
func (h *Hub) distReposInTheMaking(ctx context.Context) (ids []int64, err error) {
	open, err := h.Store.UnfinishedTasks(ctx, "distRepo")
	if err != nil {
		return nil, err
	}
	for _, t := range open {
		_, params, err := xmlrpc.UnmarshalRequest(text(t.Request))
		if err != nil {
			return nil, err
		}
		if len(params) > 1 {
			if id, ok := toInt(params[1]); ok {
				ids = append(ids, id)
			}
		}
	}
	return ids, nil
}

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
		if !r.Dist {
			return os.RemoveAll(h.Paths.Repo(r.TagName, r.ID))
		}
		volumes, err := h.Store.Volumes(ctx)
		for _, v := range volumes { // on one of them, with a link on the default one
			err = errors.Join(err, os.RemoveAll(h.Paths.DistRepo(v.Name, r.TagName, r.ID)))
		}
		return err
	})
}
