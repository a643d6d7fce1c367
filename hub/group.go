package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindGroups(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetTagGroups, h.getTagGroups)
	rpc.Bind(r, api.GroupListAdd, h.groupListAdd)
	rpc.Bind(r, api.GroupListBlock, h.groupListBlock)
	rpc.Bind(r, api.GroupListUnblock, h.groupListUnblock)
	rpc.Bind(r, api.GroupListRemove, h.groupListRemove)
	rpc.Bind(r, api.GroupPackageListAdd, h.groupPackageListAdd)
	rpc.Bind(r, api.GroupPackageListBlock, h.groupPackageListBlock)
	rpc.Bind(r, api.GroupPackageListUnblock, h.groupPackageListUnblock)
	rpc.Bind(r, api.GroupPackageListRemove, h.groupPackageListRemove)
	rpc.Bind(r, api.GroupReqListAdd, h.groupReqListAdd)
	rpc.Bind(r, api.GroupReqListBlock, h.groupReqListBlock)
	rpc.Bind(r, api.GroupReqListUnblock, h.groupReqListUnblock)
	rpc.Bind(r, api.GroupReqListRemove, h.groupReqListRemove)
}

func (h *Hub) getTagGroups(ctx context.Context, p api.GetTagGroupsParams) ([]api.TagGroup, error) {
	id, err := h.lookupID(ctx, store.Tags, p.Tag)
	if err != nil {
		return nil, err
	}
	return h.Store.TagGroups(ctx, id, store.GroupOptions{
		Event: p.Event, Inherit: p.Inherit, NoPackages: !p.InclPkgs, NoRequires: !p.InclReqs, Blocked: p.InclBlocked,
	})
}

// entry makes the columns of a new version of a group's setting: those that the
// caller gave, and the rest from old, which may be nil. It reports whether they
// differ from old.
func entry(old any, given map[string]any, names ...string) (store.Row, bool, error) {
	row := store.Row{}
	for _, name := range names {
		if v, ok := given[name]; ok {
			row[name] = v
		}
	}
	if old == nil {
		return row, true, nil
	}
	differ, err := changed(old, given, names...)
	if err != nil {
		return nil, false, err
	}
	before, err := members(old)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		if _, ok := row[name]; !ok {
			row[name] = before[name]
		}
	}
	return row, len(differ) > 0, nil
}

// setDefault sets a column that has no value yet.
func setDefault(row store.Row, name string, v any) {
	if _, ok := row[name]; !ok {
		row[name] = v
	}
}

// groupIn finds a group in a tag with its packages and the groups it needs, nil
// if the tag does not have it.
func (h *Hub) groupIn(ctx context.Context, tagID, groupID int64) (*api.TagGroup, error) {
	groups, err := h.Store.TagGroups(ctx, tagID, store.GroupOptions{Inherit: true, Blocked: true})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(groups, func(g api.TagGroup) bool { return g.GroupID == groupID })
	if i < 0 {
		return nil, nil
	}
	return &groups[i], nil
}

func (h *Hub) groupListAdd(ctx context.Context, p api.GroupListAddParams) (rpc.None, error) {
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	group, err := h.ensureName(ctx, store.Groups, p.GrpInfo)
	if err != nil {
		return rpc.None{}, err
	}
	old, err := h.groupIn(ctx, tag.ID, group.ID)
	if err != nil {
		return rpc.None{}, err
	}
	var before any
	if old != nil {
		if old.Blocked && !p.Force {
			return rpc.None{}, koji.GenericErrorf("group %s is blocked in tag %s", group.Name, tag.Name)
		}
		before = old
	}
	p.Opts["blocked"] = p.Block
	row, differs, err := entry(before, p.Opts, "exported", "display_name", "is_default", "uservisible",
		"description", "langonly", "biarchonly", "blocked")
	if err != nil || !differs {
		return rpc.None{}, err
	}
	setDefault(row, "display_name", group.Name)
	setDefault(row, "biarchonly", false)
	setDefault(row, "exported", true)
	setDefault(row, "uservisible", true)
	return rpc.None{}, h.Store.Replace(ctx, store.GroupConfigs, store.Row{"tag_id": tag.ID, "group_id": group.ID}, row)
}

func (h *Hub) groupListBlock(ctx context.Context, p api.GroupListParams) (rpc.None, error) {
	return h.groupListAdd(ctx, api.GroupListAddParams{TagInfo: p.TagInfo, GrpInfo: p.GrpInfo, Block: true, Opts: map[string]any{}})
}

// tagAndGroup finds the names of a tag and a group.
func (h *Hub) tagAndGroup(ctx context.Context, tag, group any) (t, g *api.IDName, err error) {
	if t, err = h.Lookup(ctx, store.Tags, tag, true); err != nil {
		return nil, nil, err
	}
	g, err = h.Lookup(ctx, store.Groups, group, true)
	return t, g, err
}

// unblock removes an entry that blocks; notBlocked is the error if there is none.
func (h *Hub) unblock(ctx context.Context, table string, key store.Row, notBlocked error) error {
	blocked, err := h.Store.GroupBlocked(ctx, table, key)
	if err != nil {
		return err
	}
	if blocked == nil || !*blocked {
		return notBlocked
	}
	_, err = h.Store.Revoke(ctx, table, key)
	return err
}

func (h *Hub) groupListUnblock(ctx context.Context, p api.GroupListParams) (rpc.None, error) {
	tag, group, err := h.tagAndGroup(ctx, p.TagInfo, p.GrpInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.unblock(ctx, store.GroupConfigs, store.Row{"tag_id": tag.ID, "group_id": group.ID},
		koji.GenericErrorf("group %s is NOT blocked in tag %s", group.Name, tag.Name))
}

func (h *Hub) groupListRemove(ctx context.Context, p api.GroupListRemoveParams) (rpc.None, error) {
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	group, err := h.Lookup(ctx, store.Groups, p.GrpInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	key := store.Row{"tag_id": tag.ID, "group_id": group.ID}
	if !p.Force {
		blocked, err := h.Store.GroupBlocked(ctx, store.GroupConfigs, key)
		if err != nil {
			return rpc.None{}, err
		}
		if blocked == nil {
			return rpc.None{}, koji.GenericErrorf("No group: %s found for tag: %s", group.Name, tag.Name)
		}
	}
	_, err = h.Store.Revoke(ctx, store.GroupConfigs, key)
	return rpc.None{}, err
}

// usableGroup finds a tag, one of its groups by name, and what the tag has of
// it, which must not be blocked.
func (h *Hub) usableGroup(ctx context.Context, tagInfo, groupInfo any) (tag, group *api.IDName, in *api.TagGroup, err error) {
	if tag, group, err = h.tagAndGroup(ctx, tagInfo, groupInfo); err != nil {
		return nil, nil, nil, err
	}
	in, err = h.groupIn(ctx, tag.ID, group.ID)
	switch {
	case err != nil:
	case in == nil:
		err = koji.GenericErrorf("group %s not present in tag %s", group.Name, tag.Name)
	case in.Blocked:
		err = koji.GenericErrorf("group %s is blocked in tag %s", group.Name, tag.Name)
	}
	return tag, group, in, err
}
