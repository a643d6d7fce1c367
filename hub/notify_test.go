package hub

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// newMailLife is newLife with a relay, which nothing asks; labuser (2) builds, and
// owner (4) has the package foo in dest. Task 100 builds for the target tgt.
func newMailLife(t *testing.T, change func(*config.Hub)) *life {
	t.Helper()
	l := newLifeOf(t, newTestHub(t, func(o *Options) {
		o.Config.Mail = config.Mail{Host: "mx.example.org", Port: 25, FromAddr: "koji@example.org"}
		o.Config.Hub.EmailDomain = "example.org"
		if change != nil {
			change(&o.Config.Hub)
		}
	}))
	request, err := xmlrpc.MarshalRequest("build", "git://x#1", "tgt", map[string]any{})
	require.NoError(t, err)
	l.exec(`INSERT INTO users (id, name, status, usertype) VALUES (4, 'owner', 0, 0), (5, 'watcher', 0, 0), (6, 'gone', 1, 0);
		UPDATE tag_package_owners SET owner = 4 WHERE package_id = 1;
		INSERT INTO build_target (id, name) VALUES (1, 'tgt');
		INSERT INTO build_target_config (build_target_id, build_tag, dest_tag, creator_id) VALUES (1, 2, 1, 1)`)
	_, err = l.Store.Exec(l.ctx, `UPDATE task SET request = $1 WHERE id = 100`, request)
	require.NoError(t, err)
	return l
}

// Who hears of a build of foo into dest, by Koji's rules.
func TestRecipients(t *testing.T) {
	const wish = `INSERT INTO build_notifications (user_id, package_id, tag_id, success_only, email) VALUES `
	const block = `INSERT INTO build_notifications_block (user_id, package_id, tag_id) VALUES `
	involved := []string{"labuser@example.org", "owner@example.org"}
	withWatcher := append(involved, "w@x.org")
	tag, other := int64(1), int64(2)
	for _, c := range []struct {
		name, setup string
		tag         *int64
		failed      bool
		quiet       bool // notify_on_success is off
		want        []string
	}{
		{name: "builder and owner", tag: &tag, want: involved},
		{name: "no tag, no owner", want: involved[:1]},
		{name: "not in the list of the tag", tag: &other, want: involved[:1]},
		{name: "blocked in the tag", setup: `UPDATE tag_packages SET blocked = true`, tag: &tag, want: involved[:1]},
		{name: "success is told to nobody", tag: &tag, quiet: true, want: nil},
		{name: "but to who asked", setup: wish + `(5, 1, 1, true, 'w@x.org')`, tag: &tag, quiet: true, want: []string{"w@x.org"}},
		{name: "failure is told", tag: &tag, quiet: true, failed: true, want: involved},
		{name: "everything", setup: wish + `(5, NULL, NULL, false, 'w@x.org')`, tag: &tag, want: withWatcher},
		{name: "this package", setup: wish + `(5, 1, NULL, false, 'w@x.org')`, tag: &tag, want: withWatcher},
		{name: "another package", setup: wish + `(5, 2, NULL, false, 'w@x.org')`, tag: &tag, want: involved},
		{name: "this tag", setup: wish + `(5, NULL, 1, false, 'w@x.org')`, tag: &tag, want: withWatcher},
		{name: "another tag", setup: wish + `(5, NULL, 2, false, 'w@x.org')`, tag: &tag, want: involved},
		{name: "some tag, and there is none", setup: wish + `(5, NULL, 1, false, 'w@x.org')`, want: involved[:1]},
		{name: "success only", setup: wish + `(5, 1, 1, true, 'w@x.org')`, tag: &tag, failed: true, want: involved},
		{name: "twice is once", setup: wish + `(5, 1, NULL, false, 'w@x.org'), (5, NULL, 1, false, 'w@x.org')`, tag: &tag, want: withWatcher},
		{name: "a disabled user", setup: wish + `(6, 1, 1, false, 'g@x.org')`, tag: &tag, want: involved},
		{name: "a host", setup: wish + `(3, 1, 1, false, 'h@x.org')`, tag: &tag, want: involved},
		{name: "a builder who is disabled", setup: `UPDATE users SET status = 1 WHERE id = 2`, tag: &tag, want: involved[1:]},
		{name: "an owner who is disabled", setup: `UPDATE users SET status = 1 WHERE id = 4`, tag: &tag, want: involved[:1]},
		{name: "an opt-out", setup: block + `(2, NULL, NULL)`, tag: &tag, want: involved[1:]},
		{name: "of the package", setup: block + `(2, 1, NULL), (4, 2, NULL)`, tag: &tag, want: involved[1:]},
		{name: "of the tag", setup: block + `(2, NULL, 1), (4, NULL, 2)`, tag: &tag, want: involved[1:]},
		{name: "of a wish", setup: wish + `(5, 1, 1, false, 'w@x.org');` + block + `(5, 1, 1)`, tag: &tag, want: involved},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newMailLife(t, func(h *config.Hub) { h.NotifyOnSuccess = !c.quiet })
			if c.setup != "" {
				l.exec(c.setup)
			}
			b, err := l.build(l.ctx, l.complete("foo", "1"), true)
			require.NoError(t, err)
			b.OwnerID = 2
			state := koji.BuildComplete
			if c.failed {
				state = koji.BuildFailed
			}
			got, err := l.recipients(l.ctx, b, c.tag, state)
			require.NoError(t, err)
			require.ElementsMatch(t, c.want, got)
		})
	}
}

// notified lists the requests of the notification tasks, by id.
func (l *life) notified() (requests [][]any) {
	l.t.Helper()
	texts, err := database.All[string](l.ctx, l.Store.DB, `SELECT request FROM task WHERE method LIKE '%Notification' ORDER BY id`)
	require.NoError(l.t, err)
	for _, text := range texts {
		method, args, err := xmlrpc.UnmarshalRequest(text)
		require.NoError(l.t, err)
		entry, ok := task.Lookup(method)
		require.True(l.t, ok)
		_, err = entry.Decode(args, nil)
		require.NoError(l.t, err)
		requests = append(requests, append([]any{method}, args...))
	}
	return requests
}

// Whatever ends a build tells of it, once.
func TestBuildNotification(t *testing.T) {
	everybody := []any{"labuser@example.org", "owner@example.org"}
	for _, c := range []struct {
		name  string
		end   func(l *life, r CompleteBuildRequest) error
		state koji.BuildState
	}{
		{"completed", func(l *life, r CompleteBuildRequest) error { return l.CompleteBuild(l.ctx, r) }, koji.BuildComplete},
		{"failed", func(l *life, r CompleteBuildRequest) error { return l.FailBuild(l.ctx, 100, r.BuildID) }, koji.BuildFailed},
		{"failed with its task", func(l *life, _ CompleteBuildRequest) error {
			l.exec(`INSERT INTO toji.task_attempt (task_id, attempt) VALUES (100, 1) ON CONFLICT DO NOTHING`)
			_, err := l.FailTask(t.Context(), 100, 1, task.Failure{Fault: koji.FaultBuild, Kind: koji.KindPackage, Msg: "no"})
			return err
		}, koji.BuildFailed},
		{"canceled", func(l *life, r CompleteBuildRequest) error {
			_, err := l.CancelBuild(l.ctx, r.BuildID, true)
			return err
		}, koji.BuildCanceled},
		{"canceled with its task", func(l *life, _ CompleteBuildRequest) error { return l.CancelTaskFull(l.ctx, 100) }, koji.BuildCanceled},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := newMailLife(t, nil)
			r := l.begun()
			require.NoError(t, c.end(l, r))
			_ = c.end(l, r) // again
			got := l.notified()
			require.Len(t, got, 1)
			require.Equal(t, []any{"buildNotification", everybody}, got[0][:2])
			b := got[0][2].(map[string]any)
			require.Equal(t, []any{r.BuildID, int64(c.state), "foo-1.0-1"}, []any{b["id"], b["state"], b["nvr"]})
			require.Equal(t, "dest", got[0][3].(map[string]any)["dest_tag_name"])
		})
	}
}

// The mail about a complete build leads to its files where they stay.
func TestMailAboutACompleteBuild(t *testing.T) {
	l := newMailLife(t, nil)
	require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
	l.exec(`UPDATE task SET state = 2 WHERE id = 100`)
	entry, _ := task.Lookup("buildNotification")
	p, err := entry.Decode(l.notified()[0][1:], nil)
	require.NoError(t, err)
	m, err := l.BuildMail(t.Context(), 200, 2, *p.(*tasks.BuildNotificationParams))
	require.NoError(t, err)
	require.Equal(t, "Package: foo-1.0-1 Tag: dest Status: complete Built by: labuser", m.Subject)
	require.Contains(t, m.Body, "Source packages:\n  foo-1.0-1.src.rpm\n")
	require.Contains(t, m.Body, "rpms:\n  http://localhost:8080/kojifiles/packages/foo/1.0/1/x86_64/foo-1.0-1.x86_64.rpm\n")
	require.Contains(t, m.Body, "Changelog:\n* ")
	require.NotContains(t, m.Body, "failed")
}

func TestNoBuildNotification(t *testing.T) {
	for name, change := range map[string]func(*config.Hub){
		"turned off":     func(h *config.Hub) { h.DisableNotifications = true },
		"nobody to tell": func(h *config.Hub) { h.NotifyOnSuccess = false },
	} {
		t.Run(name, func(t *testing.T) {
			l := newMailLife(t, change)
			require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
			require.Empty(t, l.notified())
		})
	}
	l := newLife(t) // no relay
	require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
	require.Empty(t, l.notified())
}

func TestTagNotification(t *testing.T) {
	l := newMailLife(t, nil)
	foo := l.complete("foo", "1") // kojiadmin's
	to := []any{"kojiadmin@example.org", "owner@example.org"}
	r := TagBuildRequest{TaskID: 100, UserID: 2, Tag: "dest", BuildID: foo, Notify: true}
	require.NoError(t, l.TagBuild(t.Context(), r))
	require.NoError(t, l.TagBuild(t.Context(), r), "again")
	want := [][]any{{"tagNotification", to, true, int64(1), nil, foo, int64(2), false, ""}}
	require.Equal(t, want, l.notified())

	r.TaskID = 101
	cause := koji.TagErrorf("already tagged")
	require.NoError(t, l.NotifyFailedTagging(t.Context(), r, cause))
	require.NoError(t, l.NotifyFailedTagging(t.Context(), r, cause), "again")
	want = append(want, []any{"tagNotification", to, false, int64(1), nil, foo, int64(2), false, "TagError: already tagged"})
	require.Len(t, l.notified(), 2)
	require.Equal(t, want[1][4:], l.notified()[1][4:])

	_, err := l.untagBuild(l.ctx, api.UntagBuildParams{Tag: "dest", Build: foo, Strict: true})
	require.NoError(t, err)
	require.Equal(t, []any{"tagNotification", to, true, nil, int64(1), foo, int64(1), false, ""}, l.notified()[2])

	err = l.Store.InTx(l.ctx, func(ctx context.Context) error {
		_, err := l.tagBuildBypass(ctx, api.TagBuildBypassParams{Tag: "dest", Build: foo})
		return err
	})
	require.NoError(t, err)
	r.TaskID, r.Force, r.UserID, r.IgnoreSuccess = 0, true, 1, true
	require.NoError(t, l.TagBuild(l.ctx, r))
	require.Len(t, l.notified(), 3, "these are quiet")
}
