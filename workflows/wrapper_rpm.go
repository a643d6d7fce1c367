package workflows

import (
	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// wrapperRPM wraps files of a build in RPMs on the task's host. As a subtask of
// another build it leaves them to that; else they are imported: into the wrapped
// build, or into one of their own, which is tagged.
func wrapperRPM(r *run, p tasks.WrapperRPMParams) (tasks.WrapperRPMResult, error) {
	repo, err := r.wrapperRepo(p)
	if err != nil {
		return tasks.WrapperRPMResult{}, err
	}
	var reply builder.WrapperRPMReply
	if err := r.onHost(onBuilder.WrapperRPM, builder.WrapperRPMRequest{Task: r.task, Params: p, RepoID: repo.ID}, &reply); err != nil {
		return reply.Result, err
	}
	if p.Task != nil {
		return reply.Result, nil
	}
	if !p.Opts.Scratch && !p.Opts.CreateBuild {
		req := system.ImportWrapperRPMsRequest{TaskID: r.task.ID, BuildID: p.Build.ID, Result: reply.Result}
		return reply.Result, r.inHub(db.ImportWrapperRPMs, req, nil)
	}
	if err := r.inHub(db.CompleteBuild, wrapperBuild(r.task.ID, reply), nil); err != nil {
		return reply.Result, err
	}
	if p.Opts.Scratch || p.Opts.SkipTag {
		return reply.Result, nil
	}
	tag := tasks.TagBuildParams{Tag: tasks.Ref{ID: p.Target.DestTag}, BuildID: reply.BuildID, IgnoreSuccess: true}
	_, err = startAndWait(r, tasks.TagBuild, tag, childOpts{label: "tag", arch: "noarch"})
	return reply.Result, err
}

// wrapperRepo is the repository that the request names, or one that will do.
func (r *run) wrapperRepo(p tasks.WrapperRPMParams) (repo tasks.RepoInfo, err error) {
	if p.Opts.RepoID != 0 {
		return repo, r.local(db.GetRepo, p.Opts.RepoID, &repo)
	}
	want := tasks.WaitrepoParams{Tag: tasks.Ref{ID: p.Target.BuildTag}, NVRs: p.Opts.WaitBuilds}
	if p.Opts.WaitRepo {
		want.MinEvent = "last"
	}
	return r.readyRepo(want)
}

// wrapperBuild is what is imported as a build, or moved as a scratch build.
func wrapperBuild(taskID int64, reply builder.WrapperRPMReply) system.CompleteBuildRequest {
	dir, result := (koji.PathInfo{}).TaskRel(taskID)+"/", reply.Result
	req := system.CompleteBuildRequest{TaskID: taskID, BuildID: reply.BuildID, SRPM: dir + result.SRPM, Roots: map[string]int64{}}
	for _, name := range result.RPMs {
		req.RPMs = append(req.RPMs, dir+name)
	}
	for _, file := range append([]string{req.SRPM}, req.RPMs...) {
		req.Roots[file] = result.BuildrootID
	}
	var logs []string
	for _, name := range result.Logs {
		logs = append(logs, dir+name)
	}
	req.Logs = map[string][]string{"noarch": logs}
	return req
}
