package builder

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/workers/step"
)

func TestOutcome(t *testing.T) {
	built := tasks.BuildArchResult{RPMs: []string{"tasks/7/7/a.rpm"}, BuildrootID: 3}
	for _, c := range []struct {
		name string
		err  error
		kept bool
	}{
		{"result", nil, true},
		{"failure of the package", koji.BuildErrorf("see build.log"), true},
		{"trouble of the host", koji.BuildErrorf("no space").WithKind(koji.KindInfrastructure), false},
		{"cancelled", errCanceled, false},
		{"daemon stopped", step.ErrDetach, false},
		{"lost", fmt.Errorf("run: %w", step.ErrLost), false},
		{"unforeseen", errors.New("eh"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, _ := New(Options{Log: slog.New(slog.DiscardHandler), Config: Config{WorkDir: t.TempDir()}})
			j := &job{Activities: a, log: a.log, task: task.Task{ID: 7}, attempt: attempt{WorkflowID: "task-7", RunID: "r", ActivityID: "5"}}
			keep(j, built, c.err)
			got, err, ok := recall[tasks.BuildArchResult](j)
			require.Equal(t, c.kept, ok)
			switch {
			case !c.kept:
				require.NoFileExists(t, a.outcomeFile(7))
				return
			case c.err == nil:
				require.NoError(t, err)
				require.Equal(t, built, got)
			default:
				var app *temporal.ApplicationError
				require.ErrorAs(t, err, &app)
				require.True(t, app.NonRetryable())
				require.Equal(t, c.err.Error(), app.Message())
			}
			j.attempt.ActivityID = "6"
			_, _, ok = recall[tasks.BuildArchResult](j)
			require.False(t, ok, "the task was freed: it is another activity")
		})
	}
}

func TestSweepOutcomes(t *testing.T) {
	a, _ := New(Options{Log: slog.New(slog.DiscardHandler), Config: Config{WorkDir: t.TempDir()}})
	keep(&job{Activities: a, log: a.log, task: task.Task{ID: 7}}, 42, nil)
	for _, c := range []struct {
		age  time.Duration
		left bool
	}{{outcomeAge / 2, true}, {2 * outcomeAge, false}} {
		require.NoError(t, Control{a}.SweepOutcomes(time.Now().Add(c.age)))
		_, err := os.Stat(a.outcomeFile(7))
		require.Equal(t, c.left, err == nil)
	}
}
