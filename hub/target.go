package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTargets(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetBuildTarget, h.getBuildTarget)
	rpc.Bind(r, api.GetBuildTargets, h.getBuildTargets)
	rpc.Bind(r, api.CreateBuildTarget, h.createBuildTarget)
	rpc.Bind(r, api.EditBuildTarget, h.editBuildTarget)
	rpc.Bind(r, api.DeleteBuildTarget, h.deleteBuildTarget)
}

// BuildTarget returns a build target by id, name or map, as it was at an event
// (nil: is). If there is none it returns nil, or, when strict, a GenericError.
func (h *Hub) BuildTarget(ctx context.Context, info any, event *int64, strict bool) (*api.BuildTarget, error) {
	var target *api.BuildTarget
	rows, err := h.getBuildTargets(ctx, api.GetBuildTargetsParams{Info: info, Event: event})
	// Koji: an empty name or id does not filter, and so is no target unless
	// there is but one.
	if len(rows.List) == 1 {
		target = &rows.List[0]
	}
	return strictRow(target, err, strict, "No such build target: %s", pyStr(info))
}

func (h *Hub) getBuildTarget(ctx context.Context, p api.GetBuildTargetParams) (*api.BuildTarget, error) {
	return h.BuildTarget(ctx, p.Info, p.Event, p.Strict)
}

func (h *Hub) getBuildTargets(ctx context.Context, p api.GetBuildTargetsParams) (none rpc.Rows[api.BuildTarget], err error) {
	f := store.TargetFilter{Event: p.Event}
	if xmlrpc.Truth(p.Info) {
		ref, err := refTo(p.Info)
		if err != nil {
			return none, err
		}
		f.Target = &ref
	}
	if f.BuildTagID, err = h.tagFilter(ctx, p.BuildTagID); err != nil {
		return none, err
	}
	if f.DestTagID, err = h.tagFilter(ctx, p.DestTagID); err != nil {
		return none, err
	}
	if f.Options, err = query.ParseOptions(p.QueryOpts); err != nil {
		return none, err
	}
	return h.Store.BuildTargets(ctx, f)
}

// tagFilter returns the id of the tag to filter by, nil for no filter. A tag
// that does not exist finds nothing.
func (h *Hub) tagFilter(ctx context.Context, info any) (*int64, error) {
	if info == nil {
		return nil, nil
	}
	tag, err := h.Lookup(ctx, store.Tags, info, false)
	if err != nil {
		return nil, err
	}
	id := int64(-1)
	if tag != nil {
		id = tag.ID
	}
	return &id, nil
}

// targetTags returns the ids of the two tags of a target.
func (h *Hub) targetTags(ctx context.Context, buildTag, destTag any) (build, dest int64, err error) {
	for _, t := range []struct {
		info any
		what string
		id   *int64
	}{{buildTag, "build", &build}, {destTag, "destination", &dest}} {
		tag, err := h.Tag(ctx, t.info, TagOptions{})
		if err != nil {
			return 0, 0, err
		}
		if tag == nil {
			return 0, 0, koji.GenericErrorf("%s tag '%s' does not exist", t.what, pyStr(t.info))
		}
		*t.id = tag.ID
	}
	return build, dest, nil
}

func (h *Hub) createBuildTarget(ctx context.Context, p api.CreateBuildTargetParams) (rpc.None, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return rpc.None{}, err
	}
	target, err := h.BuildTarget(ctx, p.Name, nil, false)
	if err != nil {
		return rpc.None{}, err
	}
	if target != nil {
		return rpc.None{}, koji.GenericErrorf("A build target with the name '%s' already exists", p.Name)
	}
	build, dest, err := h.targetTags(ctx, p.BuildTag, p.DestTag)
	if err != nil {
		return rpc.None{}, err
	}
	// A deleted target of the name has left its id.
	row, err := h.ensureName(ctx, store.BuildTargets, p.Name)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.CreateBuildTarget(ctx, row.ID, build, dest)
}

// namedTarget finds the name of a build target, which may be deleted.
func (h *Hub) namedTarget(ctx context.Context, info any) (*api.IDName, error) {
	row, err := h.Lookup(ctx, store.BuildTargets, info, false)
	return strictRow(row, err, true, "No such build target: %s", pyStr(info))
}

func (h *Hub) editBuildTarget(ctx context.Context, p api.EditBuildTargetParams) (rpc.None, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return rpc.None{}, err
	}
	target, err := h.namedTarget(ctx, p.BuildTargetInfo)
	if err != nil {
		return rpc.None{}, err
	}
	build, dest, err := h.targetTags(ctx, p.BuildTag, p.DestTag)
	if err != nil {
		return rpc.None{}, err
	}
	if target.Name != p.Name {
		other, err := h.Lookup(ctx, store.BuildTargets, p.Name, false)
		if err != nil {
			return rpc.None{}, err
		}
		if other != nil {
			return rpc.None{}, koji.GenericErrorf(`name "%s" is already taken by build target %d`, p.Name, other.ID)
		}
		if err := h.Store.Rename(ctx, store.BuildTargets, target.ID, p.Name); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, h.Store.SetBuildTarget(ctx, target.ID, build, dest)
}

func (h *Hub) deleteBuildTarget(ctx context.Context, p api.DeleteBuildTargetParams) (rpc.None, error) {
	target, err := h.namedTarget(ctx, p.BuildTargetInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DeleteBuildTarget(ctx, target.ID)
}
