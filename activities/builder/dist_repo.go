package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/activities/builder/createrepo"
	"github.com/toji-build/toji/internal/rpc"
	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// CreateDistRepoRequest is a createdistrepo task.
type CreateDistRepoRequest struct {
	Task   task.Task                  `json:"task"`
	Params tasks.CreatedistrepoParams `json:"params"`
}

// CreateDistRepo makes one arch of a dist repo and uploads what the hub needs to
// put it into place: the metadata, the list of RPMs, and a list of these files.
func (a *Activities) CreateDistRepo(ctx context.Context, req CreateDistRepoRequest) error {
	_, err := do(ctx, a, req.Task, func(ctx context.Context, j *job) (task.Nothing, error) {
		return task.Nothing{}, j.createDistRepo(ctx, req.Params)
	})
	return err
}

// distJob is a job that makes one arch of a dist repo:
//
//	repo/Packages/f/foo-1-1.ARCH.rpm   links to the RPMs
//	repo/kojipkgs                      what the hub knows of them
//	repo/pkglist, repo/repodata/
//	repo/debug/...                     the same of debuginfo, where it is split off
type distJob struct {
	*job
	params tasks.CreatedistrepoParams
	info   *api.Repo
	dir    string // repo/
	top    string // the top directory, or a copy of the needed parts
}

// debugPart is the folder of debuginfo that is split off.
const debugPart = "debug"

func (j *job) createDistRepo(ctx context.Context, p tasks.CreatedistrepoParams) error {
	d := &distJob{job: j, params: p, dir: filepath.Join(j.dir, "repo"), top: j.cfg.TopDir}
	if d.top == "" {
		d.top = filepath.Join(j.cfg.WorkDir, "cache", "top")
	}
	var err error
	if d.info, err = rpc.Invoke(ctx, j.hub, api.RepoInfo, api.RepoInfoParams{RepoID: p.RepoID, Strict: true}); err != nil {
		return err
	}
	if koji.RepoState(d.info.State) != koji.RepoInit {
		return koji.GenericErrorf("Repo %d not in INIT state (got %d)", p.RepoID, d.info.State)
	}
	old, err := d.deltaDirs(ctx)
	if err != nil {
		return err
	}
	if _, err := os.Stat(d.dir); errors.Is(err, fs.ErrNotExist) { // else an earlier attempt came further
		if err := d.prepare(ctx); err != nil {
			return err
		}
	}
	if err := d.metadata(ctx, old); err != nil {
		return err
	}
	return d.send(ctx)
}

// deltaDirs are the folders of RPMs to make delta RPMs against.
func (d *distJob) deltaDirs(ctx context.Context) (dirs []string, err error) {
	for _, id := range d.params.Opts.Delta {
		old, err := rpc.Invoke(ctx, d.hub, api.RepoInfo, api.RepoInfoParams{RepoID: id, Strict: true})
		switch {
		case err != nil:
			return nil, err
		case !old.Dist:
			return nil, koji.GenericErrorf("Base repo for deltas must also be a dist repo")
		}
		rel := filepath.Join(koji.PathInfo{TopDir: "."}.DistRepo("", old.TagName, id), d.params.Arch)
		if d.cfg.TopDir == "" {
			if err := d.copyPackages(ctx, rel); err != nil {
				return nil, err
			}
		}
		dir := filepath.Join(d.top, rel)
		if _, err := os.Stat(dir); err != nil {
			return nil, koji.GenericErrorf("Base drpm repo missing: %s", dir)
		}
		// createrepo_c does not look below the folders that it is given.
		folders, err := filepath.Glob(filepath.Join(dir, "Packages", "*"))
		if err != nil {
			return nil, err
		}
		dirs = append(dirs, folders...)
	}
	return dirs, nil
}

// copyPackages fetches the RPMs of a dist repo's arch. It need not have the arch.
func (d *distJob) copyPackages(ctx context.Context, rel string) error {
	dir := filepath.Join(d.top, rel)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return infrastructure(err)
	}
	list := filepath.Join(dir, "kojipkgs")
	if ok, err := d.fetchIfThere(ctx, rel+"/kojipkgs", list); err != nil || !ok {
		return err
	}
	text, err := os.ReadFile(list)
	if err != nil {
		return infrastructure(err)
	}
	var rpms map[string]struct{}
	if err := json.Unmarshal(text, &rpms); err != nil {
		return koji.GenericErrorf("%s/kojipkgs: %v", rel, err)
	}
	fetches, ctx := errgroup.WithContext(ctx)
	fetches.SetLimit(fetchAtOnce)
	for name := range rpms {
		if name != filepath.Base(name) {
			return koji.GenericErrorf("%s/kojipkgs names %q", rel, name)
		}
		file := filepath.Join("Packages", strings.ToLower(name[:1]), name)
		fetches.Go(func() error { return d.fetchMissing(ctx, rel+"/"+file, filepath.Join(dir, file)) })
	}
	return fetches.Wait()
}

// prepare lays the repository out, as a whole.
func (d *distJob) prepare(ctx context.Context) error {
	chosen, err := d.choose(ctx)
	if err != nil {
		return err
	}
	if chosen, err = d.addMultilib(ctx, chosen); err != nil {
		return err
	}
	staging := d.dir + ".new"
	if err := os.RemoveAll(staging); err != nil {
		return infrastructure(err)
	}
	lists := map[string]*strings.Builder{"": {}}
	if err := os.MkdirAll(filepath.Join(staging, "Packages"), 0o755); err != nil {
		return infrastructure(err)
	}
	listed := map[string]*distRPM{}
	for _, r := range chosen {
		name := r.nvra().Filename()
		rel := filepath.Join("Packages", strings.ToLower(name[:1]), name)
		if lists[r.Subrepo] == nil {
			lists[r.Subrepo] = new(strings.Builder)
		}
		if r.Subrepo != "" {
			fmt.Fprint(lists[r.Subrepo], "../")
		}
		fmt.Fprintln(lists[r.Subrepo], rel)
		listed[name] = r
		if err := os.MkdirAll(filepath.Join(staging, filepath.Dir(rel)), 0o755); err != nil {
			return infrastructure(err)
		}
		if err := os.Symlink(r.Path, filepath.Join(staging, rel)); err != nil {
			return infrastructure(err)
		}
	}
	text, err := json.Marshal(listed)
	if err != nil {
		return err
	}
	err = os.WriteFile(filepath.Join(staging, "kojipkgs"), text, 0o644)
	for part, list := range lists {
		dir := filepath.Join(staging, part)
		err = errors.Join(err, os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "pkglist"), []byte(list.String()), 0o644))
	}
	if err := errors.Join(err, os.Rename(staging, d.dir)); err != nil {
		return infrastructure(err)
	}
	return nil
}

// metadata runs createrepo_c over the repository and what is split off.
func (d *distJob) metadata(ctx context.Context, deltas []string) error {
	last, err := d.lastRepo(ctx)
	if err != nil {
		return err
	}
	comps, err := d.comps(ctx)
	if err != nil {
		return err
	}
	o := d.params.Opts
	for _, part := range []string{"", debugPart} {
		dir := filepath.Join(d.dir, part)
		if _, err := os.Stat(filepath.Join(dir, "pkglist")); err != nil {
			continue
		}
		name := "createrepo"
		if part != "" {
			name += "_" + part
		}
		spec := createrepo.Dist{
			Name: name, Dir: dir, Comps: comps, OldPackages: deltas, Zck: o.Zck, ZckDictDir: value(o.ZckDictDir),
			SkipStat: part == "" && o.SkipStat != nil && *o.SkipStat, Log: filepath.Join(d.job.dir, name+".log"),
		}
		if last != "" {
			spec.OldRepodata = filepath.Join(last, part, "repodata")
		}
		d.logs.watch(spec.Log)
		if err := createrepo.MakeDist(ctx, d.steps, spec); err != nil {
			return err
		}
	}
	text, err := os.ReadFile(filepath.Join(d.dir, "kojipkgs"))
	if err == nil && string(text) == "{}" {
		err = os.WriteFile(filepath.Join(d.dir, "repodata", "EMPTY_REPO"),
			[]byte("This repo is empty because its tag has no content for this arch\n"), 0o644)
	}
	if err != nil {
		return infrastructure(err)
	}
	return nil
}

// lastRepo is the folder of this arch in the tag's last dist repo, whose metadata
// can be used again; "" if there is none within reach.
func (d *distJob) lastRepo(ctx context.Context) (string, error) {
	last, err := rpc.Invoke(ctx, d.hub, api.GetRepo, api.GetRepoParams{Tag: d.info.TagID, Dist: true})
	if err != nil || last == nil || d.cfg.TopDir == "" {
		return "", err
	}
	return filepath.Join(koji.PathInfo{TopDir: d.top}.DistRepo("", last.TagName, last.ID), d.params.Arch), nil
}

// comps is the file with the package groups, "" if there are none.
func (d *distJob) comps(ctx context.Context) (string, error) {
	if value(d.params.Opts.Comps) == "" {
		return "", nil
	}
	rel := koji.PathInfo{TopDir: "."}.DistRepo("", d.info.TagName, d.info.ID) + "/groups/comps.xml"
	if d.cfg.TopDir != "" {
		return filepath.Join(d.top, rel), nil
	}
	to := filepath.Join(d.job.dir, "comps.xml")
	return to, d.fetch(ctx, filepath.Clean(rel), to)
}

// send uploads all files but the RPMs, and the list of these files.
func (d *distJob) send(ctx context.Context) error {
	var names []string
	err := filepath.WalkDir(d.dir, func(file string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			name, _ := filepath.Rel(d.dir, file) // below it
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		return infrastructure(err)
	}
	slices.Sort(names)
	for _, name := range names {
		to := path.Join(d.upload, path.Dir(name))
		if err := d.hub.UploadFile(ctx, filepath.Join(d.dir, name), to, "", rpcclient.UploadOptions{Overwrite: true}); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(names, "", "    ")
	if err != nil {
		return err
	}
	return d.sendText(ctx, "repo_manifest", string(text))
}

// sendText uploads a text as a file of the task's.
func (d *distJob) sendText(ctx context.Context, name, text string) error {
	if err := os.WriteFile(filepath.Join(d.job.dir, name), []byte(text), 0o644); err != nil {
		return infrastructure(err)
	}
	_, err := d.uploadResult(ctx, d.job.dir, name)
	return err
}

func value(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}
