package hub

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// A dist repo's folder, on the volume that was asked for:
//
//	repos-dist/TAG/ID/repo.json            what it is
//	                 /groups/comps.xml     package groups, if any were uploaded
//	                 /ARCH/Packages/f/foo-1-1.ARCH.rpm
//	                 /ARCH/kojipkgs        what the hub knows of these RPMs
//	                 /ARCH/repodata/
//	                 /ARCH/debug/repodata/ of debuginfo, where it is split off

func bindDistRepos(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.DistRepo, h.distRepo)
	rpc.Bind(r, api.ChainBuild, h.chainBuild)
}

// chainBuild makes a chainbuild task for a client.
func (h *Hub) chainBuild(ctx context.Context, p api.ChainBuildParams) (int64, error) {
	if err := needList(p.Srcs); err != nil {
		return 0, err
	}
	return h.makeBuild(ctx, "chainbuild", p.Srcs, p.Target, p.Opts, p.Priority, p.Channel)
}

// distRepo makes the repository of a distRepo task, and the task.
func (h *Hub) distRepo(ctx context.Context, p api.DistRepoParams) (int64, error) {
	caller := session.From(ctx)
	if !caller.HasPerm("dist-repo") && !caller.HasPerm("admin") {
		if err := h.assertPolicy(ctx, "dist_repo", policy.Data{"tag": p.Tag}); err != nil {
			return 0, err
		}
	}
	tag, err := h.Tag(ctx, p.Tag, TagOptions{Strict: true})
	if err != nil {
		return 0, err
	}
	repoID, event, err := h.initDistRepo(ctx, tag, p)
	if err != nil {
		return 0, err
	}
	config, err := h.getBuildConfig(ctx, api.TagEventParams{Tag: tag.ID})
	if err != nil {
		return 0, err
	}
	if xmlrpc.Truth(config.Extra["distrepo.cancel_others"]) {
		if err := h.cancelDistRepos(ctx, tag); err != nil {
			return 0, err
		}
	}
	opts := p.TaskOpts
	opts["event"] = event
	return h.MakeTask(ctx, "distRepo", []any{p.Tag, repoID, p.Keys, opts}, TaskOpts{Priority: new(15), Channel: "createrepo"})
}

// needList refuses what is no list.
func needList(v any) error {
	switch v.(type) {
	case []any:
		return nil
	case nil:
		return koji.ParameterErrorf("Invalid type, expected type <class 'list'>")
	}
	return koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'list'>", pyStr(v), xmlrpc.TypeName(v))
}

// initDistRepo inserts the row of a dist repo and makes its folders.
func (h *Hub) initDistRepo(ctx context.Context, tag *api.Tag, p api.DistRepoParams) (id, event int64, err error) {
	if err := needList(p.Keys); err != nil {
		return 0, 0, err
	}
	var opts tasks.DistRepoOpts
	if err := rpc.Into(p.TaskOpts, &opts); err != nil {
		return 0, 0, koji.ParameterErrorf("Invalid dist repo options: %v", err)
	}
	if opts.Volume != nil {
		if _, err := h.lookupID(ctx, store.Volumes, *opts.Volume); err != nil {
			return 0, 0, err
		}
	}
	n := store.NewRepo{TagID: tag.ID, Dist: true}
	if opts.Event != nil && *opts.Event != 0 {
		n.Event = *opts.Event
		err = h.checkEvent(ctx, n.Event)
	} else {
		n.Event, err = h.Store.Event(ctx)
	}
	if err != nil {
		return 0, 0, err
	}
	if id, err = h.Store.InsertRepo(ctx, n); err != nil {
		return 0, 0, err
	}
	info, err := json.MarshalIndent(map[string]any{
		"id": id, "tag": tag.Name, "tag_id": tag.ID, "keys": p.Keys, "volume": opts.Volume, "task_opts": p.TaskOpts,
	}, "", "  ")
	if err != nil {
		return 0, 0, koji.ParameterErrorf("Invalid dist repo options: %v", err)
	}
	if len(opts.Arch) == 0 {
		opts.Arch = strings.Fields(text(tag.Arches))
	}
	return id, n.Event, h.writeDistRepo(tag, id, opts, info)
}

// writeDistRepo makes the folders of a dist repo that has no content yet.
func (h *Hub) writeDistRepo(tag *api.Tag, id int64, opts tasks.DistRepoOpts, info []byte) error {
	volume := text(opts.Volume)
	dir := h.Paths.DistRepo(volume, tag.Name, id)
	for _, arch := range koji.CanonArches(strings.Join(opts.Arch, " ")) {
		if strings.Contains(arch, "/") {
			return koji.GenericErrorf("Architecture can be only [a-zA-Z0-9_-]")
		}
		if err := os.MkdirAll(filepath.Join(dir, arch), 0o755); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if link := h.Paths.DistRepo("", tag.Name, id); link != dir {
		if err := relativeLink(dir, link); err != nil {
			return err
		}
	}
	if comps := text(opts.Comps); comps != "" {
		f := filing{work: h.Paths.Work("")}
		from, err := f.source(comps, "")
		if err != nil {
			return err
		}
		if err := copyFile(from, filepath.Join(dir, "groups", "comps.xml")); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "repo.json"), info, 0o644)
}

// PlanDistRepo lists the canonical arches of a distRepo task: those that were asked
// for, or the tag's. A repository that an earlier task of the same request did not
// finish is begun anew.
func (h *Hub) PlanDistRepo(ctx context.Context, taskID int64, p tasks.DistRepoParams) ([]string, error) {
	arches := koji.CanonArches(strings.Join(p.Opts.Arch, " "))
	if len(arches) == 0 {
		tag, err := h.Tag(ctx, p.Tag.Value(), TagOptions{Strict: true, Event: p.Opts.Event})
		if err != nil {
			return nil, err
		}
		if arches = koji.CanonArches(text(tag.Arches)); len(arches) == 0 {
			return nil, koji.GenericErrorf("No arches specified nor for the tag!")
		}
	}
	return arches, h.beginDistRepoAnew(ctx, p.RepoID, taskID, arches)
}

// beginDistRepoAnew empties the folders of a repository that was given up, and has
// it be the task's.
func (h *Hub) beginDistRepoAnew(ctx context.Context, id, taskID int64, arches []string) error {
	repo, err := h.Store.Repo(ctx, id)
	if err != nil || repo == nil || !repo.Dist || repo.State != int(koji.RepoProblem) {
		return err
	}
	for _, arch := range arches {
		dir, err := koji.Under(h.Paths.DistRepo("", repo.TagName, id), arch)
		if err != nil {
			return err
		}
		if err := errors.Join(os.RemoveAll(dir), os.MkdirAll(dir, 0o755)); err != nil {
			return err
		}
	}
	return h.Store.BeginRepoAnew(ctx, id, taskID)
}

// relativeLink makes a link that stays right wherever the top directory is mounted.
func relativeLink(to, link string) error {
	rel, err := filepath.Rel(filepath.Dir(link), to)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(rel, link); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// cancelDistRepos cancels the distRepo tasks of a tag.
func (h *Hub) cancelDistRepos(ctx context.Context, tag *api.Tag) error {
	open, err := h.Store.UnfinishedTasks(ctx, "distRepo")
	if err != nil {
		return err
	}
	for _, t := range open {
		_, params, err := xmlrpc.UnmarshalRequest(text(t.Request))
		if err != nil {
			return err
		}
		if len(params) == 0 || !slices.Contains([]string{tag.Name, formatID(tag.ID)}, pyStr(params[0])) {
			continue
		}
		if _, err := h.Store.CancelTask(ctx, t.ID, true); err != nil {
			return err
		}
	}
	return nil
}
