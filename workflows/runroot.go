package workflows

import (
	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// runroot runs a command in a buildroot on the task's host.
func runroot(r *run, p tasks.RunrootParams) (said string, err error) {
	repo, err := r.runrootRepo(p)
	if err != nil {
		return "", err
	}
	err = r.onHost(onBuilder.Runroot, builder.RunrootRequest{Task: r.task, Params: p, RepoID: repo.ID}, &said)
	return said, err
}

// runrootRepo is the repository that the request names, which must be its tag's,
// or else the tag's own.
func (r *run) runrootRepo(p tasks.RunrootParams) (repo tasks.RepoInfo, err error) {
	if p.RepoID == 0 {
		return r.readyRepo(tasks.WaitrepoParams{Tag: p.Root})
	}
	if err = r.local(db.GetRepo, p.RepoID, &repo); err != nil {
		return repo, err
	}
	if p.Root.ID != repo.TagID && p.Root.Name != repo.TagName {
		return repo, koji.BuildErrorf("build tag (%s) does not match repo tag (%s)", p.Root, repo.TagName)
	}
	return repo, nil
}

// readyRepo takes a ready repository that will do, or waits for one in a waitrepo
// subtask, where the wait can be seen.
func (r *run) readyRepo(want tasks.WaitrepoParams) (tasks.RepoInfo, error) {
	var found system.FindRepoReply
	err := r.local(db.FindRepo, system.FindRepoRequest{TaskID: r.task.ID, Owner: r.task.OwnerID, Want: want}, &found)
	switch {
	case err != nil:
		return tasks.RepoInfo{}, err
	case found.Repo != nil:
		return *found.Repo, nil
	}
	return startAndWait(r, tasks.Waitrepo, found.Want, childOpts{arch: "noarch"})
}
