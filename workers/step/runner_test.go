package step_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/workers/step"
)

func TestRunnerRunsOnce(t *testing.T) {
	r := step.Runner{Dir: t.TempDir()}
	spec := sh("echo x >> count; exit 2")
	spec.Dir = t.TempDir()
	for range 2 {
		exit, err := r.Run(t.Context(), "build", spec)
		require.NoError(t, err)
		require.Equal(t, 2, exit.Code)
	}
	b, err := os.ReadFile(filepath.Join(spec.Dir, "count"))
	require.NoError(t, err)
	require.Equal(t, "x\n", string(b))
	_, err = r.Run(t.Context(), "build", sh("true"))
	require.ErrorContains(t, err, "runs another command")
}

func TestRunnerCancel(t *testing.T) {
	reason := errors.New("task canceled")
	for _, tt := range []struct {
		name  string
		cause error
		stays bool
	}{{"kill", reason, false}, {"detach", step.ErrDetach, true}} {
		t.Run(tt.name, func(t *testing.T) {
			r := step.Runner{Dir: t.TempDir()}
			spec := sh("echo $$ > main; sleep 1000")
			spec.Dir = t.TempDir()
			ctx, cancel := context.WithCancelCause(t.Context())
			result := make(chan error, 1)
			go func() {
				_, err := r.Run(ctx, "build", spec)
				result <- err
			}()
			main := waitFor(t, filepath.Join(spec.Dir, "main"))
			cancel(tt.cause)
			require.ErrorIs(t, <-result, tt.cause)
			require.Equal(t, tt.stays, alive(main))
			s, err := step.Attach(filepath.Join(r.Dir, "build"))
			require.NoError(t, err)
			require.NoError(t, s.Kill(t.Context()))
		})
	}
}

// What the end of the lifeline killed is lost, and done anew by the next Run.
func TestRunnerLifeline(t *testing.T) {
	lifeline, hold, err := os.Pipe()
	require.NoError(t, err)
	defer lifeline.Close()
	r := step.Runner{Dir: t.TempDir(), Lifeline: lifeline}
	spec := sh("echo $$ > main; sleep 1000")
	spec.Dir = t.TempDir()
	result := make(chan error, 1)
	go func() {
		_, err := r.Run(t.Context(), "build", spec)
		result <- err
	}()
	main := waitFor(t, filepath.Join(spec.Dir, "main"))
	require.NoError(t, hold.Close())
	require.ErrorIs(t, <-result, step.ErrLost)
	require.False(t, alive(main))

	r.Lifeline = nil
	exit, err := r.Run(t.Context(), "build", sh("exit 3"))
	require.NoError(t, err)
	require.Equal(t, 3, exit.Code)
}
