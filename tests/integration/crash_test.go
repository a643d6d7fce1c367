package integration

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// Whatever part of the stack dies in the middle of a build, it is started again
// and the build goes on where it was: nothing is built twice, no row is doubled.
func TestPartsDie(t *testing.T) {
	l := start(t)
	for _, c := range []struct{ name, process string }{
		{"builder", "worker --config"},
		{"hub", "hub --config"},
		{"Temporal", "temporal-server"},
		{"PostgreSQL", "postgres -D"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, id, arch := l.slow(t, 6)
			before, err := l.Child(c.process)
			require.NoError(t, err)
			require.NoError(t, l.KillChild(c.process))
			await(t, "another "+c.name, func() bool {
				after, err := l.Child(c.process)
				return err == nil && after.PID != before.PID
			})
			l.closed(t, id)
			l.completed(t, s.nvr, "plain", 2)
			l.builtOnce(t, s, id, arch)
		})
	}
}

// A builder that is upgraded, in order or not, leaves its builds alone: the next one,
// which is another program, goes on with their logs and learns how they end.
func TestUpgradeBuilder(t *testing.T) {
	l := start(t)
	for _, c := range []struct {
		name   string
		signal syscall.Signal
		fails  bool
	}{
		{"stopped", syscall.SIGTERM, false},
		{"killed", syscall.SIGKILL, false},
		{"stopped, and the build fails", syscall.SIGTERM, true},
		{"killed, and the build fails", syscall.SIGKILL, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := l.tick(t, 8, c.fails, "default")
			before, err := l.Child("worker --config")
			require.NoError(t, err)
			l.replaceProgram(t)
			require.NoError(t, syscall.Kill(before.PID, c.signal))
			await(t, "another builder", func() bool {
				after, err := l.Child("worker --config")
				return err == nil && after.PID != before.PID
			})
			if c.fails {
				require.Equal(t, koji.FaultBuild, l.failed(t, b.build).Fault)
				b.once(t, l, "failed")
				return
			}
			l.closed(t, b.build)
			l.completed(t, "tick-1.0-"+b.release, "plain", 2)
			b.once(t, l, "closed")
		})
	}
}

// replaceProgram puts a copy in the place of the program, as an upgrade does.
func (l *lab) replaceProgram(t *testing.T) {
	t.Helper()
	next := l.toji + ".new"
	out, err := exec.Command("cp", l.toji, next).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Rename(next, l.toji))
}

// freedWithin is how long a task may wait for another host after its own ended:
// somewhat more than the scheduler's grace, which Temporal's heartbeat timeout is,
// too.
const freedWithin = 45 * time.Second

// A task of a host that is gone for good goes to another one.
func TestHostDies(t *testing.T) {
	t.Parallel()
	l := start(t)
	const dead, heir = "dead.example.org", "heir.example.org"
	host := l.builder(t, dead, nil)
	l.awaitReady(t, dead)
	id := l.sleep(t, dead, 3, nil)
	l.awaitState(t, id, koji.TaskOpen)
	began := time.Now()
	host.Kill()
	l.builder(t, heir, nil)
	call(t, l, api.AddHostToChannel, api.AddHostToChannelParams{Hostname: heir, ChannelName: dead})
	awaitFor(t, freedWithin, "the task being free", func() bool {
		return l.count(t, `SELECT count(*) FROM toji.task_failure WHERE task_id = $1`, id) == 1
	})
	t.Logf("the host's end was noticed after %v", time.Since(began).Round(time.Second))
	l.closed(t, id)
	status := l.status(t, id)
	require.Len(t, status.Attempts, 2)
	require.Equal(t, heir, *status.Attempts[1].Host)
	require.Len(t, status.Failures, 1)
	require.Equal(t, koji.KindInfrastructure, status.Failures[0].Class)
	require.Equal(t, dead, *status.Failures[0].Host)
	require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM scheduler_log_messages WHERE task_id = $1 AND msg LIKE 'Freeing task: The host went away%'`, id))
}

// outage is longer than Temporal waits for a heartbeat.
const outage = 32 * time.Second

// While Temporal is away builds go on, and end. When it is back nothing of that
// is done again.
func TestLongOutage(t *testing.T) {
	l := start(t)
	ends, goesOn := l.srpm(t, "slow-build", 8), l.srpm(t, "slow-build", int(outage.Seconds())+5)
	builds := map[int64]source{l.build(t, ends, "plain", nil): ends, l.build(t, goesOn, "plain", nil): goesOn}
	for _, s := range builds {
		l.awaitSleep(t, s)
	}
	server, err := l.Child("temporal-server")
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(server.PID, syscall.SIGSTOP))
	<-time.After(outage) // the passing of time is what is tested
	require.NoError(t, syscall.Kill(server.PID, syscall.SIGCONT))
	for id, s := range builds {
		l.closed(t, id)
		l.completed(t, s.nvr, "plain", 2)
		l.builtOnce(t, s, id, l.child(t, id, "buildArch").ID)
	}
}

// builtOnce holds that rpmbuild ran once and that the tasks were worked on once.
func (l *lab) builtOnce(t *testing.T, s source, id, arch int64) {
	t.Helper()
	log := l.file(t, "packages", "slow-build", "1.0", s.release, "data", "logs", "noarch", "build.log")
	require.Equal(t, 1, strings.Count(log, "\nslow-build sleeps now"))
	require.Len(t, l.children(t, id)["buildArch"], 1)
	require.Equal(t, []string{"closed"}, l.outcomes(t, id))
	require.Equal(t, []string{"closed"}, l.outcomes(t, arch))
	require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM build b JOIN package p ON p.id = b.pkg_id
		WHERE p.name = 'slow-build' AND b.release = $1`, s.release))
	require.Equal(t, int64(2), l.count(t, `SELECT count(*) FROM buildroot b JOIN standard_buildroot s ON s.buildroot_id = b.id
		JOIN task t ON t.id = s.task_id WHERE t.parent = $1`, id))
}

const (
	// stopTime is how long a stack may take to stop in order.
	stopTime = 10 * time.Second
	// dieTime is how long its processes may outlive it: they have to notice.
	dieTime = 2 * time.Second
)

// The stack stops in time while a build is under way, without leaving anything
// behind, and the next start goes on with it. The same when toji dev is killed.
func TestStackEnds(t *testing.T) {
	l := start(t)
	for name, end := range map[string]func(*stack.Stack) error{"stopped": (*stack.Stack).Stop, "killed": (*stack.Stack).Kill} {
		t.Run(name, func(t *testing.T) {
			s, id, arch := l.slow(t, 5)
			began := time.Now()
			require.NoError(t, end(l.Stack))
			t.Logf("ended after %v", time.Since(began))
			require.Less(t, time.Since(began), stopTime)
			gone := within(dieTime, func() bool { return len(l.left(t, s)) == 0 })
			left := l.left(t, s)
			require.NoError(t, l.startStack(t.Context())) // for the other tests, too
			require.True(t, gone, "left: %v", left)
			l.closed(t, id)
			l.completed(t, s.nvr, "plain", 2)
			require.Equal(t, []string{"closed"}, l.outcomes(t, arch))
			require.Empty(t, l.status(t, arch).Failures, "nothing was anybody's fault")
			require.Equal(t, int64(2), l.count(t, `SELECT count(*) FROM standard_buildroot WHERE task_id = $1 AND state = 3`, arch),
				"one root for each try, none in use")
		})
	}
}

// left lists what still runs of a stack that has ended and of its builds.
func (l *lab) left(t *testing.T, s source) []stack.Process {
	t.Helper()
	left, err := stack.Mentioning(l.Dir)
	require.NoError(t, err)
	return append(left, l.asleep(t, s)...)
}
