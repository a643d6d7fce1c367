package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/system"
)

// Retention is the name of the workflow that cleans up. It is no task: schedules
// start it, and toji.startRetention.
const Retention = "retention"

// RetentionParams say what to clean up.
type RetentionParams struct {
	Kind string `json:"kind,omitempty"` // of a new run
	Run  int64  `json:"run,omitempty"`  // one that exists
}

// onClean is for a batch: some hundred rows or directories.
var onClean = workflow.ActivityOptions{
	StartToCloseTimeout: 2 * time.Hour, // a directory may hold a million files
	HeartbeatTimeout:    time.Minute,
	RetryPolicy: &temporal.RetryPolicy{
		InitialInterval:    time.Second,
		BackoffCoefficient: 2,
		MaximumInterval:    5 * time.Minute,
		MaximumAttempts:    30, // two hours for a database, disk or mail relay that is away; then the next step
	},
}

// batchesOfRun is how many batches have a history of their own: it stays small.
const batchesOfRun = 500

// retention does a clean-up, batch by batch. What it does, and how far it is, is in
// the run's row, so that nothing is lost or done twice however often it begins anew.
func retention(ctx workflow.Context, p RetentionParams) error {
	ctx = workflow.WithActivityOptions(ctx, onClean)
	if p.Run == 0 {
		req := system.BeginRetentionRequest{Kind: p.Kind, Workflow: workflow.GetInfo(ctx).WorkflowExecution.RunID}
		if err := workflow.ExecuteActivity(ctx, db.BeginRetention, req).Get(ctx, &p.Run); err != nil {
			return err
		}
	}
	for range batchesOfRun {
		var reply system.RetentionReply
		err := workflow.ExecuteActivity(ctx, db.RetentionBatch, p.Run).Get(ctx, &reply)
		if err != nil {
			reply, err = skipRetention(ctx, p.Run, err.Error())
		}
		if err != nil || reply.Ended {
			return err
		}
		if err := workflow.Sleep(ctx, time.Duration(reply.Pause)*time.Millisecond); err != nil {
			_, err = skipRetention(ctx, p.Run, err.Error())
			return err
		}
	}
	return workflow.NewContinueAsNewError(ctx, Retention, p)
}

// skipRetention has a run go on with its next step, or end if it is canceled.
func skipRetention(ctx workflow.Context, run int64, why string) (reply system.RetentionReply, err error) {
	canceled := ctx.Err()
	ctx, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	req := system.SkipRetentionRequest{Run: run, Why: why, All: canceled != nil}
	if err := workflow.ExecuteActivity(ctx, db.RetentionStep, run).Get(ctx, &req.Step); err != nil {
		return reply, err
	}
	if err := workflow.ExecuteActivity(ctx, db.SkipRetention, req).Get(ctx, &reply); err != nil {
		return reply, err
	}
	return reply, canceled
}
