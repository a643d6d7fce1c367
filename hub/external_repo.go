package hub

import (
	"context"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindExternalRepos(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetExternalRepo, h.getExternalRepo)
	rpc.Bind(r, api.ListExternalRepos, h.listExternalRepos)
	rpc.Bind(r, api.GetTagExternalRepos, h.getTagExternalRepos)
	rpc.Bind(r, api.GetExternalRepoList, h.getExternalRepoList)
	rpc.Bind(r, api.CreateExternalRepo, h.createExternalRepo)
	rpc.Bind(r, api.EditExternalRepo, h.editExternalRepo)
	rpc.Bind(r, api.DeleteExternalRepo, h.deleteExternalRepo)
	rpc.Bind(r, api.AddExternalRepoToTag, h.addExternalRepoToTag)
	rpc.Bind(r, api.EditTagExternalRepo, h.editTagExternalRepo)
	rpc.Bind(r, api.RemoveExternalRepoFromTag, h.removeExternalRepoFromTag)
}

// ExternalRepo returns an external repository by id, name or map, as it was at
// an event (nil: is). If there is none it returns nil, or, when strict, a
// GenericError.
func (h *Hub) ExternalRepo(ctx context.Context, info any, event *int64, strict bool) (*api.ExternalRepo, error) {
	ref, err := refTo(info)
	if err != nil {
		return nil, err
	}
	var repo *api.ExternalRepo
	rows, err := h.Store.ListExternalRepos(ctx, store.ExternalRepoFilter{Repo: &ref, Event: event})
	if len(rows.List) > 0 {
		repo = &rows.List[0]
	}
	return strictRow(repo, err, strict, "No such repo: %s", pyStr(info))
}

func (h *Hub) getExternalRepo(ctx context.Context, p api.GetExternalRepoParams) (*api.ExternalRepo, error) {
	return h.ExternalRepo(ctx, p.Info, p.Event, p.Strict)
}

func (h *Hub) listExternalRepos(ctx context.Context, p api.ListExternalReposParams) (none rpc.Rows[api.ExternalRepo], err error) {
	f := store.ExternalRepoFilter{Event: p.Event}
	if p.Info != nil {
		ref, err := refTo(p.Info)
		if err != nil {
			return none, err
		}
		f.Repo = &ref
	}
	if p.URL != nil {
		f.URL = *p.URL
	}
	if f.Options, err = query.ParseOptions(p.QueryOpts); err != nil {
		return none, err
	}
	return h.Store.ListExternalRepos(ctx, f)
}

func (h *Hub) getTagExternalRepos(ctx context.Context, p api.GetTagExternalReposParams) ([]api.TagExternalRepo, error) {
	f := store.TagRepoFilter{Event: p.Event}
	if xmlrpc.Truth(p.TagInfo) {
		id, err := h.lookupID(ctx, store.Tags, p.TagInfo)
		if err != nil {
			return nil, err
		}
		f.TagIDs = []int64{id}
	}
	if xmlrpc.Truth(p.RepoInfo) {
		repo, err := h.ExternalRepo(ctx, p.RepoInfo, p.Event, true)
		if err != nil {
			return nil, err
		}
		f.RepoID = &repo.ID
	}
	return h.Store.TagExternalRepos(ctx, f)
}

func (h *Hub) getExternalRepoList(ctx context.Context, p api.GetExternalRepoListParams) ([]api.TagExternalRepo, error) {
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true, Event: p.Event})
	if err != nil {
		return nil, err
	}
	return h.Store.ExternalRepos(ctx, tag.ID, p.Event)
}

// withSlash makes a URL end with one.
func withSlash(url string) string { return strings.TrimSuffix(url, "/") + "/" }

func (h *Hub) createExternalRepo(ctx context.Context, p api.CreateExternalRepoParams) (*api.ExternalRepo, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return nil, err
	}
	repo, err := h.ExternalRepo(ctx, p.Name, nil, false)
	if err != nil {
		return nil, err
	}
	if repo != nil {
		return nil, koji.GenericErrorf(`An external repo named "%s" already exists`, p.Name)
	}
	// A deleted one of the name has left its id.
	row, err := h.ensureName(ctx, store.ExternalRepos, p.Name)
	if err != nil {
		return nil, err
	}
	repo = &api.ExternalRepo{ID: row.ID, Name: p.Name, URL: withSlash(p.URL)}
	return repo, h.Store.CreateExternalRepo(ctx, repo.ID, repo.URL)
}

func (h *Hub) editExternalRepo(ctx context.Context, p api.EditExternalRepoParams) (rpc.None, error) {
	repo, err := h.ExternalRepo(ctx, p.Info, nil, true)
	if err != nil {
		return rpc.None{}, err
	}
	if p.Name != nil && *p.Name != "" && *p.Name != repo.Name {
		if err := h.renameExternalRepo(ctx, repo.ID, *p.Name); err != nil {
			return rpc.None{}, err
		}
	}
	if p.URL == nil || *p.URL == "" || *p.URL == repo.URL {
		return rpc.None{}, nil
	}
	return rpc.None{}, h.Store.SetExternalRepoURL(ctx, repo.ID, withSlash(*p.URL))
}

func (h *Hub) renameExternalRepo(ctx context.Context, id int64, name string) error {
	if err := h.Names.CheckName(name); err != nil {
		return err
	}
	other, err := h.Lookup(ctx, store.ExternalRepos, name, false)
	if err != nil {
		return err
	}
	if other != nil {
		return koji.GenericErrorf(`name "%s" is already taken by external repo %d`, name, other.ID)
	}
	return h.Store.Rename(ctx, store.ExternalRepos, id, name)
}

func (h *Hub) deleteExternalRepo(ctx context.Context, p api.DeleteExternalRepoParams) (rpc.None, error) {
	repo, err := h.ExternalRepo(ctx, p.Info, nil, true)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DeleteExternalRepo(ctx, repo.ID)
}

// tagAndRepo finds a tag and an external repository and what the tag says of the
// latter, nil if nothing.
func (h *Hub) tagAndRepo(ctx context.Context, tagInfo, repoInfo any) (*api.Tag, *api.ExternalRepo, *api.TagExternalRepo, error) {
	tag, err := h.Tag(ctx, tagInfo, TagOptions{Strict: true})
	if err != nil {
		return nil, nil, nil, err
	}
	repo, err := h.ExternalRepo(ctx, repoInfo, nil, true)
	if err != nil {
		return nil, nil, nil, err
	}
	entries, err := h.Store.TagExternalRepos(ctx, store.TagRepoFilter{TagIDs: []int64{tag.ID}, RepoID: &repo.ID})
	if err != nil || len(entries) == 0 {
		return tag, repo, nil, err
	}
	return tag, repo, &entries[0], nil
}

func (h *Hub) addExternalRepoToTag(ctx context.Context, p api.AddExternalRepoToTagParams) (rpc.None, error) {
	e := api.TagExternalRepo{Priority: p.Priority, MergeMode: "koji"}
	if p.MergeMode != nil {
		e.MergeMode = *p.MergeMode
	}
	if err := checkMergeMode(e.MergeMode); err != nil {
		return rpc.None{}, err
	}
	tag, repo, old, err := h.tagAndRepo(ctx, p.TagInfo, p.RepoInfo)
	if err != nil {
		return rpc.None{}, err
	}
	if p.Arches != nil {
		arches, err := archesOf(p.Arches, false)
		if err != nil {
			return rpc.None{}, err
		}
		e.Arches = &arches
	}
	if old != nil {
		return rpc.None{}, koji.GenericErrorf("tag %s already associated with external repo %s", tag.Name, repo.Name)
	}
	e.TagID, e.ExternalRepoID = tag.ID, repo.ID
	return rpc.None{}, h.addTagRepo(ctx, tag, e)
}

func checkMergeMode(mode string) error {
	switch mode {
	case "koji", "simple", "bare":
		return nil
	}
	return koji.GenericErrorf("No such merge mode: %s", mode)
}

// addTagRepo adds an entry, unless another one of the tag has its priority.
func (h *Hub) addTagRepo(ctx context.Context, tag *api.Tag, e api.TagExternalRepo) error {
	others, err := h.Store.TagExternalRepos(ctx, store.TagRepoFilter{TagIDs: []int64{tag.ID}})
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Priority == e.Priority {
			return koji.GenericErrorf("tag %s already associated with an external repo at priority %d", tag.Name, e.Priority)
		}
	}
	return h.Store.AddTagExternalRepo(ctx, e)
}

// attachedRepo is tagAndRepo for a repository that the tag must have.
func (h *Hub) attachedRepo(ctx context.Context, tagInfo, repoInfo any) (*api.Tag, *api.TagExternalRepo, error) {
	tag, repo, e, err := h.tagAndRepo(ctx, tagInfo, repoInfo)
	if err == nil && e == nil {
		err = koji.GenericErrorf("external repo %s not associated with tag %s", repo.Name, tag.Name)
	}
	return tag, e, err
}

func (h *Hub) editTagExternalRepo(ctx context.Context, p api.EditTagExternalRepoParams) (bool, error) {
	tag, old, err := h.attachedRepo(ctx, p.TagInfo, p.RepoInfo)
	if err != nil {
		return false, err
	}
	e := *old
	if p.Arches != nil {
		arches, err := archesOf(p.Arches, true)
		if err != nil {
			return false, err
		}
		e.Arches = &arches
	}
	if p.Priority != nil {
		e.Priority = *p.Priority
	}
	if p.MergeMode != nil {
		e.MergeMode = *p.MergeMode
	}
	if e.Priority == old.Priority && e.MergeMode == old.MergeMode && samePtr(e.Arches, old.Arches) {
		return false, nil
	}
	if err := checkMergeMode(e.MergeMode); err != nil {
		return false, err
	}
	if err := h.Store.RemoveTagExternalRepo(ctx, e.TagID, e.ExternalRepoID); err != nil {
		return false, err
	}
	return true, h.addTagRepo(ctx, tag, e)
}

func (h *Hub) removeExternalRepoFromTag(ctx context.Context, p api.RemoveExternalRepoFromTagParams) (rpc.None, error) {
	_, e, err := h.attachedRepo(ctx, p.TagInfo, p.RepoInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.RemoveTagExternalRepo(ctx, e.TagID, e.ExternalRepoID)
}
