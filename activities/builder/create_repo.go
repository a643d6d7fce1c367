package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/activities/builder/createrepo"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// CreateRepoRequest is a createrepo task.
type CreateRepoRequest struct {
	Task   task.Task              `json:"task"`
	Params tasks.CreaterepoParams `json:"params"`
}

// CreateRepo makes the metadata of one arch of a repository, with external
// repositories merged in, and uploads it.
func (a *Activities) CreateRepo(ctx context.Context, req CreateRepoRequest) (tasks.CreaterepoResult, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (tasks.CreaterepoResult, error) {
		return j.createRepo(ctx, req.Params)
	})
}

func (j *job) createRepo(ctx context.Context, p tasks.CreaterepoParams) (result tasks.CreaterepoResult, err error) {
	info, err := rpc.Invoke(ctx, j.hub, api.RepoInfo, api.RepoInfoParams{RepoID: p.RepoID, Strict: true})
	if err != nil {
		return result, err
	}
	if s := koji.RepoState(info.State); s != koji.RepoInit {
		return result, koji.GenericErrorf("Repo %d not in INIT state (got %s)", p.RepoID, s)
	}
	external, err := rpc.Invoke(ctx, j.hub, api.GetExternalRepoList, api.GetExternalRepoListParams{TagInfo: info.TagID, Event: &info.CreateEvent})
	if err != nil {
		return result, err
	}
	repo, err := j.repoFiles(ctx, info, p, len(external) == 0)
	if err != nil {
		return result, err
	}
	j.logs.watch(repo.Logs()...)
	result.UploadPath = j.upload
	if result.Files, err = createrepo.Make(ctx, j.steps, repo, mergeable(external)); err != nil {
		if errors.Is(err, createrepo.ErrNoAccess) {
			return result, refused("%v", err)
		}
		return result, err
	}
	_, err = j.uploadResults(ctx, repo.Repodata(), result.Files)
	return result, err
}

func mergeable(list []api.TagExternalRepo) []createrepo.External {
	external := make([]createrepo.External, len(list))
	for i, r := range list {
		external[i] = createrepo.External{URL: r.URL, MergeMode: r.MergeMode}
		if r.Arches != nil {
			external[i].Arches = *r.Arches
		}
	}
	return external
}

// repoFiles says where the hub's preparations are: in the mounted top directory,
// or in a copy of the needed parts. With pure, all RPMs that the last repository
// described were the hub's own: a path below packages/ names one content, which
// need not be looked at again. An external one may have the name of one of ours.
func (j *job) repoFiles(ctx context.Context, info *api.Repo, p tasks.CreaterepoParams, pure bool) (createrepo.Repo, error) {
	top := j.cfg.TopDir
	var old *oldRepodata
	if top == "" {
		top = filepath.Join(j.cfg.WorkDir, "cache", "top")
		var err error
		if old, err = j.copyRepo(ctx, top, info, p, pure); err != nil {
			return createrepo.Repo{}, err
		}
	}
	dir := koji.PathInfo{TopDir: top}.Repo(info.TagName, info.ID)
	repo := createrepo.Repo{
		ID: info.ID, Arch: p.Arch, WorkDir: j.dir, ReposDir: filepath.Join(top, "repos"),
		Dir: filepath.Join(dir, p.Arch), Comps: filepath.Join(dir, "groups", "comps.xml"),
		SkipStat: pure, Databases: j.cfg.RepoDatabases,
	}
	switch {
	case old != nil:
		repo.OldRepodata = old.dir
	case p.OldRepo.ID != 0 && j.cfg.TopDir != "":
		repo.OldRepodata = filepath.Join(filepath.Dir(dir), fmt.Sprint(p.OldRepo.ID), p.Arch, "repodata")
	}
	return repo, nil
}

// fetchAtOnce is how many RPMs are fetched side by side.
const fetchAtOnce = 8

// copyRepo fetches one arch of a prepared repository, the metadata of the one
// before it, and those of the listed RPMs that this does not describe, or with
// pure unset all of them. RPMs are kept for the next one: a path below packages/
// names one content.
func (j *job) copyRepo(ctx context.Context, top string, info *api.Repo, p tasks.CreaterepoParams, pure bool) (old *oldRepodata, err error) {
	rel := fmt.Sprintf("repos/%s/%d", info.TagName, info.ID)
	lists, listing := errgroup.WithContext(ctx)
	for _, name := range []string{p.Arch + "/pkglist", p.Arch + "/blocklist", "groups/comps.xml"} {
		lists.Go(func() error { return j.fetch(listing, rel+"/"+name, filepath.Join(top, rel, name)) })
	}
	if p.OldRepo.ID != 0 {
		lists.Go(func() error {
			old = j.fetchOld(listing, info.TagName, p.OldRepo.ID, p.Arch)
			return nil
		})
	}
	if err := lists.Wait(); err != nil {
		return nil, err
	}
	link := filepath.Join(top, rel, p.Arch, "toplink")
	if err := os.Symlink(top, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, infrastructure(err)
	}
	paths, err := listedPackages(filepath.Join(top, rel, p.Arch, "pkglist"))
	if err != nil {
		return nil, err
	}
	fetches, ctx := errgroup.WithContext(ctx)
	fetches.SetLimit(fetchAtOnce)
	for _, path := range paths {
		if pure && old.has(path) {
			continue
		}
		fetches.Go(func() error { return j.fetchMissing(ctx, path, filepath.Join(top, path)) })
	}
	return old, fetches.Wait()
}

// listedPackages reads a pkglist: paths below the top directory, through the
// link that stands for it.
func listedPackages(file string) (paths []string, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, infrastructure(err)
	}
	for line := range strings.Lines(string(text)) {
		path, ok := strings.CutPrefix(strings.TrimSpace(line), "toplink/")
		if !ok || !filepath.IsLocal(path) {
			return nil, koji.GenericErrorf("package list names %q", line)
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// fetchMissing fetches a file unless one is there.
func (j *job) fetchMissing(ctx context.Context, rel, to string) error {
	if _, err := os.Stat(to); err == nil {
		return nil
	}
	return j.fetch(ctx, rel, to)
}
