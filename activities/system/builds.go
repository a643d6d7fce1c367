package system

import (
	"context"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// BuildPlan is what a build works towards: where it builds and where its
// result goes.
type BuildPlan struct {
	Target   string `json:"target,omitempty"`
	BuildTag int64  `json:"build_tag"`
	DestTag  int64  `json:"dest_tag"`
	DestName string `json:"dest_name"`
	SkipTag  bool   `json:"skip_tag,omitempty"`
	FromSCM  bool   `json:"from_scm,omitempty"`
	// RebuildSRPM says that an uploaded SRPM is made anew in the buildroot.
	RebuildSRPM bool `json:"rebuild_srpm,omitempty"`
	// RepoID is the repository that the request asked for; 0 leaves it open.
	RepoID int64 `json:"repo_id,omitempty"`
	// SRPMArch is the task arch for making the SRPM.
	SRPMArch string `json:"srpm_arch"`
}

// PlanRequest is a build's request with its task.
type PlanRequest struct {
	Task   task.Task         `json:"task"`
	Params tasks.BuildParams `json:"params"`
}

// PlanBuild checks a build's request against the policies and says what it
// works towards. It changes nothing.
func (a *Activities) PlanBuild(ctx context.Context, req PlanRequest) (BuildPlan, error) {
	p, err := a.Hub.PlanBuild(ctx, req.Task, req.Params)
	return result(BuildPlan(p), err)
}

// InitBuildRequest names the SRPM that a build is made of.
type InitBuildRequest struct {
	Task   task.Task         `json:"task"`
	Params tasks.BuildParams `json:"params"`
	Plan   BuildPlan         `json:"plan"`
	SRPM   string            `json:"srpm"` // path below work/
	Source tasks.Source      `json:"source"`
}

// ArchBuild is one arch to build for.
type ArchBuild struct {
	Arch     string `json:"arch"`
	TaskArch string `json:"task_arch"` // which hosts may do it
}

// InitBuildReply is a build that may begin.
type InitBuildReply struct {
	BuildID int64       `json:"build_id,omitempty"` // 0 for scratch builds
	NVR     string      `json:"nvr"`
	Arches  []ArchBuild `json:"arches"`
	// Complete says that the task completed the build before it was freed.
	Complete bool `json:"complete,omitempty"`
}

// InitBuild reads the SRPM's header, checks the package list and the NVR and,
// unless it is a scratch build, makes the build's row.
func (a *Activities) InitBuild(ctx context.Context, req InitBuildRequest) (InitBuildReply, error) {
	b, err := a.Hub.BeginBuild(ctx, req.Task, req.Params, hub.BuildPlan(req.Plan), req.SRPM, req.Source)
	reply := InitBuildReply{BuildID: b.BuildID, NVR: b.NVR, Complete: b.Complete}
	for _, arch := range b.Arches {
		reply.Arches = append(reply.Arches, ArchBuild(arch))
	}
	return result(reply, err)
}

// CompleteBuildRequest is what the arches' tasks made; all paths are below work/.
type CompleteBuildRequest struct {
	TaskID  int64               `json:"task"`
	BuildID int64               `json:"build_id,omitempty"` // 0 for scratch builds
	SRPM    string              `json:"srpm"`
	RPMs    []string            `json:"rpms"`
	Roots   map[string]int64    `json:"roots"` // buildroot of each file
	Logs    map[string][]string `json:"logs"`  // by arch
}

// CompleteBuild imports a build's files, or moves those of a scratch build to
// their place.
func (a *Activities) CompleteBuild(ctx context.Context, req CompleteBuildRequest) error {
	stop := beat(ctx)
	defer stop()
	if req.BuildID == 0 {
		return answer(a.Hub.MoveToScratch(ctx, req.TaskID, req.SRPM, req.RPMs, req.Logs))
	}
	return answer(a.Hub.CompleteBuild(ctx, hub.CompleteBuildRequest{
		TaskID: req.TaskID, BuildID: req.BuildID, SRPM: req.SRPM, RPMs: req.RPMs, BuildrootOf: req.Roots, Logs: req.Logs,
	}))
}

// TagBuildRequest is a tagBuild task's request.
type TagBuildRequest struct {
	Task   task.Task            `json:"task"`
	Params tasks.TagBuildParams `json:"params"`
}

// TagBuild tags a build after checking that it may be, and has mail sent about it.
func (a *Activities) TagBuild(ctx context.Context, req TagBuildRequest) error {
	r := hub.TagBuildRequest{
		TaskID: req.Task.ID, UserID: req.Task.OwnerID, Tag: req.Params.Tag.Value(), BuildID: req.Params.BuildID,
		Force: req.Params.Force, FromTag: req.Params.FromTag.Value(), Notify: true, IgnoreSuccess: req.Params.IgnoreSuccess,
	}
	err := a.Hub.TagBuild(ctx, r)
	if koji.FaultOf(err) != 0 {
		if e := a.Hub.NotifyFailedTagging(ctx, r, err); e != nil && koji.FaultOf(e) == 0 {
			return e // to be tried again
		}
	}
	return answer(err)
}
