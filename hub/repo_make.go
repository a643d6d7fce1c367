package hub

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// RepoInit is a repository whose metadata is to be made.
type RepoInit struct {
	RepoID  int64
	EventID int64
	Tag     string
	Arches  []string
	OldRepo int64 // whose metadata may be reused; 0 for none
	// OldRepos are other ones, by arch: what a newRepo task that failed has made.
	OldRepos map[string]int64
}

// InitRepo makes the repository of a newRepo task: its row in state INIT and
// its folder with package lists, groups and block lists. Repeated for the same
// task, it finds the row and makes the folder anew.
func (h *Hub) InitRepo(ctx context.Context, taskID int64, p tasks.NewRepoParams) (RepoInit, error) {
	var event *int64
	if p.Event != 0 {
		event = &p.Event
	}
	tag, err := h.Tag(ctx, p.Tag.Value(), TagOptions{Strict: true, Event: event})
	if err != nil {
		return RepoInit{}, err
	}
	return h.initRepo(ctx, taskID, tag, event, requestedRepoOpts(p))
}

// initRepo is InitRepo for a tag as it was at the event, nil for now, and options
// that override the tag's own. Without a task each call makes a repository.
func (h *Hub) initRepo(ctx context.Context, taskID int64, tag *api.Tag, event *int64, override map[string]bool) (RepoInit, error) {
	opts, custom := h.effectiveRepoOpts(tag, override)
	if opts["maven"] {
		return RepoInit{}, koji.GenericErrorf("Maven support not enabled")
	}
	repo, err := h.repoOfTask(ctx, taskID, tag, event, opts, custom)
	if err != nil {
		return RepoInit{}, err
	}
	made := RepoInit{RepoID: repo.ID, EventID: repo.CreateEvent, Tag: tag.Name, Arches: repoArches(tag, opts)}
	if err := h.writeRepo(ctx, repo, tag, made.Arches, opts); err != nil {
		return RepoInit{}, err
	}
	old, err := h.Store.LatestRepo(ctx, store.RepoFilter{TagID: tag.ID, State: new(int(koji.RepoReady))})
	if err != nil {
		return RepoInit{}, err
	}
	if old != nil {
		made.OldRepo = old.ID
	}
	failed, err := h.Store.LatestRepo(ctx, store.RepoFilter{TagID: tag.ID, State: new(int(koji.RepoProblem))})
	if err != nil || failed == nil || failed.ID < made.OldRepo {
		return made, err
	}
	made.OldRepos = map[string]int64{}
	for _, arch := range made.Arches {
		if isRegular(filepath.Join(h.repoDir(failed), arch, "repodata", "repomd.xml")) {
			made.OldRepos[arch] = failed.ID
		}
	}
	return made, nil
}

func requestedRepoOpts(p tasks.NewRepoParams) map[string]bool {
	o := tasks.RepoOpts{Src: p.Src, Debuginfo: p.Debuginfo, SeparateSrc: p.SeparateSrc}
	if p.Opts != nil {
		o = *p.Opts
	}
	opts := map[string]bool{}
	for name, v := range map[string]*bool{"src": o.Src, "debuginfo": o.Debuginfo, "separate_src": o.SeparateSrc, "maven": o.Maven} {
		if v != nil {
			opts[name] = *v
		}
	}
	return opts
}

// repoArches lists the folders of a repository: one for each canonical arch of
// the tag, and "src" if it has its own.
func repoArches(tag *api.Tag, opts map[string]bool) []string {
	var arches []string
	if opts["separate_src"] {
		arches = append(arches, "src")
	}
	if tag.Arches == nil {
		return arches
	}
	for _, a := range strings.Fields(*tag.Arches) {
		a = koji.CanonArch(a)
		if a != "src" && a != "noarch" && !slices.Contains(arches, a) {
			arches = append(arches, a)
		}
	}
	return arches
}

// repoOfTask finds or inserts the task's row.
func (h *Hub) repoOfTask(ctx context.Context, taskID int64, tag *api.Tag, event *int64, opts, custom map[string]bool) (repo *api.Repo, err error) {
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		if taskID != 0 {
			if repo, err = h.Store.RepoOfTask(ctx, taskID); err != nil || repo != nil && repo.State == int(koji.RepoInit) {
				return err
			}
		}
		n := store.NewRepo{TagID: tag.ID, TaskID: taskID, Opts: asJSON(opts), CustomOpts: asJSON(custom)}
		if event != nil {
			n.Event = *event
			err = h.checkEvent(ctx, *event)
		} else {
			n.Event, err = h.Store.Event(ctx)
		}
		if err != nil {
			return err
		}
		tags, repos, err := h.tagSources(ctx, tag.ID, event, true)
		if err != nil {
			return err
		}
		if n.Begin, err = h.Store.LastChange(ctx, tags, repos, &n.Event); err != nil {
			return err
		}
		if n.Begin == nil {
			n.Begin = &n.Event
		}
		if n.End, err = h.Store.FirstChange(ctx, tags, repos, n.Event); err != nil {
			return err
		}
		id, err := h.Store.InsertRepo(ctx, n)
		if err != nil {
			return err
		}
		if err := h.Store.NotePending(ctx, id, n.Event); err != nil {
			return err
		}
		repo, err = h.Store.Repo(ctx, id)
		return err
	})
	return repo, err
}

// FinishRepoRequest names the metadata that was made for each arch.
type FinishRepoRequest struct {
	TaskID int64
	RepoID int64
	Arches map[string]tasks.CreaterepoResult
}

// FinishRepo moves the uploaded metadata into place and makes the repository
// READY. It may be repeated.
func (h *Hub) FinishRepo(ctx context.Context, r FinishRepoRequest) error {
	repo, err := h.Store.Repo(ctx, r.RepoID)
	if err != nil {
		return err
	}
	if repo == nil {
		return koji.GenericErrorf("No such repo: %d", r.RepoID)
	}
	switch koji.RepoState(repo.State) {
	case koji.RepoReady: // by an earlier try, which may have died before the link
		return h.linkLatest(ctx, repo)
	case koji.RepoInit:
	default:
		return koji.GenericErrorf("Repo %d not in INIT state (got %d)", repo.ID, repo.State)
	}
	if err := h.placeRepo(repo, r); err != nil {
		return err
	}
	if err := h.Store.RepoReady(ctx, repo.ID); err != nil {
		return err
	}
	return h.linkLatest(ctx, repo)
}

// placeMetadata moves uploaded files to an arch's folder: a pkglist into it, all
// else into its repodata. It may be repeated.
func (h *Hub) placeMetadata(dir string, made tasks.CreaterepoResult) error {
	f := filing{work: h.Paths.Work("")}
	for _, name := range made.Files {
		if name != filepath.Base(name) || name == "." || name == ".." {
			return koji.GenericErrorf("bad file name %q in repo metadata", name)
		}
		to := filepath.Join(dir, "repodata", name)
		if strings.HasSuffix(name, "pkglist") {
			to = filepath.Join(dir, name)
		}
		if err := f.move(made.UploadPath+"/"+name, to); err != nil {
			return err
		}
	}
	return nil
}

// linkLatest points repos/TAG/latest, or repos-dist/TAG/latest, at the repository
// unless a later one is ready. Others that have custom options are not what the link stands for.
func (h *Hub) linkLatest(ctx context.Context, repo *api.Repo) error {
	if len(repo.CustomOpts) > 0 && !repo.Dist {
		return nil
	}
	latest, err := h.Store.LatestRepo(ctx, store.RepoFilter{TagID: repo.TagID, State: new(int(koji.RepoReady)), Dist: repo.Dist})
	if err != nil || latest == nil || latest.ID != repo.ID {
		return err
	}
	dir := h.repoDir(repo)
	link := filepath.Join(filepath.Dir(dir), "latest")
	temp := link + ".new"
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(filepath.Base(dir), temp); err != nil {
		return err
	}
	return os.Rename(temp, link)
}

// AbandonRepo marks a repository that is not going to be finished. What was made
// for single arches is kept for the next one.
func (h *Hub) AbandonRepo(ctx context.Context, id int64) error {
	repo, err := h.Store.Repo(ctx, id)
	if err != nil || repo == nil || repo.State != int(koji.RepoInit) {
		return err
	}
	if repo.TaskID != nil && !repo.Dist {
		if err := h.keepMetadata(ctx, repo); err != nil {
			h.Log.WarnContext(ctx, "metadata of a failed repository is not kept", "repo", id, "error", err)
		}
	}
	_, err = h.Store.SetRepoState(ctx, id, koji.RepoProblem, koji.RepoInit)
	return err
}

// keepMetadata puts what the createrepo tasks of a newRepo task have made into
// the repository's folder.
func (h *Hub) keepMetadata(ctx context.Context, repo *api.Repo) error {
	children, err := h.Store.TaskChildren(ctx, *repo.TaskID, false, true)
	if err != nil {
		return err
	}
	for _, c := range children {
		if c.Method != "createrepo" || c.State != int(koji.TaskClosed) {
			continue
		}
		result, err := h.getTaskResult(ctx, api.TaskResultParams{TaskID: c.ID})
		if err != nil {
			return err
		}
		_, params, err := xmlrpc.UnmarshalRequest(text(c.Request))
		if err != nil {
			return err
		}
		var made tasks.CreaterepoResult
		if err := rpc.Into(result, &made); err != nil {
			return err
		}
		if len(params) > 1 && equal(params[0], repo.ID) {
			if err := h.placeRepo(repo, FinishRepoRequest{Arches: map[string]tasks.CreaterepoResult{pyStr(params[1]): made}}); err != nil {
				return err
			}
		}
	}
	return nil
}
