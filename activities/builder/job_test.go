package builder

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

func newTestJob(t *testing.T) *job {
	a, _ := New(Options{Log: slog.New(slog.DiscardHandler), Config: Config{WorkDir: t.TempDir()}})
	j := &job{Activities: a, log: a.log, dir: a.taskDir(1)}
	require.NoError(t, os.MkdirAll(j.dir, 0o755))
	return j
}

// A panic ends the task, not the daemon, and is no fault of the package.
func TestPanicIsTroubleOfTheHost(t *testing.T) {
	j := newTestJob(t)
	_, err := guarded(t.Context(), j, func(context.Context, *job) (int, error) { panic("at the disco") })
	var fault *koji.Error
	require.ErrorAs(t, err, &fault)
	require.Equal(t, koji.KindInfrastructure, fault.Kind)
	require.ErrorContains(t, err, "at the disco")

	broken := errors.New("broken")
	n, err := guarded(t.Context(), j, func(context.Context, *job) (int, error) { return 7, broken })
	require.Equal(t, 7, n)
	require.Equal(t, broken, err)
}

// A full disk keeps new tasks away and leaves those under way alone.
func TestFullDisk(t *testing.T) {
	j := newTestJob(t)
	require.NoError(t, j.checkSpace())
	j.cfg.MinSpace = 1 << 62
	require.ErrorIs(t, j.checkSpace(), errRefused)
	require.NoError(t, j.record())
	require.NoError(t, j.checkSpace())
}
