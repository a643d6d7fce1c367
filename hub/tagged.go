package hub

import (
	"context"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTagged(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListTagged, h.listTagged)
	rpc.Bind(r, api.ListTaggedRPMS, h.listTaggedRPMS)
	rpc.Bind(r, api.ListTaggedArchives, h.listTaggedArchives)
	rpc.Bind(r, api.GetLatestBuilds, h.getLatestBuilds)
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
	draft   *bool
	extra   bool
}

// taggedBuilds lists builds in the tag with the id.
func (h *Hub) taggedBuilds(ctx context.Context, tagID int64, t tagged) ([]api.TaggedBuild, error) {
	if err := h.assertBuildType(ctx, text(t.btype), "build"); err != nil {
		return nil, err
	}
	return h.Store.TaggedBuilds(ctx, store.TaggedFilter{
		TagID: tagID, Event: t.event, Inherit: t.inherit, Latest: latestCount(t.latest),
		Package: text(t.pkg), Owner: text(t.owner), Type: text(t.btype), Draft: t.draft, Extra: t.extra,
	})
}

// findTagged is taggedBuilds for the tag that t names. Without strict there is
// nothing in a tag that there is not.
func (h *Hub) findTagged(ctx context.Context, t tagged, strict bool) ([]api.TaggedBuild, error) {
	tag, err := h.Tag(ctx, t.tag, TagOptions{Strict: strict, Event: t.event})
	if err != nil || tag == nil {
		return nil, err
	}
	return h.taggedBuilds(ctx, tag.ID, t)
}

// latestTagged lists the latest builds in the tag that t names. Koji: an id is
// not looked up.
func (h *Hub) latestTagged(ctx context.Context, t tagged) ([]api.TaggedBuild, error) {
	t.inherit, t.latest = true, true
	id, ok := t.tag.(int64)
	if !ok {
		var err error
		if id, err = h.lookupID(ctx, store.Tags, t.tag); err != nil {
			return nil, err
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

func (h *Hub) listTagged(ctx context.Context, p api.ListTaggedParams) ([]api.TaggedBuild, error) {
	builds, err := h.findTagged(ctx, tagged{
		tag: p.Tag, event: p.Event, inherit: p.Inherit, latest: p.Latest,
		pkg: p.Package, owner: p.Owner, btype: p.Type, draft: p.Draft, extra: p.Extra,
	}, p.Strict)
	if prefix := strings.ToLower(text(p.Prefix)); prefix != "" {
		builds = slices.DeleteFunc(builds, func(b api.TaggedBuild) bool {
			return !strings.HasPrefix(strings.ToLower(b.PackageName), prefix)
		})
	}
	return builds, err
}

func (h *Hub) listTaggedRPMS(ctx context.Context, p api.ListTaggedRPMSParams) ([]any, error) {
	builds, err := h.findTagged(ctx, tagged{
		tag: p.Tag, event: p.Event, inherit: p.Inherit, latest: p.Latest,
		pkg: p.Package, owner: p.Owner, btype: p.Type, draft: p.Draft,
	}, p.Strict)
	if err != nil {
		return nil, err
	}
	return h.withRPMs(ctx, builds, p.Arch, p.RPMSigs, p.Extra)
}

// withRPMs returns the RPMs of the builds, and the builds.
func (h *Hub) withRPMs(ctx context.Context, builds []api.TaggedBuild, arch any, sigs, extra bool) ([]any, error) {
	arches, err := archFilter(arch, "arch option")
	if err != nil {
		return nil, err
	}
	rpms, err := h.Store.TaggedRPMs(ctx, builds, store.TaggedFiles{Arches: arches, Signatures: sigs, Extra: extra})
	return []any{rpms, builds}, err
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
	builds, err := h.findTagged(ctx, tagged{
		tag: p.Tag, event: p.Event, inherit: p.Inherit, latest: p.Latest, pkg: p.Package, btype: p.Type,
	}, p.Strict)
	if err != nil {
		return nil, err
	}
	btype := text(p.Type)
	if btype != "" && btype != "maven" && btype != "win" {
		return nil, koji.GenericErrorf("unsupported archive type: %s", btype)
	}
	archives, err := h.Store.TaggedArchives(ctx, builds, store.TaggedFiles{Type: btype, Extra: p.Extra})
	return []any{archives, builds}, err
}

func (h *Hub) getLatestBuilds(ctx context.Context, p api.GetLatestBuildsParams) ([]api.TaggedBuild, error) {
	return h.latestTagged(ctx, tagged{tag: p.Tag, event: p.Event, pkg: p.Package, btype: p.Type, draft: p.Draft})
}

func (h *Hub) getLatestRPMS(ctx context.Context, p api.GetLatestRPMSParams) ([]any, error) {
	builds, err := h.latestTagged(ctx, tagged{tag: p.Tag, event: p.Event, pkg: p.Package, btype: p.Type, draft: p.Draft})
	if err != nil {
		return nil, err
	}
	return h.withRPMs(ctx, builds, p.Arch, p.RPMSigs, true)
}
