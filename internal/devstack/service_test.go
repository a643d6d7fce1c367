package devstack

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// fakeChild lives until it is told to end or killed.
type fakeChild struct {
	dead    chan error
	stopped chan struct{}
}

func newFakeChild() *fakeChild {
	return &fakeChild{dead: make(chan error, 1), stopped: make(chan struct{})}
}

func (c *fakeChild) Wait() error { return <-c.dead }

func (c *fakeChild) Stop(context.Context) error {
	close(c.stopped)
	c.dead <- nil
	return nil
}

func newService(launch func(context.Context) (child, error)) *service {
	return &service{name: "fake", launch: launch, grace: time.Second, logFile: "fake.log", console: newConsole(io.Discard)}
}

func TestServiceIsStartedAgain(t *testing.T) {
	launched := make(chan *fakeChild, 1)
	s := newService(func(context.Context) (child, error) {
		c := newFakeChild()
		launched <- c
		return c, nil
	})
	require.NoError(t, s.start(t.Context()))
	for range 3 {
		c := <-launched
		c.dead <- errors.New("killed")
	}
	last := <-launched
	s.stop()
	<-last.stopped
}

func TestServiceThatNeverWorks(t *testing.T) {
	var launches int
	s := newService(func(context.Context) (child, error) {
		launches++
		c := newFakeChild()
		c.dead <- errors.New("no such key")
		return c, nil
	})
	s.ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	err := s.start(t.Context())
	require.EqualError(t, err, "fake: no such key (its log is fake.log)")
	require.Equal(t, firstTries, launches)
}

func TestServiceStartIsCancelled(t *testing.T) {
	c := newFakeChild()
	s := newService(func(context.Context) (child, error) { return c, nil })
	s.ready = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, s.start(ctx), context.Canceled)
	// A child may have been started before; it is gone now.
	select {
	case <-s.done:
	default:
		t.Fatal("still supervised")
	}
}

func TestBackoff(t *testing.T) {
	for deaths, want := range map[int]time.Duration{
		1: 0, 2: 100 * time.Millisecond, 3: 200 * time.Millisecond, 6: 1600 * time.Millisecond, 8: backoffMax, 1000: backoffMax,
	} {
		require.Equal(t, want, backoff(deaths), deaths)
	}
}

// self is this binary in one of the parts that TestMain plays.
func self(t *testing.T, part string) (program, *bytes.Buffer) {
	t.Helper()
	t.Setenv(playEnv, part)
	lifeline, hold, err := os.Pipe()
	require.NoError(t, err)
	t.Cleanup(func() { lifeline.Close(); hold.Close() })
	var out bytes.Buffer
	return program{name: part, argv: []string{os.Args[0]}, lifeline: lifeline,
		logFile: filepath.Join(t.TempDir(), part+".log"), console: newConsole(&out)}, &out
}

func TestProcessSaysWhyItEnded(t *testing.T) {
	p, out := self(t, "failing")
	c, err := p.start(t.Context())
	require.NoError(t, err)
	require.EqualError(t, c.Wait(), `exit status 3: cannot go on reason="no luck"`)
	require.Equal(t, "failing: cannot go on reason=\"no luck\"\n", out.String())
	log, err := os.ReadFile(p.logFile)
	require.NoError(t, err)
	require.Contains(t, string(log), "going well")
}

func TestProcessThatDoesNotStopIsKilled(t *testing.T) {
	p, _ := self(t, "deaf")
	c, err := p.start(t.Context())
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		log, err := os.ReadFile(p.logFile)
		return err == nil && string(log) == "deaf\n"
	}, 5*time.Second, 5*time.Millisecond)
	now, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, c.Stop(now))
	require.EqualError(t, c.Wait(), "signal: killed: deaf")
}

func TestMissingProgram(t *testing.T) {
	p := program{name: "x", argv: []string{"/nonexistent/x"}, logFile: filepath.Join(t.TempDir(), "x.log")}
	_, err := p.start(t.Context())
	require.ErrorContains(t, err, "start x: ")
}

// However the supervisor ends, its children end with it.
func TestChildrenDieWithTheSupervisor(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), playEnv+"=supervisor", "DEVSTACK_TEST_DIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	lines := bufio.NewReader(out)
	var children []int
	for range 2 {
		line, err := lines.ReadString('\n')
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(line))
		require.NoError(t, err)
		require.NoError(t, syscall.Kill(pid, 0))
		children = append(children, pid)
	}
	require.NoError(t, cmd.Process.Kill())
	_ = cmd.Wait() // it was killed
	for _, pid := range children {
		require.Eventually(t, func() bool { return gone(pid) }, 5*time.Second, 5*time.Millisecond)
	}
}

// gone tells whether a process has ended, even if nobody has waited for it yet.
func gone(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || bytes.Contains(stat, []byte(") Z ")) || bytes.Contains(stat, []byte(") X "))
}
