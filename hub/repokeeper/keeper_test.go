package repokeeper

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// lab is a hub with a keeper, and the tags base (1), f40-build (2), which
// inherits from base and in which a target builds, and alone (3), which does not
// inherit and has a target, too. Both have a repository.
type lab struct {
	*Keeper
	t   testing.TB
	ctx context.Context // the admin's
}

func newLab(t testing.TB, change ...func(*config.Config)) *lab {
	t.Helper()
	c := config.Default()
	c.Hub.TopDir = t.TempDir()
	for _, f := range change {
		f(c)
	}
	db := testenv.Database(t)
	_, err := db.Exec(t.Context(), `INSERT INTO users (id, name, status, usertype) VALUES (1, 'admin', 0, 0);
		SELECT setval('users_id_seq', 1);
		INSERT INTO user_perms (user_id, perm_id, creator_id) SELECT 1, id, 1 FROM permissions WHERE name = 'admin'`)
	require.NoError(t, err)
	log := slog.New(slog.DiscardHandler)
	h, err := hub.New(hub.Options{DB: db, Config: c, Log: log})
	require.NoError(t, err)
	admin := &session.Session{ID: 1, UserID: 1, UserName: "admin", Perms: []string{"admin"}}
	l := &lab{New(h, log, Options{Settle: 20 * time.Millisecond}), t, session.With(t.Context(), admin)}
	do(l, api.CreateTag, api.CreateTagParams{Name: "base", Arches: "x86_64"})
	l.target("f40-build", "base")
	l.target("alone", "")
	l.current()
	return l
}

// do calls a method that succeeds.
func do[P, R any](l *lab, m rpc.Method[P, R], p P) R {
	l.t.Helper()
	r, err := rpc.Invoke(l.ctx, l.hub.Caller(), m, p)
	require.NoError(l.t, err, m.Name)
	return r
}

func (l *lab) exec(sql string, args ...any) {
	l.t.Helper()
	_, err := l.hub.Store.Exec(l.ctx, sql, args...)
	require.NoError(l.t, err)
}

// list returns a column of texts.
func (l *lab) list(sql string, args ...any) []string {
	l.t.Helper()
	texts, err := database.All[string](l.ctx, l.hub.Store.DB, sql, args...)
	require.NoError(l.t, err)
	return texts
}

// target makes a build tag with a target.
func (l *lab) target(name, parent string) {
	l.t.Helper()
	p := api.CreateTagParams{Name: name, Arches: "x86_64"}
	if parent != "" {
		p.Parent = parent
	}
	do(l, api.CreateTag, p)
	do(l, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: name, BuildTag: name, DestTag: "base"})
}

// current gives every build tag a repository that shows it, and forgets requests.
func (l *lab) current() {
	l.t.Helper()
	l.exec(`DELETE FROM repo_queue; UPDATE repo SET state = 3 WHERE state = 1;
		INSERT INTO repo (tag_id, create_event, state, opts, custom_opts)
			SELECT build_tag, (SELECT max(id) FROM events), 1, '{}', '{}' FROM build_target_config WHERE active`)
}

// wanted lists the tags for which there is an active request.
func (l *lab) wanted() []string {
	l.t.Helper()
	require.NoError(l.t, l.RequestStale(l.ctx))
	return l.list(`SELECT t.name FROM repo_queue q JOIN tag t ON t.id = q.tag_id WHERE q.active ORDER BY t.name`)
}

// Whatever changes what a tag holds makes the repositories of the tags that
// inherit from it stale, and no others.
func TestChanges(t *testing.T) {
	l := newLab(t)
	require.Empty(t, l.wanted(), "at first")
	do(l, api.CreateTag, api.CreateTagParams{Name: "parent"})
	do(l, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: "ext", URL: "http://example.com/"})
	do(l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "base", PkgInfo: "foo", Owner: "admin"})
	do(l, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: "foo", Version: "1", Release: "1"})
	for _, dir := range []string{l.hub.Paths.Volume("big"), l.hub.Paths.Build("", koji.NVR{Name: "foo", Version: "1", Release: "1"})} {
		require.NoError(t, os.MkdirAll(dir, 0o755))
	}
	do(l, api.AddVolume, api.AddVolumeParams{Name: "big"})
	rule := map[string]any{"parent_id": int64(4), "priority": int64(0), "maxdepth": nil, "intransitive": false, "noconfig": false, "pkg_filter": ""}
	for _, c := range []struct {
		name   string
		change func()
	}{
		{"list package", func() {
			do(l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "base", PkgInfo: "bar", Owner: "admin"})
		}},
		{"block package", func() { do(l, api.PackageListBlock, api.PackageListParams{TagInfo: "base", PkgInfo: "bar"}) }},
		{"tag", func() { do(l, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "base", Build: "foo-1-1"}) }},
		{"move to a volume", func() { do(l, api.ChangeBuildVolume, api.ChangeBuildVolumeParams{Build: "foo-1-1", Volume: "big"}) }},
		{"untag", func() { do(l, api.UntagBuildBypass, api.UntagBuildBypassParams{Tag: "base", Build: "foo-1-1"}) }},
		{"inherit", func() { do(l, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "base", Data: []any{rule}}) }},
		{"change of a grandparent", func() { do(l, api.GroupListAdd, api.GroupListAddParams{TagInfo: "parent", GrpInfo: "srpm-build"}) }},
		{"group", func() { do(l, api.GroupListAdd, api.GroupListAddParams{TagInfo: "base", GrpInfo: "build"}) }},
		{"package of a group", func() {
			do(l, api.GroupPackageListAdd, api.GroupPackageListAddParams{TagInfo: "base", GrpInfo: "build", PkgName: "bash"})
		}},
		{"arches", func() {
			do(l, api.EditTag2, api.EditTag2Params{TagInfo: "base", Changes: map[string]any{"arches": "x86_64 i686"}})
		}},
		{"extra setting", func() {
			do(l, api.EditTag2, api.EditTag2Params{TagInfo: "base", Changes: map[string]any{"extra": map[string]any{"mock.x": "y"}}})
		}},
		{"external repository", func() {
			do(l, api.AddExternalRepoToTag, api.AddExternalRepoToTagParams{TagInfo: "base", RepoInfo: "ext", Priority: 5})
		}},
		{"its URL", func() {
			do(l, api.EditExternalRepo, api.EditExternalRepoParams{Info: "ext", URL: new("http://example.org/")})
		}},
		{"its content", func() {
			do(l, api.RepoSetExternalRepoData, api.SetExternalRepoDataParams{ExternalRepoID: "ext", Data: map[string]any{"max_ts": int64(5)}})
		}},
		{"no external repository", func() {
			do(l, api.RemoveExternalRepoFromTag, api.RemoveExternalRepoFromTagParams{TagInfo: "base", RepoInfo: "ext"})
		}},
	} {
		l.current()
		c.change()
		require.Equal(t, []string{"f40-build"}, l.wanted(), c.name)
		require.Equal(t, []string{"f40-build"}, l.wanted(), "%s: once", c.name)
	}
}

// A change whose event is older than a repository, but that is committed after the
// repository was begun, is not lost; one that is never committed does no harm.
func TestLateCommit(t *testing.T) {
	l := newLab(t)
	do(l, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: "foo", Version: "1", Release: "1"})
	do(l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "base", PkgInfo: "foo", Owner: "admin"})
	l.current()
	last := api.RepoRequestParams{Tag: "f40-build", MinEvent: "last"}
	for _, end := range []error{errors.New("the caller is gone"), nil} {
		begun, commit, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			done <- l.hub.Store.InTx(l.ctx, func(ctx context.Context) error {
				_, err := rpc.Invoke(ctx, l.hub.Caller(), api.TagBuildBypass, api.TagBuildBypassParams{Tag: "base", Build: "foo-1-1"})
				close(begun)
				<-commit
				return cmp.Or(err, end)
			})
		}()
		<-begun
		id := l.ready("f40-build")
		require.Empty(t, l.wanted(), "nothing is to be seen yet")
		require.Equal(t, id, do(l, api.RepoRequestMethod, last).Repo.ID)
		close(commit)
		require.Equal(t, end, <-done)
		if end != nil {
			require.Empty(t, l.wanted(), "nothing has changed")
			continue
		}
		waits := tasks.WaitrepoParams{Tag: tasks.Ref{Name: "f40-build"}, NVRs: []string{"foo-1-1"}}
		found, err := l.hub.FindRepo(l.ctx, 0, 1, waits)
		require.NoError(t, err)
		require.Nil(t, found.Repo, "the build is not in it")
		require.Nil(t, do(l, api.RepoRequestMethod, last).Repo)
		require.Equal(t, []string{"f40-build"}, l.wanted())

		id = l.ready("f40-build")
		require.Empty(t, l.wanted())
		require.Equal(t, id, do(l, api.RepoRequestMethod, last).Repo.ID)
		found, err = l.hub.FindRepo(l.ctx, 0, 1, waits)
		require.NoError(t, err)
		require.Equal(t, id, found.Repo.ID)
	}
	require.NoError(t, l.Sweep(l.ctx))
	require.Empty(t, l.list(`SELECT p.repo_id::text FROM toji.repo_pending p JOIN repo ON repo.id = p.repo_id WHERE state <> 1`))
}

// A repository that is in the making when the change comes does not serve those
// who want the change.
func TestLateCommitWhileMaking(t *testing.T) {
	l := newLab(t)
	begun, commit, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- l.hub.Store.InTx(l.ctx, func(ctx context.Context) error {
			_, err := rpc.Invoke(ctx, l.hub.Caller(), api.GroupListAdd, api.GroupListAddParams{TagInfo: "base", GrpInfo: "build"})
			close(begun)
			<-commit
			return err
		})
	}()
	<-begun
	made, err := l.hub.InitRepo(l.ctx, 0, tasks.NewRepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.NoError(t, err)
	close(commit)
	require.NoError(t, <-done)
	require.Equal(t, []string{"f40-build"}, l.wanted())
	require.NoError(t, l.hub.Store.RepoReady(l.ctx, made.RepoID))
	require.Equal(t, []string{"f40-build"}, l.wanted(), "it still is")
	l.ready("f40-build")
	require.Empty(t, l.wanted())
}

// ready makes a repository of a tag as it is.
func (l *lab) ready(tag string) int64 {
	l.t.Helper()
	made, err := l.hub.InitRepo(l.ctx, 0, tasks.NewRepoParams{Tag: tasks.Ref{Name: tag}})
	require.NoError(l.t, err)
	require.NoError(l.t, l.hub.Store.RepoReady(l.ctx, made.RepoID))
	return made.RepoID
}

// repo.auto takes a tag out, or one in that has neither target nor repository.
func TestAutoSetting(t *testing.T) {
	l := newLab(t)
	set := func(tag string, v any) {
		do(l, api.EditTag2, api.EditTag2Params{TagInfo: tag, Changes: map[string]any{"extra": map[string]any{"repo.auto": v}}})
	}
	set("f40-build", false)
	require.Empty(t, l.wanted())
	set("base", true)
	require.Equal(t, []string{"base"}, l.wanted())
}

// Of several requests the one that somebody waits for comes first, so many at
// once, and one for each tag.
func TestOrder(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.Repo.MaxTasks = 2 })
	l.exec(`UPDATE repo SET create_event = 1`)
	require.Equal(t, []string{"alone", "f40-build"}, l.wanted())
	request := func(tag string, opts map[string]any, priority int64) {
		do(l, api.RepoRequestMethod, api.RepoRequestParams{Tag: tag, MinEvent: "last", Opts: opts, Priority: &priority})
	}
	request("base", nil, 0)
	request("base", map[string]any{"src": true}, -3)
	request("f40-build", nil, -1) // there is one, which it raises
	require.NoError(t, l.ServeQueue(l.ctx))
	const served = `SELECT t.name || ' ' || q.priority || ' ' || q.opts::text FROM repo_queue q JOIN tag t ON t.id = q.tag_id
		WHERE q.task_id IS NOT NULL ORDER BY q.task_id`
	require.Equal(t, []string{`base 17 {"src": true}`, `f40-build 19 {}`}, l.list(served))
	require.Equal(t, []string{"15", "15"}, l.list(`SELECT priority::text FROM task WHERE method = 'newRepo'`), "above builds")
	require.NoError(t, l.ServeQueue(l.ctx))
	require.Len(t, l.list(served), 2, "no more than that")

	l.exec(`UPDATE task SET state = 2 WHERE id = (SELECT task_id FROM repo_queue WHERE priority = 17); UPDATE repo_queue SET active = false WHERE priority = 17`)
	require.NoError(t, l.ServeQueue(l.ctx))
	require.Equal(t, `base 20 {}`, l.list(served)[2])
}

func TestRetries(t *testing.T) {
	l := newLab(t, func(c *config.Config) { c.Repo.Retries = 1 })
	do(l, api.RepoRequestMethod, api.RepoRequestParams{Tag: "base", MinEvent: "last"})
	for try := 1; try <= 2; try++ {
		require.NoError(t, l.ServeQueue(l.ctx))
		require.Equal(t, []string{fmt.Sprint(try)}, l.list(`SELECT tries::text FROM repo_queue WHERE active`))
		l.exec(`UPDATE task SET state = 5 WHERE method = 'newRepo'`)
	}
	require.NoError(t, l.ServeQueue(l.ctx))
	require.Equal(t, []string{"2 false"}, l.list(`SELECT tries || ' ' || active FROM repo_queue`))
	require.Len(t, l.list(`SELECT id::text FROM task`), 2)
}

// The rules by which kojira retires repositories.
func TestRetire(t *testing.T) {
	l := newLab(t)
	l.exec(`DELETE FROM repo; INSERT INTO task (id, state, owner, method, request, arch, channel_id) VALUES (7, 5, 1, 'newRepo', '', 'noarch', 1), (8, 1, 1, 'newRepo', '', 'noarch', 1);
		INSERT INTO repo (id, tag_id, create_event, end_event, state, dist, custom_opts, task_id, state_time, creation_time)
			SELECT id, tag, ev, CASE WHEN changed THEN 3 END, state, dist, custom::jsonb, task, now() - age::interval, now() - age::interval FROM (VALUES
			(10, 2, 1, true, 1, false, '{}', NULL::int, '8 days'),           -- not the latest
			(11, 2, 2, true, 1, false, '{}', NULL, '8 days'),                -- the latest, a target builds there
			(12, 1, 1, true, 1, false, '{}', NULL, '8 days'),                -- the latest, without a target
			(13, 1, 2, true, 1, false, '{"src": true}', NULL, '6 days'),     -- too young
			(14, 2, 2, false, 1, false, '{"src": true}', NULL, '8 days'),    -- other options
			(15, 1, 1, false, 1, false, '{}', NULL, '80 days'),              -- current
			(20, 1, 1, true, 1, true, NULL, NULL, '8 days'),                 -- dist, not the latest
			(21, 1, 2, true, 1, true, NULL, NULL, '8 days'),                 -- dist, the latest
			(30, 1, 1, false, 0, false, '{}', 7, '1 minute'),                -- its task failed
			(31, 1, 1, false, 0, false, '{}', 8, '8 days'),                  -- its task is at it
			(32, 1, 1, false, 0, true, NULL, NULL, '3 hours'),               -- nobody makes it
			(33, 1, 1, false, 0, true, NULL, NULL, '1 hour')
		) AS r (id, tag, ev, changed, state, dist, custom, task, age)`)
	for range 2 {
		require.NoError(t, l.hub.RetireRepos(l.ctx))
		require.Equal(t, []string{"10", "12", "14", "20"}, l.list(`SELECT id::text FROM repo WHERE state = 2 ORDER BY id`))
		require.Equal(t, []string{"30", "32"}, l.list(`SELECT id::text FROM repo WHERE state = 4 ORDER BY id`))
	}
}

// One change of a parent makes each repository anew once. The keeper is woken by
// notifications alone.
func TestManyTags(t *testing.T) {
	const tags = 40
	l := newLab(t, func(c *config.Config) { c.Repo.MaxTasks = 7 })
	for i := range tags {
		l.target(fmt.Sprintf("t%02d-build", i), "base")
	}
	l.current()
	ctx, cancel := context.WithCancel(l.ctx)
	done := make(chan error, 1)
	go func() { done <- l.Run(ctx) }()

	started := make(chan struct{}, 1000)
	ready := make(chan struct{}, 1)
	go func() {
		_ = l.hub.Store.Listen(ctx, func(channel, _ string) {
			if channel == "" {
				ready <- struct{}{}
			}
			started <- struct{}{}
		}, "toji_outbox")
	}()
	<-ready
	do(l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "base", PkgInfo: "late", Owner: "admin"})
	made := 0
	for made < tags+1 { // f40-build is one, too
		select {
		case <-started:
		case <-time.After(time.Minute):
			require.FailNow(t, "repositories are missing", "%d of %d", made, tags+1)
		}
		require.LessOrEqual(t, len(l.list(`SELECT id::text FROM task WHERE method = 'newRepo' AND state IN (0, 1)`)), 7)
		made += l.finish()
	}
	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	require.Empty(t, l.wanted())
	require.Equal(t, []string{"41 41"}, l.list(`SELECT count(*) || ' ' || count(DISTINCT tag_id) FROM repo WHERE task_id IS NOT NULL`))
}

// finish does the work of the newRepo tasks that there are.
func (l *lab) finish() int {
	l.t.Helper()
	tasks, err := database.All[int64](l.ctx, l.hub.Store.DB, `SELECT id FROM task WHERE method = 'newRepo' AND state = 0 ORDER BY id`)
	require.NoError(l.t, err)
	for _, id := range tasks {
		repo, err := database.One[int64](l.ctx, l.hub.Store.DB, `INSERT INTO repo (tag_id, state, opts, custom_opts, task_id)
			SELECT q.tag_id, 0, '{}', '{}', q.task_id FROM repo_queue q WHERE q.task_id = $1 LIMIT 1 RETURNING id`, id)
		require.NoError(l.t, err)
		require.NoError(l.t, l.hub.Store.RepoReady(l.ctx, repo))
		l.exec(`UPDATE task SET state = 2 WHERE id = $1`, id)
	}
	return len(tasks)
}
