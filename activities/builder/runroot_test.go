package builder

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

func TestCommandOf(t *testing.T) {
	for _, test := range []struct {
		wire any
		name string
		argv []string
	}{
		{"echo hi > /tmp/x", "echo", []string{"/bin/sh", "-c", "echo hi > /tmp/x"}},
		{"A=1 B=2 /usr/bin/make all", "make", []string{"/bin/sh", "-c", "A=1 B=2 /usr/bin/make all"}},
		{"A=1", "(none)", []string{"/bin/sh", "-c", "A=1"}},
		{[]any{"/bin/echo", "it's", "a  b"}, "echo", []string{"/bin/echo", "it's", "a  b"}},
	} {
		got, err := commandOf(test.wire)
		require.NoError(t, err)
		require.Equal(t, command{name: test.name, argv: test.argv}, got)
	}
	for _, wire := range []any{"", " ", []any{}, []any{"echo", int64(1)}, nil, int64(3)} {
		_, err := commandOf(wire)
		require.Equal(t, koji.FaultGeneric, koji.FaultOf(err), "%v", wire)
	}
}

func TestCommandFailure(t *testing.T) {
	c, host := command{name: "make"}, errors.New("the host's")
	err := c.failure(step.Exit{Code: 2}, host)
	require.EqualError(t, err, "make exited with status 2")
	require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
	require.Equal(t, koji.KindPackage, koji.KindOf(err))
	require.Equal(t, host, c.failure(step.Exit{Signal: 9}, host), "something killed it")
	require.Equal(t, host, c.failure(step.Exit{}, host), "it went well, but not what came after")
}

func TestAllowedMounts(t *testing.T) {
	top, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	safe, other := filepath.Join(top, "safe"), filepath.Join(top, "safe-not")
	require.NoError(t, os.MkdirAll(filepath.Join(safe, "deep"), 0o755))
	require.NoError(t, os.Mkdir(other, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(safe, "file"), nil, 0o644))
	require.NoError(t, os.Symlink(other, filepath.Join(safe, "link")))

	mounts, err := allowedMounts([]string{"/nonexistent", safe}, []string{safe + "/", safe + "/deep/../deep"})
	require.NoError(t, err)
	require.Equal(t, []string{safe, safe + "/deep"}, mounts)
	mounts, err = allowedMounts(nil, nil)
	require.NoError(t, err)
	require.Empty(t, mounts)

	for dir, want := range map[string]string{
		other:             "read-write mount point is not safe: " + other,
		safe + "/../x":    "read-write mount point is not safe: ",
		"deep":            "read-write mount point is not safe: deep",
		top:               "read-write mount point is not safe: " + top,
		safe + "/link":    "is a link to " + other,
		safe + "/missing": "No such directory or mount: ",
		safe + "/file":    "No such directory or mount: ",
	} {
		_, err := allowedMounts([]string{safe}, []string{dir})
		require.ErrorContains(t, err, want)
		require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))
	}
	_, err = allowedMounts(nil, []string{safe})
	require.ErrorContains(t, err, "this host allows none (runroot_mounts)")
}
