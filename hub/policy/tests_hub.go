package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
)

func userName(ctx context.Context, e *eval) (string, bool, error) {
	u, err := e.user(ctx)
	if err != nil || u == nil {
		return "", false, err
	}
	return u.Name, true, nil
}

func packageName(ctx context.Context, e *eval) (string, bool, error) {
	p, err := e.pkg(ctx)
	if err != nil {
		return "", false, err
	}
	return p.Name, true, nil
}

func versionOf(ctx context.Context, e *eval) (string, bool, error) {
	return partOf(ctx, e, "version", func(b *Build) string { return b.Version })
}

func releaseOf(ctx context.Context, e *eval) (string, bool, error) {
	return partOf(ctx, e, "release", func(b *Build) string { return b.Release })
}

// partOf takes a field of the data, or else that part of the build.
func partOf(ctx context.Context, e *eval, name string, part func(*Build) string) (string, bool, error) {
	if e.has(name) {
		return field(name)(ctx, e)
	}
	if !e.has("build") {
		return "", false, koji.GenericErrorf("policy requires %s data", name)
	}
	b, err := e.build(ctx)
	if err != nil {
		return "", false, err
	}
	return part(b), true, nil
}

func volumeName(ctx context.Context, e *eval) (string, bool, error) {
	if ref, ok := e.data["volume"]; ok {
		name, err := once(ctx, e, "volume", ref, e.set.opts.Lookups.Volume)
		return name, name != "", err
	}
	if !e.has("build") {
		return "", false, nil
	}
	b, err := e.build(ctx)
	if err != nil {
		return "", false, err
	}
	return b.Volume, true, nil
}

func tagName(key string) textFunc {
	return func(ctx context.Context, e *eval) (string, bool, error) {
		ref := e.data[key]
		if ref == nil {
			return "", false, nil
		}
		t, err := once(ctx, e, "tag", ref, e.set.opts.Lookups.Tag)
		if err != nil || t == nil {
			return "", false, err
		}
		return t.Name, true, nil
	}
}

// source is the build's source, or that of the task that makes it.
func source(ctx context.Context, e *eval) (string, bool, error) {
	if e.has("source") {
		return field("source")(ctx, e)
	}
	if !e.has("build") {
		return "", false, nil
	}
	b, err := e.build(ctx)
	if err != nil {
		return "", false, err
	}
	if b.Source != "" || b.TaskID == nil {
		return b.Source, b.Source != "", nil
	}
	src, err := once(ctx, e, "task", *b.TaskID, e.set.opts.Lookups.TaskSource)
	return src, src != "", err
}

func groups(ctx context.Context, e *eval) ([]Group, error) {
	u, err := e.user(ctx)
	if err != nil || u == nil {
		return nil, err
	}
	return once(ctx, e, "group", u.ID, e.set.opts.Lookups.Groups)
}

func groupNames(ctx context.Context, e *eval) ([]string, error) {
	list, err := groups(ctx, e)
	var names []string
	for _, g := range list {
		names = append(names, g.Name)
	}
	return names, err
}

func tagNames(ctx context.Context, e *eval) ([]string, error) {
	if !e.has("build") {
		return nil, nil
	}
	b, err := e.build(ctx)
	if err != nil {
		return nil, err
	}
	return once(ctx, e, "tag of a build", b.ID, e.set.opts.Lookups.BuildTags)
}

func buildTagNames(ctx context.Context, e *eval) ([]string, error) {
	tags, err := e.buildTags(ctx)
	var names []string
	for _, t := range tags {
		names = append(names, t.Name)
	}
	return names, err
}

func buildTagAncestors(ctx context.Context, e *eval) ([]string, error) {
	tags, err := e.buildTags(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, t := range tags {
		more, err := once(ctx, e, "parent tag", *t, e.set.opts.Lookups.TagAncestors)
		if err != nil {
			return nil, err
		}
		names = append(names, more...)
	}
	return names, nil
}

func buildTypes(ctx context.Context, e *eval) ([]string, error) {
	if e.has("btypes") {
		return texts(e.data["btypes"]), nil
	}
	if !e.has("build") {
		return nil, nil
	}
	b, err := e.build(ctx)
	if err != nil {
		return nil, err
	}
	return once(ctx, e, "build type", b.ID, e.set.opts.Lookups.BuildTypes)
}

func cgNames(ctx context.Context, e *eval) ([]string, error) {
	names, err := e.cgs(ctx)
	return slices.DeleteFunc(names, func(name string) bool { return name == "" }), err
}

func cgMatchAll(args []string) (testFunc, error) {
	g := compile(args)
	return func(ctx context.Context, e *eval) (bool, error) {
		names, err := e.cgs(ctx)
		if err != nil || len(names) == 0 {
			return false, err
		}
		return !slices.Contains(names, "") && !slices.ContainsFunc(names, g.fails), nil
	}, nil
}

func isNewPackage(ctx context.Context, e *eval) (bool, error) {
	p, err := e.pkg(ctx)
	return err == nil && p.ID == 0, err
}

func isDraft(ctx context.Context, e *eval) (bool, error) {
	if e.has("draft") {
		return isTrue("draft")(ctx, e)
	}
	if !e.has("build") {
		return false, nil
	}
	b, err := e.build(ctx)
	return err == nil && b.Draft, err
}

func isBuildOwner(ctx context.Context, e *eval) (bool, error) {
	b, err := e.build(ctx)
	if err != nil {
		return false, err
	}
	u, err := e.user(ctx)
	if err != nil || u == nil || b.OwnerID == u.ID {
		return u != nil, err
	}
	if b.OwnerType != koji.UserGroup {
		return false, nil
	}
	if s := session.From(ctx); s.LoggedIn() && s.UserID == u.ID {
		return slices.Contains(s.Groups, b.OwnerID), nil
	}
	list, err := groups(ctx, e)
	return slices.ContainsFunc(list, func(g Group) bool { return g.ID == b.OwnerID }), err
}

// isImported tells whether any part of the build came without a buildroot.
func isImported(ctx context.Context, e *eval) (bool, error) {
	b, err := e.build(ctx)
	if err != nil {
		return false, err
	}
	brs, err := once(ctx, e, "buildroots", b.ID, e.set.opts.Lookups.Buildroots)
	return slices.Contains(brs, nil), err
}

// namedPolicy is true if another policy says yes, true or allow.
func namedPolicy(args []string) (testFunc, error) {
	return withField(func(name string) testFunc {
		return func(ctx context.Context, e *eval) (bool, error) {
			r, err := e.policy(ctx, name)
			return err == nil && slices.Contains([]string{"yes", "true", "allow"}, strings.ToLower(r.Action)), err
		}
	})(args)
}

func isSideTag(ctx context.Context, e *eval) (bool, error) {
	t, err := e.sideTag(ctx, "tag")
	return t != nil, err
}

// sideTag returns the side tag that a field of the data names, nil if it names
// something else.
func (e *eval) sideTag(ctx context.Context, field string) (*SideTag, error) {
	ref := e.data[field]
	if ref == nil {
		return nil, nil
	}
	return once(ctx, e, "side tag", ref, e.set.opts.Lookups.SideTag)
}

// isSideTagOwner tells whether the tag, the tag that a build comes from, or both
// are side tags of the user, or any side tags for an admin.
func isSideTagOwner(args []string) (testFunc, error) {
	fields := []string{"tag"}
	switch {
	case len(args) > 1:
		return nil, errors.New("just one argument is allowed")
	case len(args) == 0 || args[0] == "tag":
	case args[0] == "fromtag":
		fields = []string{"fromtag"}
	case args[0] == "both":
		fields = []string{"tag", "fromtag"}
	default:
		return nil, fmt.Errorf("%q is none of tag, fromtag, both", args[0])
	}
	return func(ctx context.Context, e *eval) (bool, error) {
		u, err := e.user(ctx)
		if err != nil {
			return false, err
		}
		for _, field := range fields {
			t, err := e.sideTag(ctx, field)
			if err != nil || t == nil {
				return false, err
			}
			if (u == nil || t.OwnerID != u.ID) && !session.From(ctx).HasPerm("admin") {
				return false, nil
			}
		}
		return true, nil
	}, nil
}
