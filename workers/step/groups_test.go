package step_test

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/workers/step"
)

func TestSweep(t *testing.T) {
	g := groups(t)
	dir := t.TempDir()
	run := func(id string) string {
		group, err := g.Task(id, step.Limits{PIDs: 100, Memory: 1 << 30})
		require.NoError(t, err)
		spec := sh("echo $$ > " + id + "; sleep 1000")
		spec.Dir, spec.Cgroup = dir, group.Path()
		start(t, spec)
		return waitFor(t, filepath.Join(dir, id))
	}
	one, two := run("1"), run("2")
	swept, err := g.Sweep(func(id string) bool { return id == "2" })
	require.NoError(t, err)
	require.Equal(t, []string{"1"}, swept)
	require.False(t, alive(one))
	require.True(t, alive(two))
	_, err = g.Task("../etc", step.Limits{})
	require.ErrorContains(t, err, "bad id")
}

// In a mount namespace without any cgroup mount the daemon mounts its own.
func TestGroupsMountTheirOwn(t *testing.T) {
	if os.Getenv("TOJI_TEST_INNER") == "" {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
			`umount -R /sys/fs/cgroup && exec "$0" -test.run '^TestGroupsMountTheirOwn$' -test.v`, os.Args[0])
		cmd.Env = append(os.Environ(), "TOJI_TEST_INNER=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		require.Contains(t, string(out), "--- PASS: TestGroupsMountTheirOwn")
		return
	}
	state := t.TempDir()
	g, err := step.OpenGroups(step.GroupsConfig{Name: "toji-test-mount", StateDir: state})
	require.NoError(t, err)
	require.True(t, g.Supported())
	group, err := g.Task("1", step.Limits{})
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(group.Path(), state))
	require.NoError(t, group.Remove())
	require.NoError(t, os.Remove(filepath.Dir(group.Path())))
	require.NoError(t, exec.Command("umount", filepath.Join(state, "cgroup2")).Run())
}

func TestGroupsFallback(t *testing.T) {
	if os.Getenv("TOJI_TEST_INNER") == "" {
		if os.Getuid() != 0 {
			t.Skip("needs root")
		}
		cmd := exec.Command("unshare", "--mount", "--propagation", "private", "sh", "-c",
			`umount -R /sys/fs/cgroup && exec "$0" -test.run '^TestGroupsFallback$' -test.v`, os.Args[0])
		cmd.Env = append(os.Environ(), "TOJI_TEST_INNER=1")
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, string(out))
		return
	}
	var log bytes.Buffer
	g, err := step.OpenGroups(step.GroupsConfig{Log: slog.New(slog.NewTextHandler(&log, nil))})
	require.NoError(t, err)
	require.False(t, g.Supported())
	require.Equal(t, 1, strings.Count(log.String(), "no cgroups"))
	group, err := g.Task("1", step.Limits{})
	require.NoError(t, err)
	require.Empty(t, group.Path())
	require.NoError(t, group.Remove())
}
