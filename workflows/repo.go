package workflows

import (
	"cmp"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// onBuilder names the activities of build hosts; it is never called here.
var onBuilder *builder.Activities

// newRepo makes a repository: its lists, each arch's metadata on a host, and
// then all of it visible at once.
func newRepo(r *run, p tasks.NewRepoParams) (tasks.NewRepoResult, error) {
	var repo system.InitRepoReply
	if err := r.inHub(db.InitRepo, system.InitRepoRequest{Task: r.task, Params: p}, &repo); err != nil {
		return tasks.NewRepoResult{}, err
	}
	if err := workflow.UpsertTypedSearchAttributes(r.ctx, attrTag.ValueSet(repo.Tag)); err != nil {
		return tasks.NewRepoResult{}, err
	}
	if err := fillRepo(r, repo); err != nil {
		abandonRepo(r, repo.RepoID)
		return tasks.NewRepoResult{}, err
	}
	return tasks.NewRepoResult{RepoID: repo.RepoID, EventID: repo.EventID}, nil
}

func fillRepo(r *run, repo system.InitRepoReply) error {
	children := make([]child[tasks.CreaterepoResult], len(repo.Arches))
	for i, arch := range repo.Arches {
		old := cmp.Or(repo.OldRepos[arch], repo.OldRepo)
		params := tasks.CreaterepoParams{RepoID: repo.RepoID, Arch: arch, OldRepo: tasks.Ref{ID: old}}
		var err error
		if children[i], err = start(r, tasks.Createrepo, params, childOpts{label: arch, arch: "noarch"}); err != nil {
			return err
		}
	}
	results, err := waitAll(r, children)
	if err != nil {
		letFinish(r, children)
		return err
	}
	done := system.FinishRepoRequest{TaskID: r.task.ID, RepoID: repo.RepoID, Arches: map[string]tasks.CreaterepoResult{}}
	for i, arch := range repo.Arches {
		done.Arches[arch] = results[i]
	}
	return r.inHub(db.FinishRepo, done, nil)
}

// letFinish waits for the arches that are still being made when one has failed:
// the next newRepo task goes on from what they come to.
func letFinish(r *run, children []child[tasks.CreaterepoResult]) {
	if r.ctx.Err() != nil || workflow.GetVersion(r.ctx, "let arches finish", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	for _, c := range children {
		if _, err := c.wait(r); err != nil {
			workflow.GetLogger(r.ctx).Debug("an arch has failed", "error", err)
		}
	}
}

// createrepo makes one arch's metadata on the task's host.
func createrepo(r *run, p tasks.CreaterepoParams) (result tasks.CreaterepoResult, err error) {
	if err = r.onHost(onBuilder.CreateRepo, builder.CreateRepoRequest{Task: r.task, Params: p}, &result); err != nil {
		return result, err
	}
	return result, r.checkFiles([]string{result.UploadPath + "/repomd.xml"})
}

// waitrepoTimeout is how long a task waits for a repository before it fails,
// as in Koji.
const waitrepoTimeout = 2 * time.Hour

// waitrepo waits until a repository satisfies the request. It is woken when
// one becomes ready and when builds are tagged.
func waitrepo(r *run, p tasks.WaitrepoParams) (tasks.RepoInfo, error) {
	timeout := workflow.NewTimer(r.ctx, waitrepoTimeout)
	want := p
	for {
		var found system.FindRepoReply
		req := system.FindRepoRequest{TaskID: r.task.ID, Owner: r.task.OwnerID, Want: want}
		if err := r.local(db.FindRepo, req, &found); err != nil {
			return tasks.RepoInfo{}, err
		}
		if found.Repo != nil {
			return *found.Repo, nil
		}
		want = found.Want
		if err := r.local(db.SetWaiting, system.WaitingRequest{TaskID: r.task.ID, Code: "repo", Reason: found.Reason}, nil); err != nil {
			return tasks.RepoInfo{}, err
		}
		if woken, err := r.sleepUntilWoken(timeout); err != nil {
			return tasks.RepoInfo{}, err
		} else if !woken {
			return tasks.RepoInfo{}, koji.GenericErrorf("Unsuccessfully waited %v for a new %s repo", waitrepoTimeout, p.Tag)
		}
	}
}

// sleepUntilWoken waits for a wake signal; it returns false when the timer
// fires first. Signals that came meanwhile count as one.
func (r *run) sleepUntilWoken(timeout workflow.Future) (woken bool, err error) {
	s := workflow.NewSelector(r.ctx)
	s.AddReceive(r.wake, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(r.ctx, nil)
		drain(c)
		woken = true
	})
	s.AddFuture(timeout, func(f workflow.Future) { err = f.Get(r.ctx, nil) })
	s.AddReceive(r.ctx.Done(), func(workflow.ReceiveChannel, bool) { err = errCanceled })
	s.Select(r.ctx)
	return woken, err
}
