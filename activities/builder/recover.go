package builder

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/workers/step"
)

// Kept is what of an earlier life is still wanted.
type Kept struct {
	Tasks map[string]bool // by id
	Roots map[string]bool // by the id of the buildroot
}

// rootOf is the id of a task's buildroot, "" if it has none.
func (a *Activities) rootOf(id string) string {
	var state rootState
	text, err := os.ReadFile(filepath.Join(a.cfg.WorkDir, "tasks", id, rootFile+".json"))
	if err != nil || json.Unmarshal(text, &state) != nil || state.BuildrootID == 0 {
		return ""
	}
	return strconv.FormatInt(state.BuildrootID, 10)
}

// Recover looks at the folders that an earlier daemon of this host left. An
// activity that Temporal still takes for running is reported as lost: it comes
// again, and finds its work. What nobody wants any more is ended and removed.
func (c Control) Recover(ctx context.Context) (kept Kept, err error) {
	a := c.activities
	kept = Kept{Tasks: map[string]bool{}, Roots: map[string]bool{}}
	entries, err := os.ReadDir(filepath.Join(a.cfg.WorkDir, "tasks"))
	if errors.Is(err, fs.ErrNotExist) {
		return kept, nil
	}
	if err != nil {
		return kept, err
	}
	for _, e := range entries {
		if _, err := strconv.ParseInt(e.Name(), 10, 64); err != nil || !e.IsDir() {
			// Whoever put it there may want it, and the daemon has to start.
			a.log.Warn("not a task's folder, left alone", "path", filepath.Join(a.cfg.WorkDir, "tasks", e.Name()))
			continue
		}
		wanted, err := a.reportLost(ctx, e.Name())
		if err != nil {
			return kept, fmt.Errorf("task %s of an earlier life: %w", e.Name(), err)
		}
		if wanted {
			kept.Tasks[e.Name()] = true
			if root := a.rootOf(e.Name()); root != "" {
				kept.Roots[root] = true
			}
			continue
		}
		a.log.Info("work of an earlier life is not wanted any more", "task", e.Name())
		if err := a.removeTask(e.Name()); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// reportLost ends the attempt that the earlier daemon had under way; it returns
// false when there is none.
func (a *Activities) reportLost(ctx context.Context, id string) (bool, error) {
	text, err := os.ReadFile(filepath.Join(a.cfg.WorkDir, "tasks", id, attemptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var at attempt
	if err := json.Unmarshal(text, &at); err != nil {
		// As a loss of power leaves it. The daemon has to start nonetheless.
		a.log.Warn("the record of an attempt is damaged", "task", id, "error", err)
		return false, nil
	}
	lost := temporal.NewApplicationError("the builder daemon was restarted; its work goes on", task.ErrorDetached)
	for {
		err = a.temporal.CompleteActivityByID(ctx, at.Namespace, at.WorkflowID, at.RunID, at.ActivityID, nil, lost)
		var notFound *serviceerror.NotFound
		switch {
		case err == nil:
			return true, nil
		case errors.As(err, &notFound):
			return a.awaitsRetry(ctx, at)
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
		a.log.Warn("Temporal does not answer, waiting for it", "error", err)
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// awaitsRetry says whether the activity is not running but about to be tried
// again, as after a graceful stop of the daemon.
func (a *Activities) awaitsRetry(ctx context.Context, at attempt) (bool, error) {
	d, err := a.temporal.DescribeWorkflowExecution(ctx, at.WorkflowID, at.RunID)
	if err != nil {
		var notFound *serviceerror.NotFound
		if errors.As(err, &notFound) {
			return false, nil
		}
		return false, err
	}
	for _, pending := range d.GetPendingActivities() {
		if pending.GetActivityId() == at.ActivityID {
			return pending.GetState() != enums.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED, nil
		}
	}
	return false, nil
}

// removeTask ends what runs for a task of this host and removes its folder and
// its buildroot.
func (a *Activities) removeTask(id string) error {
	dir := filepath.Join(a.cfg.WorkDir, "tasks", id)
	steps, err := os.ReadDir(filepath.Join(dir, "steps"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, s := range steps {
		if err := killStep(filepath.Join(dir, "steps", s.Name())); err != nil {
			return err
		}
	}
	if a.groups != nil && a.groups.Supported() {
		if _, err := a.groups.Sweep(func(other string) bool { return other != id }); err != nil {
			return err
		}
	}
	return os.RemoveAll(dir)
}

func killStep(dir string) error {
	s, err := step.Attach(dir)
	if err != nil {
		return nil // it never started
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return s.Kill(ctx)
}
