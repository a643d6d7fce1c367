package builder

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/tasks"
)

// srpmGroup is the comps group of a root in which SRPMs are made.
const srpmGroup = "srpm-build"

// RebuildSRPMRequest is a rebuildSRPM task.
type RebuildSRPMRequest struct {
	Task   task.Task               `json:"task"`
	Params tasks.RebuildSRPMParams `json:"params"`
}

// RebuildSRPM makes an uploaded SRPM anew in the build tag's buildroot.
func (a *Activities) RebuildSRPM(ctx context.Context, req RebuildSRPMRequest) (tasks.SRPMResult, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (tasks.SRPMResult, error) {
		return j.rebuildSRPM(ctx, req.Params)
	})
}

func (j *job) rebuildSRPM(ctx context.Context, p tasks.RebuildSRPMParams) (tasks.SRPMResult, error) {
	var none tasks.SRPMResult
	srpm, _, err := j.fetchSRPM(ctx, p.SRPM)
	if err != nil {
		return none, err
	}
	r, err := j.makeRoot(ctx, rootSpec{tag: p.BuildTag, repoID: p.Opts.RepoID, arch: "noarch", group: srpmGroup})
	if err != nil {
		return none, err
	}
	result, err := j.makeSRPM(ctx, r, buildroot.Job{RebuildSRPM: &buildroot.RebuildSRPM{SRPM: srpm}})
	if err == nil {
		source := filepath.Base(result.SRPM)
		result.Source = tasks.Source{Source: source, URL: source}
	}
	return result, err
}

// makeSRPM runs a job that makes one SRPM and sends it to the hub.
func (j *job) makeSRPM(ctx context.Context, r *root, b buildroot.Job) (tasks.SRPMResult, error) {
	result := tasks.SRPMResult{BuildrootID: r.ID}
	built, err := r.build(ctx, b)
	if err != nil {
		return result, err
	}
	switch len(built.SRPMs) {
	case 1:
	case 0:
		return result, koji.BuildErrorf("No srpms found in %s", r.ResultDir())
	default:
		return result, koji.BuildErrorf("Multiple srpms found in %s: %s", r.ResultDir(), strings.Join(built.SRPMs, ", "))
	}
	name := built.SRPMs[0]
	header, err := rpmfile.Open(filepath.Join(r.ResultDir(), name))
	if err != nil {
		return result, koji.BuildErrorf("%s: %v", name, err)
	}
	if want := header.NVRA().NVR.String() + ".src.rpm"; want != name {
		return result, koji.BuildErrorf("srpm name mismatch: %s != %s", want, name)
	}
	if result.SRPM, err = j.uploadResult(ctx, r.ResultDir(), name); err != nil {
		return result, err
	}
	if result.Logs, err = j.logPaths(ctx); err != nil {
		return result, err
	}
	r.expire(ctx)
	return result, nil
}
