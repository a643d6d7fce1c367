package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"strconv"
	"time"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// rootSpec says which buildroot a task wants.
type rootSpec struct {
	tag     tasks.Ref
	repoID  int64
	arch    string // as the task has it; noarch work takes one of the host's
	group   string
	network bool
	// mounts are directories of the host that can be written inside.
	mounts []string
	// newChroot overrides the tag's mock.new_chroot.
	newChroot *bool
}

// rootFile remembers a task's rootState.
const rootFile = "buildroot"

// rootState is what a later attempt has to find again.
type rootState struct {
	BuildrootID int64  `json:"buildroot"`
	Arch        string `json:"arch"`
}

// root is a buildroot with its driver.
type root struct {
	buildroot.Root
	driver  buildroot.Driver
	chroot  buildroot.Chroot
	origins origins
	job     *job
	jobs    int // that were built in it
}

// makeRoot registers a buildroot at the hub and makes it.
func (j *job) makeRoot(ctx context.Context, s rootSpec) (*root, error) {
	if s.repoID == 0 {
		return nil, koji.BuildErrorf("A repo id must be provided")
	}
	repo, err := rpc.Invoke(ctx, j.hub, api.RepoInfo, api.RepoInfoParams{RepoID: s.repoID, Strict: true})
	if err != nil {
		return nil, err
	}
	config, err := rpc.Invoke(ctx, j.hub, api.GetBuildConfig, api.TagEventParams{Tag: s.tag.Value(), Event: &repo.CreateEvent})
	if err != nil {
		return nil, err
	}
	state, err := remember(j, rootFile, func() (rootState, error) { return j.newBuildroot(ctx, s, config) })
	if err != nil {
		return nil, err
	}
	r := &root{job: j, Root: buildroot.Root{
		Tag: config.Name, ID: state.BuildrootID, RepoID: s.repoID, Arch: state.Arch, Group: s.group, Extra: s.extra(config.Extra),
		BaseDir: filepath.Join(j.cfg.WorkDir, "roots"), WorkDir: j.dir, Network: s.network, Mounts: s.mounts,
		Repos:  []string{fmt.Sprintf("%s/repos/%s/%d/%s", j.cfg.TopURL, repo.TagName, s.repoID, state.Arch)},
		Vendor: j.cfg.Vendor, Packager: j.cfg.Packager, Distribution: j.cfg.Distribution,
	}}
	if r.origins, err = j.readOrigins(ctx, repo, r.Repos[0], state.Arch); err != nil {
		return nil, err
	}
	driver := j.cfg.Driver
	driver.Runner = j.steps
	if r.driver, err = buildroot.Select(driver); err != nil {
		return nil, infrastructure(err)
	}
	j.logs.watch(r.LogGlobs()...)
	return r, r.init(ctx)
}

// extra is the tag's extra data as the root is to see it.
func (s rootSpec) extra(tags map[string]any) map[string]any {
	if s.newChroot == nil {
		return tags
	}
	own := map[string]any{}
	maps.Copy(own, tags)
	own["mock.new_chroot"] = *s.newChroot
	return own
}

// newBuildroot chooses the root's arch and has the hub make its row.
func (j *job) newBuildroot(ctx context.Context, s rootSpec, config *api.BuildConfig) (rootState, error) {
	arch := koji.CanonArch(s.arch)
	if s.arch == "noarch" {
		tag := koji.ArchOwner{Name: config.Name}
		if config.Arches != nil {
			tag.Arches = *config.Arches
		}
		var err error
		if arch, err = koji.ConcreteArch(koji.ArchOwner{Name: j.cfg.Host.Name, Arches: j.cfg.Arches}, tag, j.task.Arch); err != nil {
			// Another host may have one of the tag's arches.
			return rootState{}, refused("%v", err)
		}
	}
	id, err := rpc.Invoke(ctx, j.hub, api.HostNewBuildRoot, api.NewBuildRootParams{Repo: s.repoID, Arch: arch, TaskID: &j.task.ID})
	return rootState{BuildrootID: id, Arch: arch}, err
}

// init makes the root and tells the hub what is in it.
func (r *root) init(ctx context.Context) error {
	chroot, err := r.driver.Init(ctx, r.Root)
	if err != nil {
		return err
	}
	r.chroot = chroot
	// Once: the hub does not take it for a root that builds, as one does that
	// an earlier life of the daemon has begun with.
	_, err = remember(r.job, "listed", func() (bool, error) {
		_, err := rpc.Invoke(ctx, r.job.hub, api.HostSetBuildRootList, r.contents(chroot.Packages))
		return err == nil, err
	})
	return err
}

// build does a job and tells the hub what is in the root now, however it ended:
// a failed build's contents are what one looks for first.
func (r *root) build(ctx context.Context, b buildroot.Job) (buildroot.Result, error) {
	r.setState(ctx, koji.BuildrootBuilding)
	result, failed := r.driver.Build(ctx, r.Root, b)
	r.jobs++
	if len(result.Packages) > 0 && ctx.Err() == nil {
		// Once: the root may be expired when a later life of the daemon comes here.
		_, err := remember(r.job, fmt.Sprintf("updated-%d", r.jobs), func() (bool, error) {
			_, err := rpc.Invoke(ctx, r.job.hub, api.HostUpdateBuildRootList, r.contents(result.Packages))
			return err == nil, err
		})
		if failed == nil {
			failed = err
		}
	}
	return result, failed
}

// expire tells the hub that the root is done with and removes it.
func (r *root) expire(ctx context.Context) {
	r.setState(ctx, koji.BuildrootExpired)
	if err := r.driver.Clean(ctx, r.Root); err != nil {
		r.job.log.Warn("buildroot is left", "root", r.Name(), "error", err)
	}
}

// setState is told for the record; nothing depends on it, least of all whether
// a build is good.
func (r *root) setState(ctx context.Context, s koji.BuildrootState) {
	p := api.SetBuildRootStateParams{BrootID: r.ID, State: int64(s), TaskID: &r.job.task.ID}
	if _, err := rpc.Invoke(ctx, r.job.hub, api.HostSetBuildRootState, p); err != nil {
		r.job.log.Warn("buildroot's state is not recorded", "root", r.Name(), "error", err)
	}
}

// retireTime bounds the call that tells of a root that is given up.
const retireTime = 10 * time.Second

// giveUpRoot is about the root of a job that came to nothing: the hub is told, and
// the root is kept for a while unless nobody wants to know why. The task may be
// cancelled or another host's by now, so it is not named.
func (j *job) giveUpRoot(cause error) {
	root := j.rootOf(strconv.FormatInt(j.task.ID, 10))
	id, err := strconv.ParseInt(root, 10, 64)
	if err != nil || j.hub == nil {
		return // it has none
	}
	if !errors.Is(cause, errCanceled) {
		dir, err := j.findRoot(root)
		if err == nil {
			err = buildroot.MarkFailed(dir)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // it may not have got so far
			j.log.Warn("buildroot is not kept", "root", id, "error", err)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), retireTime)
	defer cancel()
	if err := retire(ctx, j.hub, id); err != nil {
		j.log.Warn("buildroot's end is not recorded", "root", id, "error", err)
	}
}

// findRoot returns the directory of the root with the id.
func (a *Activities) findRoot(id string) (string, error) {
	return buildroot.Find(filepath.Join(a.cfg.WorkDir, "roots"), id)
}

func retire(ctx context.Context, hub rpc.Caller, root int64) error {
	p := api.SetBuildRootStateParams{BrootID: root, State: int64(koji.BuildrootExpired)}
	_, err := rpc.Invoke(ctx, hub, api.HostSetBuildRootState, p)
	return err
}

// RetireRoots tells the hub that the roots are given up that this host had in use
// in an earlier life, but for those that are kept. One that was not used yet may be
// of a task that was about to note its id, and will get it again.
func (c Control) RetireRoots(ctx context.Context, kept Kept) error {
	a := c.activities
	p := api.ListBuildrootsParams{HostID: &a.cfg.Host.ID, State: []koji.BuildrootState{
		koji.BuildrootInit, koji.BuildrootWaiting, koji.BuildrootBuilding,
	}}
	rows, err := rpc.Invoke(ctx, a.hub, api.ListBuildroots, p)
	if err != nil {
		return err
	}
	for _, root := range rows.List {
		unused := root.State != nil && koji.BuildrootState(*root.State) == koji.BuildrootInit && root.TaskID != nil
		if kept.Roots[strconv.FormatInt(root.ID, 10)] || unused && kept.Tasks[strconv.FormatInt(*root.TaskID, 10)] {
			continue
		}
		if err := retire(ctx, a.hub, root.ID); err != nil {
			return err
		}
	}
	return nil
}

func (r *root) contents(packages []buildroot.Package) api.SetBuildRootListParams {
	p := api.SetBuildRootListParams{BrootID: r.ID, TaskID: &r.job.task.ID, RPMList: make([]api.InstalledRPM, len(packages))}
	for i, pkg := range packages {
		p.RPMList[i] = api.InstalledRPM{
			Name: pkg.Name, Version: pkg.Version, Release: pkg.Release, Epoch: pkg.Epoch, Arch: pkg.Arch,
			PayloadHash: pkg.PayloadHash, Size: pkg.Size, BuildTime: pkg.BuildTime, Location: r.origins.location(pkg),
		}
	}
	return p
}
