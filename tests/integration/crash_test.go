package integration

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

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

// stopTime is how long a stack may take to stop in order.
const stopTime = 10 * time.Second

// The stack stops in time while a build is under way, without leaving anything
// behind, and the next start goes on with it.
func TestStop(t *testing.T) {
	l := start(t)
	s, id, _ := l.slow(t, 5)
	began := time.Now()
	require.NoError(t, l.Stop())
	took := time.Since(began)
	t.Logf("stopped after %v", took)
	require.Less(t, took, stopTime)
	l.nothingRuns(t, s, 0)

	require.NoError(t, l.startStack(t.Context()))
	l.closed(t, id)
	l.completed(t, s.nvr, "plain", 2)
}

// What toji dev has started ends with it, even if it is killed, and the next
// start goes on.
func TestKilled(t *testing.T) {
	l := start(t)
	s, id, _ := l.slow(t, 5)
	require.NoError(t, l.Kill())
	l.nothingRuns(t, s, 5*time.Second)

	require.NoError(t, l.startStack(t.Context()))
	l.closed(t, id)
	l.completed(t, s.nvr, "plain", 2)
}

// nothingRuns holds that no process of the stack and its builds is left.
func (l *lab) nothingRuns(t *testing.T, s source, limit time.Duration) {
	t.Helper()
	awaitFor(t, limit, "the end of all processes", func() bool {
		left, err := stack.Mentioning(l.Dir)
		require.NoError(t, err)
		return len(left)+len(l.asleep(t, s)) == 0
	})
}
