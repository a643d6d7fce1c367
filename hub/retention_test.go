package hub

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// put writes a file below the top directory, of an age.
func (l *life) put(age time.Duration, names ...string) {
	l.t.Helper()
	for _, name := range names {
		path := filepath.Join(l.Paths.TopDir, name)
		require.NoError(l.t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(l.t, os.WriteFile(path, []byte("0123456789"), 0o644))
		for ; path != l.Paths.TopDir; path = filepath.Dir(path) {
			require.NoError(l.t, os.Chtimes(path, time.Time{}, time.Now().Add(-age)))
		}
	}
}

// link makes a symbolic link that is three weeks old.
func (l *life) link(target, name string) {
	l.t.Helper()
	path := filepath.Join(l.Paths.TopDir, name)
	require.NoError(l.t, os.Symlink(target, path))
	old := unix.NsecToTimespec(time.Now().Add(-3 * week).UnixNano())
	require.NoError(l.t, unix.UtimesNanoAt(unix.AT_FDCWD, path, []unix.Timespec{old, old}, unix.AT_SYMLINK_NOFOLLOW))
}

func (l *life) there(name string) bool {
	_, err := os.Lstat(filepath.Join(l.Paths.TopDir, name))
	return err == nil
}

const week = 7 * 24 * time.Hour

func TestSweepUploads(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(outside+"/precious", nil, 0o644))
	l.put(3*week, "work/cli-build/old/a/b.src.rpm", "work/cli-build/wanted/b.src.rpm", "work/single", "work/tasks/7/7/build.log", "work/cli-build/.user")
	l.put(week, "work/cli-build/new/b.src.rpm")
	l.put(3*week, "work/cli-build/mixed/old")
	l.put(week, "work/cli-build/mixed/new")
	l.link(outside, "work/cli-build/link")
	l.link(outside, "work/linked")
	l.link(outside, "work/cli-build/old/link")
	require.NoError(t, os.Chtimes(l.Paths.Work("")+"/cli-build/old", time.Time{}, time.Now().Add(-3*week)))
	request, err := xmlrpc.MarshalRequest("build", "cli-build/wanted/b.src.rpm", "f40")
	require.NoError(t, err)
	_, err = l.Store.Exec(t.Context(), `UPDATE task SET request = $1 WHERE id = 100`, request)
	require.NoError(t, err)

	want := []string{"remove | work/cli-build/old | not changed for 14 days", "remove | work/single | not changed for 14 days"}
	require.Equal(t, want, l.clean("sweep", true, "uploads"))
	require.True(t, l.there("work/cli-build/old"))
	require.Equal(t, want, l.clean("sweep", false, "uploads"))
	require.Empty(t, l.clean("sweep", false, "uploads"))
	for _, name := range []string{"cli-build/wanted/b.src.rpm", "cli-build/new/b.src.rpm", "cli-build/mixed/old", "cli-build/link", "linked", "tasks/7/7/build.log"} {
		require.True(t, l.there("work/"+name), name)
	}
	require.False(t, l.there("work/cli-build/old") || l.there("work/single"))
	require.FileExists(t, outside+"/precious")
	answer := httptest.NewRecorder()
	promhttp.HandlerFor(l.Registry, promhttp.HandlerOpts{}).ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	for _, line := range []string{
		`toji_retention_freed_bytes_total{step="uploads"} 20`, `toji_retention_removed_total{action="remove",step="uploads"} 2`,
		`toji_retention_run_seconds_count{kind="sweep"} 2`, `toji_retention_last_success_timestamp_seconds{kind="sweep"} 1.`,
	} {
		require.Contains(t, answer.Body.String(), line)
	}
}

func TestSweepTaskOutput(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) {
		c.Retention.FailedTasks, c.Retention.ClosedTasks, c.Retention.Scratch = config.Duration(2*week), config.Duration(3*week), config.Duration(2*week)
	})
	l.exec(`
		INSERT INTO volume (id, name) VALUES (1, 'slow');
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, parent, completion_time)
		SELECT id, state, 2, 'buildArch', '', 'noarch', 1, parent, now() - age::interval FROM (VALUES
			(201, 5, NULL, '15 days'), (202, 3, NULL, '15 days'), (203, 5, NULL, '13 days'), (204, 2, NULL, '22 days'), (205, 2, NULL, '20 days'),
			(206, 5, 100, '15 days'), (10201, 5, NULL, '15 days')) AS t (id, state, parent, age)`)
	for id := range 206 {
		if id > 200 {
			l.put(0, fmt.Sprintf("work/tasks/%d/%d/build.log", id+1, id+1))
		}
	}
	l.put(0, "work/tasks/201/201/root.log", "vol/slow/work/tasks/201/10201/build.log", "work/tasks/9/300/misplaced", "work/tasks/100/100/build.log")
	l.put(3*week, "work/tasks/400/400/of-no-task")
	require.Equal(t, []string{
		"remove | work/tasks/201/201 | buildArch of labuser, failed more than 14 days ago",
		"remove | work/tasks/202/202 | buildArch of labuser, canceled more than 14 days ago",
		"remove | work/tasks/400/400 | of no task, not changed for 14 days",
		"remove | vol/slow/work/tasks/201/10201 | buildArch of labuser, failed more than 14 days ago",
	}, l.clean("sweep", false, "failed_tasks"))
	require.Equal(t, []string{"remove | work/tasks/204/204 | buildArch of labuser, closed more than 21 days ago"}, l.clean("sweep", false, "closed_tasks"))
	left, err := filepath.Glob(l.Paths.TopDir + "/work/tasks/*/*")
	require.NoError(t, err)
	require.Len(t, left, 5)

	l.put(0, "scratch/alice/task_201/x.rpm", "scratch/alice/task_205/x.rpm", "scratch/alice/task_203/x.rpm", "scratch/alice/mine/x.rpm")
	require.Equal(t, []string{
		"remove | scratch/alice/task_201 | buildArch of labuser, failed more than 14 days ago",
		"remove | scratch/alice/task_205 | buildArch of labuser, closed more than 14 days ago",
	}, l.clean("sweep", false, "scratch"))
}

// A sweep of more directories than a batch has goes through all of them, once.
func TestSweepManyDirectories(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	const dirs = dirBatch + 20
	for i := range dirs {
		l.put(3*week, fmt.Sprintf("work/a-b/%d/x", i))
	}
	l.put(3*week, "work/a/1/x", "work/a/2/x")
	require.Len(t, l.clean("sweep", true, "uploads"), dirs+2)
	require.Len(t, l.clean("sweep", false, "uploads"), dirs+2)
	require.False(t, l.there("work/a-b/7"))
}

// What a process that died had begun is ended by the next sweep.
func TestSweepLeftovers(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	l.put(week, "work/cli-build/1/x", "work/.trash/cli-build_2/x", "work/cli-build/4/x")
	l.put(0, "work/cli-build/3/x")
	gone, back := l.built("foo", "1"), l.built("foo", "2")
	l.exec(fmt.Sprintf(`UPDATE build SET state = 2 WHERE id = %d;
		INSERT INTO toji.removal (place, rel, build_id, since) SELECT 'packages', 'foo/' || version || '/1', id, now() - interval '1 hour' FROM build WHERE id IN (%d, %d);
		INSERT INTO toji.removal (place, rel, since) SELECT 'work', 'cli-build/' || i, now() - interval '1 hour' FROM generate_series(1, 3) i;
		INSERT INTO toji.removal (place, rel) VALUES ('work', 'cli-build/4')`, gone, gone, back))
	require.Equal(t, []string{"remove | directories | their removal had begun"}, l.clean("sweep", true, "leftovers"))
	require.True(t, l.hasFiles(gone))
	require.Len(t, l.clean("sweep", false, "leftovers"), 5)
	require.False(t, l.hasFiles(gone))
	require.True(t, l.hasFiles(back), "it is not deleted any more")
	require.False(t, l.there("work/cli-build/1"))
	require.False(t, l.there("work/.trash/cli-build_2"), "it was moved aside already")
	require.True(t, l.there("work/cli-build/3"), "somebody has put something else there")
	require.True(t, l.there("work/cli-build/4"), "somebody is at it")
	require.Empty(t, l.clean("sweep", false, "leftovers"))
}

// What cannot be removed is tried again, and keeps nothing else from going.
func TestRemovalFails(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	l.put(3*week, "work/cli-build/1/x", "work/cli-build/2/x")
	require.NoError(t, os.WriteFile(l.Paths.TopDir+"/work/.trash", nil, 0o644))
	require.Len(t, l.clean("sweep", false, "uploads"), 2)
	require.True(t, l.there("work/cli-build/1"))
	require.NoError(t, os.Remove(l.Paths.TopDir+"/work/.trash"))
	l.exec(`UPDATE toji.removal SET since = now() - interval '1 hour'`)
	require.Len(t, l.clean("sweep", false, "leftovers"), 2)
	require.False(t, l.there("work/cli-build/1") || l.there("work/cli-build/2"))
}

func TestSweepTaskRows(t *testing.T) {
	l := newCleanLife(t, func(c *config.Config) {
		c.Retention.ScratchTasks, c.Retention.NotificationTasks, c.Retention.Buildroots = config.Duration(week), config.Duration(week), true
	})
	l.exec(`
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, parent, completion_time)
		SELECT id, state, 2, method, '', 'noarch', 1, parent, now() - age::interval FROM (VALUES
			(201, 2, 'build', NULL, '8 days'), (202, 2, 'buildArch', 201, '8 days'), (203, 2, 'build', NULL, '6 days'), (204, 2, 'build', NULL, '8 days'),
			(205, 2, 'build', NULL, '8 days'), (206, 1, 'buildArch', 205, NULL), (207, 2, 'tagNotification', NULL, '8 days'), (208, 2, 'sleep', NULL, '8 days')) AS t (id, state, method, parent, age);
		INSERT INTO toji.task_attempt (task_id, attempt) VALUES (202, 1);
		INSERT INTO scheduler_task_runs (task_id, host_id, active) VALUES (202, 1, false);
		INSERT INTO scheduler_log_messages (task_id, msg) VALUES (202, 'x');
		INSERT INTO buildroot (id, br_type) VALUES (1, 0), (2, 0), (3, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state) VALUES (1, 1, 1, 202, 3), (2, 1, 1, 208, 3)`)
	used := l.built("foo", "1")
	l.exec(fmt.Sprintf(`UPDATE rpminfo SET buildroot_id = 3 WHERE build_id = %d; INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update) SELECT 1, id, false FROM rpminfo`, used))
	for id, scratch := range map[int64]bool{201: true, 203: true, 204: false, 205: true} {
		request, err := xmlrpc.MarshalRequest("build", "x.src.rpm", "f40", map[string]any{"scratch": scratch})
		require.NoError(t, err)
		_, err = l.Store.Exec(t.Context(), `UPDATE task SET request = $2 WHERE id = $1`, id, request)
		require.NoError(t, err)
	}
	ids := func(query string) []int64 {
		list, err := database.All[int64](t.Context(), l.Store.DB, query)
		require.NoError(t, err)
		return list
	}
	steps := []string{"notification_tasks", "scratch_tasks", "buildroots"}
	dry := l.clean("sweep", true, steps...)
	require.Len(t, dry, 2, "the buildroot is in use as long as the task is there")
	require.Len(t, ids(`SELECT id FROM task WHERE id > 200`), 8)
	require.Equal(t, []string{"remove | tasks of type tagNotification | older than 7 days", "remove | tasks of type build | older than 7 days",
		"remove | buildroots | nothing refers to them"}, l.clean("sweep", false, steps...))
	require.Equal(t, []int64{203, 204, 205, 206, 208}, ids(`SELECT id FROM task WHERE id > 200 ORDER BY id`))
	require.Equal(t, []int64{2, 3}, ids(`SELECT id FROM buildroot ORDER BY id`), "of a task, and of an RPM")
}

func TestRetentionRuns(t *testing.T) {
	l := newCleanLife(t, func(*config.Config) {})
	require.Equal(t, []string{"leftovers", "sessions", "reservations", "scheduler", "uploads", "reports"}, l.RetentionSteps("sweep"), "harmless by default")
	require.Equal(t, []string{"delete", "trash"}, l.RetentionSteps("gc"), "without a policy, and a relay")
	first, err := l.BeginRetention(t.Context(), "sweep", "execution")
	require.NoError(t, err)
	again, err := l.BeginRetention(t.Context(), "sweep", "execution")
	require.NoError(t, err)
	require.Equal(t, first, again)

	require.Empty(t, l.clean("sweep", false))
	runs, err := l.getRetentionRuns(l.ctx, api.RetentionRunsParams{Limit: 9})
	require.NoError(t, err)
	require.Len(t, runs, 2)
	require.Equal(t, "kojiadmin", *runs[0].User)
	require.Nil(t, runs[1].User)
	requested, err := l.Store.RequestedRetention(t.Context())
	require.NoError(t, err)
	require.Empty(t, requested, "that of the schedule has a workflow")

	ended, err := l.SkipRetentionStep(t.Context(), first, "leftovers", "the disk is away", false)
	require.NoError(t, err)
	require.False(t, ended)
	_, err = l.SkipRetentionStep(t.Context(), first, "leftovers", "once more", false)
	require.NoError(t, err)
	r, err := l.getRetentionReport(l.ctx, api.RetentionReportParams{Kind: "sweep", Run: &first})
	require.NoError(t, err)
	require.Equal(t, []string{"leftovers: the disk is away"}, r.Failures)
	require.Equal(t, "sessions", r.Steps[0])
	none, err := l.getRetentionReport(l.ctx, api.RetentionReportParams{Kind: "gc"})
	require.NoError(t, err)
	require.Nil(t, none)
}
