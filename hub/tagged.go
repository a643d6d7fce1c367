package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTagged(r *rpc.Registry, h *Hub) {
	rpc.BindRows(r, api.ListTagged, h.listTagged)
	rpc.Bind(r, api.ListTaggedRPMS, h.listTaggedRPMS)
	rpc.Bind(r, api.ListTaggedArchives, h.listTaggedArchives)
	rpc.Bind(r, api.GetLatestMavenArchives, h.getLatestMavenArchives)
	rpc.BindRows(r, api.GetLatestBuilds, h.getLatestBuilds)
	rpc.Bind(r, api.GetLatestRPMS, h.getLatestRPMS)
}

// tagged is what the calls that list builds in a tag have in common.
type tagged struct {
	tag     any
	event   *int64
	inherit bool
	latest  any
	pkg     *string
	owner   *string
	btype   *string
	prefix  *string
	draft   *bool
	extra   bool
}

// taggedBuilds are builds in a tag, found but not yet read.
type taggedBuilds struct {
	entries []store.TagEntry
	filter  store.TaggedFilter
	noTag   bool // there is no such tag
}

// taggedFilter is the filter for what t asks of a tag.
func (h *Hub) taggedFilter(ctx context.Context, tagID int64, t tagged) (f store.TaggedFilter, err error) {
	return store.TaggedFilter{
		TagID: tagID, Event: t.event, Inherit: t.inherit, Latest: latestCount(t.latest), Package: text(t.pkg),
		Owner: text(t.owner), Type: text(t.btype), Prefix: text(t.prefix), Draft: t.draft, Extra: t.extra,
	}, h.assertBuildType(ctx, t.btype, "build")
}

func (h *Hub) taggedBuilds(ctx context.Context, tagID int64, t tagged) (b taggedBuilds, err error) {
	if b.filter, err = h.taggedFilter(ctx, tagID, t); err == nil {
		b.entries, err = h.Store.TagEntries(ctx, b.filter)
	}
	return b, err
}

// findTagged finds the builds in the tag that t names. Without strict there is
// nothing in a tag that there is not.
func (h *Hub) findTagged(ctx context.Context, t tagged, strict bool) (none taggedBuilds, err error) {
	tag, err := h.Tag(ctx, t.tag, TagOptions{Strict: strict, Event: t.event})
	if err != nil || tag == nil {
		none.noTag = true
		return none, err
	}
	return h.taggedBuilds(ctx, tag.ID, t)
}

// builds returns what there is to tell about the builds.
func (h *Hub) builds(ctx context.Context, b taggedBuilds) (rpc.Rows[api.TaggedBuild], error) {
	return h.Store.EntryBuilds(ctx, b.entries, b.filter)
}

// latestTagged finds the latest builds in the tag that t names. Koji: an id is
// not looked up.
func (h *Hub) latestTagged(ctx context.Context, t tagged) (none taggedBuilds, err error) {
	t.inherit, t.latest = true, true
	id, ok := t.tag.(int64)
	if !ok {
		if id, err = h.lookupID(ctx, store.Tags, t.tag); err != nil {
			return none, err
		}
	}
	return h.taggedBuilds(ctx, id, t)
}

// latestCount reads the parameter latest: how many builds of each package are
// wanted, 0 for all.
func latestCount(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case float64:
		return int64(v)
	}
	if xmlrpc.Truth(v) {
		return 1
	}
	return 0
}

func (h *Hub) listTagged(ctx context.Context, p api.ListTaggedParams) (none rpc.Rows[api.TaggedBuild], err error) {
	tag, err := h.Tag(ctx, p.Tag, TagOptions{Strict: p.Strict, Event: p.Event})
	if err != nil || tag == nil {
		return none, err
	}
	filter, err := h.taggedFilter(ctx, tag.ID, tagged{
		event: p.Event, inherit: p.Inherit, latest: p.Latest, pkg: p.Package,
		owner: p.Owner, btype: p.Type, prefix: p.Prefix, draft: p.Draft, extra: p.Extra,
	})
	if err != nil {
		return none, err
	}
	return h.Store.TaggedBuilds(ctx, filter)
}

func (h *Hub) listTaggedRPMS(ctx context.Context, p api.ListTaggedRPMSParams) ([]any, error) {
	builds, err := h.findTagged(ctx, tagged{
		tag: p.Tag, event: p.Event, inherit: p.Inherit, latest: p.Latest,
		pkg: p.Package, owner: p.Owner, btype: p.Type, draft: p.Draft,
	}, p.Strict)
	if err != nil || builds.noTag {
		return []any{}, err
	}
	return h.withRPMs(ctx, builds, p.Arch, p.RPMSigs, p.Extra)
}

// withRPMs returns the RPMs of the builds, and the builds.
func (h *Hub) withRPMs(ctx context.Context, b taggedBuilds, arch any, sigs, extra bool) ([]any, error) {
	arches, err := archFilter(arch, "arch option")
	if err != nil {
		return nil, err
	}
	rpms, err := h.Store.TaggedRPMs(ctx, b.entries, store.TaggedFiles{Arches: arches, Signatures: sigs, Extra: extra})
	if err != nil {
		return nil, err
	}
	builds, err := h.builds(ctx, b)
	return []any{rpms, builds}, err
}

// loaded reads the list of rows.
func loaded[T any](rows rpc.Rows[T], err error) ([]T, error) {
	if err == nil {
		rows, err = rows.Load()
	}
	return rows.List, err
}

// archFilter reads a parameter that is an arch, a list of them, or nothing.
func archFilter(v any, what string) ([]string, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if v == "" {
			return nil, nil
		}
		return []string{v}, nil
	case []any:
		var arches []string
		for _, arch := range v {
			arches = append(arches, pyStr(arch))
		}
		return arches, nil
	}
	return nil, koji.GenericErrorf("Invalid type for %s: <class '%s'>", what, xmlrpc.TypeName(v))
}

func (h *Hub) listTaggedArchives(ctx context.Context, p api.ListTaggedArchivesParams) ([]any, error) {
	found, err := h.findTagged(ctx, tagged{
		tag: p.Tag, event: p.Event, inherit: p.Inherit, latest: p.Latest, pkg: p.Package, btype: p.Type,
	}, p.Strict)
	if err != nil || found.noTag {
		return []any{}, err
	}
	btype := text(p.Type)
	if btype != "" && btype != "maven" && btype != "win" {
		return nil, koji.GenericErrorf("unsupported archive type: %s", btype)
	}
	archives, err := h.Store.TaggedArchives(ctx, found.entries, store.TaggedFiles{Type: btype, Extra: p.Extra})
	if err != nil {
		return nil, err
	}
	builds, err := h.builds(ctx, found)
	return []any{archives, builds}, err
}

func (h *Hub) getLatestMavenArchives(ctx context.Context, p api.GetLatestMavenArchivesParams) ([]api.MavenTagArchive, error) {
	id, err := h.lookupID(ctx, store.Tags, p.Tag)
	if err != nil {
		return nil, err
	}
	tag, err := h.Tag(ctx, id, TagOptions{Strict: true, Event: p.Event})
	if err != nil {
		return nil, err
	}
	return h.Store.TaggedMavenArchives(ctx, tag.ID, p.Event, p.Inherit)
}

func (h *Hub) getLatestBuilds(ctx context.Context, p api.GetLatestBuildsParams) (none rpc.Rows[api.TaggedBuild], err error) {
	builds, err := h.latestTagged(ctx, tagged{tag: p.Tag, event: p.Event, pkg: p.Package, btype: p.Type, draft: p.Draft})
	if err != nil {
		return none, err
	}
	return h.builds(ctx, builds)
}

func (h *Hub) getLatestRPMS(ctx context.Context, p api.GetLatestRPMSParams) ([]any, error) {
	builds, err := h.latestTagged(ctx, tagged{tag: p.Tag, event: p.Event, pkg: p.Package, btype: p.Type, draft: p.Draft})
	if err != nil {
		return nil, err
	}
	return h.withRPMs(ctx, builds, p.Arch, p.RPMSigs, true)
}
