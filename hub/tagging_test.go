package hub

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// complete makes a complete build of a package and returns its id.
func (l *life) complete(name, version string) int64 {
	l.t.Helper()
	id, err := l.newBuild(l.ctx, newBuild{NVR: koji.NVR{Name: name, Version: version, Release: "1"}, State: koji.BuildComplete})
	require.NoError(l.t, err)
	return id
}

// tagged lists the NVRs in a tag, the latest first.
func (l *life) tagged(tag string) []string {
	l.t.Helper()
	builds, err := loaded(l.listTagged(l.ctx, api.ListTaggedParams{Tag: tag, Strict: true}))
	require.NoError(l.t, err)
	nvrs := []string{}
	for _, b := range builds {
		nvrs = append(nvrs, b.NVR)
	}
	return nvrs
}

func TestTagBuild(t *testing.T) {
	l := newLife(t)
	foo1, foo2 := l.complete("foo", "1"), l.complete("foo", "2")
	req := TagBuildRequest{TaskID: 100, UserID: 2, Tag: "dest", BuildID: foo1}
	require.NoError(t, l.TagBuild(t.Context(), req))
	require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 2, Tag: "dest", BuildID: foo2}))
	require.NoError(t, l.TagBuild(t.Context(), req), "the same task again")
	require.Equal(t, []string{"foo-2-1", "foo-1-1"}, l.tagged("dest"), "which changes nothing")
	req.TaskID = 0
	err := l.TagBuild(t.Context(), req)
	require.EqualError(t, err, "build foo-1-1 already tagged (dest)")
	require.True(t, koji.IsFault(err, koji.FaultTag))
	req.Force = true
	require.NoError(t, l.TagBuild(t.Context(), req))
	require.Equal(t, []string{"foo-1-1", "foo-2-1"}, l.tagged("dest"), "tagged anew")
}

func TestTagBuildRefusals(t *testing.T) {
	l := newLife(t)
	foo, bar := l.complete("foo", "1"), l.complete("bar", "1")
	begun, err := l.init(100, "foo", "3")
	require.NoError(t, err)
	locked := func() { l.exec(`UPDATE tag_config SET locked = true WHERE tag_id = 1`) }
	for _, c := range []struct {
		name  string
		setup func()
		req   TagBuildRequest
		fault int
		want  string
	}{
		{"no tag", nil, TagBuildRequest{Tag: "nosuch", BuildID: foo}, koji.FaultGeneric, "No such tagInfo: 'nosuch'"},
		{"no build", nil, TagBuildRequest{Tag: "dest", BuildID: 999}, koji.FaultGeneric, "No such build: 999"},
		{"not complete", nil, TagBuildRequest{Tag: "dest", BuildID: begun, Force: true}, koji.FaultTag, "build foo-3-1 not complete: state BUILDING"},
		{"not listed", nil, TagBuildRequest{Tag: "dest", BuildID: bar}, koji.FaultTag, "Package bar not in list for dest"},
		{"force is for admins", nil, TagBuildRequest{Tag: "dest", BuildID: bar, Force: true}, koji.FaultTag, "Package bar not in list for dest"},
		{"not in the tag", nil, TagBuildRequest{Tag: "dest", FromTag: "other", BuildID: foo}, koji.FaultTag, "build foo-1-1 not in tag other"},
		{"blocked", func() { l.exec(`UPDATE tag_packages SET blocked = true`) }, TagBuildRequest{Tag: "dest", BuildID: foo},
			koji.FaultTag, "Package foo blocked in dest"},
		{"locked", func() { l.exec(`UPDATE tag_packages SET blocked = false`); locked() }, TagBuildRequest{Tag: "dest", BuildID: foo},
			koji.FaultActionNotAllowed, "tag is locked"},
	} {
		if c.setup != nil {
			c.setup()
		}
		c.req.UserID = 2
		err := l.TagBuild(t.Context(), c.req)
		require.EqualError(t, err, c.want, c.name)
		require.True(t, koji.IsFault(err, c.fault), c.name)
	}
	require.Empty(t, l.tagged("dest"))
	require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 1, Tag: "dest", BuildID: bar, Force: true}), "an admin may")
	require.Equal(t, []string{"bar-1-1"}, l.tagged("dest"))
}

func (l *life) exec(sql string) {
	l.t.Helper()
	_, err := l.Store.Exec(l.ctx, sql)
	require.NoError(l.t, err)
}

func TestMoveBuild(t *testing.T) {
	l := newLife(t)
	foo := l.complete("foo", "1")
	require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 2, Tag: "dest", BuildID: foo}))
	l.exec(`INSERT INTO tag_packages (tag_id, package_id, blocked, creator_id) VALUES (2, 1, false, 1);
		INSERT INTO tag_package_owners (tag_id, package_id, owner, creator_id) VALUES (2, 1, 2, 1)`)
	req := TagBuildRequest{TaskID: 100, UserID: 2, Tag: "other", FromTag: int64(1), BuildID: foo}
	require.NoError(t, l.TagBuild(t.Context(), req))
	require.NoError(t, l.TagBuild(t.Context(), req), "the same task again")
	require.Empty(t, l.tagged("dest"))
	require.Equal(t, []string{"foo-1-1"}, l.tagged("other"))
}

func TestUntagBuild(t *testing.T) {
	l := newLife(t)
	foo := l.complete("foo", "1")
	require.NoError(t, l.TagBuild(t.Context(), TagBuildRequest{UserID: 2, Tag: "dest", BuildID: foo}))
	untag := func(strict bool) error {
		return l.Store.InTx(session.With(t.Context(), &session.Session{ID: 2, UserID: 2}), func(ctx context.Context) error {
			_, err := l.untagBuild(ctx, api.UntagBuildParams{Tag: "dest", Build: "foo-1-1", Strict: strict})
			return err
		})
	}
	require.NoError(t, untag(true))
	require.EqualError(t, untag(true), "build foo-1-1 not in tag dest")
	require.NoError(t, untag(false))
}

// tagBuild makes a task; the checks are made before.
func TestTagBuildTask(t *testing.T) {
	l := newLife(t)
	l.complete("foo", "1")
	l.complete("bar", "1")
	var id int64
	call := func(p api.TagBuildParams) error {
		return l.Store.InTx(session.With(t.Context(), &session.Session{ID: 2, UserID: 2, UserName: "labuser"}), func(ctx context.Context) (err error) {
			id, err = l.tagBuild(ctx, p)
			return err
		})
	}
	require.NoError(t, call(api.TagBuildParams{Tag: "dest", Build: "foo-1-1"}))
	task, err := l.Store.TaskForWorkflow(t.Context(), id)
	require.NoError(t, err)
	require.Equal(t, "tagBuild", task.Task().Method)
	require.Equal(t, 10, task.Task().Priority)
	require.EqualError(t, call(api.TagBuildParams{Tag: "dest", Build: "bar-1-1"}), "Package bar not in list for dest")
	require.EqualError(t, call(api.TagBuildParams{Tag: "dest", Build: "foo-1-1", FromTag: "nosuch"}), "No such entry in table tag: nosuch")
}
