package buildroot_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// newRecordedMock is a mock driver whose mock plays recordings back.
func newRecordedMock(t *testing.T) build {
	t.Helper()
	need(t, os.Getuid() == 0, "needs root")
	dir, err := os.MkdirTemp(labDir(t), "recorded-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o777))
	require.NoError(t, exec.Command("cp", "-r", "testdata/mock", dir).Run())
	b := build{
		runner: step.Runner{Dir: filepath.Join(dir, "steps")},
		root: buildroot.Root{Tag: "f40-build", ID: 12, RepoID: 34, BaseDir: dir, WorkDir: dir,
			Repos: []string{"file:///repo"}, Arch: "x86_64", Extra: map[string]any{"mock.new_chroot": true}},
	}
	require.NoError(t, exec.Command("rpmdb", "--dbpath", filepath.Join(dir, "rpmdb"), "--initdb").Run())
	require.NoError(t, exec.Command("chmod", "-R", "a+rX", dir).Run())
	require.NoError(t, os.WriteFile(filepath.Join(dir, "init-exit"), []byte("0"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "calls"), nil, 0o666))
	require.NoError(t, os.Chmod(filepath.Join(dir, "calls"), 0o666))
	b.driver, err = buildroot.Select(buildroot.Config{Driver: "mock", Runner: b.runner,
		Mock: filepath.Join(dir, "mock/mock"), MockUser: "nobody", MockGroup: "nogroup", MockConfigDir: filepath.Join(dir, "etc")})
	require.NoError(t, err)
	return b
}

func (b build) calls(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root.BaseDir, "calls"))
	require.NoError(t, err)
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestMock(t *testing.T) {
	tests := []struct {
		srpm, arch, message string
		kind                koji.Kind
	}{
		{"good.src.rpm", "noarch", "", ""},
		{"fail-build.src.rpm", "x86_64", "error building package (arch x86_64), mock exited with status 1; see build.log for more information", koji.KindPackage},
		{"bad-br.src.rpm", "i686", "error building package (arch i686), mock exited with status 30; see root.log for more information", koji.KindPackage},
		{"locked.src.rpm", "", "error building package (arch x86_64), mock exited with status 60; see root.log for more information", koji.KindInfrastructure},
	}
	for _, tt := range tests {
		t.Run(tt.srpm, func(t *testing.T) {
			b := newRecordedMock(t)
			_, err := b.driver.Init(t.Context(), b.root)
			require.NoError(t, err)
			res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: tt.srpm, Arch: tt.arch}})
			target := ""
			if tt.arch != "" {
				target = " --target " + tt.arch
			}
			require.Equal(t, []string{"nobody --new-chroot --init", "nobody --new-chroot --chroot uname -r",
				"nobody --new-chroot --no-clean" + target + " --rebuild " + tt.srpm}, b.calls(t))
			if tt.message == "" {
				require.NoError(t, err)
				require.Equal(t, []string{"good-1-1.noarch.rpm"}, res.RPMs)
				require.Equal(t, []string{"good-1-1.src.rpm"}, res.SRPMs)
				require.Equal(t, []string{"odd"}, res.Unexpected)
			} else {
				require.EqualError(t, err, tt.message)
				require.Equal(t, koji.FaultBuild, koji.FaultOf(err))
				require.Equal(t, tt.kind, koji.KindOf(err))
			}
			require.NoError(t, b.driver.Clean(t.Context(), b.root))
			require.NoDirExists(t, b.root.Dir())
			left, err := filepath.Glob(filepath.Join(b.root.BaseDir, "etc/koji/*"))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

func TestMockCommand(t *testing.T) {
	b := newRecordedMock(t)
	shared := t.TempDir()
	b.root.Mounts = []string{shared}
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	config, err := os.ReadFile(filepath.Join(b.root.BaseDir, "etc/koji", b.root.Name()+".cfg"))
	require.NoError(t, err)
	require.Contains(t, string(config), "['dirs'].append(('"+shared+"', '"+shared+"'))")
	_, err = b.driver.Build(t.Context(), b.root, buildroot.Job{Install: &buildroot.Install{Packages: []string{"foo", "bar"}}})
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(b.root.RootDir(), "builddir"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(b.root.RootDir(), "builddir/log"), []byte("said"), 0o644))
	c := &buildroot.Command{Name: "x", Argv: []string{"exit-3"}, HostArch: true, Fetch: []string{"/builddir/log"}, FetchTo: t.TempDir()}
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Command: c})
	require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
	require.Equal(t, 3, res.Exit.Code)
	require.FileExists(t, filepath.Join(c.FetchTo, "log"))
	require.Equal(t, []string{"nobody --new-chroot --install foo bar", "nobody --new-chroot --no-clean --arch x86_64 --chroot -- exit-3"}, b.calls(t)[2:])
}

func TestMockInitFails(t *testing.T) {
	b := newRecordedMock(t)
	require.NoError(t, os.WriteFile(filepath.Join(b.root.BaseDir, "init-exit"), []byte("30"), 0o644))
	_, err := b.driver.Init(t.Context(), b.root)
	require.EqualError(t, err, "could not init mock buildroot, mock exited with status 30; see root.log for more information")
	require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
}

func TestMockIsInterruptedFirst(t *testing.T) {
	b := newRecordedMock(t)
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	canceled := errors.New("task canceled")
	ctx, cancel := context.WithCancelCause(t.Context())
	result := make(chan error, 1)
	go func() {
		_, err := b.driver.Build(ctx, b.root, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: "slow.src.rpm"}})
		result <- err
	}()
	b.waitForLog(t, "build.log", "tick")
	cancel(canceled)
	require.ErrorIs(t, <-result, canceled)
	calls := b.calls(t)
	require.Equal(t, "interrupted", calls[len(calls)-1])
}

func TestSelect(t *testing.T) {
	runner := step.Runner{Dir: t.TempDir()}
	for name, tt := range map[string]struct {
		cfg buildroot.Config
		err string
	}{
		"unknown":   {buildroot.Config{Driver: "podman", Runner: runner}, `unknown driver "podman"`},
		"no runner": {buildroot.Config{}, "no runner"},
		"no mock":   {buildroot.Config{Driver: "mock", Runner: runner, Mock: "/nonexistent"}, "mock is not installed"},
		"no user":   {buildroot.Config{Driver: "mock", Runner: runner, Mock: "/bin/sh", MockUser: "no-such-user"}, "who runs mock"},
		"no cache":  {buildroot.Config{Driver: "native", Runner: runner}, "needs a CacheDir"},
		"auto":      {buildroot.Config{Runner: runner, Mock: "/nonexistent"}, "mock is not installed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := buildroot.Select(tt.cfg)
			require.ErrorContains(t, err, tt.err)
		})
	}
}
