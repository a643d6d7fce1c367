package hub

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/koji/tasks"
)

// BuildPlan is what a build works towards: where it builds and where its
// result goes.
type BuildPlan struct {
	Target      string
	BuildTag    int64
	DestTag     int64
	DestName    string
	SkipTag     bool
	FromSCM     bool
	RebuildSRPM bool   // an uploaded SRPM is made anew in the buildroot
	RepoID      int64  // as the request says; 0 leaves it open
	SRPMArch    string // the task arch for making the SRPM
}

// PlanBuild checks a build's request, asks the policies and says what the build
// works towards. It changes nothing.
func (h *Hub) PlanBuild(ctx context.Context, t task.Task, p tasks.BuildParams) (BuildPlan, error) {
	if p.Opts.ArchOverride != "" && !p.Opts.Scratch {
		return BuildPlan{}, koji.BuildErrorf("arch_override is only allowed for scratch builds")
	}
	plan := BuildPlan{SkipTag: p.Opts.SkipTag, RepoID: p.Opts.RepoID, FromSCM: scm.IsURL(p.Src)}
	if err := h.planTags(ctx, &plan, p); err != nil {
		return plan, err
	}
	if err := h.askBuildPolicies(ctx, plan, t, p); err != nil {
		return plan, err
	}
	if err := h.checkSource(ctx, plan, p); err != nil {
		return plan, err
	}
	config, err := h.BuildConfig(ctx, plan.BuildTag, nil)
	if err != nil {
		return plan, err
	}
	plan.RebuildSRPM = true
	if v, ok := config.Extra["rebuild_srpm"].(bool); ok {
		plan.RebuildSRPM = v
	}
	if p.Opts.Scratch && p.Opts.RebuildSRPM != nil {
		plan.RebuildSRPM = *p.Opts.RebuildSRPM
	}
	plan.SRPMArch, err = taskArch(buildArches(config, p, "", nil), "noarch")
	return plan, err
}

// checkSource finds out before any work that an uploaded SRPM is none, or that
// its package may not be built. Its NVR may still change: it is made anew in the
// buildroot.
func (h *Hub) checkSource(ctx context.Context, plan BuildPlan, p tasks.BuildParams) error {
	switch {
	case plan.FromSCM:
		return nil
	case strings.Contains(p.Src, "://"):
		return koji.BuildErrorf("Invalid source specification: %s", p.Src)
	}
	header, err := h.readSRPM(p.Src)
	if err != nil {
		return err
	}
	_, err = h.buildablePackage(ctx, plan, p, header.NVRA().Name)
	return err
}

// buildablePackage is the package's entry in the destination's list, nil if
// there is none; that, or a blocked one, is an error for a build that is to be
// tagged.
func (h *Hub) buildablePackage(ctx context.Context, plan BuildPlan, p tasks.BuildParams, name string) (*api.TagPackage, error) {
	pkg, err := h.PackageEntry(ctx, plan.DestTag, name, nil)
	if err != nil || plan.SkipTag || p.Opts.Scratch {
		return pkg, err
	}
	switch {
	case pkg == nil:
		return nil, koji.BuildErrorf("package %s not in list for tag %s", name, plan.DestName)
	case pkg.Blocked:
		return nil, koji.BuildErrorf("package %s is blocked for tag %s", name, plan.DestName)
	}
	return pkg, nil
}

// planTags finds the build and destination tags. With a repository given, its
// tag is the build tag, and the target may also be a tag, or nothing.
func (h *Hub) planTags(ctx context.Context, plan *BuildPlan, p tasks.BuildParams) error {
	var repo *api.Repo
	if plan.RepoID != 0 {
		if _, err := h.UsableRepo(ctx, plan.RepoID); err != nil {
			return err
		}
		var err error
		if repo, err = h.Store.Repo(ctx, plan.RepoID); err != nil {
			return err
		}
	}
	target, err := h.buildTarget(ctx, p.Target, repo)
	if err != nil {
		return err
	}
	switch {
	case target != nil && repo != nil && repo.TagID != target.BuildTag:
		return koji.BuildErrorf("Repo/Target mismatch: %s/%s", repo.TagName, target.BuildTagName)
	case target != nil:
		plan.Target, plan.BuildTag, plan.DestTag, plan.DestName = target.Name, target.BuildTag, target.DestTag, target.DestTagName
		return nil
	case repo == nil:
		return koji.GenericErrorf("unknown build target: %s", p.Target)
	}
	plan.BuildTag = repo.TagID
	if p.Target.IsZero() {
		plan.SkipTag, plan.DestTag, plan.DestName = true, repo.TagID, repo.TagName
		return nil
	}
	dest, err := h.Lookup(ctx, store.Tags, p.Target.Value(), false)
	if err != nil {
		return err
	}
	if dest == nil {
		return koji.GenericErrorf("neither tag nor target: %s", p.Target)
	}
	plan.DestTag, plan.DestName = dest.ID, dest.Name
	return nil
}

// buildTarget finds the target, as it was when the repository was made.
func (h *Hub) buildTarget(ctx context.Context, ref tasks.Ref, repo *api.Repo) (*api.BuildTarget, error) {
	if ref.IsZero() {
		return nil, nil
	}
	p := api.GetBuildTargetParams{Info: ref.Value()}
	if repo != nil {
		p.Event = &repo.CreateEvent
	}
	return h.getBuildTarget(ctx, p)
}

// askBuildPolicies asks as the task's owner: the task runs for that user,
// whoever carries it.
func (h *Hub) askBuildPolicies(ctx context.Context, plan BuildPlan, t task.Task, p tasks.BuildParams) error {
	data := policy.Data{
		"user_id": t.OwnerID, "source": p.Src, "task_id": t.ID, "build_tag": plan.BuildTag, "skip_tag": plan.SkipTag,
		"scratch": p.Opts.Scratch, "draft": p.Opts.Draft, "from_scm": plan.FromSCM, "repo_id": nil,
	}
	if plan.RepoID != 0 {
		data["repo_id"] = plan.RepoID
	}
	if plan.Target != "" {
		data["target"] = plan.Target
	}
	if !plan.SkipTag {
		data["tag"] = plan.DestTag
	}
	names := []string{"build_rpm"}
	if plan.RepoID != 0 {
		names = append([]string{"build_from_repo_id"}, names...)
	}
	if !plan.FromSCM && !p.Opts.Scratch {
		names = append([]string{"build_from_srpm"}, names...)
	}
	for _, name := range names {
		if err := h.assertPolicy(ctx, name, data); err != nil {
			return err
		}
	}
	return nil
}

// buildArches is what the choice of arches depends on; srpm is nil before there
// is one.
func buildArches(config *api.BuildConfig, p tasks.BuildParams, extra string, srpm *rpmfile.Header) koji.BuildArches {
	a := koji.BuildArches{Tag: config.Name, TagID: config.ID, ExtraArches: extra, Override: p.Opts.ArchOverride}
	if config.Arches != nil {
		a.TagArches = *config.Arches
	}
	a.NoarchArches, _ = config.Extra["noarch_arches"].(string)
	if srpm != nil {
		a.BuildArchs, a.ExclusiveArch, a.ExcludeArch = srpm.Strings("buildarchs"), srpm.Strings("exclusivearch"), srpm.Strings("excludearch")
	}
	return a
}

// taskArch is the arch that a host has to have for building for arch. Among
// several that will do it chooses by chance, to spread the load.
func taskArch(a koji.BuildArches, arch string) (string, error) {
	choice, err := a.TaskArches(arch)
	if err != nil {
		return "", err
	}
	return choice[rand.IntN(len(choice))], nil
}

// ArchBuild is one arch to build for.
type ArchBuild struct {
	Arch     string
	TaskArch string // which hosts may do it
}

// BegunBuild is a build whose arches may be built.
type BegunBuild struct {
	BuildID int64 // 0 for scratch builds, which have no row
	NVR     string
	Arches  []ArchBuild
	// Complete says that the task completed the build before it was freed.
	Complete bool
}

// BeginBuild reads the SRPM's header (its path is relative to the work
// directory), checks the destination's package list, chooses the arches and,
// unless it is a scratch build, makes the build's row. It may be repeated.
func (h *Hub) BeginBuild(ctx context.Context, t task.Task, p tasks.BuildParams, plan BuildPlan, srpm string, source tasks.Source) (BegunBuild, error) {
	header, err := h.readSRPM(srpm)
	if err != nil {
		return BegunBuild{}, err
	}
	nvr := header.NVRA().NVR
	begun := BegunBuild{NVR: nvr.String()}
	pkg, err := h.buildablePackage(ctx, plan, p, nvr.Name)
	if err != nil {
		return begun, err
	}
	extra := ""
	if pkg != nil && pkg.ExtraArches != nil {
		extra = *pkg.ExtraArches
	}
	config, err := h.BuildConfig(ctx, plan.BuildTag, nil)
	if err != nil {
		return begun, err
	}
	if begun.Arches, err = chooseArches(buildArches(config, p, extra, header)); err != nil {
		return begun, err
	}
	if p.Opts.Scratch {
		return begun, nil
	}
	begun.BuildID, begun.Complete, err = h.ensureBuild(asOwner(ctx, t), initRequest(t, p, header, source))
	return begun, err
}

// ensureBuild makes the build's row, or finds the one that the task has made
// before, and tells whether it is complete.
func (h *Hub) ensureBuild(ctx context.Context, r InitBuildRequest) (id int64, complete bool, err error) {
	if id, err = h.InitBuild(ctx, r); err != nil {
		return 0, false, err
	}
	build, err := h.build(ctx, id, true)
	if err != nil {
		return 0, false, err
	}
	return id, build.State == koji.BuildComplete, nil
}

func chooseArches(a koji.BuildArches) (list []ArchBuild, err error) {
	arches, err := a.List()
	if err != nil {
		return nil, err
	}
	for _, arch := range arches {
		on, err := taskArch(a, arch)
		if err != nil {
			return nil, err
		}
		list = append(list, ArchBuild{Arch: arch, TaskArch: on})
	}
	return list, nil
}

func initRequest(t task.Task, p tasks.BuildParams, header *rpmfile.Header, source tasks.Source) InitBuildRequest {
	nvr := header.NVRA().NVR
	r := InitBuildRequest{
		TaskID: t.ID, Owner: t.OwnerID, Name: nvr.Name, Version: nvr.Version, Release: nvr.Release, Epoch: header.Epoch(),
		Draft: p.Opts.Draft, Source: source.Source,
	}
	extra := map[string]any{}
	if source.URL != "" {
		extra["source"] = map[string]any{"original_url": source.URL}
	}
	if p.Opts.CustomUserMetadata != nil {
		extra["custom_user_metadata"] = p.Opts.CustomUserMetadata
	}
	if len(extra) > 0 {
		r.Extra = extra
	}
	return r
}

// readSRPM reads the header of a source package below the work directory.
func (h *Hub) readSRPM(rel string) (*rpmfile.Header, error) {
	path, err := koji.Under(h.Paths.Work(""), rel)
	if err != nil {
		return nil, koji.BuildErrorf("bad path of a source package: %q", rel)
	}
	header, err := rpmfile.Open(path)
	if err != nil {
		return nil, &koji.Error{Fault: koji.FaultBuild, Msg: fmt.Sprintf("%s: %s", rel, strings.TrimPrefix(err.Error(), path+": ")), Err: err}
	}
	if !header.Source() {
		return nil, koji.BuildErrorf("%s is not a source package", rel)
	}
	return header, nil
}

// asOwner lets the rules that ask who is calling see the task's owner: a task
// acts for that user. Versioned changes are on the owner's account, too.
func asOwner(ctx context.Context, t task.Task) context.Context {
	ctx = session.With(ctx, &session.Session{UserID: t.OwnerID, UserName: t.Owner})
	return store.WithActor(ctx, t.OwnerID)
}
