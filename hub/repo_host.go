package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindHostRepos(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostRepoInit, h.hostRepoInit)
	rpc.Bind(r, api.HostRepoDone, h.hostRepoDone)
	rpc.Bind(r, api.HostDistRepoMove, h.hostDistRepoMove)
}

func (h *Hub) hostRepoInit(ctx context.Context, p api.HostRepoInitParams) ([]int64, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return nil, err
	}
	var taskID int64
	if p.TaskID != nil {
		taskID = *p.TaskID
		if _, err := h.AssertTaskHost(ctx, taskID); err != nil {
			return nil, err
		}
	}
	tag, err := h.Tag(ctx, p.Tag, TagOptions{Strict: true, Event: p.Event})
	if err != nil {
		return nil, err
	}
	// Koji: an option that is unknown is left out.
	maps.DeleteFunc(p.Opts, func(name string, _ any) bool { return !slices.Contains(repoOptNames, name) })
	opts, err := repoOpts(p.Opts)
	if err != nil {
		return nil, err
	}
	made, err := h.initRepo(ctx, taskID, tag, p.Event, opts)
	return []int64{made.RepoID, made.EventID}, err
}

// hostRepo returns a repository that the calling host is making, with the task in
// which it does. Koji: any host may finish any repository.
func (h *Hub) hostRepo(ctx context.Context, id int64) (*api.Repo, int64, error) {
	host, err := session.From(ctx).AssertHost()
	if err != nil {
		return nil, 0, err
	}
	repo, err := h.Store.Repo(ctx, id)
	if repo, err = strictRow(repo, err, true, "%w", errNoRow); err != nil {
		return nil, 0, err
	}
	if repo.TaskID != nil {
		_, err := h.AssertTaskHost(ctx, *repo.TaskID)
		return repo, *repo.TaskID, err
	}
	open, err := h.Store.OpenTasksOfHost(ctx, host, "distRepo")
	if err != nil {
		return nil, 0, err
	}
	for _, t := range open {
		_, params, err := xmlrpc.UnmarshalRequest(text(t.Request))
		if err != nil {
			return nil, 0, err
		}
		if len(params) > 1 && equal(params[1], repo.ID) {
			return repo, t.ID, nil
		}
	}
	return nil, 0, koji.ActionNotAllowedf("host %d does not own repo %d", host, id)
}

// checkUploadOf checks that a folder below work/ is that of a child of the task.
func (h *Hub) checkUploadOf(ctx context.Context, parent int64, dir string) error {
	id, err := strconv.ParseInt(path.Base(dir), 10, 64)
	if err == nil && path.Clean(dir) == h.Paths.TaskRel(id) {
		t, err := h.Store.Task(ctx, id)
		if err != nil || t != nil && t.Parent != nil && *t.Parent == parent {
			return err
		}
	}
	return koji.ActionNotAllowedf("%s is not of a subtask of task %d", dir, parent)
}

func (h *Hub) hostRepoDone(ctx context.Context, p api.HostRepoDoneParams) (rpc.None, error) {
	repo, taskID, err := h.hostRepo(ctx, p.RepoID)
	if err != nil {
		return rpc.None{}, err
	}
	if s := koji.RepoState(repo.State); s != koji.RepoInit {
		return rpc.None{}, koji.GenericErrorf("Repo %d not in INIT state (got %d)", repo.ID, repo.State)
	}
	done := FinishRepoRequest{TaskID: taskID, RepoID: repo.ID, Arches: map[string]tasks.CreaterepoResult{}}
	for arch, files := range p.Data {
		var made tasks.CreaterepoResult
		if err := rpc.Into(files, &made); err != nil {
			return rpc.None{}, koji.ParameterErrorf("data of %s: %v", arch, err)
		}
		if err := h.checkUploadOf(ctx, taskID, made.UploadPath); err != nil {
			return rpc.None{}, err
		}
		done.Arches[arch] = made
	}
	if len(p.RepoJSONUpdates) > 0 {
		if err := updateJSON(h.repoDir(repo)+"/repo.json", p.RepoJSONUpdates); err != nil {
			return rpc.None{}, err
		}
	}
	if p.Expire {
		if err := h.placeRepo(repo, done); err != nil {
			return rpc.None{}, err
		}
		return rpc.None{}, h.SetRepoState(ctx, repo.ID, koji.RepoExpired)
	}
	return rpc.None{}, h.FinishRepo(ctx, done)
}

func (h *Hub) hostDistRepoMove(ctx context.Context, p api.HostDistRepoMoveParams) (rpc.None, error) {
	repo, taskID, err := h.hostRepo(ctx, p.RepoID)
	if err != nil {
		return rpc.None{}, err
	}
	if err := h.checkUploadOf(ctx, taskID, p.UploadPath); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.MoveDistRepo(ctx, repo, p.UploadPath, p.Arch)
}

// repoDir is the folder of a repository, which for a dist repo may be a link to
// that of another volume.
func (h *Hub) repoDir(r *api.Repo) string {
	if r.Dist {
		return h.Paths.DistRepo("", r.TagName, r.ID)
	}
	return h.Paths.Repo(r.TagName, r.ID)
}

// placeRepo moves a repository's uploaded metadata into its folder. It may be
// repeated. That of a dist repo is there already.
func (h *Hub) placeRepo(repo *api.Repo, r FinishRepoRequest) error {
	if repo.Dist {
		return nil
	}
	dir := h.repoDir(repo)
	for arch, made := range r.Arches {
		to := filepath.Join(dir, koji.CanonArch(arch))
		if strings.Contains(arch, "/") {
			return koji.GenericErrorf("Repo arch directory missing: %s", to)
		}
		if info, err := os.Stat(to); err != nil || !info.IsDir() {
			return koji.GenericErrorf("Repo arch directory missing: %s", to)
		}
		if err := h.placeMetadata(to, made); err != nil {
			return err
		}
	}
	return nil
}

// updateJSON sets members of the object in a file.
func updateJSON(name string, updates map[string]any) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	object := map[string]any{}
	if err := json.Unmarshal(data, &object); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	maps.Copy(object, updates)
	if data, err = json.MarshalIndent(object, "", "  "); err != nil {
		return koji.ParameterErrorf("repo_json_updates: %v", err)
	}
	return writeFile(name, strings.NewReader(string(data)))
}
