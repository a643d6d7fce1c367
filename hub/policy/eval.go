package policy

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
)

// eval is one question put to a set. It remembers what was looked up, so that
// ten tests for a build's tag ask the database once.
type eval struct {
	set     *Set
	data    Data
	memo    map[any]any
	flags   map[string]bool // set by rules so far
	running []string        // policies that led to this one, to find loops
}

func (s *Set) newEval(data Data) *eval {
	return &eval{set: s, data: data, memo: map[any]any{}, flags: map[string]bool{}}
}

// policy returns the first action of a policy.
func (e *eval) policy(ctx context.Context, name string) (Result, error) {
	r := Result{Rule: "(no match)"}
	err := e.actions(ctx, name, func(found Result) bool {
		r = found
		return false
	})
	if err != nil {
		return Result{}, err
	}
	return r, nil
}

// actions calls yield with each action of a policy until that returns false.
func (e *eval) actions(ctx context.Context, name string, yield func(Result) bool) error {
	rs, ok := e.set.rules[name]
	if !ok {
		return koji.GenericErrorf("no such policy: %s", name)
	}
	if slices.Contains(e.running, name) {
		return koji.GenericErrorf("encountered policy loop at policy %s", name)
	}
	e.running = append(e.running, name)
	defer func() { e.running = e.running[:len(e.running)-1] }()
	if _, err := e.apply(ctx, rs.rules, "", yield); err != nil {
		return fmt.Errorf("policy %s: %w", name, err)
	}
	return nil
}

// apply calls yield with the actions of the rules that apply; path is the way to
// these rules. It returns how many levels of rules above them are left, too.
func (e *eval) apply(ctx context.Context, rules []*rule, path string, yield func(Result) bool) (leave int, err error) {
	for _, r := range rules {
		ok, err := e.holds(ctx, r)
		if err != nil {
			return 0, err
		}
		if !ok {
			continue
		}
		switch {
		case r.flag != "":
			e.flags[r.flag] = true
		case r.block:
			leave, err = e.apply(ctx, r.nested, path+r.String()+"... ", yield)
		case r.leave > 0:
			leave = r.leave
		case !yield(Result{Action: r.action, Rule: path + r.String() + r.action}):
			leave = stop
		}
		switch {
		case err != nil || leave == stop:
			return leave, err
		case leave > 0:
			return leave - 1, nil
		}
	}
	return 0, nil
}

func (e *eval) holds(ctx context.Context, r *rule) (bool, error) {
	for _, t := range r.tests {
		ok, err := t.run(ctx, e)
		if err != nil {
			return false, err
		}
		if ok == t.negate {
			return r.negate, nil
		}
	}
	return !r.negate, nil
}

// has reports whether the caller gave the field, even as nil.
func (e *eval) has(field string) bool {
	_, ok := e.data[field]
	return ok
}

// once looks something up the first time and remembers it. No lookup, nil, is
// an error that says what is missing.
func once[K, V any](ctx context.Context, e *eval, what string, key K, lookup func(context.Context, K) (V, error)) (V, error) {
	id := what + "\x00" + fmt.Sprint(key)
	if v, ok := e.memo[id]; ok {
		return v.(V), nil
	}
	var zero V
	if lookup == nil {
		return zero, koji.GenericErrorf("this hub cannot look up a %s for a policy", what)
	}
	v, err := lookup(ctx, key)
	if err != nil {
		return zero, err
	}
	e.memo[id] = v
	return v, nil
}

// user returns whose doing it is, nil if nobody's: the user that the data
// names, or the caller.
func (e *eval) user(ctx context.Context) (*User, error) {
	if id, ok := e.data["user_id"]; ok {
		return once(ctx, e, "user", id, e.set.opts.Lookups.User)
	}
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, nil
	}
	return &User{ID: s.UserID, Name: s.UserName, Type: s.UserType}, nil
}

// perms returns the user's permissions, with those by groups.
func (e *eval) perms(ctx context.Context) ([]string, error) {
	u, err := e.user(ctx)
	if err != nil || u == nil {
		return nil, err
	}
	if s := session.From(ctx); s.LoggedIn() && s.UserID == u.ID {
		return s.Perms, nil
	}
	return once(ctx, e, "permission", u.ID, e.set.opts.Lookups.Perms)
}

// build returns the build that the data names, which is an error if there is none.
func (e *eval) build(ctx context.Context) (*Build, error) {
	ref, ok := e.data["build"]
	if !ok || ref == nil {
		return nil, koji.GenericErrorf("policy data must contain a build")
	}
	return once(ctx, e, "build", ref, e.set.opts.Lookups.Build)
}

// pkg returns the package that the data is about. One that does not exist yet
// has a name only.
func (e *eval) pkg(ctx context.Context) (*Package, error) {
	if ref, ok := e.data["package"]; ok {
		p, err := once(ctx, e, "package", ref, e.set.opts.Lookups.Package)
		if err != nil || p != nil {
			return p, err
		}
		if name, ok := ref.(string); ok {
			return &Package{Name: name}, nil
		}
		return nil, koji.GenericErrorf("No such package: %v", ref)
	}
	if !e.has("build") {
		return nil, koji.GenericErrorf("policy requires package data")
	}
	b, err := e.build(ctx)
	if err != nil {
		return nil, err
	}
	return &Package{ID: b.PackageID, Name: b.Name}, nil
}

// buildroots returns where the parts of a build were made; nil stands for a
// part without a buildroot.
func (e *eval) buildroots(ctx context.Context) ([]*int64, error) {
	if ids, ok := e.data["buildroots"]; ok {
		return buildrootIDs(ids)
	}
	if !e.has("build") {
		return nil, nil
	}
	b, err := e.build(ctx)
	if err != nil {
		return nil, err
	}
	return once(ctx, e, "buildroots", b.ID, e.set.opts.Lookups.Buildroots)
}

// buildrootIDs takes what came from Go and what came off the wire.
func buildrootIDs(v any) ([]*int64, error) {
	var out []*int64
	switch v := v.(type) {
	case []*int64:
		return v, nil
	case []int64:
		for _, id := range v {
			out = append(out, &id)
		}
	case []any:
		for _, item := range v {
			id, ok := item.(int64)
			switch {
			case item == nil:
				out = append(out, nil)
			case ok:
				out = append(out, &id)
			default:
				return nil, koji.ParameterErrorf("Invalid buildroot in policy data: %v", item)
			}
		}
	default:
		return nil, koji.ParameterErrorf("Invalid buildroots in policy data: %v", v)
	}
	return out, nil
}

// cgs returns the content generators behind a build; "" stands for a part that
// none of them made.
func (e *eval) cgs(ctx context.Context) ([]string, error) {
	if list, ok := e.data["cg_list"]; ok {
		return texts(list), nil
	}
	brs, err := e.buildroots(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, id := range brs {
		name := ""
		if id != nil {
			br, err := once(ctx, e, "buildroot", *id, e.set.opts.Lookups.Buildroot)
			if err != nil {
				return nil, err
			}
			name = br.CG
		}
		out = append(out, name)
	}
	return out, nil
}

// buildTags returns the tags that a build is, or was, made from.
func (e *eval) buildTags(ctx context.Context) ([]*Tag, error) {
	var refs []any
	if ref, ok := e.data["build_tag"]; ok {
		refs = append(refs, ref)
	} else if list, ok := e.data["build_tags"]; ok {
		refs = anys(list)
	} else if target := e.data["target"]; target != nil && target != "" {
		t, err := once(ctx, e, "target", target, e.set.opts.Lookups.TargetBuildTag)
		if err != nil {
			return nil, err
		}
		if t != nil {
			return []*Tag{t}, nil
		}
	}
	if refs == nil {
		return e.buildrootTags(ctx)
	}
	var out []*Tag
	for _, ref := range refs {
		t, err := once(ctx, e, "build tag", ref, e.set.opts.Lookups.AnyTag)
		if err != nil {
			return nil, err
		}
		if t == nil {
			return nil, koji.GenericErrorf("No such tagInfo: %v", ref)
		}
		out = append(out, t)
	}
	return out, nil
}

func (e *eval) buildrootTags(ctx context.Context) ([]*Tag, error) {
	brs, err := e.buildroots(ctx)
	if err != nil {
		return nil, err
	}
	var out []*Tag
	for _, id := range brs {
		if id == nil {
			continue
		}
		br, err := once(ctx, e, "buildroot", *id, e.set.opts.Lookups.Buildroot)
		if err != nil {
			return nil, err
		}
		if br.Tag != nil { // those of content generators need not have one
			out = append(out, br.Tag)
		}
	}
	return out, nil
}

// texts returns the items of a list as text, nil for anything but a list.
func texts(v any) []string {
	var out []string
	for _, item := range anys(v) {
		out = append(out, text(item))
	}
	return out
}

func anys(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case []string:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	case []int64:
		out := make([]any, len(v))
		for i := range v {
			out[i] = v[i]
		}
		return out
	}
	return nil
}

// text is what patterns are matched against.
func text(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case *string:
		if v == nil {
			return ""
		}
		return *v
	}
	return strings.TrimSpace(fmt.Sprint(v))
}
