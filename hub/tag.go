package hub

import (
	"context"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTags(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetTag, h.getTag)
	rpc.Bind(r, api.GetTagID, h.getTagID)
	rpc.Bind(r, api.ListTags, h.listTags)
	rpc.Bind(r, api.CreateTag, h.createTag)
	rpc.Bind(r, api.EditTag, h.editTag)
	rpc.Bind(r, api.EditTag2, h.editTag2)
	rpc.Bind(r, api.DeleteTag, h.deleteTag)
	rpc.Bind(r, api.GetBuildConfig, h.getBuildConfig)
	rpc.Bind(r, api.CheckTagAccess, h.checkTagAccess)
}

// TagOptions says how Hub.Tag looks a tag up.
type TagOptions struct {
	Strict  bool   // a tag that is not there is a GenericError, not nil
	Event   *int64 // as it was then; nil: as it is
	Deleted bool   // as it was last, if it is deleted
	Blocked bool   // each extra setting as a pair of whether it is blocked and its value
}

// Tag returns a tag by id, name or map, with its own extra settings.
func (h *Hub) Tag(ctx context.Context, info any, o TagOptions) (*api.Tag, error) {
	ref, err := refTo(info)
	if err != nil {
		return nil, err
	}
	tag, err := h.Store.Tag(ctx, ref, store.TagOptions{Event: o.Event, Deleted: o.Deleted, Blocked: o.Blocked})
	return strictRow(tag, err, o.Strict, "No such tagInfo: %s", xmlrpc.Repr(info))
}

func (h *Hub) getTag(ctx context.Context, p api.GetTagParams) (*api.Tag, error) {
	o := TagOptions{Strict: p.Strict, Blocked: p.Blocked}
	switch event := p.Event.(type) {
	case nil:
	case int64:
		o.Event = &event
	case string:
		o.Deleted = event == "auto"
	}
	if p.Event != nil && o.Event == nil && !o.Deleted {
		return nil, koji.GenericErrorf("Invalid event: %s", xmlrpc.Repr(p.Event))
	}
	return h.Tag(ctx, p.TagInfo, o)
}

func (h *Hub) getTagID(ctx context.Context, p api.GetTagIDParams) (*int64, error) {
	row, err := h.findOrAdd(ctx, store.Tags, p.Info, p.Strict, p.Create)
	if row == nil {
		return nil, err
	}
	return &row.ID, nil
}

func (h *Hub) listTags(ctx context.Context, p api.ListTagsParams) (none rpc.Rows[api.ListedTag], err error) {
	if p.Build != nil && p.Package != nil {
		return none, koji.GenericErrorf("only one of build and package may be specified")
	}
	var f store.TagFilter
	if p.Build != nil {
		build, err := h.build(ctx, p.Build, false)
		if err == nil && build == nil {
			err = koji.GenericErrorf("No such build: %s", pyStr(p.Build))
		}
		if err != nil {
			return none, err
		}
		f.BuildID = &build.ID
	}
	if p.Package != nil {
		pkg, err := h.Lookup(ctx, store.Packages, p.Package, false)
		if pkg, err = strictRow(pkg, err, true, "No such package: %s", pyStr(p.Package)); err != nil {
			return none, err
		}
		f.PackageID = &pkg.ID
	}
	f.Pattern = p.Pattern
	f.NoPerms = !p.Perms
	if f.Options, err = query.ParseOptions(p.QueryOpts); err != nil {
		return none, err
	}
	return h.Store.ListTags(ctx, f)
}

func (h *Hub) createTag(ctx context.Context, p api.CreateTagParams) (int64, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return 0, err
	}
	arches, err := archesOf(p.Arches, true)
	if err != nil {
		return 0, err
	}
	if !h.Config.EnableMaven && (p.MavenSupport || p.MavenIncludeAll) {
		return 0, koji.GenericErrorf("Maven support not enabled")
	}
	tag, err := h.Tag(ctx, p.Name, TagOptions{})
	if err != nil {
		return 0, err
	}
	if tag != nil {
		return 0, koji.GenericErrorf("A tag with the name '%s' already exists", p.Name)
	}
	config := store.TagConfig{Arches: &arches, Locked: p.Locked, MavenSupport: p.MavenSupport, MavenIncludeAll: p.MavenIncludeAll}
	var parent *api.Tag
	if xmlrpc.Truth(p.Parent) {
		parent, err = h.Tag(ctx, p.Parent, TagOptions{})
		if parent, err = strictRow(parent, err, true, "Parent tag '%s' could not be found", pyStr(p.Parent)); err != nil {
			return 0, err
		}
	}
	if p.Perm != nil {
		id, err := h.lookupID(ctx, store.Permissions, p.Perm)
		if err != nil {
			return 0, err
		}
		config.PermID = &id
	}
	return h.insertTag(ctx, p.Name, config, p.Extra, parent)
}

// insertTag creates a tag; parent may be nil.
func (h *Hub) insertTag(ctx context.Context, name string, c store.TagConfig, extra map[string]any, parent *api.Tag) (int64, error) {
	// A deleted tag of the name has left its id.
	row, err := h.ensureName(ctx, store.Tags, name)
	if err != nil {
		return 0, err
	}
	if err := h.Store.CreateTag(ctx, row.ID, c); err != nil {
		return 0, err
	}
	for key, value := range extra {
		if err := h.Store.CreateTagExtra(ctx, row.ID, key, value); err != nil {
			return 0, err
		}
	}
	if parent == nil {
		return row.ID, nil
	}
	noFilter := ""
	rule := api.InheritanceRule{ParentID: parent.ID, PkgFilter: &noFilter}
	return row.ID, h.Store.SetParents(ctx, row.ID, []int64{parent.ID}, []api.InheritanceRule{rule})
}

func (h *Hub) deleteTag(ctx context.Context, p api.DeleteTagParams) (rpc.None, error) {
	tag, err := h.Tag(ctx, p.TagInfo, TagOptions{Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DeleteTag(ctx, tag.ID)
}

func (h *Hub) getBuildConfig(ctx context.Context, p api.TagEventParams) (*api.BuildConfig, error) {
	return h.BuildConfig(ctx, p.Tag, p.Event)
}

// BuildConfig returns a tag as a build from it sees it: what arches and extra
// settings the tag has not, it gets from the nearest tag that it inherits from
// and that has them.
func (h *Hub) BuildConfig(ctx context.Context, info any, event *int64) (*api.BuildConfig, error) {
	tag, err := h.Tag(ctx, info, TagOptions{Strict: true, Event: event, Blocked: true})
	if err != nil {
		return nil, err
	}
	config := &api.BuildConfig{Tag: *tag, Sources: api.ConfigSources{Extra: map[string]api.IDName{}}}
	links, err := h.Store.Inheritance(ctx, tag.ID, event, store.InheritanceOptions{})
	if err != nil {
		return nil, err
	}
	// Koji: only a link that is noconfig itself is passed over, not those behind it.
	var ids []int64
	for _, l := range links {
		if !l.NoConfig {
			ids = append(ids, l.ParentID)
		}
	}
	ancestors, err := h.Store.TagsByID(ctx, ids, event)
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		ancestor, err := strictRow(ancestors[id], nil, true, "No such tagInfo: %d", id)
		if err != nil {
			return nil, err
		}
		inherit(config, ancestor)
	}
	for key, pair := range config.Extra {
		if blocked, value := extraPair(pair); blocked {
			delete(config.Extra, key)
		} else {
			config.Extra[key] = value
		}
	}
	return config, nil
}

// inherit gives config what it does not have yet.
func inherit(config *api.BuildConfig, ancestor *api.Tag) {
	from := api.IDName{ID: ancestor.ID, Name: ancestor.Name}
	if config.Arches == nil && ancestor.Arches != nil {
		config.Arches, config.Sources.Arches = ancestor.Arches, &from
	}
	for key, pair := range ancestor.Extra {
		if _, has := config.Extra[key]; !has {
			config.Extra[key], config.Sources.Extra[key] = pair, from
		}
	}
}

// extraPair takes an extra setting apart as TagOptions.Blocked asks for it.
func extraPair(v any) (blocked bool, value any) {
	pair := v.([]any)
	return pair[0].(bool), pair[1]
}

func (h *Hub) checkTagAccess(ctx context.Context, p api.CheckTagAccessParams) ([]any, error) {
	var userID int64
	if p.UserID == nil {
		s := session.From(ctx)
		if !s.LoggedIn() {
			return nil, koji.GenericErrorf("a user_id is required")
		}
		userID = s.UserID
	} else if id, ok := toInt(p.UserID); ok {
		userID = id
	} else {
		return nil, koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'int'>",
			pyStr(p.UserID), xmlrpc.TypeName(p.UserID))
	}
	a, err := h.TagAccess(ctx, p.TagID, userID)
	return []any{a.Allowed, a.Override, a.Reason}, err
}
