package system

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/motion"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/workflows"
)

// Retention has the clean-ups done: by Temporal's schedules, which it makes as the
// hub's configuration says, and when somebody asks.
type Retention struct {
	hub      *hub.Hub
	temporal client.Client
	log      *slog.Logger
}

// NewRetention returns what starts the clean-ups of a hub.
func NewRetention(h *hub.Hub, temporal client.Client, log *slog.Logger) *Retention {
	return &Retention{hub: h, temporal: temporal, log: log}
}

const (
	// retentionRetry is how soon Temporal is asked again after trouble.
	retentionRetry = 10 * time.Second
	// retentionWindow is how late a clean-up may be: what an outage has delayed
	// longer comes with the next one.
	retentionWindow = time.Minute
)

// Run makes the schedules and starts the runs that were asked for, until ctx is
// done.
func (r *Retention) Run(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	go r.work(ctx, wake)
	return r.hub.Store.Listen(ctx, func(string, string) {
		select {
		case wake <- struct{}{}:
		default:
		}
	}, "toji_retention")
}

func (r *Retention) work(ctx context.Context, wake <-chan struct{}) {
	again := time.NewTimer(0)
	defer again.Stop()
	scheduled, began := false, time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-again.C:
		}
		err := r.startRequested(ctx)
		if !scheduled {
			scheduleErr := r.schedule(ctx)
			scheduled, err = scheduleErr == nil, errors.Join(err, scheduleErr)
		}
		if err == nil || ctx.Err() != nil {
			continue
		}
		if time.Since(began) > patience {
			r.log.WarnContext(ctx, "clean-up: trying again", "error", err)
		}
		again.Reset(retentionRetry)
	}
}

// schedule makes the schedules as the configuration says.
func (r *Retention) schedule(ctx context.Context) error {
	gc := r.hub.GC.Every.Std()
	if !r.hub.GC.Enabled {
		gc = 0
	}
	return errors.Join(
		r.ensure(ctx, api.RetentionSweep, r.hub.Retention.Every.Std()),
		r.ensure(ctx, api.RetentionGC, gc),
	)
}

// ensure makes, changes or removes the schedule of one kind. Whether somebody has
// paused it is left alone.
func (r *Retention) ensure(ctx context.Context, kind string, every time.Duration) error {
	schedules := r.temporal.ScheduleClient()
	id := "toji-" + kind
	handle := schedules.GetHandle(ctx, id)
	if every == 0 {
		return motion.IfThere(handle.Delete(ctx))
	}
	spec := client.ScheduleSpec{Intervals: []client.ScheduleIntervalSpec{{Every: every}}}
	action := &client.ScheduleWorkflowAction{
		ID: id, Workflow: workflows.Retention, TaskQueue: task.SystemQueue, Args: []any{workflows.RetentionParams{Kind: kind}},
	}
	_, err := schedules.Create(ctx, client.ScheduleOptions{
		ID: id, Spec: spec, Action: action,
		Overlap: enums.SCHEDULE_OVERLAP_POLICY_SKIP, CatchupWindow: retentionWindow,
	})
	if err == nil {
		r.log.InfoContext(ctx, "clean-up scheduled", "kind", kind, "every", every)
	}
	if !errors.Is(err, temporal.ErrScheduleAlreadyRunning) {
		return scheduleError(kind, err)
	}
	return scheduleError(kind, handle.Update(ctx, client.ScheduleUpdateOptions{
		DoUpdate: func(in client.ScheduleUpdateInput) (*client.ScheduleUpdate, error) {
			s := in.Description.Schedule
			if slices.Equal(s.Spec.Intervals, spec.Intervals) {
				return nil, temporal.ErrSkipScheduleUpdate
			}
			s.Spec, s.Action = &spec, action
			return &client.ScheduleUpdate{Schedule: &s}, nil
		},
	}))
}

func scheduleError(kind string, err error) error {
	if err != nil {
		return fmt.Errorf("schedule %s: %w", kind, err)
	}
	return nil
}

// startRequested starts the workflows of runs that somebody asked for, or finds
// them started.
func (r *Retention) startRequested(ctx context.Context) error {
	runs, err := r.hub.Store.RequestedRetention(ctx)
	if err != nil {
		return err
	}
	for _, id := range runs {
		_, err := r.temporal.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
			ID: fmt.Sprintf("retention-%d", id), TaskQueue: task.SystemQueue,
			WorkflowIDConflictPolicy: enums.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		}, workflows.Retention, workflows.RetentionParams{Run: id})
		if err != nil {
			return fmt.Errorf("start clean-up %d: %w", id, err)
		}
	}
	return nil
}
