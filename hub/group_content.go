package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// What is in the groups of a tag: packages, and groups that they need.

func (h *Hub) groupPackageListAdd(ctx context.Context, p api.GroupPackageListAddParams) (rpc.None, error) {
	tag, group, in, err := h.usableGroup(ctx, p.TagInfo, p.GrpInfo)
	if err != nil {
		return rpc.None{}, err
	}
	var before any
	for _, old := range *in.Packages {
		if old.Package != p.PkgName {
			continue
		}
		if old.Blocked && !p.Force {
			return rpc.None{}, koji.GenericErrorf("package %s blocked in group %s, tag %s", p.PkgName, group.Name, tag.Name)
		}
		before = old
	}
	row, differs, err := entry(before, p.Opts, "type", "basearchonly", "requires")
	if err != nil || !differs && !p.Block && !p.Force {
		return rpc.None{}, err
	}
	setDefault(row, "type", "mandatory")
	row["blocked"] = p.Block
	key := store.Row{"tag_id": tag.ID, "group_id": group.ID, "package": p.PkgName}
	return rpc.None{}, h.Store.Replace(ctx, store.GroupPackages, key, row)
}

func (h *Hub) groupPackageListBlock(ctx context.Context, p api.GroupPackageListParams) (rpc.None, error) {
	return h.groupPackageListAdd(ctx, api.GroupPackageListAddParams{
		TagInfo: p.TagInfo, GrpInfo: p.GrpInfo, PkgName: p.PkgName, Block: true,
	})
}

func (h *Hub) groupPackageKey(ctx context.Context, p api.GroupPackageListParams) (store.Row, error) {
	tag, group, err := h.tagAndGroup(ctx, p.TagInfo, p.GrpInfo)
	if err != nil {
		return nil, err
	}
	return store.Row{"tag_id": tag.ID, "group_id": group.ID, "package": p.PkgName}, nil
}

func (h *Hub) groupPackageListUnblock(ctx context.Context, p api.GroupPackageListParams) (rpc.None, error) {
	key, err := h.groupPackageKey(ctx, p)
	if err != nil {
		return rpc.None{}, err
	}
	// Koji: names group and tag by their ids.
	return rpc.None{}, h.unblock(ctx, store.GroupPackages, key,
		koji.GenericErrorf("package %s is NOT blocked in group %d, tag %d", p.PkgName, key["group_id"], key["tag_id"]))
}

func (h *Hub) groupPackageListRemove(ctx context.Context, p api.GroupPackageListParams) (rpc.None, error) {
	key, err := h.groupPackageKey(ctx, p)
	if err != nil {
		return rpc.None{}, err
	}
	_, err = h.Store.Revoke(ctx, store.GroupPackages, key)
	return rpc.None{}, err
}

func (h *Hub) groupReqListAdd(ctx context.Context, p api.GroupReqListAddParams) (rpc.None, error) {
	if _, err := h.groupReqKey(ctx, p.TagInfo, p.GrpInfo, p.ReqInfo); err != nil {
		return rpc.None{}, err
	}
	tag, group, in, err := h.usableGroup(ctx, p.TagInfo, p.GrpInfo)
	if err != nil {
		return rpc.None{}, err
	}
	req, err := h.Lookup(ctx, store.Groups, p.ReqInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	var before any
	for _, old := range *in.Requires {
		if old.ReqID != req.ID {
			continue
		}
		if old.Blocked && !p.Force {
			return rpc.None{}, koji.GenericErrorf("requirement on group %s blocked in group %s, tag %s", req.Name, group.Name, tag.Name)
		}
		before = old
	}
	row, differs, err := entry(before, p.Opts, "type", "is_metapkg")
	if err != nil || !differs && !p.Block {
		return rpc.None{}, err
	}
	setDefault(row, "type", "mandatory")
	row["blocked"] = p.Block
	key := store.Row{"tag_id": tag.ID, "group_id": group.ID, "req_id": req.ID}
	return rpc.None{}, h.Store.Replace(ctx, store.GroupRequires, key, row)
}

func (h *Hub) groupReqListBlock(ctx context.Context, p api.GroupReqListParams) (rpc.None, error) {
	return h.groupReqListAdd(ctx, api.GroupReqListAddParams{
		TagInfo: p.TagInfo, GrpInfo: p.GrpInfo, ReqInfo: p.ReqInfo, Block: true,
	})
}

func (h *Hub) groupReqKey(ctx context.Context, tagInfo, groupInfo, reqInfo any) (store.Row, error) {
	tag, group, err := h.tagAndGroup(ctx, tagInfo, groupInfo)
	if err != nil {
		return nil, err
	}
	req, err := h.lookupID(ctx, store.Groups, reqInfo)
	if err != nil {
		return nil, err
	}
	return store.Row{"tag_id": tag.ID, "group_id": group.ID, "req_id": req}, nil
}

func (h *Hub) groupReqListUnblock(ctx context.Context, p api.GroupReqListParams) (rpc.None, error) {
	key, err := h.groupReqKey(ctx, p.TagInfo, p.GrpInfo, p.ReqInfo)
	if err != nil {
		return rpc.None{}, err
	}
	// Koji: names all three by their ids.
	return rpc.None{}, h.unblock(ctx, store.GroupRequires, key,
		koji.GenericErrorf("group req %d is NOT blocked in group %d, tag %d", key["req_id"], key["group_id"], key["tag_id"]))
}

func (h *Hub) groupReqListRemove(ctx context.Context, p api.GroupReqListRemoveParams) (rpc.None, error) {
	key, err := h.groupReqKey(ctx, p.TagInfo, p.GrpInfo, p.ReqInfo)
	if err != nil {
		return rpc.None{}, err
	}
	_, err = h.Store.Revoke(ctx, store.GroupRequires, key)
	return rpc.None{}, err
}
