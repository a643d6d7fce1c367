package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// runroot makes a runroot task of builder1, or of the only host of a channel.
func (l *lab) runroot(t *testing.T, tag, channel string, command any, opts map[string]any) int64 {
	t.Helper()
	return call(t, l, api.Runroot, api.RunrootParams{TagInfo: tag, Arch: "x86_64", Command: command, Channel: channel, Opts: opts})
}

func TestRunroot(t *testing.T) {
	t.Parallel()
	l := start(t)
	const log = "runroot.log"

	t.Run("line for the shell", func(t *testing.T) {
		t.Parallel()
		id := l.runroot(t, "plain-build", "default", `echo "I am $(id -u)"; echo more >/tmp/more.log; echo err >&2`,
			map[string]any{"upload_logs": []any{"/tmp/more.log"}, "weight": 0.1, "skip_setarch": true, "keep": false})
		l.closed(t, id)
		require.Equal(t, "echo completed successfully", l.result(t, id))
		require.Equal(t, "I am 0\nerr\n", l.output(t, id, log))
		require.Equal(t, "more\n", l.output(t, id, "more.log"))
		require.Contains(t, l.output(t, id, "root.log"), "I am 0\n")
		require.Equal(t, 0.5, l.task(t, id).Weight)
		require.Equal(t, int64(koji.BuildrootExpired), l.count(t, `SELECT state FROM standard_buildroot WHERE task_id = $1`, id))
	})
	t.Run("list, any arch", func(t *testing.T) {
		t.Parallel()
		id := call(t, l, api.Runroot, api.RunrootParams{TagInfo: "plain-build", Arch: "noarch", Channel: "default", Command: []any{"echo", "it's", "a  b;", "$HOME"}})
		l.closed(t, id)
		require.Equal(t, "it's a  b; $HOME\n", l.output(t, id, log))
	})
	t.Run("command fails", func(t *testing.T) {
		t.Parallel()
		id := l.runroot(t, "plain-build", "default", "A=1 /bin/sh -c 'echo dying; exit 3'", nil)
		fault := l.failed(t, id)
		require.Equal(t, koji.FaultBuildroot, fault.Fault)
		require.Equal(t, "sh exited with status 3", fault.Msg)
		require.Equal(t, "dying\n", l.output(t, id, log))
		require.Equal(t, koji.KindPackage, l.status(t, id).Failures[0].Class)
		require.Equal(t, []string{"failed"}, l.outcomes(t, id))
	})
	t.Run("no such log", func(t *testing.T) {
		t.Parallel()
		id := l.runroot(t, "plain-build", "default", "echo hi", map[string]any{"upload_logs": []any{"/tmp/none.log"}})
		require.Equal(t, "there is no file /tmp/none.log in the buildroot", l.failed(t, id).Msg)
		require.Equal(t, "hi\n", l.output(t, id, log))
	})
	t.Run("no such package", func(t *testing.T) {
		t.Parallel()
		id := l.runroot(t, "plain-build", "default", "echo hi", map[string]any{"packages": []any{"no-such-package-anywhere"}})
		fault := l.failed(t, id)
		require.Equal(t, koji.FaultBuildroot, fault.Fault)
		require.Contains(t, l.output(t, id, "root.log"), "no-such-package-anywhere")
	})
	t.Run("packages of a repository", func(t *testing.T) {
		t.Parallel()
		s := l.srpm(t, "hello-noarch", 0)
		l.closed(t, l.build(t, s, "chain", nil))
		made := l.make(t, "newRepo", "chain-build")
		l.closed(t, made)
		repo := l.result(t, made).([]any)[0]
		opts := map[string]any{"repo_id": repo, "packages": []any{"hello-noarch"}}
		id := l.runroot(t, "chain-build", "default", "hello-noarch", opts)
		l.closed(t, id)
		require.Equal(t, "hello\n", l.output(t, id, log))
		require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM buildroot_listing l JOIN standard_buildroot b USING (buildroot_id)
			JOIN rpminfo r ON r.id = l.rpm_id WHERE b.task_id = $1 AND r.name = 'hello-noarch'`, id))
		other := l.runroot(t, "plain-build", "default", "echo hi", map[string]any{"repo_id": repo})
		require.Equal(t, "build tag (plain-build) does not match repo tag (chain-build)", l.failed(t, other).Msg)
	})
	t.Run("no mounts", func(t *testing.T) {
		t.Parallel()
		id := l.runroot(t, "plain-build", "default", "echo hi", map[string]any{"mounts": []any{"/etc"}})
		require.Contains(t, l.failed(t, id).Msg, "read-write mount point is not safe: /etc: this host allows none")
	})
}

// A host names the directories that it lets runroot tasks write to.
func TestRunrootMounts(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "composes.example.org"
	shared := filepath.Join(l.dir, "composes")
	require.NoError(t, os.MkdirAll(filepath.Join(shared, "f40"), 0o755))
	l.builder(t, name, map[string]any{"runroot_mounts": []string{shared}})
	l.awaitReady(t, name)

	dir := shared + "/f40"
	id := l.runroot(t, "plain-build", name, "echo made >"+dir+"/compose", map[string]any{"mounts": []any{dir}})
	l.closed(t, id)
	text, err := os.ReadFile(filepath.Join(dir, "compose"))
	require.NoError(t, err)
	require.Equal(t, "made\n", string(text))

	id = l.runroot(t, "plain-build", name, "echo hi", map[string]any{"mounts": []any{shared + "/../stack"}})
	require.Contains(t, l.failed(t, id).Msg, "read-write mount point is not safe: ")
}
