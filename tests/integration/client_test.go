package integration

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// koji runs Koji's own client, with its plugins, as the admin and returns what it
// prints. It skips the test if there is none, see startStock.
func (l *lab) koji(t *testing.T, args ...string) string {
	t.Helper()
	s := startStock(t)
	argv := []string{"--config", filepath.Join(l.Dir, "koji.conf"), "--profile", "toji", "--plugin-paths", filepath.Join(s.dir, "plugins", "cli")}
	out, err := s.command(t, "cli/koji", append(argv, args...)...).CombinedOutput()
	require.NoError(t, err, "koji %v: %s", args, out)
	return string(out)
}

// createdTask is the task that the client says that it has created.
func createdTask(t *testing.T, out string) int64 {
	t.Helper()
	found := regexp.MustCompile(`Created task (\d+)`).FindStringSubmatch(out)
	require.NotNil(t, found, out)
	id, err := strconv.ParseInt(found[1], 10, 64)
	require.NoError(t, err)
	return id
}

// TestStockTasks drives task types by Koji's own command line, which waits for each
// and tells what became of it. The other tests make the same calls.
func TestStockTasks(t *testing.T) {
	t.Parallel()
	l := start(t)

	t.Run("chain-build", func(t *testing.T) {
		t.Parallel()
		hello, user := l.srpm(t, "hello-noarch", 0), l.srpm(t, "use-noarch", 0)
		first, _ := l.repository(t, "hello-noarch", hello)
		second, _ := l.repository(t, "use-noarch", user)
		l.koji(t, "chain-build", "--wait", "chain", first, ":", second)
		l.completed(t, user.nvr, "chain", 2)
		require.Contains(t, l.buildrootOf(t, user.nvr), hello.nvr)
	})
	t.Run("dist-repo", func(t *testing.T) {
		t.Parallel()
		tag, s := l.distTag(t, "hello-noarch")
		out := l.koji(t, "dist-repo", "--allow-missing-signatures", "--arch", "x86_64", "--wait", tag, "none")
		require.Contains(t, out, "successfully")
		repo := l.count(t, `SELECT max(r.id) FROM repo r JOIN tag t ON t.id = r.tag_id WHERE t.name = $1`, tag)
		require.FileExists(t, filepath.Join(l.distDir(tag, repo, "x86_64"), "Packages", "h", s.nvr+".noarch.rpm"))
	})
	t.Run("runroot", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, l.koji(t, "runroot", "--use-shell", "plain-build", "x86_64", "echo I am $(id -u)"), "I am 0\n")
	})
	t.Run("save-failed-tree", func(t *testing.T) {
		t.Parallel()
		arch, root := l.failedRoot(t)
		out := l.koji(t, "save-failed-tree", fmt.Sprint(arch))
		require.Contains(t, out, "completed successfully")
		require.Contains(t, l.savedTree(t, createdTask(t, out), fmt.Sprintf("broot-%d.tar.gz", root)), "builddir/build/SPECS/fail-build.spec")
	})
	t.Run("wrapper-rpm", func(t *testing.T) {
		t.Parallel()
		nvr := l.mavenBuild(t)
		out := l.koji(t, "wrapper-rpm", "--wait", "plain", nvr.String(), l.wrapperTemplate(t, "wrapper.spec.tmpl"))
		require.Contains(t, out, "completed successfully")
		require.Len(t, call(t, l, api.ListBuildRPMs, api.OneBuildParams{Build: nvr.String()}), 2)
	})
	t.Run("restart-hosts", func(t *testing.T) {
		t.Parallel()
		const name = "stock.example.org"
		daemon := l.builder(t, name, nil)
		l.awaitReady(t, name)
		l.koji(t, "restart-hosts", "--channel", name, "--nowait", "--force")
		id := l.count(t, `SELECT id FROM task WHERE method = 'restartHosts' AND request LIKE '%' || $1 || '%'`, name)
		<-daemon.Done()
		next, err := l.RestartBuilder(name)
		require.NoError(t, err)
		t.Cleanup(next.Kill)
		require.Contains(t, l.koji(t, "watch-task", fmt.Sprint(id)), "completed successfully")
	})
}
