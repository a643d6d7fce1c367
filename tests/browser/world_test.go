package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
	"github.com/toji-build/toji/web"
)

// Tasks and builds of the world.
const (
	failedTask  = 103 // a buildArch task that failed
	runningTask = 202 // a buildArch task that writes a log
	waitingTask = 203
	brokenTask  = 301 // whose label is an attack
	doneBuild   = 1
	newBuild    = 3
)

// attack is text that must stay text.
const attack = `<script>document.title="pwned"</script>`

// world is a hub over a database with something in it, and its pages.
type world struct {
	*httptest.Server
	t   *testing.T
	db  *database.DB
	top string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, db: testenv.Database(t), top: t.TempDir()}
	sql, err := os.ReadFile("testdata/world.sql")
	require.NoError(t, err)
	w.exec(string(sql))
	w.addTasks()
	w.addBuilds()
	w.addFiles()

	c := config.Default()
	c.Hub.TopDir = w.top
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	h, err := hub.New(hub.Options{DB: w.db, Config: c, Log: log})
	require.NoError(t, err)
	site, err := web.New(web.Options{
		Caller: h.Caller(), TopDir: w.top, TemporalUI: "http://temporal.invalid", Log: log,
		Changes: func(ctx context.Context, changed func()) error {
			return w.db.Listen(ctx, func(string, string) { changed() }, "toji_sched")
		},
	})
	require.NoError(t, err)
	server, err := hub.NewServer(h, hub.ServerOptions{Web: site})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })

	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- site.Run(ctx) }()
	w.Server = httptest.NewServer(server.Handler())
	t.Cleanup(func() {
		cancel()
		require.NoError(t, <-done)
		w.Close() // waits for streams, which Run has ended
	})
	return w
}

func (w *world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.db.Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}

// aTask is a row of the task table; times are minutes ago.
type aTask struct {
	id, parent     int
	state          koji.TaskState
	method, arch   string
	owner, host    int
	started, ended int
	label          string
	result         string
	params         []any
}

func (w *world) addTasks() {
	srpm := "cli-build/1795424848.8/hello-2.12-1.fc43.src.rpm"
	opts := map[string]any{"repo_id": 17}
	fault := xmlrpc.MarshalFault(koji.FaultBuild, "error building package (arch aarch64), mock exited with status 1; see build.log for more information")
	logs, err := xmlrpc.MarshalResult(map[string]any{
		"rpms": []string{"tasks/102/102/hello-2.12-1.fc43.x86_64.rpm"}, "srpms": []string{}, "logs": []string{"tasks/102/102/build.log"}, "brootid": 9,
	})
	require.NoError(w.t, err)
	for _, t := range []aTask{
		{id: 101, state: koji.TaskFailed, method: "build", arch: "noarch", owner: 2, started: 95, ended: 80, result: fault,
			params: []any{srpm, "f43", map[string]any{"skip_tag": true, "wait_builds": []string{"bash-5.2-1.fc43"}}}},
		{id: 102, parent: 101, state: koji.TaskClosed, method: "buildArch", arch: "x86_64", owner: 2, host: 1, started: 94, ended: 85, result: logs,
			label: "x86_64", params: []any{srpm, 2, "x86_64", true, opts}},
		{id: failedTask, parent: 101, state: koji.TaskFailed, method: "buildArch", arch: "aarch64", owner: 2, host: 3, started: 94, ended: 81, result: fault,
			label: "aarch64", params: []any{srpm, 2, "aarch64", false, opts}},
		{id: 110, state: koji.TaskClosed, method: "newRepo", arch: "noarch", owner: 4, started: 70, ended: 66, params: []any{"f43-build"}},
		{id: 111, state: koji.TaskCanceled, method: "sleep", arch: "noarch", owner: 3, host: 2, started: 60, ended: 55, params: []any{3600}},
		{id: 201, state: koji.TaskOpen, method: "build", arch: "noarch", owner: 3, started: 6,
			params: []any{"git+https://src.example.org/rpms/bash#4f1c2ab99de0", "f43-candidate"}},
		{id: runningTask, parent: 201, state: koji.TaskOpen, method: "buildArch", arch: "x86_64", owner: 3, host: 1, started: 3,
			label: "x86_64", params: []any{"tasks/201/201/bash-5.3-1.fc43.src.rpm", 2, "x86_64", true, opts}},
		{id: waitingTask, parent: 201, state: koji.TaskFree, method: "buildArch", arch: "aarch64", owner: 3,
			label: "aarch64", params: []any{"tasks/201/201/bash-5.3-1.fc43.src.rpm", 2, "aarch64", false, opts}},
		{id: brokenTask, state: koji.TaskFree, method: "build", arch: "noarch", owner: 3, params: []any{"x/" + attack, attack}},
	} {
		w.addTask(t)
	}
	w.exec(`SELECT setval('task_id_seq', 1000)`)
	w.exec(`INSERT INTO toji.task_wait (task_id, reason, code) VALUES ($1, 'all hosts for aarch64 are quarantined or disabled: arm-01.example.org, arm-02.example.org', 'no-ready-host')`, waitingTask)
	w.exec(`INSERT INTO toji.task_attempt (task_id, attempt, host_id, started, ended, outcome) VALUES
		($1, 1, 3, now() - interval '94 minutes', now() - interval '92 minutes', 'infrastructure'),
		($1, 2, 3, now() - interval '91 minutes', now() - interval '81 minutes', 'failed'), ($2, 1, 1, now() - interval '3 minutes', NULL, NULL)`, failedTask, runningTask)
	w.exec(`INSERT INTO toji.task_failure (task_id, at, class, host_id, message) VALUES
		($1, now() - interval '92 minutes', 'infrastructure', 3, 'no space left on device'),
		($1, now() - interval '81 minutes', 'package', 3, 'error building package (arch aarch64), mock exited with status 1; see build.log for more information')`, failedTask)
}

func (w *world) addTask(t aTask) {
	request, err := xmlrpc.MarshalRequest(t.method, t.params...)
	require.NoError(w.t, err)
	w.exec(`INSERT INTO task (id, parent, state, method, arch, owner, host_id, label, result, request, channel_id, priority,
			create_time, start_time, completion_time, weight)
		VALUES ($1, nullif($2, 0), $3, $4, $5, $6, nullif($7, 0), nullif($8, ''), nullif($9, ''), $10, 1, 20,
			now() - ($11 + 1) * interval '1 minute',
			CASE WHEN $11 > 0 THEN now() - $11 * interval '1 minute' END,
			CASE WHEN $12 > 0 THEN now() - $12 * interval '1 minute' END, 1.5)`,
		t.id, t.parent, int(t.state), t.method, t.arch, t.owner, t.host, t.label, t.result, request, t.started, t.ended)
}

func (w *world) addBuilds() {
	w.exec(`INSERT INTO build (id, volume_id, pkg_id, version, release, epoch, state, task_id, owner, source, extra, start_time, completion_time) VALUES
		(1, 0, 3, '2.12', '1.fc43', NULL, 1, 110, 2, 'git+https://src.example.org/rpms/hello#07c3aa9', '{"source": {"original_url": "git+https://src.example.org/rpms/hello#main"}}', now() - interval '2 hours', now() - interval '110 minutes'),
		(2, 0, 3, '2.12', '2.fc43', NULL, 3, 101, 2, NULL, NULL, now() - interval '95 minutes', now() - interval '80 minutes'),
		(3, 0, 1, '5.3', '1.fc43', 1, 0, 201, 3, NULL, NULL, now() - interval '6 minutes', NULL),
		(4, 0, 2, '1.0~rc1^git', '0.1.fc43', NULL, 1, NULL, 3, NULL, NULL, now() - interval '30 hours', now() - interval '29 hours')`)
	w.exec(`INSERT INTO build_types (build_id, btype_id) SELECT b.id, t.id FROM build b, btype t WHERE t.name = 'rpm'`)
	w.exec(`INSERT INTO tag_listing (build_id, tag_id, creator_id) VALUES (1, 1, 1), (1, 3, 1), (4, 1, 1)`)
	for _, rpm := range []struct {
		build      int
		name, arch string
		size       int
	}{
		{1, "hello", "src", 723104}, {1, "hello", "x86_64", 61300}, {1, "hello-devel", "x86_64", 4410}, {1, "hello-debuginfo", "x86_64", 99000},
		{1, "hello-debugsource", "x86_64", 44000}, {1, "hello", "aarch64", 60211}, {1, "hello-doc", "noarch", 3120},
	} {
		w.exec(`INSERT INTO rpminfo (build_id, draft, name, version, release, arch, external_repo_id, payloadhash, size, buildtime)
			VALUES ($1, false, $2, '2.12', '1.fc43', $3, 0, '', $4, 1795424848)`, rpm.build, rpm.name, rpm.arch, rpm.size)
	}
}

func (w *world) addFiles() {
	var long strings.Builder
	for i := range 300 {
		fmt.Fprintf(&long, "gcc -DHAVE_CONFIG_H -I. -O2 -flto=auto -c -o object%d.o source%d.c\n", i, i)
	}
	long.WriteString("source299.c:41:9: error: implicit declaration of function 'frobnicate'\nmake: *** [Makefile:312: source299.o] Error 1\n" +
		"error: Bad exit status from /var/tmp/rpm-tmp.Qm8Zlk (%build)\n")
	w.write(w.taskFile(failedTask, "build.log"), long.String())
	w.write(w.taskFile(failedTask, "root.log"), "DEBUG util.py:  Installing bash\n")
	w.write(w.taskFile(failedTask, "hw_info.log"), "CPU info:\n")
	w.write(w.taskFile(runningTask, "build.log"), "Building target platforms: x86_64\n"+attack+"\n")
	w.write(w.taskFile(runningTask, "root.log"), "DEBUG util.py:  Installing bash\n")
	w.write(w.taskFile(102, "hello-2.12-1.fc43.x86_64.rpm"), "not really one")
	dir := "packages/hello/2.12/1.fc43/data/logs/"
	for _, name := range []string{"x86_64/build.log", "x86_64/root.log", "aarch64/build.log", "noarch/state.log"} {
		w.write(filepath.Join(w.top, dir, name), "a log\n")
	}
}

func (w *world) taskFile(id int64, name string) string {
	return filepath.Join(koji.PathInfo{TopDir: w.top}.Task("", id), name)
}

// write adds text to a file.
func (w *world) write(path, text string) {
	w.t.Helper()
	require.NoError(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	require.NoError(w.t, err)
	_, err = f.WriteString(text)
	require.NoError(w.t, err)
	require.NoError(w.t, f.Close())
}
