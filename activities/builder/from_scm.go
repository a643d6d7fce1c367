package builder

import (
	"cmp"
	"context"
	"path/filepath"

	"github.com/toji-build/toji/activities/builder/buildroot"
	checkout "github.com/toji-build/toji/activities/builder/scm"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/koji/tasks"
)

// BuildSRPMFromSCMRequest is a buildSRPMFromSCM task.
type BuildSRPMFromSCMRequest struct {
	Task   task.Task                    `json:"task"`
	Params tasks.BuildSRPMFromSCMParams `json:"params"`
}

// BuildSRPMFromSCM checks a package out, if this host may, and makes its SRPM
// in the build tag's buildroot.
func (a *Activities) BuildSRPMFromSCM(ctx context.Context, req BuildSRPMFromSCMRequest) (tasks.SRPMResult, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (tasks.SRPMResult, error) {
		return j.srpmFromSCM(ctx, req.Params)
	})
}

func (j *job) srpmFromSCM(ctx context.Context, p tasks.BuildSRPMFromSCMParams) (tasks.SRPMResult, error) {
	var none tasks.SRPMResult
	source, err := scm.Parse(p.URL)
	if err != nil {
		return none, err
	}
	allow, err := j.allowed(ctx, source, p.Opts.Scratch)
	if err != nil {
		return none, err
	}
	// The source command may have to fetch what is not in the checkout.
	r, err := j.makeRoot(ctx, rootSpec{tag: p.BuildTag, repoID: p.Opts.RepoID, arch: "noarch", group: srpmGroup, network: len(allow.SourceCmd) > 0})
	if err != nil {
		return none, err
	}
	log := filepath.Join(j.dir, "checkout.log")
	j.logs.watch(log)
	sources, err := checkout.Run(ctx, j.steps, checkout.Checkout{
		SCM: source, Allow: allow, Dir: filepath.Join(r.chroot.TmpDir, "scmroot"), Log: log, Owner: &r.chroot.Owner,
	})
	if err != nil {
		return none, err
	}
	build, err := specOf(sources.Dir)
	if err != nil {
		return none, err
	}
	build.SourceCmd = allow.SourceCmd
	result, err := j.makeSRPM(ctx, r, buildroot.Job{BuildSRPM: build})
	result.Source = tasks.Source{Source: sources.Source, URL: p.URL}
	return result, err
}

// specOf finds the one spec file of a checkout and holds that it does not claim
// to be built by somebody else.
func specOf(dir string) (*buildroot.BuildSRPM, error) {
	spec, err := checkout.FindSpec(dir, true)
	if err != nil {
		return nil, err
	}
	if err := checkout.CheckSpec(spec); err != nil {
		return nil, err
	}
	return &buildroot.BuildSRPM{Spec: spec, Sources: checkout.SourcesDir(dir, true), SourceDir: dir}, nil
}

// allowed asks the host's own list and the hub's policy build_from_scm, as far
// as the host is told to, whether it may work with sources from there. If it is
// told to ask neither, anything goes, as with Koji.
func (j *job) allowed(ctx context.Context, s scm.SCM, scratch bool) (scm.Allow, error) {
	var byConfig *scm.Allow
	if !j.cfg.IgnoreSCMList {
		allow, err := s.Allowed(j.cfg.AllowedSCMs)
		if err != nil {
			return allow, err
		}
		byConfig = &allow
	}
	if !j.cfg.SCMPolicy {
		return *cmp.Or(byConfig, new(scm.Default())), nil
	}
	data := map[string]any{
		"scm_url": s.URL, "scm_scheme": s.Scheme, "scm_user": nil, "scm_host": s.Host, "scm_repository": s.Repository,
		"scm_module": s.Module, "scm_revision": s.Revision, "scm_type": string(s.Type),
		"user_id": j.task.OwnerID, "channel": j.task.Channel, "scratch": scratch,
	}
	if s.User != "" {
		data["scm_user"] = s.User
	}
	answer, err := rpc.Invoke(ctx, j.hub, api.HostEvalPolicy, api.EvalPolicyParams{Name: "build_from_scm", Data: data})
	if err != nil {
		return scm.Allow{}, err
	}
	return s.AllowedByPolicy(*cmp.Or(answer, new(string)), byConfig)
}
