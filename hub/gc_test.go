package hub

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/mail/mailtest"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// newCleanLife is a life with a trashcan, in which nothing has to wait to go.
func newCleanLife(t *testing.T, change func(*config.Config)) *life {
	t.Helper()
	l := newLifeOf(t, newTestHub(t, func(o *Options) {
		o.Config.GC.Enabled, o.Config.GC.Delay, o.Config.GC.GracePeriod = true, 0, 0
		o.Config.GC.UnprotectedKeys = []string{"aaaaaaaa"}
		change(o.Config)
	}))
	l.exec(`INSERT INTO tag (id, name) VALUES (3, 'trashcan'); INSERT INTO tag_config (tag_id, creator_id) VALUES (3, 1);
		SELECT setval('users_id_seq', 3)`)
	return l
}

// built makes a complete build with an RPM, a file on disk, and tags.
func (l *life) built(name, version string, tags ...string) int64 {
	l.t.Helper()
	id := l.complete(name, version)
	l.exec(fmt.Sprintf(`INSERT INTO rpminfo (build_id, name, version, release, arch, draft, external_repo_id, payloadhash, size, buildtime)
		VALUES (%d, '%s', '%s', '1', 'noarch', false, 0, 'x', 1, 1)`, id, name, version))
	dir := l.Paths.Build("", l.get(id).Parts())
	require.NoError(l.t, os.MkdirAll(dir+"/noarch", 0o755))
	require.NoError(l.t, os.WriteFile(dir+"/noarch/x.rpm", []byte("1234567890"), 0o644))
	for _, tag := range tags {
		require.NoError(l.t, l.Hub.TagBuild(l.ctx, TagBuildRequest{UserID: 1, Tag: tag, BuildID: id, Force: true}))
	}
	return id
}

func (l *life) sign(build int64, key string) {
	l.t.Helper()
	l.exec(fmt.Sprintf(`INSERT INTO rpmsigs (rpm_id, sigkey, sighash) SELECT id, '%s', 'x' FROM rpminfo WHERE build_id = %d`, key, build))
}

// clean runs a clean-up to its end and returns what it reports.
func (l *life) clean(kind string, dry bool, steps ...string) []string {
	l.t.Helper()
	id, err := l.startRetention(l.ctx, api.StartRetentionParams{Kind: kind, DryRun: dry, Steps: steps})
	require.NoError(l.t, err)
	for ended := false; !ended; {
		ended, err = l.RetentionBatch(l.t.Context(), id)
		require.NoError(l.t, err)
	}
	return l.reported(kind, id)
}

func (l *life) reported(kind string, id int64) []string {
	l.t.Helper()
	r, err := l.getRetentionReport(l.ctx, api.RetentionReportParams{Kind: kind, Run: &id})
	require.NoError(l.t, err)
	require.NotNil(l.t, r.Ended)
	require.Empty(l.t, r.Failures)
	lines := []string{}
	for _, i := range r.Items {
		lines = append(lines, strings.Join([]string{i.Action, i.Subject, i.Reason}, " | "))
	}
	return lines
}

// without drops the times from a report.
func without(t *testing.T, lines []string, since ...string) []string {
	t.Helper()
	for i := range lines {
		for _, s := range since {
			if at := strings.Index(lines[i], s); at >= 0 {
				lines[i] = lines[i][:at+len(s)]
			}
		}
	}
	return lines
}

func (l *life) hasFiles(id int64) bool {
	l.t.Helper()
	_, err := os.Stat(l.Paths.Build("", l.get(id).Parts()))
	return err == nil
}

func TestGarbage(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) { c.GC.Policy = "tag dest && order > 0 :: untag" })
	old, latest := l.built("foo", "1", "dest"), l.built("foo", "2", "dest")
	idle, used, gold, grey := l.built("baz", "1"), l.built("baz", "2"), l.built("baz", "3"), l.built("baz", "4")
	l.sign(gold, "bbbbbbbb")
	l.sign(grey, "aaaaaaaa")
	l.exec(fmt.Sprintf(`INSERT INTO buildroot (id, br_type) VALUES (9, 0);
		INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) SELECT 9, id, false FROM rpminfo WHERE build_id = %d;
		UPDATE rpminfo SET buildroot_id = 9 WHERE build_id = %d`, used, latest))

	plan := []string{
		"untag | foo-1-1 from dest | tag dest && order > 0 :: untag",
		"trash | baz-1-1 | untagged since",
		"keep | baz-2-1 | in the buildroots of other builds' RPMs",
		"keep | baz-3-1 | signed with bbbbbbbb",
		"trash | baz-4-1 | untagged since",
	}
	require.Equal(t, plan, without(t, l.clean("gc", true), "untagged since"))
	require.Equal(t, []string{"foo-2-1", "foo-1-1"}, l.tagged("dest"), "a dry run does nothing")
	require.Empty(t, l.tagged("trashcan"))

	require.Equal(t, []string{plan[0], "trash | foo-1-1 | untagged since", plan[1], plan[4]}, without(t, l.clean("gc", false), "untagged since"))
	require.Equal(t, []string{"foo-2-1"}, l.tagged("dest"))
	require.ElementsMatch(t, []string{"foo-1-1", "baz-1-1", "baz-4-1"}, l.tagged("trashcan"))
	entry, err := l.Store.PackageEntry(t.Context(), 3, 2, nil)
	require.NoError(t, err)
	require.Equal(t, int64(2), *entry.OwnerID, "who owns the package in most tags")

	l.sign(idle, "bbbbbbbb")
	require.NoError(t, l.Hub.TagBuild(l.ctx, TagBuildRequest{UserID: 1, Tag: "other", BuildID: old, Force: true}))
	require.Equal(t, []string{"salvage | foo-1-1 | tagged as well in other", "salvage | baz-1-1 | signed with bbbbbbbb"}, l.clean("gc", false, "salvage"))
	require.Equal(t, []string{"delete | baz-4-1 | in the trashcan since"}, without(t, l.clean("gc", false, "delete"), "since"))
	require.Empty(t, l.tagged("trashcan"))
	require.Equal(t, koji.BuildDeleted, l.get(grey).State)
	require.False(t, l.hasFiles(grey))
	require.True(t, l.hasFiles(idle))
	require.Equal(t, []string{"keep | baz-1-1 | signed with bbbbbbbb", "keep | baz-2-1 | in the buildroots of other builds' RPMs", "keep | baz-3-1 | signed with bbbbbbbb"},
		l.clean("gc", true))
}

// A build that comes to be used after all leaves the trashcan instead.
func TestGarbageInUse(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	id := l.built("foo", "1", "trashcan")
	l.exec(`INSERT INTO buildroot (id, br_type) VALUES (9, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state) VALUES (9, 1, 1, 100, 3);
		INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) SELECT 9, id, false FROM rpminfo`)
	require.Equal(t, []string{"salvage | foo-1-1 | Cannot delete build, used in recent buildroot"}, l.clean("gc", false, "delete"))
	require.Equal(t, koji.BuildComplete, l.get(id).State)
	require.Empty(t, l.tagged("trashcan"))
}

func TestPurge(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) {
		c.GC.Policy, c.GC.Purge = "package foo :: untag", true
	})
	gone, signed, elsewhere := l.built("foo", "1", "dest"), l.built("foo", "2", "dest"), l.built("foo", "3", "dest", "trashcan")
	l.sign(signed, "bbbbbbbb")
	plan := []string{
		"untag | foo-3-1 from dest | package foo :: untag",
		"keep | foo-3-1 | Cannot delete build, tagged: [{'name': 'trashcan', 'tag_id': 3}]",
		"untag | foo-2-1 from dest | package foo :: untag", "keep | foo-2-1 | signed with bbbbbbbb",
		"untag | foo-1-1 from dest | package foo :: untag", "delete | foo-1-1 | pruned from its last tag",
	}
	require.Equal(t, plan, l.clean("gc", true, "prune"))
	require.Equal(t, []string{plan[0], plan[2], plan[4], plan[5]}, l.clean("gc", false, "prune"))
	require.False(t, l.hasFiles(gone))
	require.True(t, l.hasFiles(signed))
	require.Equal(t, koji.BuildComplete, l.get(elsewhere).State)
}

// A tag is pruned in batches of whole packages, each of them once: what is newest
// does not change under the policy's eyes.
func TestPruneInBatches(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) { c.GC.Policy = "order = 0 :: untag" })
	const packages = gcChange + 10
	l.exec(fmt.Sprintf(`
		INSERT INTO package (id, name) SELECT 1000 + i, 'p' || i FROM generate_series(1, %[1]d) i;
		INSERT INTO build (id, pkg_id, version, release, state, owner, volume_id, completion_time)
			SELECT 1000 + 2 * i + k, 1000 + i, k::text, '1', 1, 1, 0, now()
			FROM generate_series(1, %[1]d) i, generate_series(0, 1) k;
		INSERT INTO tag_listing (build_id, tag_id, creator_id) SELECT id, 1 + id %% 2, 1 FROM build;
		INSERT INTO tag_listing (build_id, tag_id, creator_id) SELECT id, 2 - id %% 2, 1 FROM build`, packages))
	id, err := l.startRetention(l.ctx, api.StartRetentionParams{Kind: "gc", Steps: []string{"prune"}})
	require.NoError(t, err)
	batches := 0
	for ended := false; !ended; batches++ {
		// A crash before the commit: the batch is done again, and its reply lost.
		require.Error(t, l.Store.InTx(t.Context(), func(ctx context.Context) error {
			_, err := l.RetentionBatch(ctx, id)
			require.NoError(t, err)
			return errors.New("killed")
		}))
		ended, err = l.RetentionBatch(t.Context(), id)
		require.NoError(t, err)
	}
	require.Greater(t, batches, 2)
	require.Len(t, l.reported("gc", id), 2*packages)
	left, err := database.One[int](t.Context(), l.Store.DB, `SELECT count(*) FROM (SELECT tag_id, pkg_id FROM tag_listing l JOIN build b ON b.id = l.build_id
		WHERE l.active GROUP BY tag_id, pkg_id HAVING count(*) = 1) AS once`)
	require.NoError(t, err)
	require.Equal(t, 2*packages, left)
	ended, err := l.RetentionBatch(t.Context(), id)
	require.NoError(t, err)
	require.True(t, ended, "what comes late finds it ended")
}

// A build's files go after the commit that deletes it, and those links alone that
// lead to it.
func TestDeleteBuildFiles(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	id, kept := l.built("foo", "1"), l.built("foo", "2")
	require.Error(t, l.Store.InTx(l.ctx, func(ctx context.Context) error {
		_, err := l.deleteBuild(ctx, api.DeleteBuildParams{Build: kept, Strict: true})
		require.NoError(t, err)
		return errors.New("rolled back")
	}))
	require.True(t, l.hasFiles(kept))
	dir := l.Paths.Build("", l.get(id).Parts())
	draft := l.get(id).Parts()
	draft.Release = koji.DraftRelease(draft.Release, id)
	require.NoError(t, os.Symlink("1", l.Paths.Build("", draft)))
	require.NoError(t, l.Store.InTx(l.ctx, func(ctx context.Context) error {
		_, err := l.deleteBuild(ctx, api.DeleteBuildParams{Build: id, Strict: true})
		return err
	}))
	require.NoDirExists(t, dir)
	_, err := os.Lstat(l.Paths.Build("", draft))
	require.ErrorIs(t, err, os.ErrNotExist)
	left, err := database.One[int](t.Context(), l.Store.DB, `SELECT count(*) FROM toji.removal`)
	require.NoError(t, err)
	require.Zero(t, left)
}

func TestGCNeeds(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) { c.GC.Enabled, c.GC.TrashcanTag = false, "bin" })
	for name, c := range map[string]struct {
		params api.StartRetentionParams
		want   string
	}{
		"to be enabled": {api.StartRetentionParams{Kind: "gc"}, "the garbage collector is not enabled (gc.enabled): only dry runs are made"},
		"a policy":      {api.StartRetentionParams{Kind: "gc", DryRun: true, Steps: []string{"prune"}}, "the configuration does not ask for prune"},
		"steps":         {api.StartRetentionParams{Kind: "gc", DryRun: true, Steps: []string{"uploads"}}, "Invalid step of gc: uploads"},
		"a kind":        {api.StartRetentionParams{Kind: "x"}, "Invalid kind of clean-up: x"},
	} {
		_, err := l.startRetention(l.ctx, c.params)
		require.EqualError(t, err, c.want, name)
	}
	id, err := l.startRetention(l.ctx, api.StartRetentionParams{Kind: "gc", DryRun: true, Steps: []string{"delete", "trash"}})
	require.NoError(t, err)
	ended, err := l.RetentionBatch(t.Context(), id)
	require.NoError(t, err)
	require.True(t, ended)
	r, err := l.getRetentionReport(l.ctx, api.RetentionReportParams{Kind: "gc"})
	require.NoError(t, err)
	require.Equal(t, []string{"delete: Trashcan tag bin doesn't exist", "trash: Trashcan tag bin doesn't exist"}, r.Failures)
}

func TestGCMail(t *testing.T) {
	relay := mailtest.Start(t, nil)
	l := newCleanLife(t, func(c *config.Config) {
		c.Mail = config.Mail{Host: "127.0.0.1", Port: relay.Port, FromAddr: "koji@example.org"}
		c.Hub.EmailDomain, c.Hub.WebURL = "example.org", "http://koji.example.org/"
		c.GC.GracePeriod = config.Duration(28 * 24 * time.Hour)
	})
	l.built("foo", "1")
	id := l.built("foo", "2")
	l.exec(fmt.Sprintf(`UPDATE build SET owner = 2 WHERE id = %d`, id))
	dry := l.clean("gc", true, "trash")
	require.Equal(t, []string{"mail | kojiadmin | 1 build marked for deletion", "mail | labuser | 1 build marked for deletion"}, dry[2:])
	require.Empty(t, relay.Mails())
	l.clean("gc", false, "trash")
	require.Len(t, relay.Mails(), 2)
	text := relay.Mails()[1].Text
	for _, part := range []string{
		"To: labuser@example.org", "Subject: 1 build marked for deletion", "X-Koji-Builder: labuser", "Message-ID: <gc-",
		"in the tag trashcan for 28 days", "Build: foo-2-1", fmt.Sprintf("http://koji.example.org/buildinfo?buildID=3D%d", id),
	} {
		require.Contains(t, text, part)
	}
}
