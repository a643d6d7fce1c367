package store

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/api"
)

// world is a database with a user, and tags that inherit in a line: top <- mid <- base.
type world struct {
	*Store
	t   *testing.T
	ctx context.Context
}

func newWorld(t *testing.T) *world {
	t.Helper()
	db := testenv.Database(t)
	_, err := db.Exec(t.Context(), `
		INSERT INTO users (id, name, status, usertype) VALUES (1, 'joe', 0, 0), (2, 'jane', 0, 0);
		INSERT INTO tag (id, name) VALUES (1, 'top'), (2, 'mid'), (3, 'base');
		INSERT INTO tag_config (tag_id, creator_id) VALUES (1, 1), (2, 1), (3, 1);
		INSERT INTO tag_inheritance (tag_id, parent_id, priority, intransitive, noconfig, creator_id)
		VALUES (1, 2, 0, false, false, 1), (2, 3, 0, false, false, 1);
		INSERT INTO package (id, name) VALUES (1, 'foo'), (2, 'bar'), (3, 'baz')`)
	require.NoError(t, err)
	return &world{New(db), t, WithActor(t.Context(), 1)}
}

// do runs fn in a transaction, and with an event, of its own.
func (w *world) do(fn func(ctx context.Context) error) {
	w.t.Helper()
	require.NoError(w.t, w.InTx(w.ctx, fn))
}

// list puts packages into the list of a tag.
func (w *world) list(tagID int64, blocked bool, packages ...int64) {
	w.t.Helper()
	for _, pkg := range packages {
		w.do(func(ctx context.Context) error {
			return w.SetPackage(ctx, api.TagPackage{TagID: tagID, PackageID: pkg, Blocked: blocked, OwnerID: new(int64(1))})
		})
	}
}

// built adds a complete build and returns its id.
func (w *world) built(pkg int64, release string) (id int64) {
	w.t.Helper()
	w.do(func(ctx context.Context) (err error) {
		id, err = w.AddBuild(ctx, NewBuild{PackageID: pkg, Version: "1", Release: release, State: 1, OwnerID: 1})
		return err
	})
	return id
}

// tag tags builds, one after the other, and returns the event of the last.
func (w *world) tag(tagID int64, builds ...int64) (event int64) {
	w.t.Helper()
	for _, id := range builds {
		w.do(func(ctx context.Context) error {
			tagged, err := w.TagBuild(ctx, tagID, id, false)
			require.True(w.t, tagged)
			require.NoError(w.t, err)
			event, err = w.Event(ctx)
			return err
		})
	}
	return event
}

// nvrs lists what TaggedBuilds returns: the tag and the NVR of each.
func (w *world) nvrs(f TaggedFilter) []string {
	w.t.Helper()
	if f.TagID == 0 {
		f.TagID = 1
	}
	rows, err := w.TaggedBuilds(w.ctx, f)
	require.NoError(w.t, err)
	rows, err = rows.Load()
	require.NoError(w.t, err)
	list := []string{}
	for _, b := range rows.List {
		list = append(list, b.TagName+": "+b.NVR)
	}
	return list
}

func TestTaggedBuilds(t *testing.T) {
	w := newWorld(t)
	w.list(3, false, 1, 2, 3)
	foo1, foo2, foo3, bar1, baz1 := w.built(1, "1"), w.built(1, "2"), w.built(1, "3"), w.built(2, "1"), w.built(3, "1")
	w.tag(3, foo3, bar1)
	w.tag(2, foo2)
	early := w.tag(2, baz1)
	w.tag(2, foo1)

	for _, c := range []struct {
		name string
		f    TaggedFilter
		want []string
	}{
		{"not inherited", TaggedFilter{}, []string{}},
		{"the latest tagged first, tag by tag", TaggedFilter{Inherit: true},
			[]string{"mid: foo-1-1", "mid: baz-1-1", "mid: foo-1-2", "base: bar-1-1", "base: foo-1-3"}},
		{"latest", TaggedFilter{Inherit: true, Latest: 1}, []string{"mid: foo-1-1", "mid: baz-1-1", "base: bar-1-1"}},
		{"two latest", TaggedFilter{Inherit: true, Latest: 2},
			[]string{"mid: foo-1-1", "mid: baz-1-1", "mid: foo-1-2", "base: bar-1-1"}},
		{"then", TaggedFilter{Inherit: true, Latest: 1, Event: &early}, []string{"mid: baz-1-1", "mid: foo-1-2", "base: bar-1-1"}},
		{"package", TaggedFilter{Inherit: true, Package: "foo"}, []string{"mid: foo-1-1", "mid: foo-1-2", "base: foo-1-3"}},
		{"no such package", TaggedFilter{Inherit: true, Package: "nosuch"}, []string{}},
		{"owner", TaggedFilter{Inherit: true, Owner: "jane"}, []string{}},
		{"type", TaggedFilter{Inherit: true, Type: "image"}, []string{}},
		{"draft", TaggedFilter{Inherit: true, Draft: new(true)}, []string{}},
		{"no draft", TaggedFilter{Inherit: true, Draft: new(false), Package: "bar"}, []string{"base: bar-1-1"}},
		{"of one tag", TaggedFilter{TagID: 3, Latest: 1}, []string{"base: bar-1-1", "base: foo-1-3"}},
	} {
		require.Equal(t, c.want, w.nvrs(c.f), c.name)
	}
}

// A package list decides for its tag and for those that inherit from it, until
// one on the way says otherwise.
func TestTaggedBuildsObeyPackageLists(t *testing.T) {
	w := newWorld(t)
	foo, bar, baz := w.built(1, "1"), w.built(2, "1"), w.built(3, "1")
	w.tag(3, foo, bar)
	w.tag(2, baz)
	all := TaggedFilter{Inherit: true}
	require.Equal(t, []string{}, w.nvrs(all), "not listed")
	w.list(3, false, 1, 2, 3)
	require.Equal(t, []string{"mid: baz-1-1", "base: bar-1-1", "base: foo-1-1"}, w.nvrs(all))
	w.list(1, true, 1)
	require.Equal(t, []string{"mid: baz-1-1", "base: bar-1-1"}, w.nvrs(all), "blocked in top")
	require.Equal(t, []string{"mid: baz-1-1", "base: bar-1-1", "base: foo-1-1"}, w.nvrs(TaggedFilter{TagID: 2, Inherit: true}), "but not below")
	w.list(2, true, 2)
	w.list(1, false, 2)
	require.Equal(t, []string{"mid: baz-1-1", "base: bar-1-1"}, w.nvrs(all), "blocked in mid, listed again in top")

	_, err := w.Exec(w.ctx, `UPDATE tag_inheritance SET pkg_filter = 'ba[rq]' WHERE tag_id = 1`)
	require.NoError(t, err)
	require.Equal(t, []string{"base: bar-1-1"}, w.nvrs(all), "filtered on the way")
}

func TestTaggedRPMs(t *testing.T) {
	w := newWorld(t)
	w.list(3, false, 1, 2)
	foo, bar := w.built(1, "1"), w.built(2, "1")
	w.tag(3, foo)
	w.tag(2, bar, foo)
	var ids []int64
	w.do(func(ctx context.Context) (err error) {
		ids, err = w.AddRPMs(ctx, []NewRPM{newRPM(foo, "foo", "src"), newRPM(foo, "foo", "x86_64"), newRPM(bar, "bar", "noarch")})
		if err == nil {
			err = w.AddSignatures(ctx, []api.RPMSignature{{RPMID: ids[0], SigKey: "", SigHash: "a"}, {RPMID: ids[0], SigKey: "01234567", SigHash: "b"}})
		}
		return err
	})
	entries, err := w.TagEntries(w.ctx, TaggedFilter{TagID: 1, Inherit: true})
	require.NoError(t, err)
	require.Len(t, entries, 3, "foo is in two tags")
	rpmsOf := func(f TaggedFiles) []api.TaggedRPM {
		rows, err := w.TaggedRPMs(w.ctx, entries, f)
		require.NoError(t, err)
		rows, err = rows.Load()
		require.NoError(t, err)
		return rows.List
	}

	rpms := rpmsOf(TaggedFiles{Extra: true})
	require.Equal(t, []int64{ids[2], ids[0], ids[1]}, rpmIDs(rpms), "each RPM once, the last tag of its build counts")
	require.True(t, rpms[0].Extra.Asked)
	require.Nil(t, rpms[0].SigKey)

	rpms = rpmsOf(TaggedFiles{Arches: []string{"src", "noarch"}, Signatures: true})
	require.Equal(t, []int64{ids[2], ids[0], ids[0]}, rpmIDs(rpms), "once for each signature")
	require.False(t, rpms[0].Extra.Asked)
	require.Equal(t, "", *rpms[0].SigKey)
}

func newRPM(buildID int64, name, arch string) NewRPM {
	r := NewRPM{BuildID: buildID, PayloadHash: "00", Size: 1, BuildTime: 1}
	r.Name, r.Version, r.Release, r.Arch = name, "1", "1", arch
	return r
}

func rpmIDs(rpms []api.TaggedRPM) []int64 {
	var ids []int64
	for _, r := range rpms {
		ids = append(ids, r.ID)
	}
	return ids
}
