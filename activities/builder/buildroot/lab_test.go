package buildroot_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/workers/step"
)

// lab is what the tests of the process share: source packages and base roots.
var lab struct {
	once sync.Once
	dir  string
	err  error
}

// need skips the test for a reason; in CI a missing service is a failure.
func need(t *testing.T, ok bool, reason string) {
	t.Helper()
	if ok {
		return
	}
	if os.Getenv("CI") != "" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

// labDir makes a directory that unprivileged users can pass through, with the
// source packages of all samples in it.
func labDir(t *testing.T) string {
	t.Helper()
	lab.once.Do(func() {
		if lab.dir, lab.err = os.MkdirTemp("", "toji-buildroot-"); lab.err != nil {
			return
		}
		if lab.err = os.Chmod(lab.dir, 0o755); lab.err != nil {
			return
		}
		if out, err := exec.Command(seed+"mksrpm", "-o", lab.dir).CombinedOutput(); err != nil {
			lab.err = fmt.Errorf("mksrpm: %w: %s", err, out)
		}
	})
	require.NoError(t, lab.err)
	return lab.dir
}

// seed is the folder that makes repositories and source packages to test with.
const seed = "../../../deploy/seed/"

// srpm returns the source package of the sample NAME.
func srpm(t *testing.T, name string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(labDir(t), name+"-[0-9]*.src.rpm"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	return found[0]
}

// repo returns the URL of a seed repository: "tiny" for shell, "full" with gcc.
// It is made once per machine, which can take minutes.
func repo(t *testing.T, profile string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	dir := filepath.Join(cache, "toji", "seed-"+profile)
	out, err := exec.CommandContext(t.Context(), seed+"mkseed", "-p", profile, "-o", dir).CombinedOutput()
	need(t, err == nil, "no seed repository: "+string(out))
	return "file://" + dir
}

// build is one root with its driver.
type build struct {
	driver buildroot.Driver
	root   buildroot.Root
	runner step.Runner

	noUserNamespaces bool
}

func newBuild(t *testing.T, profile string) build {
	t.Helper()
	need(t, os.Getuid() == 0, "needs root")
	for _, prog := range []string{"bwrap", "dnf", "rpmbuild"} {
		_, err := exec.LookPath(prog)
		need(t, err == nil, "needs "+prog)
	}
	dir, err := os.MkdirTemp(labDir(t), "build-")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	b := build{
		runner: step.Runner{Dir: filepath.Join(dir, "steps")},
		root: buildroot.Root{Tag: "seed-build", ID: 7, RepoID: 3, BaseDir: filepath.Join(dir, "roots"), WorkDir: dir,
			Repos: []string{repo(t, profile)}, Arch: "x86_64", Extra: map[string]any{"rpm.macro.dist": ".seed12"}},
	}
	b.use(t)
	t.Cleanup(func() {
		require.NoError(t, b.driver.Clean(t.Context(), b.root))
	})
	return b
}

// use makes the driver, with the runner as it is now.
func (b *build) use(t *testing.T) {
	t.Helper()
	var err error
	b.driver, err = buildroot.Select(buildroot.Config{Driver: "native", Runner: b.runner, CacheDir: filepath.Join(labDir(t), "bases"),
		NoUserNamespaces: b.noUserNamespaces})
	require.NoError(t, err)
}

// log returns a log file of the root.
func (b build) log(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(b.root.ResultDir(), name))
	require.NoError(t, err)
	return string(text)
}

// output returns what the job has printed.
func (b build) output(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(b.root.OutputLog())
	require.NoError(t, err)
	return string(text)
}
