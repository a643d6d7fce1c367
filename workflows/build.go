package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// build carries a source package to imported and tagged RPMs:
//
//	plan -> repository -> SRPM -> NVR and arches -> buildArch ... -> import -> tag
func build(r *run, p tasks.BuildParams) (task.Nothing, error) {
	b := &buildRun{run: r, params: p}
	return task.Nothing{}, b.carry()
}

type buildRun struct {
	*run
	params tasks.BuildParams
	plan   system.BuildPlan
	repo   tasks.RepoInfo
	srpm   string // path below work/
	source tasks.Source
	begun  system.InitBuildReply
}

func (b *buildRun) carry() error {
	for _, step := range []func() error{b.makePlan, b.findRepo, b.makeSRPM, b.begin, b.buildArches, b.tag} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (b *buildRun) makePlan() error {
	if err := b.local(db.PlanBuild, system.PlanRequest{Task: b.task, Params: b.params}, &b.plan); err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(b.ctx, attrTag.ValueSet(b.plan.DestName))
}

// findRepo takes the repository that the request names, a ready one that will
// do, or waits for one in a waitrepo subtask, where the wait can be seen.
func (b *buildRun) findRepo() error {
	if b.plan.RepoID != 0 {
		return b.local(db.GetRepo, b.plan.RepoID, &b.repo)
	}
	want := tasks.WaitrepoParams{Tag: tasks.Ref{ID: b.plan.BuildTag}, NVRs: b.params.Opts.WaitBuilds}
	if b.params.Opts.WaitRepo {
		want.MinEvent = "last"
	}
	var err error
	b.repo, err = b.readyRepo(want)
	return err
}

// makeSRPM has the source package made in the build tag's buildroot, unless an
// uploaded one is to be taken as it is.
func (b *buildRun) makeSRPM() error {
	var made tasks.SRPMResult
	var err error
	opts := tasks.InRepoOpts{RepoID: b.repo.ID, Scratch: b.params.Opts.Scratch}
	child, root := childOpts{label: "srpm", arch: b.plan.SRPMArch}, tasks.Ref{ID: b.plan.BuildTag}
	switch {
	case b.plan.FromSCM:
		made, err = startAndWait(b.run, tasks.BuildSRPMFromSCM, tasks.BuildSRPMFromSCMParams{URL: b.params.Src, BuildTag: root, Opts: opts}, child)
	case b.plan.RebuildSRPM:
		made, err = startAndWait(b.run, tasks.RebuildSRPM, tasks.RebuildSRPMParams{SRPM: b.params.Src, BuildTag: root, Opts: opts}, child)
	default:
		made.SRPM = b.params.Src
	}
	b.srpm, b.source = made.SRPM, made.Source
	return err
}

func (b *buildRun) begin() error {
	req := system.InitBuildRequest{Task: b.task, Params: b.params, Plan: b.plan, SRPM: b.srpm, Source: b.source}
	if err := b.inHub(db.InitBuild, req, &b.begun); err != nil {
		return err
	}
	return workflow.UpsertTypedSearchAttributes(b.ctx, attrNVR.ValueSet(b.begun.NVR))
}

// buildArches builds for all arches at once and has the result imported. The
// SRPM of the first one is the build's.
func (b *buildRun) buildArches() error {
	if b.begun.Complete {
		return nil
	}
	children := make([]child[tasks.BuildArchResult], len(b.begun.Arches))
	for i, a := range b.begun.Arches {
		params := tasks.BuildArchParams{
			Pkg: b.srpm, Root: tasks.Ref{ID: b.plan.BuildTag}, Arch: a.Arch, KeepSRPM: i == 0,
			Opts: tasks.InRepoOpts{RepoID: b.repo.ID},
		}
		var err error
		if children[i], err = start(b.run, tasks.BuildArch, params, childOpts{label: a.Arch, arch: a.TaskArch}); err != nil {
			return err
		}
	}
	results, err := waitAll(b.run, children)
	if err != nil {
		return err
	}
	req, err := b.collect(results)
	if err != nil {
		return err
	}
	return b.inHub(db.CompleteBuild, req, nil)
}

func (b *buildRun) collect(results []tasks.BuildArchResult) (system.CompleteBuildRequest, error) {
	req := system.CompleteBuildRequest{
		TaskID: b.task.ID, BuildID: b.begun.BuildID, Roots: map[string]int64{}, Logs: map[string][]string{},
	}
	for i, result := range results {
		req.RPMs = append(req.RPMs, result.RPMs...)
		req.Logs[b.begun.Arches[i].Arch] = result.Logs
		for _, path := range result.RPMs {
			req.Roots[path] = result.BuildrootID
		}
		for _, path := range result.SRPMs {
			if req.SRPM != "" {
				return req, koji.BuildErrorf("multiple builds returned a srpm.  task %d", b.task.ID)
			}
			req.SRPM, req.Roots[path] = path, result.BuildrootID
		}
	}
	if req.SRPM == "" {
		return req, koji.BuildErrorf("could not find a built srpm")
	}
	return req, nil
}

func (b *buildRun) tag() error {
	if b.plan.SkipTag || b.params.Opts.Scratch {
		return nil
	}
	params := tasks.TagBuildParams{Tag: tasks.Ref{ID: b.plan.DestTag}, BuildID: b.begun.BuildID, IgnoreSuccess: true}
	_, err := startAndWait(b.run, tasks.TagBuild, params, childOpts{label: "tag", arch: "noarch"})
	return err
}

// tagBuild tags a build, or moves it between tags.
func tagBuild(r *run, p tasks.TagBuildParams) (task.Nothing, error) {
	return task.Nothing{}, r.inHub(db.TagBuild, system.TagBuildRequest{Task: r.task, Params: p}, nil)
}
