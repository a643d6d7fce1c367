package hub

import (
	"context"
	"errors"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// policyLookups let the tests of policies ask the database.
func (h *Hub) policyLookups() policy.Lookups {
	return policy.Lookups{
		User:           h.policyUser,
		Perms:          h.policyPerms,
		Groups:         h.policyGroups,
		Package:        h.policyPackage,
		Build:          h.policyBuild,
		BuildTags:      h.Store.BuildTagNames,
		BuildTypes:     h.policyBuildTypes,
		Buildroots:     h.Store.BuildComponentRoots,
		Buildroot:      h.policyBuildroot,
		Tag:            h.policyTag(store.TagOptions{}),
		SideTag:        h.policySideTag,
		AnyTag:         h.policyTag(store.TagOptions{Deleted: true}),
		TagAncestors:   h.policyAncestors,
		TargetBuildTag: h.policyTargetTag,
		Volume:         h.policyVolume,
		TaskSource:     h.policyTaskSource,
	}
}

// policyRef reads a reference in policy data: an id, a name, or a map with one
// of them. ok is false for anything else.
func policyRef(v any) (ref store.Ref, ok bool) {
	switch v := v.(type) {
	case int64:
		return store.ByID(v), true
	case int:
		return store.ByID(int64(v)), true
	case string:
		return store.Ref{Name: v}, v != ""
	case map[string]any:
		if id, ok := v["id"]; ok {
			return policyRef(id)
		}
		return policyRef(v["name"])
	}
	return store.Ref{}, false
}

// named looks a reference up in one of the tables of names, nil if there is none.
func (h *Hub) named(ctx context.Context, table string, v any) (id int64, name string, err error) {
	ref, ok := policyRef(v)
	if !ok {
		return 0, "", nil
	}
	row, err := h.Store.Lookup(ctx, table, ref)
	if err != nil || row == nil {
		return 0, "", err
	}
	return int64(row.ID), row.Name, nil
}

func (h *Hub) policyUser(ctx context.Context, v any) (*policy.User, error) {
	ref, ok := policyRef(v)
	if !ok {
		return nil, nil
	}
	key := store.UserRef{Any: ref.Name}
	if ref.Name == "" {
		key.ID = &ref.ID
	}
	u, err := h.Store.User(ctx, key, false)
	if err != nil || u == nil {
		return nil, err
	}
	return &policy.User{ID: u.ID, Name: u.Name, Type: u.UserType}, nil
}

func (h *Hub) policyPerms(ctx context.Context, userID int64) ([]string, error) {
	perms, err := h.Store.UserPerms(ctx, userID, true)
	names := make([]string, len(perms))
	for i, p := range perms {
		names[i] = p.Name
	}
	return names, err
}

func (h *Hub) policyGroups(ctx context.Context, userID int64) ([]policy.Group, error) {
	rows, err := h.Store.UserGroups(ctx, userID)
	groups := make([]policy.Group, len(rows))
	for i, g := range rows {
		groups[i] = policy.Group{ID: g.ID, Name: g.Name}
	}
	return groups, err
}

func (h *Hub) policyPackage(ctx context.Context, v any) (*policy.Package, error) {
	id, name, err := h.named(ctx, store.Packages, v)
	if err != nil || name == "" {
		return nil, err
	}
	return &policy.Package{ID: id, Name: name}, nil
}

func (h *Hub) policyVolume(ctx context.Context, v any) (string, error) {
	_, name, err := h.named(ctx, store.Volumes, v)
	return name, err
}

func (h *Hub) policyBuild(ctx context.Context, v any) (*policy.Build, error) {
	ref, ok := policyRef(v)
	if !ok {
		return nil, koji.GenericErrorf("Invalid type for buildInfo: %T", v)
	}
	key := store.BuildKey{ID: ref.ID}
	if ref.Name != "" {
		nvr, err := koji.ParseNVR(ref.Name)
		if err != nil {
			return nil, err
		}
		key.NVR = nvr
	}
	b, err := h.Store.Build(ctx, key)
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, koji.GenericErrorf("No such build: %v", v)
	}
	out := &policy.Build{
		ID: b.ID, PackageID: b.PackageID, Name: b.Name, Version: b.Version, Release: b.Release,
		OwnerID: b.OwnerID, Volume: b.VolumeName, TaskID: b.TaskID, Draft: b.Draft,
	}
	if b.Source != nil {
		out.Source = *b.Source
	}
	owner, err := h.policyUser(ctx, b.OwnerID)
	if err == nil && owner != nil {
		out.OwnerType = owner.Type
	}
	return out, err
}

func (h *Hub) policyBuildTypes(ctx context.Context, buildID int64) ([]string, error) {
	types, err := h.Store.BuildTypes(ctx, buildID)
	return types.Names, err
}

func (h *Hub) policyBuildroot(ctx context.Context, id int64) (*policy.Buildroot, error) {
	row, err := h.Store.BuildrootOrigin(ctx, id)
	if errors.Is(err, database.ErrNotFound) {
		return nil, koji.GenericErrorf("No such buildroot: %d", id)
	}
	if err != nil {
		return nil, err
	}
	br := &policy.Buildroot{}
	if row.CG != nil {
		br.CG = *row.CG
	}
	if row.TagID != nil {
		br.Tag = &policy.Tag{ID: *row.TagID, Name: *row.TagName, Event: row.Event}
	}
	return br, nil
}

func (h *Hub) policyTag(o store.TagOptions) func(context.Context, any) (*policy.Tag, error) {
	return func(ctx context.Context, v any) (*policy.Tag, error) {
		ref, ok := policyRef(v)
		if !ok {
			return nil, nil
		}
		t, err := h.Store.Tag(ctx, ref, o)
		if err != nil || t == nil {
			return nil, err
		}
		return &policy.Tag{ID: t.ID, Name: t.Name, Event: t.QueryEvent}, nil
	}
}

func (h *Hub) policyAncestors(ctx context.Context, tag policy.Tag) ([]string, error) {
	links, err := h.Store.Inheritance(ctx, tag.ID, tag.Event, store.InheritanceOptions{})
	names := make([]string, len(links))
	for i, l := range links {
		names[i] = l.Name
	}
	return names, err
}

func (h *Hub) policyTargetTag(ctx context.Context, v any) (*policy.Tag, error) {
	ref, ok := policyRef(v)
	if !ok {
		return nil, nil
	}
	rows, err := h.Store.BuildTargets(ctx, store.TargetFilter{Target: &ref})
	if err != nil || len(rows.List) == 0 {
		return nil, err
	}
	return h.Lookups.AnyTag(ctx, rows.List[0].BuildTag)
}

// policyTaskSource returns what a build's task builds from.
func (h *Hub) policyTaskSource(ctx context.Context, taskID int64) (string, error) {
	method, request, err := h.Store.TaskRequest(ctx, taskID)
	if err != nil {
		return "", err
	}
	_, args, err := xmlrpc.UnmarshalRequest(request)
	if err != nil {
		return "", err
	}
	params := requestParams(method, args)
	keys := []string{"src", "url"}
	switch method {
	case "winbuild":
		keys = []string{"source_url"}
	case "indirectionimage":
		return "", nil
	case "wrapperRPM":
		keys = []string{"spec_url"}
	}
	source, _ := firstOf(params, keys...)
	text, _ := source.(string)
	return text, nil
}
