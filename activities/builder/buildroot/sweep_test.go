package buildroot_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
)

func TestSweep(t *testing.T) {
	base := t.TempDir()
	for _, dir := range []string{"a-1-1/root/etc", "a-1-1/result", "b-2-1/root", "b-2-1/result", "c-3-1/root", "fedora-40-x86_64/root"} {
		require.NoError(t, os.MkdirAll(filepath.Join(base, dir), 0o755))
	}
	host := t.TempDir()
	precious := filepath.Join(host, "precious")
	require.NoError(t, os.WriteFile(precious, nil, 0o644))
	if os.Getuid() == 0 {
		// As a builder that was killed in the middle may leave it.
		require.NoError(t, exec.Command("mount", "--bind", host, filepath.Join(base, "a-1-1/root/etc")).Run())
	}
	swept, err := buildroot.Sweep(base, func(name string, used time.Time) buildroot.Keep {
		require.WithinDuration(t, time.Now(), used, time.Minute)
		return map[string]buildroot.Keep{"a-1-1": buildroot.KeepNothing, "b-2-1": buildroot.KeepResults, "c-3-1": buildroot.KeepAll}[name]
	})
	require.NoError(t, err)
	require.Equal(t, []string{"a-1-1", "b-2-1"}, swept)
	require.FileExists(t, precious, "what was mounted is not removed")
	require.NoDirExists(t, filepath.Join(base, "a-1-1"))
	require.NoDirExists(t, filepath.Join(base, "b-2-1/root"))
	require.DirExists(t, filepath.Join(base, "b-2-1/result"))
	require.DirExists(t, filepath.Join(base, "c-3-1/root"))
	require.DirExists(t, filepath.Join(base, "fedora-40-x86_64"), "not a root of ours")
}

func TestRemoveMockConfigs(t *testing.T) {
	config := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(config, "koji"), 0o755))
	for _, f := range []string{"a-1-1", "b-2-1"} {
		require.NoError(t, os.WriteFile(filepath.Join(config, "koji", f+".cfg"), nil, 0o644))
	}
	require.NoError(t, buildroot.RemoveMockConfigs(config, []string{"b-2-1", "of-another-driver-3-1"}))
	left, err := filepath.Glob(filepath.Join(config, "koji", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(config, "koji/a-1-1.cfg")}, left)
}

func TestSweepBases(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"new": 0, "middle": time.Hour, "old": 48 * time.Hour} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name, "root"), 0o755))
		lock := filepath.Join(dir, name+".lock")
		require.NoError(t, os.WriteFile(lock, nil, 0o644))
		require.NoError(t, os.Chtimes(lock, now, now.Add(-age)))
	}
	removed, err := buildroot.SweepBases(dir, now.Add(-24*time.Hour), 10)
	require.NoError(t, err)
	require.Equal(t, []string{"old"}, removed)
	removed, err = buildroot.SweepBases(dir, now.Add(-24*time.Hour), 1)
	require.NoError(t, err)
	require.Equal(t, []string{"middle"}, removed)
	left, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(dir, "new"), filepath.Join(dir, "new.lock")}, left)
}

func TestDiskFree(t *testing.T) {
	free, err := buildroot.DiskFree(t.TempDir())
	require.NoError(t, err)
	require.Positive(t, free)
	_, err = buildroot.DiskFree("/nonexistent")
	require.Error(t, err)
}
