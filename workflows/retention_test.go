package workflows

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
)

// cleaner stands for the activities of clean-ups.
type cleaner struct {
	*record
	batch   func(n int) (system.RetentionReply, error) // the n-th try of a batch, from 1
	batches int
}

func (c *cleaner) BeginRetention(_ context.Context, req system.BeginRetentionRequest) (int64, error) {
	c.add("begin %s", req.Kind)
	return 7, nil
}

func (c *cleaner) RetentionStep(context.Context, int64) (string, error) { return "uploads", nil }

func (c *cleaner) RetentionBatch(_ context.Context, run int64) (system.RetentionReply, error) {
	c.batches++
	return c.batch(c.batches)
}

func (c *cleaner) SkipRetention(_ context.Context, req system.SkipRetentionRequest) (system.RetentionReply, error) {
	c.add("skip %s of %d all %v", req.Step, req.Run, req.All)
	return system.RetentionReply{Ended: req.All}, nil
}

func newCleaner(t *testing.T, batch func(int) (system.RetentionReply, error)) (*world, *cleaner) {
	t.Helper()
	w := newWorld(t)
	c := &cleaner{record: w.record, batch: batch}
	w.RegisterActivity(c)
	return w, c
}

func TestRetention(t *testing.T) {
	w, c := newCleaner(t, func(n int) (system.RetentionReply, error) {
		if n == 2 {
			return system.RetentionReply{}, errors.New("the database is away")
		}
		return system.RetentionReply{Ended: n == 4, Pause: 60_000}, nil
	})
	begun := w.Now()
	w.ExecuteWorkflow(Retention, RetentionParams{Kind: "sweep"})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, 4, c.batches)
	require.Equal(t, []string{"begin sweep"}, w.list)
	require.GreaterOrEqual(t, w.Now().Sub(begun), 2*time.Minute, "with a pause after each batch")
}

// A long run begins its history anew, and goes on with the same run.
func TestRetentionContinues(t *testing.T) {
	w, c := newCleaner(t, func(int) (system.RetentionReply, error) { return system.RetentionReply{}, nil })
	w.ExecuteWorkflow(Retention, RetentionParams{Run: 3})
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, w.GetWorkflowError(), &again)
	require.Equal(t, Retention, again.WorkflowType.Name)
	require.Equal(t, batchesOfRun, c.batches)
	require.Empty(t, w.list, "the run has begun")
}

// What is in trouble for too long is skipped.
func TestRetentionTrouble(t *testing.T) {
	w, c := newCleaner(t, func(n int) (system.RetentionReply, error) {
		if n <= int(onClean.RetryPolicy.MaximumAttempts) {
			return system.RetentionReply{}, errors.New("the disk is away")
		}
		return system.RetentionReply{Ended: true}, nil
	})
	w.ExecuteWorkflow(Retention, RetentionParams{Run: 3})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, int(onClean.RetryPolicy.MaximumAttempts)+1, c.batches)
	require.Equal(t, []string{"skip uploads of 3 all false"}, w.list)
}

func TestRetentionCanceled(t *testing.T) {
	w, _ := newCleaner(t, func(int) (system.RetentionReply, error) { return system.RetentionReply{Pause: 1000}, nil })
	w.RegisterDelayedCallback(w.CancelWorkflow, 5*time.Second)
	w.ExecuteWorkflow(Retention, RetentionParams{Run: 3})
	var canceled *temporal.CanceledError
	require.ErrorAs(t, w.GetWorkflowError(), &canceled)
	require.Equal(t, []string{"skip uploads of 3 all true"}, w.list)
}
