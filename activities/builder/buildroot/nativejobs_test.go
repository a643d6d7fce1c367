package buildroot_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// withCgroup gives the build's steps a cgroup.
func (b *build) withCgroup(t *testing.T) *step.Group {
	t.Helper()
	groups, err := step.OpenGroups(step.GroupsConfig{Name: "toji-test-buildroot"})
	require.NoError(t, err)
	need(t, groups.Supported(), "needs cgroup2")
	group, err := groups.Task(filepath.Base(t.TempDir())+filepath.Base(b.root.WorkDir), step.Limits{})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, group.Remove())
		os.Remove(filepath.Dir(group.Path())) // unless another test uses it
	})
	b.runner.Group = group
	return group
}

// waitForLog returns when a log of the root contains text.
func (b build) waitForLog(t *testing.T, name, text string) {
	t.Helper()
	w, err := fsnotify.NewWatcher()
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(b.root.ResultDir()))
	for {
		if log, _ := os.ReadFile(filepath.Join(b.root.ResultDir(), name)); strings.Contains(string(log), text) {
			return
		}
		select {
		case <-w.Events:
		case <-time.After(30 * time.Second):
			t.Fatalf("%q does not get into %s", text, name)
		}
	}
}

// processes lists those that have the root's directory in their command line or
// that run below the build's shim.
func (b build) processes(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("pgrep", "-af", b.root.WorkDir).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return ""
	}
	require.NoError(t, err)
	return string(out)
}

func rebuild(t *testing.T, name string) buildroot.Job {
	t.Helper()
	return buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: srpm(t, name)}}
}

func TestNativeCancel(t *testing.T) {
	b := newBuild(t, "tiny")
	group := b.withCgroup(t)
	b.use(t)
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	ctx, cancel := context.WithCancelCause(t.Context())
	job := rebuild(t, "slow-build")
	result := make(chan error, 1)
	go func() {
		_, err := b.driver.Build(ctx, b.root, job)
		result <- err
	}()
	b.waitForLog(t, "build.log", "tick 1")
	running, err := group.Procs()
	require.NoError(t, err)
	require.Greater(t, len(running), 4, "shim, native-build, bwrap, rpmbuild, shell")

	canceled := errors.New("task canceled")
	begin := time.Now()
	cancel(canceled)
	require.ErrorIs(t, <-result, canceled)
	t.Logf("%d processes killed in %v", len(running), time.Since(begin))
	require.Less(t, time.Since(begin), time.Second)
	left, err := group.Procs()
	require.NoError(t, err)
	require.Empty(t, left)
	require.Empty(t, b.processes(t))
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	require.NotContains(t, string(mounts), b.root.Dir())
}

// daemon is a builder that does one job: what TestNativeReattach kills.
func daemon() int {
	var b struct {
		Config buildroot.Config
		Runner step.Runner
		Root   buildroot.Root
		Job    buildroot.Job
	}
	err := json.NewDecoder(os.Stdin).Decode(&b)
	b.Config.Runner = b.Runner
	if err == nil {
		var driver buildroot.Driver
		if driver, err = buildroot.Select(b.Config); err == nil {
			_, err = driver.Build(context.Background(), b.Root, b.Job)
		}
	}
	fmt.Println(err)
	return 1 // it should not have come this far
}

// The daemon is killed in the middle of a build and comes back: the build has
// gone on, and the same call returns its result.
func TestNativeReattach(t *testing.T) {
	b := newBuild(t, "tiny")
	chroot, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	job := buildroot.Job{Command: &buildroot.Command{Name: "wait", Unpriv: true, Argv: []string{"/bin/sh", "-c",
		"echo waiting; while [ ! -e " + buildroot.TmpDir + "/release ]; do sleep 0.05; done; echo released"}}}

	spec, err := json.Marshal(map[string]any{"Root": b.root, "Job": job, "Runner": map[string]any{"Dir": b.runner.Dir},
		"Config": map[string]any{"Driver": "native", "CacheDir": filepath.Join(labDir(t), "bases")}})
	require.NoError(t, err)
	cmd := exec.Command(os.Args[0], "daemon")
	cmd.Stdin, cmd.Stdout = bytes.NewReader(spec), os.Stdout
	require.NoError(t, cmd.Start())
	b.waitForLog(t, "root.log", "\nwaiting\n")
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.NotEmpty(t, b.processes(t))

	// This process is the new daemon.
	ctx, detach := context.WithCancelCause(t.Context())
	detach(step.ErrDetach)
	_, err = b.driver.Build(ctx, b.root, job)
	require.ErrorIs(t, err, step.ErrDetach)
	require.NotEmpty(t, b.processes(t), "a daemon that ends in good order leaves it alone, too")
	require.NoError(t, os.WriteFile(filepath.Join(chroot.TmpDir, "release"), nil, 0o644))
	res, err := b.driver.Build(t.Context(), b.root, job)
	require.NoError(t, err)
	require.NotEmpty(t, res.Packages)
	require.Equal(t, 1, strings.Count(b.log(t, "root.log"), "\nwaiting\n"), "it ran once")
	require.Contains(t, b.log(t, "root.log"), "\nreleased\n")
	require.Empty(t, b.processes(t))
}

func TestNativeTimeout(t *testing.T) {
	b := newBuild(t, "tiny")
	b.root.Timeout = time.Second
	_, err := b.driver.Build(t.Context(), b.root, rebuild(t, "slow-build"))
	require.EqualError(t, err, "error building package (arch x86_64), native build exited with status 11; see root.log for more information")
	require.Equal(t, koji.KindPackage, koji.KindOf(err))
	require.Contains(t, b.log(t, "build.log"), "Timeout(1s) expired")
	require.Empty(t, b.processes(t))
}

func TestNativeBuildSRPM(t *testing.T) {
	b := newBuild(t, "tiny")
	b.root.Group, b.root.Vendor = "srpm-build", "Toji Test"
	chroot, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	dir := filepath.Join(chroot.TmpDir, "scmroot", "hello-noarch")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.CopyFS(dir, os.DirFS(seed+"packages/hello-noarch")))
	require.NoError(t, os.Rename(filepath.Join(dir, "hello.sh"), filepath.Join(dir, "hello.sh.in")))
	require.NoError(t, exec.Command("chown", "-R", "1000:1000", filepath.Dir(dir)).Run())
	job := &buildroot.BuildSRPM{Spec: filepath.Join(dir, "hello-noarch.spec"), Sources: dir,
		SourceCmd: []string{"mv", "hello.sh.in", "hello.sh"}}
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{BuildSRPM: job})
	require.NoError(t, err)
	require.Equal(t, []string{"hello-noarch-1.0-1.seed12.src.rpm"}, res.SRPMs)
	out, err := exec.Command("rpm", "-qp", "--qf", "%{VENDOR}/%{PACKAGER}/%{DISTRIBUTION}",
		filepath.Join(b.root.ResultDir(), res.SRPMs[0])).Output()
	require.NoError(t, err)
	require.Equal(t, "Toji Test/Koji/Unknown", string(out))
}

func TestNativeSourceCommandFails(t *testing.T) {
	b := newBuild(t, "tiny")
	chroot, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	job := &buildroot.BuildSRPM{Spec: chroot.TmpDir + "/x.spec", Sources: chroot.TmpDir, SourceCmd: []string{"false"}}
	_, err = b.driver.Build(t.Context(), b.root, buildroot.Job{BuildSRPM: job})
	require.EqualError(t, err, "error retrieving sources, native build exited with status 50; see root.log for more information")
	require.Equal(t, koji.FaultBuild, koji.FaultOf(err))

	job.Sources = "/etc"
	_, err = b.driver.Build(t.Context(), b.root, buildroot.Job{BuildSRPM: job})
	require.Error(t, err, "the job is another one, and its sources are not in the root")
}

func TestNativeRebuildSRPM(t *testing.T) {
	b := newBuild(t, "tiny")
	b.root.Extra = map[string]any{"rpm.macro.dist": ".other"}
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{RebuildSRPM: &buildroot.RebuildSRPM{SRPM: srpm(t, "hello-noarch")}})
	text, _ := os.ReadFile(filepath.Join(b.root.ResultDir(), "root.log"))
	require.NoError(t, err, string(text[max(0, len(text)-900):]))
	require.Equal(t, []string{"hello-noarch-1.0-1.other.src.rpm"}, res.SRPMs)
}

// Builds of the same repository at the same time make one base.
func TestNativeBaseIsMadeOnce(t *testing.T) {
	first := newBuild(t, "tiny")
	cache := t.TempDir()
	require.NoError(t, os.Chmod(cache, 0o755))
	var wg sync.WaitGroup
	logs := make([]string, 3)
	for i := range logs {
		b := first
		b.root.ID += int64(i)
		b.root.WorkDir = t.TempDir()
		b.runner.Dir = t.TempDir()
		driver, err := buildroot.Select(buildroot.Config{Driver: "native", Runner: b.runner, CacheDir: cache})
		require.NoError(t, err)
		b.driver = driver
		wg.Go(func() {
			if _, err := driver.Init(t.Context(), b.root); err != nil {
				logs[i] = err.Error()
				return
			}
			logs[i] = b.log(t, "root.log")
			if err := driver.Clean(t.Context(), b.root); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	all := strings.Join(logs, "\n")
	require.Equal(t, 1, strings.Count(all, `"install" "@build"`), all)
	require.Equal(t, 3, strings.Count(all, "Using base root"), all)
}

// A repository that is not there is no fault of the package.
func TestNativeInitFails(t *testing.T) {
	b := newBuild(t, "tiny")
	for _, tt := range []struct {
		name, repo, group string
		kind              koji.Kind
	}{
		{"no repository", "file:///nonexistent", "build", koji.KindInfrastructure},
		{"no group", b.root.Repos[0], "no-such-group", koji.KindPackage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := newBuild(t, "tiny")
			b.root.Repos, b.root.Group = []string{tt.repo}, tt.group
			_, err := b.driver.Init(t.Context(), b.root)
			require.EqualError(t, err, "could not init buildroot, native build exited with status 30; see root.log for more information")
			require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
			require.Equal(t, tt.kind, koji.KindOf(err), b.log(t, "root.log"))
		})
	}
}

// What a build leaves in its folders may be links to the host's files.
func TestNativeResultsAreNotTrusted(t *testing.T) {
	b := newBuild(t, "tiny")
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	spec := `Name: evil
Version: 1
Release: 1
Summary: Evil
License: MIT
BuildArch: noarch
%description
Evil.
%install
ln -s ` + secret + ` /builddir/build/RPMS/leak-1-1.noarch.rpm
mkfifo /builddir/build/SRPMS/wait-1-1.rpm
%files
`
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "evil.spec"), []byte(spec), 0o644))
	require.NoError(t, exec.Command("rpmbuild", "-bs", "-D", "_topdir "+dir, "-D", "_srcrpmdir "+dir, "-D", "_dbpath "+dir+"/db", dir+"/evil.spec").Run())
	res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: dir + "/evil-1-1.src.rpm"}})
	require.NoError(t, err)
	require.Equal(t, []string{"evil-1-1.noarch.rpm"}, res.RPMs)
	require.Equal(t, []string{"evil-1-1.src.rpm"}, res.SRPMs)
}

// The sandbox is the build user's own: no network, no processes of the host.
func TestNativeSandbox(t *testing.T) {
	t.Run("bubblewrap", func(t *testing.T) { testSandbox(t, newBuild(t, "tiny")) })
	t.Run("no user namespaces", func(t *testing.T) {
		b := newBuild(t, "tiny")
		b.noUserNamespaces = true
		b.use(t)
		testSandbox(t, b)
		res, err := b.driver.Build(t.Context(), b.root, rebuild(t, "hello-noarch"))
		require.NoError(t, err)
		require.Len(t, res.RPMs, 1)
	})
}

func testSandbox(t *testing.T, b build) {
	b.root.Extra["rpm.env.TAG_SAYS"] = "it's so"
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	run := func(name, script string, unpriv bool) error {
		_, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Command: &buildroot.Command{Name: name, Unpriv: unpriv,
			Argv: []string{"/bin/sh", "-c", script}}})
		return err
	}
	require.NoError(t, run("ids", `test "$(id -u):$(id -g)" = 1000:1000 && test "$TAG_SAYS" = "it's so" && test -z "$TOJI"`, true))
	require.NoError(t, run("network", `test "$(grep -c : /proc/net/dev)" = 1`, true), "only the loopback device")
	require.NoError(t, run("pids", `test "$(ls -d /proc/[0-9]* | wc -l)" -lt 10`, true))
	require.NoError(t, run("write", `! touch /usr/x 2>/dev/null && touch /tmp/x /var/tmp/x`, true))
	require.NoError(t, run("root", `test "$(id -u)" = 0 && touch /usr/x`, false))
	err = run("fail", "exit 9", true)
	require.EqualError(t, err, "error running fail, native build exited with status 50; see root.log for more information")
}

// A command of root's, with files that it leaves and a directory of the host.
func TestNativeCommand(t *testing.T) {
	for _, noUserNamespaces := range []bool{false, true} {
		b := newBuild(t, "tiny")
		b.noUserNamespaces = noUserNamespaces
		b.use(t)
		shared := t.TempDir()
		b.root.Mounts = []string{shared}
		_, err := b.driver.Init(t.Context(), b.root)
		require.NoError(t, err)
		c := &buildroot.Command{Name: "x", Fetch: []string{"/builddir/out", "tmp/deep/log", "/etc/link", "/missing"},
			FetchTo: filepath.Join(b.root.WorkDir, "fetched"), Argv: []string{"/bin/sh", "-c", `echo out >/builddir/out
				mkdir /tmp/deep && echo log >/tmp/deep/log && ln -s /etc/passwd /etc/link && id -u >` + shared + `/id; exit 7`}}
		res, err := b.driver.Build(t.Context(), b.root, buildroot.Job{Command: c})
		require.ErrorContains(t, err, "error running x")
		require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
		require.Equal(t, 7, res.Exit.Code)
		for file, want := range map[string]string{c.FetchTo + "/out": "out\n", c.FetchTo + "/log": "log\n", shared + "/id": "0\n"} {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			require.Equal(t, want, string(text))
		}
		left, err := os.ReadDir(c.FetchTo)
		require.NoError(t, err)
		require.Len(t, left, 2, "what is no regular file stays inside")
	}
}

func TestNativeInstall(t *testing.T) {
	b := newBuild(t, "tiny")
	_, err := b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	_, err = b.driver.Build(t.Context(), b.root, buildroot.Job{Install: &buildroot.Install{Packages: []string{"no-such-package"}}})
	require.EqualError(t, err, "could not install packages, native build exited with status 30; see root.log for more information")
	require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
	require.Equal(t, koji.KindPackage, koji.KindOf(err))
	_, err = b.driver.Build(t.Context(), b.root, buildroot.Job{Install: &buildroot.Install{Packages: []string{"--installroot=/"}}})
	require.EqualError(t, err, `"--installroot=/" is no package`)
}

// Where overlayfs cannot be stacked, a root is a copy of its base.
func TestNativeWithoutOverlay(t *testing.T) {
	b := newBuild(t, "tiny")
	lower, upper, mnt := t.TempDir(), t.TempDir(), filepath.Join(b.root.WorkDir, "stacked")
	require.NoError(t, os.Mkdir(mnt, 0o755))
	for _, d := range []string{"upper", "work"} {
		require.NoError(t, os.Mkdir(filepath.Join(upper, d), 0o755))
	}
	out, err := exec.Command("mount", "-t", "overlay", "overlay", "-o",
		"lowerdir="+lower+",upperdir="+upper+"/upper,workdir="+upper+"/work", mnt).CombinedOutput()
	require.NoError(t, err, string(out))
	t.Cleanup(func() { require.NoError(t, exec.Command("umount", mnt).Run()) })
	b.root.BaseDir = mnt
	_, err = b.driver.Init(t.Context(), b.root)
	require.NoError(t, err)
	require.Contains(t, b.log(t, "root.log"), ": copying ")
	res, err := b.driver.Build(t.Context(), b.root, rebuild(t, "hello-noarch"))
	require.NoError(t, err)
	require.Len(t, res.RPMs, 1)
	require.NoError(t, b.driver.Clean(t.Context(), b.root))
}
