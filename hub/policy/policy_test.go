package policy

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
)

func id(n int64) *int64 { return &n }

// lookups know one of everything.
func lookups() Lookups {
	users := map[any]*User{
		"alice": {ID: 5, Name: "alice"}, int64(5): {ID: 5, Name: "alice"},
		int64(1): {ID: 1, Name: "root"}, int64(9): {ID: 9, Name: "team", Type: koji.UserGroup},
	}
	builds := map[any]*Build{
		int64(1): {ID: 1, PackageID: 3, Name: "bash", Version: "5.2", Release: "1.f42", OwnerID: 5, Volume: "DEFAULT", Source: "git+https://git.example.org/bash#1"},
		int64(2): {ID: 2, PackageID: 3, Name: "bash", Version: "5.3", Release: "1.f42", OwnerID: 9, OwnerType: koji.UserGroup, Volume: "slow", TaskID: id(7), Draft: true},
	}
	return Lookups{
		User: func(_ context.Context, ref any) (*User, error) { return users[ref], nil },
		Perms: func(_ context.Context, id int64) ([]string, error) {
			return map[int64][]string{1: {"admin"}, 5: {"tag", "build"}}[id], nil
		},
		Groups: func(_ context.Context, id int64) ([]Group, error) {
			return map[int64][]Group{5: {{9, "team"}}}[id], nil
		},
		Package: func(_ context.Context, ref any) (*Package, error) {
			if ref == "bash" {
				return &Package{3, "bash"}, nil
			}
			return nil, nil
		},
		Build: func(_ context.Context, ref any) (*Build, error) {
			if b := builds[ref]; b != nil {
				return b, nil
			}
			return nil, koji.GenericErrorf("No such build: %v", ref)
		},
		BuildTags:  func(context.Context, int64) ([]string, error) { return []string{"f42", "f42-candidate"}, nil },
		BuildTypes: func(context.Context, int64) ([]string, error) { return []string{"rpm"}, nil },
		Buildroots: func(_ context.Context, build int64) ([]*int64, error) {
			return map[int64][]*int64{1: {id(100)}, 2: {id(100), id(101), nil}}[build], nil
		},
		Buildroot: func(_ context.Context, id int64) (*Buildroot, error) {
			if id == 101 {
				return &Buildroot{CG: "osbs"}, nil
			}
			return &Buildroot{Tag: &Tag{ID: 20, Name: "f42-build"}}, nil
		},
		Tag:          oneTag,
		AnyTag:       oneTag,
		TagAncestors: func(context.Context, Tag) ([]string, error) { return []string{"base", "bootstrap"}, nil },
		TargetBuildTag: func(_ context.Context, ref any) (*Tag, error) {
			if ref == "f42" {
				return &Tag{ID: 20, Name: "f42-build"}, nil
			}
			return nil, nil
		},
		Volume: func(_ context.Context, ref any) (string, error) {
			if ref == "slow" {
				return "slow", nil
			}
			return "", nil
		},
		TaskSource: func(context.Context, int64) (string, error) { return "git+https://git.example.org/task#2", nil },
	}
}

func oneTag(_ context.Context, ref any) (*Tag, error) {
	switch ref {
	case "f42", int64(10):
		return &Tag{ID: 10, Name: "f42"}, nil
	case "f42-build":
		return &Tag{ID: 20, Name: "f42-build"}, nil
	}
	return nil, nil
}

// as returns a context with a caller.
func as(t *testing.T, id int64, name string, perms ...string) context.Context {
	return session.With(t.Context(), &session.Session{ID: 1, UserID: id, UserName: name, Perms: perms})
}

// holds tells whether a condition holds.
func holds(t *testing.T, condition string, data Data) (bool, error) {
	t.Helper()
	set, err := NewSet(map[string]string{"p": condition + " :: yes"}, Options{Lookups: lookups()})
	require.NoError(t, err)
	r, err := set.Eval(as(t, 5, "alice", "build"), "p", data)
	return r.Matched(), err
}

func TestTests(t *testing.T) {
	for _, c := range []struct {
		condition string
		data      Data
		want      bool
	}{
		{"all", nil, true},
		{"true", nil, true},
		{"none", nil, false},
		{"false", nil, false},
		{"has tag", Data{"tag": nil}, true},
		{"has tag", nil, false},
		{"bool x", Data{"x": true}, true},
		{"bool x", Data{"x": int64(0)}, false},
		{"bool x", Data{"x": ""}, false},
		{"bool x", nil, false},
		{"is_child_task", Data{"parent": int64(3)}, true},
		{"is_child_task", Data{"parent": nil}, false},
		{"skip_tag", Data{"skip_tag": true}, true},
		{"compare x >= 3", Data{"x": int64(3)}, true},
		{"compare x < 2.5", Data{"x": 2.4}, true},
		{"compare x != 1", nil, false},
		{"match x a* b*", Data{"x": "bcd"}, true},
		{"match x a* b*", Data{"x": "cd"}, false},
		{"match x *", Data{"x": nil}, false},
		{"match x *", nil, false},
		{"match_any x a*", Data{"x": []any{"b", "a1"}}, true},
		{"match_any x a*", Data{"x": "a1"}, false},
		{"match_all x a*", Data{"x": []any{"a", "a1"}}, true},
		{"match_all x a*", Data{"x": []any{"b", "a1"}}, false},
		{"match_all x a*", Data{"x": []any{}}, false},
		{"target f4?", Data{"target": "f42"}, true},
		{"operation tag move", Data{"operation": "move"}, true},
		{"method build*", Data{"method": "buildArch"}, true},
		{"user alice", nil, true},
		{"user alice", Data{"user_id": int64(1)}, false},
		{"user_in_group te*", nil, true},
		{"user_in_group te*", Data{"user_id": int64(1)}, false},
		{"has_perm build", nil, true},
		{"has_perm admin", nil, false},
		{"has_perm adm*", Data{"user_id": int64(1)}, true},
		{"package bash", Data{"package": "bash"}, true},
		{"package ba*", Data{"build": int64(1)}, true},
		{"package new", Data{"package": "new"}, true},
		{"is_new_package", Data{"package": "new"}, true},
		{"is_new_package", Data{"package": "bash"}, false},
		{"version 5.*", Data{"build": int64(1)}, true},
		{"version 6", Data{"version": "6"}, true},
		{"release *.f42", Data{"build": int64(1)}, true},
		{"volume DEFAULT", Data{"build": int64(1)}, true},
		{"volume slow", Data{"volume": "slow"}, true},
		{"volume *", Data{"volume": "nosuch"}, false},
		{"tag f42", Data{"tag": "f42"}, true},
		{"tag f42", Data{"tag": int64(10)}, true},
		{"tag *", Data{"tag": nil}, false},
		{"fromtag f4*", Data{"fromtag": "f42"}, true},
		{"hastag *-candidate", Data{"build": int64(1)}, true},
		{"hastag nosuch", Data{"build": int64(1)}, false},
		{"buildtag f42-build", Data{"build": int64(1)}, true},
		{"buildtag f42-build", Data{"target": "f42"}, true},
		{"buildtag f42", Data{"build_tag": "f42"}, true},
		{"buildtag f42", Data{"build_tags": []any{"f42-build", "f42"}}, true},
		{"buildtag_inherits_from base", Data{"target": "f42"}, true},
		{"buildtag_inherits_from f42-build", Data{"target": "f42"}, false},
		{"buildtype rpm maven", Data{"build": int64(1)}, true},
		{"buildtype maven", Data{"btypes": []any{"maven"}}, true},
		{"imported", Data{"build": int64(1)}, false},
		{"imported", Data{"build": int64(2)}, true},
		{"is_draft", Data{"build": int64(2)}, true},
		{"is_draft", Data{"draft": false, "build": int64(2)}, false},
		{"is_build_owner", Data{"build": int64(1)}, true},
		{"is_build_owner", Data{"build": int64(1), "user_id": int64(1)}, false},
		{"is_build_owner", Data{"build": int64(2), "user_id": int64(5)}, false}, // the session is not of the group
		{"cg_match_any os*", Data{"build": int64(2)}, true},
		{"cg_match_all os*", Data{"build": int64(2)}, false},
		{"cg_match_all os*", Data{"cg_list": []any{"osbs"}}, true},
		{"source *git.example.org/bash*", Data{"build": int64(1)}, true},
		{"source *git.example.org/task*", Data{"build": int64(2)}, true},
		{"source *", nil, false},
		{"vm_name win*", Data{"vm_name": "win10"}, true},
		{"policy build_rpm", nil, true},
		{"policy build_from_srpm", nil, false},
		{"tag f42 && user alice", Data{"tag": "f42"}, true},
		{"tag f42 && user bob", Data{"tag": "f42"}, false},
	} {
		t.Run(c.condition, func(t *testing.T) {
			got, err := holds(t, c.condition, c.data)
			require.NoError(t, err)
			require.Equal(t, c.want, got, "%v", c.data)
		})
	}
}

func TestTestErrors(t *testing.T) {
	for _, c := range []struct {
		condition string
		data      Data
		want      string
	}{
		{"package x", nil, "policy requires package data"},
		{"package x", Data{"package": int64(99)}, "No such package: 99"},
		{"version x", nil, "policy requires version data"},
		{"imported", nil, "policy data must contain a build"},
		{"is_build_owner", Data{"build": int64(99)}, "No such build: 99"},
		{"buildtag x", Data{"build_tag": "nosuch"}, "No such tagInfo: nosuch"},
		{"compare x = 1", Data{"x": "1"}, "cannot compare x: 1 is not a number"},
		{"policy nosuch", nil, "no such policy: nosuch"},
		{"policy p", nil, "encountered policy loop at policy p"},
	} {
		t.Run(c.condition, func(t *testing.T) {
			_, err := holds(t, c.condition, c.data)
			require.ErrorContains(t, err, c.want)
			require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))
		})
	}
	set, err := NewSet(nil, Options{})
	require.NoError(t, err)
	_, err = set.Eval(t.Context(), "channel", Data{})
	require.NoError(t, err)
	_, err = set.Eval(t.Context(), "draft_promotion", Data{"build": int64(1)})
	require.ErrorContains(t, err, "cannot look up a build")
}

func TestRules(t *testing.T) {
	const text = `
		# comments and blank lines do not count

		tag f41 :: first # nor does this
		match x a :: {
			match y 1 :: a1
			match y 2 :: {
				match z * :: a2z
			}
		}
		match x b !! not b
		match url http://* :: deny see http::example  `
	set, err := NewSet(map[string]string{"p": text}, Options{Lookups: lookups()})
	require.NoError(t, err)
	for _, c := range []struct {
		name string
		data Data
		want Result
	}{
		{"nested", Data{"x": "a", "y": "1"}, Result{"a1", "match x a :: ... match y 1 :: a1"}},
		{"nested twice", Data{"x": "a", "y": "2", "z": ""}, Result{"a2z", "match x a :: ... match y 2 :: ... match z * :: a2z"}},
		{"falls through the block", Data{"x": "a", "y": "3"}, Result{"not b", "match x b !! not b"}},
		{"negated", Data{"x": "b"}, Result{"", "(no match)"}},
		{"the last :: counts", Data{"x": "b", "url": "http://x"}, Result{"example", "match url http://* :: deny see http :: example"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := set.Eval(t.Context(), "p", c.data)
			require.NoError(t, err)
			require.Equal(t, c.want, r)
		})
	}
}

func TestParseErrors(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"all allow", `policy p:1: neither :: nor !! in "all allow"`},
		{"all :: allow\nfoo :: allow", `policy p:2: there is no test named "foo"`},
		{"all ::", `policy p:1: no action after the tests`},
		{"&& all :: allow", "policy p:1: a test is missing"},
		{"all :: {\nall :: allow", "policy p:1: this { is never closed"},
		{"all :: { allow", "policy p:1: nothing may follow {"},
		{"! :: allow", "policy p:1: a test is missing"},
		{"!all :: allow", `policy p:1: there is no test named "!all"`},
		{"all :: break two", `policy p:1: break wants one number of levels`},
		{"all :: break 0", `policy p:1: break wants one number of levels`},
		{"all :: stop it", `policy p:1: stop wants nothing after it`},
		{"all :: flag", `policy p:1: flag wants one name`},
		{"flagged :: allow", "policy p:1: flagged: a name is missing"},
		{"all :: allow\n}", "policy p:2: } without {"},
		{"has :: allow", "policy p:1: has: a name is missing"},
		{"compare x 3 :: allow", "policy p:1: compare: wants a field, an operator and a number"},
		{"compare x => 3 :: allow", `policy p:1: compare: "=>" is none of`},
		{"compare x = three :: allow", `policy p:1: compare: "three" is not a number`},
	} {
		t.Run(c.text, func(t *testing.T) {
			_, err := NewSet(map[string]string{"p": c.text}, Options{})
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestCheck(t *testing.T) {
	var log bytes.Buffer
	texts := map[string]string{
		"tag":    "tag f42 :: allow\nuser bob :: deny bob is on holiday\nuser carol :: DENY\nuser dave :: maybe",
		"loose":  "user bob :: deny",
		"broken": "package x :: allow",
	}
	set, err := NewSet(texts, Options{Lookups: lookups(), MissingOK: true, Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	strict, err := NewSet(texts, Options{Lookups: lookups(), Verbose: true})
	require.NoError(t, err)
	alice := as(t, 5, "alice", "tag")
	for _, c := range []struct {
		name   string
		set    *Set
		ctx    context.Context
		policy string
		data   Data
		opts   CheckOptions
		want   string
	}{
		{"allowed", set, alice, "tag", Data{"tag": "f42"}, CheckOptions{}, ""},
		{"not covered", set, alice, "tag", nil, CheckOptions{}, "policy violation (tag): not covered by policy"},
		{"not covered, allowed", set, alice, "loose", nil, CheckOptions{Default: "allow"}, ""},
		{"reason", set, as(t, 6, "bob"), "tag", nil, CheckOptions{}, "policy violation (tag): bob is on holiday"},
		{"no reason", set, as(t, 6, "carol"), "tag", nil, CheckOptions{}, "policy violation (tag)"},
		{"other action", set, as(t, 6, "dave"), "tag", nil, CheckOptions{}, "policy violation (tag): error in policy"},
		{"missing", set, alice, "nosuch", nil, CheckOptions{}, ""},
		{"missing, strictly", strict, alice, "nosuch", nil, CheckOptions{}, "policy violation (nosuch): missing policy [rule: ]"},
		{"verbose", strict, as(t, 6, "bob"), "tag", nil, CheckOptions{}, "policy violation (tag): bob is on holiday [rule: user bob :: deny bob is on holiday]"},
		{"forced by an admin", set, as(t, 1, "root", "admin"), "tag", nil, CheckOptions{Force: true}, ""},
		{"forced by another", set, alice, "tag", nil, CheckOptions{Force: true}, "policy violation (tag): not covered by policy"},
		{"default policy", set, alice, "build_from_srpm", nil, CheckOptions{}, "policy violation (build_from_srpm): Only admin can do this via default policy"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.set.Check(c.ctx, c.policy, c.data, c.opts)
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.want)
			require.Equal(t, koji.FaultActionNotAllowed, koji.FaultOf(err))
		})
	}
	require.Contains(t, log.String(), "policy overridden by force")
	require.ErrorContains(t, set.Check(alice, "broken", nil, CheckOptions{}), "policy requires package data")
	ok, reason, err := set.Allows(as(t, 6, "bob"), "tag", nil, CheckOptions{})
	require.NoError(t, err)
	require.False(t, ok)
	require.Equal(t, "bob is on holiday", reason)
}

// What tests ask for again and again is looked up once.
func TestLookupOnce(t *testing.T) {
	l := lookups()
	n := 0
	build := l.Build
	l.Build = func(ctx context.Context, ref any) (*Build, error) { n++; return build(ctx, ref) }
	set, err := NewSet(map[string]string{"p": "package x :: a\nversion x :: b\nvolume x :: c\nis_build_owner :: d"}, Options{Lookups: l})
	require.NoError(t, err)
	r, err := set.Eval(as(t, 5, "alice"), "p", Data{"build": int64(1)})
	require.NoError(t, err)
	require.Equal(t, "d", r.Action)
	require.Equal(t, 1, n)

	broken := errors.New("outage")
	l.Build = func(context.Context, any) (*Build, error) { return nil, broken }
	set, err = NewSet(map[string]string{"p": "package x :: a"}, Options{Lookups: l})
	require.NoError(t, err)
	_, err = set.Eval(t.Context(), "p", Data{"build": int64(1)})
	require.ErrorIs(t, err, broken)
}

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"a*c", "abbc", true},
		{"a*c", "abb", false},
		{"/x/*", "/x/y/z", true},
		{"?", "é", true},
		{"?", "", false},
		{"[ab]c", "bc", true},
		{"[!ab]c", "bc", false},
		{"[!ab]c", "xc", true},
		{"[a-c]", "b", true},
		{"[]]", "]", true},
		{"[^a]", "^", true},
		{"[^a]", "b", false},
		{"[a", "[a", true},
		{"[z-a]", "b", false},
		{"a.c", "abc", false},
		{"f42", "f42-build", false},
		{"A", "a", false},
		{"*ü*", "müll", true},
	} {
		require.Equal(t, c.want, glob(c.pattern).MatchString(c.text), "%s %s", c.pattern, c.text)
	}
}
