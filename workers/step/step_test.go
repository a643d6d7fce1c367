package step_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/workers/step"
)

// TestMain makes the test binary its own shim, and a daemon that can be killed.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "run-step":
			os.Exit(step.Main(os.Args[2:]))
		case "daemon":
			os.Exit(daemon(os.Args[2], os.Args[3]))
		}
	}
	os.Exit(m.Run())
}

// daemon starts the step of a spec file, says so and waits for it.
func daemon(dir, file string) int {
	var spec step.Spec
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &spec)
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	s, err := step.Start(context.Background(), dir, spec)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	fmt.Println("started")
	s.Wait(context.Background())
	return 0
}

func sh(script string) step.Spec { return step.Spec{Argv: []string{"sh", "-c", script}} }

func start(t *testing.T, spec step.Spec) *step.Step {
	t.Helper()
	s, err := step.Start(t.Context(), filepath.Join(t.TempDir(), "step"), spec)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Kill(context.Background())) })
	return s
}

// groups returns a cgroup of its own for the test, or skips.
func groups(t *testing.T) *step.Groups {
	t.Helper()
	g, err := step.OpenGroups(step.GroupsConfig{Name: fmt.Sprintf("toji-test-%d", os.Getpid()), StateDir: t.TempDir()})
	require.NoError(t, err)
	if !g.Supported() {
		if os.Getenv("CI") != "" {
			t.Fatal("this host has no cgroup2")
		}
		t.Skip("this host has no cgroup2")
	}
	t.Cleanup(func() {
		last, err := g.Task("last", step.Limits{})
		require.NoError(t, err)
		_, err = g.Sweep(func(string) bool { return false })
		require.NoError(t, err)
		require.NoError(t, os.Remove(filepath.Dir(last.Path())))
	})
	return g
}

// waitFor returns the content of a file as soon as it exists and has content.
func waitFor(t *testing.T, path string) string {
	t.Helper()
	w, err := fsnotify.NewWatcher()
	require.NoError(t, err)
	defer w.Close()
	require.NoError(t, w.Add(filepath.Dir(path)))
	for {
		if b, err := os.ReadFile(path); err == nil && len(b) > 0 {
			return strings.TrimSpace(string(b))
		}
		select {
		case <-w.Events:
		case <-time.After(20 * time.Second):
			t.Fatalf("%s did not appear", path)
		}
	}
}

func alive(pid string) bool {
	b, err := os.ReadFile("/proc/" + pid + "/stat")
	return err == nil && !strings.Contains(string(b), ") Z ")
}

func TestRun(t *testing.T) {
	work := t.TempDir()
	log := filepath.Join(work, "log")
	tests := map[string]struct {
		spec step.Spec
		code int
		sig  syscall.Signal
		text string
		log  string
	}{
		"success":    {sh("echo out; echo err >&2"), 0, 0, "exited with status 0", "out\nerr\n"},
		"failure":    {sh("exit 7"), 7, 0, "exited with status 7", ""},
		"signal":     {sh("kill -SEGV $$"), -1, syscall.SIGSEGV, "was killed by signal 11", ""},
		"dir, env":   {step.Spec{Argv: []string{"sh", "-c", `echo "$PWD $X $HOME"`}, Dir: "/usr", Env: []string{"PATH=/bin", "X=y"}}, 0, 0, "exited with status 0", "/usr y \n"},
		"own umask":  {step.Spec{Argv: []string{"sh", "-c", "umask"}, Umask: 0o077}, 0, 0, "exited with status 0", "0077\n"},
		"no secrets": {sh("env | grep -c TOJI_TEST_SECRET"), 1, 0, "exited with status 1", "0\n"},
	}
	t.Setenv("TOJI_TEST_SECRET", "x")
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.RemoveAll(log))
			tt.spec.Log = log
			exit, err := start(t, tt.spec).Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.code, exit.Code)
			require.Equal(t, int(tt.sig), exit.Signal)
			require.Equal(t, tt.text, exit.String())
			require.Equal(t, tt.code == 0, exit.OK())
			require.False(t, exit.FinishedAt.Before(exit.StartedAt))
			b, err := os.ReadFile(log)
			require.NoError(t, err)
			require.Equal(t, tt.log, string(b))
		})
	}
}

func TestRunAsUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	log := filepath.Join(t.TempDir(), "log")
	exit, err := start(t, step.Spec{Argv: []string{"id", "-u"}, Log: log, User: &step.User{UID: 1000, GID: 1000}}).Wait(t.Context())
	require.NoError(t, err)
	require.True(t, exit.OK())
	b, err := os.ReadFile(log)
	require.NoError(t, err)
	require.Equal(t, "1000\n", string(b))
}

func TestStartError(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "step")
	_, err := step.Start(t.Context(), dir, step.Spec{Argv: []string{"no-such-program"}})
	require.ErrorContains(t, err, "executable file not found")
	_, err = step.Attach(dir)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = step.Start(t.Context(), dir, step.Spec{})
	require.ErrorContains(t, err, "no command")
	s, err := step.Start(t.Context(), dir, sh("exit 0"))
	require.NoError(t, err, "a start that failed leaves the directory free")
	_, err = step.Start(t.Context(), dir, sh("exit 0"))
	require.ErrorContains(t, err, "used before")
	_, err = s.Wait(t.Context()) // it writes to dir until then
	require.NoError(t, err)
}

// forest starts processes of every kind that is hard to find: in another
// session, orphaned, ignoring signals, stopped. They write their pids.
const forest = `
cd "$1"
setsid sh -c 'echo $$ > session; exec sleep 1000' &
(sh -c 'echo $$ > orphan; exec sleep 1000' &)
sh -c 'trap "" TERM INT HUP; echo $$ > stubborn; while :; do sleep 1000; done' &
sh -c 'echo $$ > stopped; kill -STOP $$; sleep 1000' &
(setsid setsid sh -c 'echo $$ > far; sleep 1000 & wait' &)
echo $$ > main
wait
`

var trees = []string{"session", "orphan", "stubborn", "stopped", "far", "main"}

func TestKillLeavesNothing(t *testing.T) {
	for _, mode := range []string{"cgroup", "descendants"} {
		t.Run(mode, func(t *testing.T) {
			pids := t.TempDir()
			spec := step.Spec{Argv: []string{"sh", "-c", forest, "forest", pids},
				Shim: []string{"env", "GORACE=atexit_sleep_ms=0", os.Args[0], "run-step"}} // -race ends a second late
			group := &step.Group{}
			if mode == "cgroup" {
				var err error
				group, err = groups(t).Task("42", step.Limits{})
				require.NoError(t, err)
				spec.Cgroup = group.Path()
			}
			s := start(t, spec)
			var all []string
			for _, name := range trees {
				all = append(all, waitFor(t, filepath.Join(pids, name)))
			}
			begin := time.Now()
			require.NoError(t, s.Kill(t.Context()))
			t.Logf("killed %d trees in %v", len(all), time.Since(begin))
			require.Less(t, time.Since(begin), time.Second)
			for i, pid := range all {
				require.False(t, alive(pid), trees[i])
			}
			left, err := group.Procs()
			require.NoError(t, err)
			require.Empty(t, left)
			exit, err := s.Wait(t.Context())
			require.NoError(t, err)
			require.True(t, exit.Killed)
			require.Equal(t, 9, exit.Signal)
		})
	}
}

func TestEndOfCommandEndsItsLeftovers(t *testing.T) {
	dir := t.TempDir()
	s := start(t, step.Spec{Argv: []string{"sh", "-c", `setsid sh -c 'echo $$ > left; exec sleep 1000' & while [ ! -s left ]; do :; done; exit 3`}, Dir: dir})
	exit, err := s.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 3, exit.Code)
	require.False(t, exit.Killed)
	require.False(t, alive(waitFor(t, filepath.Join(dir, "left"))))
}

func TestTimeout(t *testing.T) {
	spec := sh("sleep 1000")
	spec.Timeout = 50 * time.Millisecond
	exit, err := start(t, spec).Wait(t.Context())
	require.NoError(t, err)
	require.True(t, exit.TimedOut)
	require.False(t, exit.Killed)
	require.False(t, exit.OK())
}

func TestStopSignals(t *testing.T) {
	tests := map[string]struct {
		script string
		code   int
		signal int
	}{
		"first is enough": {`trap 'exit 5' INT; echo x > up; while :; do sleep 0.01; done`, 5, 0},
		"second":          {`trap '' INT; trap 'exit 6' TERM; echo x > up; while :; do sleep 0.01; done`, 6, 0},
		"none helps":      {`trap '' INT TERM; echo x > up; while :; do sleep 0.01; done`, -1, 9},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			spec := sh(tt.script)
			spec.Dir = t.TempDir()
			spec.StopSignals = []syscall.Signal{syscall.SIGINT, syscall.SIGTERM}
			spec.Grace = 200 * time.Millisecond
			s := start(t, spec)
			waitFor(t, filepath.Join(spec.Dir, "up"))
			require.NoError(t, s.Kill(t.Context()))
			exit, err := s.Wait(t.Context())
			require.NoError(t, err)
			require.Equal(t, tt.code, exit.Code)
			require.Equal(t, tt.signal, exit.Signal)
			require.True(t, exit.Killed)
		})
	}
}

func TestWaitIsCanceledTheStepIsNot(t *testing.T) {
	s := start(t, sh("sleep 1000"))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Wait(ctx)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.True(t, alive(strconv.Itoa(s.PID())))
}

func TestLifeline(t *testing.T) {
	r, w, err := os.Pipe()
	require.NoError(t, err)
	spec := sh("echo $$ > main; sleep 1000")
	spec.Dir = t.TempDir()
	spec.Lifeline = r
	s := start(t, spec)
	require.NoError(t, r.Close())
	main := waitFor(t, filepath.Join(spec.Dir, "main"))
	require.True(t, alive(main))
	require.NoError(t, w.Close())
	exit, err := s.Wait(t.Context())
	require.NoError(t, err)
	require.True(t, exit.Killed)
	require.False(t, alive(main))
}

// killedDaemon starts a step from another process and kills that with SIGKILL.
func killedDaemon(t *testing.T, spec step.Spec) (dir string) {
	t.Helper()
	tmp := t.TempDir()
	dir = filepath.Join(tmp, "step")
	b, err := json.Marshal(spec)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(tmp, "in.json"), b, 0o600))
	cmd := exec.Command(os.Args[0], "daemon", dir, filepath.Join(tmp, "in.json"))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "started\n", line)
	require.NoError(t, cmd.Process.Kill())
	cmd.Wait()
	return dir
}

func TestAttachAfterTheDaemonDied(t *testing.T) {
	work := t.TempDir()
	fifo := filepath.Join(work, "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	dir := killedDaemon(t, step.Spec{Argv: []string{"sh", "-c", "echo before; read code < fifo; exit $code"}, Dir: work, Log: filepath.Join(work, "log")})
	s, err := step.Attach(dir)
	require.NoError(t, err)
	require.Equal(t, "before", waitFor(t, filepath.Join(work, "log")))
	require.NoError(t, os.WriteFile(fifo, []byte("4\n"), 0))
	exit, err := s.Wait(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, exit.Code)
}

func TestKillAfterTheDaemonDied(t *testing.T) {
	work := t.TempDir()
	dir := killedDaemon(t, step.Spec{Argv: []string{"sh", "-c", "echo $$ > main; sleep 1000"}, Dir: work})
	s, err := step.Attach(dir)
	require.NoError(t, err)
	main := waitFor(t, filepath.Join(work, "main"))
	require.NoError(t, s.Kill(t.Context()))
	require.False(t, alive(main))
}

func TestLost(t *testing.T) {
	group, err := groups(t).Task("1", step.Limits{})
	require.NoError(t, err)
	dir := t.TempDir()
	r := step.Runner{Dir: dir, Group: group}
	spec := step.Spec{Argv: []string{"sh", "-c", "echo $$ > main; sleep 1000"}, Dir: t.TempDir()}
	result := make(chan error, 1)
	go func() {
		_, err := r.Run(t.Context(), "build", spec)
		result <- err
	}()
	main := waitFor(t, filepath.Join(spec.Dir, "main"))
	s, err := step.Attach(filepath.Join(dir, "build"))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(s.PID(), syscall.SIGKILL))
	require.ErrorIs(t, <-result, step.ErrLost)
	require.False(t, alive(main), "a lost step leaves nothing behind")
	_, err = step.Attach(filepath.Join(dir, "build"))
	require.ErrorIs(t, err, fs.ErrNotExist, "the next Run starts anew")
}

func TestNeverStarted(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "spec.json"), []byte(`{"argv":["true"]}`), 0o600))
	s, err := step.Attach(dir)
	require.NoError(t, err)
	_, err = s.Wait(t.Context())
	require.ErrorIs(t, err, step.ErrLost)
	var out bytes.Buffer
	late := exec.Command(os.Args[0], "run-step", "--dir", dir)
	late.Stdout = &out
	require.Error(t, late.Run(), "a shim that comes late starts nothing")
}

func TestPIDReuse(t *testing.T) {
	s := start(t, sh("sleep 1000"))
	dir := t.TempDir()
	for _, f := range []string{"spec.json", "pid"} {
		b, err := os.ReadFile(filepath.Join(s.Dir(), f))
		require.NoError(t, err)
		if f == "pid" {
			var id map[string]any
			require.NoError(t, json.Unmarshal(b, &id))
			id["start"] = "1"
			b, err = json.Marshal(id)
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, f), b, 0o600))
	}
	other, err := step.Attach(dir)
	require.NoError(t, err)
	require.NoError(t, other.Kill(t.Context()))
	_, err = other.Wait(t.Context())
	require.ErrorIs(t, err, step.ErrLost)
	require.True(t, alive(strconv.Itoa(s.PID())), "another process with the same pid is left alone")
}
