package workflows

import (
	"fmt"

	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// distRepo makes a repository for users: each arch on a host, each put into place,
// and then all of it visible at once.
func distRepo(r *run, p tasks.DistRepoParams) (string, error) {
	if err := fillDistRepo(r, p); err != nil {
		abandonRepo(r, p.RepoID)
		return "", err
	}
	return fmt.Sprintf("Dist repository #%d successfully generated", p.RepoID), nil
}

func fillDistRepo(r *run, p tasks.DistRepoParams) error {
	var arches []string
	if err := r.local(db.PlanDistRepo, system.DistRepoRequest{TaskID: r.task.ID, Params: p}, &arches); err != nil {
		return err
	}
	p.Opts.Arch = arches
	if p.Opts.Multilib != nil && *p.Opts.Multilib != "" {
		// Packages of the other arches go into the 64-bit ones' repositories.
		first, later := splitMultilib(arches)
		if err := makeDistArches(r, p, first); err != nil {
			return err
		}
		arches = later
	}
	if err := makeDistArches(r, p, arches); err != nil {
		return err
	}
	return r.inHub(db.FinishRepo, system.FinishRepoRequest{TaskID: r.task.ID, RepoID: p.RepoID}, nil)
}

func splitMultilib(arches []string) (others, multilib []string) {
	for _, arch := range arches {
		if koji.IsMultilib(arch) {
			multilib = append(multilib, arch)
		} else {
			others = append(others, arch)
		}
	}
	return others, multilib
}

// makeDistArches makes arches at once, and then puts them into place.
func makeDistArches(r *run, p tasks.DistRepoParams, arches []string) error {
	children := make([]child[task.Nothing], len(arches))
	for i, arch := range arches {
		params := tasks.CreatedistrepoParams{Tag: p.Tag, RepoID: p.RepoID, Arch: arch, Keys: p.Keys, Opts: p.Opts}
		var err error
		if children[i], err = start(r, tasks.Createdistrepo, params, childOpts{label: arch, arch: "noarch"}); err != nil {
			return err
		}
	}
	if _, err := waitAll(r, children); err != nil {
		return err
	}
	for i, arch := range arches {
		if err := r.inHub(db.MoveDistRepo, system.MoveDistRepoRequest{RepoID: p.RepoID, Arch: arch, TaskID: children[i].id}, nil); err != nil {
			return err
		}
	}
	return nil
}

// abandonRepo marks a repository that is not going to be finished: nobody shall
// wait for it, and its files are removed in time.
func abandonRepo(r *run, id int64) {
	ctx, _ := workflow.NewDisconnectedContext(r.ctx)
	undo := *r
	undo.ctx = ctx
	if err := undo.local(db.AbandonRepo, id, nil); err != nil {
		workflow.GetLogger(ctx).Warn("repository not marked as a problem", "repo", id, "error", err)
	}
}

// createdistrepo makes one arch of a dist repo on the task's host.
func createdistrepo(r *run, p tasks.CreatedistrepoParams) (task.Nothing, error) {
	return task.Nothing{}, r.onHost(onBuilder.CreateDistRepo, builder.CreateDistRepoRequest{Task: r.task, Params: p}, nil)
}
