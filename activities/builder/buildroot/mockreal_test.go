package buildroot_test

import (
	"cmp"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// newMockBuild is newBuild with the mock of this machine. Debian has none, so
// its absence is no failure in CI either; TestMock has recorded ones.
func newMockBuild(t *testing.T, profile string) build {
	t.Helper()
	path := cmp.Or(os.Getenv("TOJI_TEST_MOCK"), "/usr/bin/mock")
	if _, err := os.Stat(path); err != nil || os.Getuid() != 0 {
		t.Skip("mock is not installed, or this is not root; TOJI_TEST_MOCK may name one")
	}
	dir, err := os.MkdirTemp(labDir(t), "mock-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	b := build{
		runner: step.Runner{Dir: filepath.Join(dir, "steps")},
		root: buildroot.Root{Tag: "seed-build", ID: int64(os.Getpid()), RepoID: 3, BaseDir: filepath.Join(dir, "roots"), WorkDir: dir,
			Repos: []string{repo(t, profile)}, Arch: "x86_64", Extra: map[string]any{"rpm.macro.dist": ".seed12",
				"mock.package_manager": "dnf", "mock.use_bootstrap": false, "mock.new_chroot": int64(0)}},
	}
	b.withCgroup(t)
	b.driver, err = buildroot.Select(buildroot.Config{Driver: "mock", Runner: b.runner, Mock: path,
		MockConfigDir: os.Getenv("TOJI_TEST_MOCK_CONFIGDIR")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, b.driver.Clean(t.Context(), b.root)) })
	return b
}

func TestRealMockRebuild(t *testing.T) {
	tests := []struct {
		name, repo, pkg string
		rpms            int
		message         string
	}{
		{"noarch", "tiny", "hello-noarch", 1, ""},
		{"C", "full", "hello-c", 3, ""},
		{"build fails", "tiny", "fail-build", 0, "mock exited with status 1; see build.log for more information"},
		{"unknown dependency", "tiny", "bad-br", 0, "mock exited with status 30; see root.log for more information"},
		{"generator fails", "full", "dyn-fail", 0, "mock exited with status 10; see build.log for more information"},
		{"other arch only", "tiny", "exclusive-arch", 0, "mock exited with status 1; see build.log for more information"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newMockBuild(t, tt.repo)
			chroot, err := b.driver.Init(t.Context(), b.root)
			require.NoError(t, err, b.output(t))
			require.NotEmpty(t, chroot.Packages)
			begin := time.Now()
			res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: srpm(t, tt.pkg), Arch: "x86_64"}})
			t.Log("build", time.Since(begin))
			require.NotEmpty(t, res.Packages)
			require.Len(t, res.RPMs, tt.rpms)
			if tt.message == "" {
				require.NoError(t, err, b.output(t))
				require.Len(t, res.SRPMs, 1)
				return
			}
			require.EqualError(t, err, "error building package (arch x86_64), "+tt.message, b.output(t))
			require.Equal(t, koji.KindPackage, koji.KindOf(err))
		})
	}
}

func TestRealMockSRPM(t *testing.T) {
	b := newMockBuild(t, "tiny")
	b.root.Group = "srpm-build"
	chroot, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err, b.output(t))
	dir := filepath.Join(chroot.TmpDir, "scmroot", "hello-noarch")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.CopyFS(dir, os.DirFS(seed+"packages/hello-noarch")))
	require.NoError(t, exec.Command("chown", "-R", "kojibuilder", filepath.Dir(dir)).Run())
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{BuildSRPM: &buildroot.BuildSRPM{
		Spec: filepath.Join(dir, "hello-noarch.spec"), Sources: dir, SourceCmd: []string{"touch", "fetched"}}})
	require.NoError(t, err, b.output(t))
	require.Equal(t, []string{"hello-noarch-1.0-1.seed12.src.rpm"}, res.SRPMs)
	require.FileExists(t, filepath.Join(dir, "fetched"))
}

func TestRealMockRebuildSRPM(t *testing.T) {
	b := newMockBuild(t, "full") // busybox has an rpm of its own
	b.root.Extra["rpm.macro.dist"] = ".other"
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err, b.output(t))
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{RebuildSRPM: &buildroot.RebuildSRPM{SRPM: srpm(t, "hello-noarch")}})
	require.NoError(t, err, b.output(t))
	require.Equal(t, []string{"hello-noarch-1.0-1.other.src.rpm"}, res.SRPMs)
}

func TestRealMockCancel(t *testing.T) {
	b := newMockBuild(t, "tiny")
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err, b.output(t))
	canceled := errors.New("task canceled")
	ctx, cancel := context.WithCancelCause(t.Context())
	job := rebuild(t, "slow-build")
	result := make(chan error, 1)
	go func() {
		_, err := b.driver.Build(ctx, b.root, job)
		result <- err
	}()
	b.waitForLog(t, "build.log", "tick 1")
	begin := time.Now()
	cancel(canceled)
	require.ErrorIs(t, <-result, canceled)
	t.Log("canceled in", time.Since(begin))
	left, err := b.runner.Group.Procs()
	require.NoError(t, err)
	require.Empty(t, left)
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.False(t, strings.Contains(string(mounts), b.root.Dir()+"/"), "mock had the time to unmount")
}
