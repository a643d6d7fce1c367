package system

import "context"

// BeginRetentionRequest says what to clean up, on schedule.
type BeginRetentionRequest struct {
	Kind     string `json:"kind"`
	Workflow string `json:"workflow"` // the execution that does so
}

// BeginRetention begins a run of a clean-up and returns its id. The same execution
// of the workflow gets the same run.
func (a *Activities) BeginRetention(ctx context.Context, req BeginRetentionRequest) (int64, error) {
	return result(a.Hub.BeginRetention(ctx, req.Kind, req.Workflow))
}

// RetentionReply says how a clean-up goes on.
type RetentionReply struct {
	Ended bool `json:"ended,omitempty"`
	// Pause is how many milliseconds others have the database and the disks for
	// themselves before the next batch.
	Pause int64 `json:"pause,omitempty"`
}

// RetentionBatch does the next batch of a run. How far the run is, is in its row.
func (a *Activities) RetentionBatch(ctx context.Context, run int64) (RetentionReply, error) {
	stop := beat(ctx)
	defer stop()
	ended, err := a.Hub.RetentionBatch(ctx, run)
	return result(RetentionReply{Ended: ended, Pause: a.Hub.Retention.Pause.Std().Milliseconds()}, err)
}

// RetentionStep returns the step that a run is at, "" if it has ended.
func (a *Activities) RetentionStep(ctx context.Context, run int64) (string, error) {
	return result(a.Hub.RetentionStep(ctx, run))
}

// SkipRetentionRequest says why a run does not go on with a step.
type SkipRetentionRequest struct {
	Run  int64  `json:"run"`
	Step string `json:"step"`
	Why  string `json:"why"`
	All  bool   `json:"all,omitempty"` // nor with those that follow: the run ends
}

// SkipRetention has a run go on behind a step, if it is still there, or end.
func (a *Activities) SkipRetention(ctx context.Context, req SkipRetentionRequest) (RetentionReply, error) {
	ended, err := a.Hub.SkipRetentionStep(ctx, req.Run, req.Step, req.Why, req.All)
	return result(RetentionReply{Ended: ended}, err)
}
