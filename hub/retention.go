package hub

import (
	"context"
	"errors"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindRetention(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.StartRetention, h.startRetention)
	rpc.Bind(r, api.GetRetentionRuns, h.getRetentionRuns)
	rpc.Bind(r, api.GetRetentionReport, h.getRetentionReport)
}

// retentionStep is one thing that a clean-up does, in batches.
type retentionStep struct {
	name string
	kind string
	// on tells whether the configuration asks for it.
	on func(*Hub) bool
	// files says that a batch looks at files: it does so before its transaction,
	// and maybe twice. Any other batch is done in the transaction that notes it,
	// once.
	files bool
	// batch does what comes behind the batch's position and returns the position
	// that it has come to, "" at the end.
	batch func(*Hub, context.Context, *retentionBatch) (next string, err error)
}

// retentionSteps are all steps, those of a kind in the order of a run. The
// garbage collector's order is that of its configuration.
var retentionSteps = []retentionStep{
	{"leftovers", api.RetentionSweep, always, true, (*Hub).sweepLeftovers},
	{"sessions", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Sessions > 0 }, false, (*Hub).sweepSessions},
	{"reservations", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Reservations > 0 }, false, (*Hub).sweepReservations},
	{"scheduler", api.RetentionSweep, always, false, (*Hub).sweepScheduler},
	{"messages", api.RetentionSweep, func(h *Hub) bool { return h.Messages.Enabled }, false, (*Hub).sweepMessages},
	{"uploads", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Uploads > 0 }, true, (*Hub).sweepUploads},
	{"failed_tasks", api.RetentionSweep, func(h *Hub) bool { return h.Retention.FailedTasks > 0 }, true, (*Hub).sweepFailedTasks},
	{"closed_tasks", api.RetentionSweep, func(h *Hub) bool { return h.Retention.ClosedTasks > 0 }, true, (*Hub).sweepClosedTasks},
	{"scratch", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Scratch > 0 }, true, (*Hub).sweepScratch},
	{"notification_tasks", api.RetentionSweep, func(h *Hub) bool { return h.Retention.NotificationTasks > 0 }, false, (*Hub).sweepNotificationTasks},
	{"scratch_tasks", api.RetentionSweep, func(h *Hub) bool { return h.Retention.ScratchTasks > 0 }, false, (*Hub).sweepScratchTasks},
	{"buildroots", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Buildroots }, false, (*Hub).sweepBuildroots},
	{"reports", api.RetentionSweep, func(h *Hub) bool { return h.Retention.Reports > 0 }, false, (*Hub).sweepReports},
	{"delete", api.RetentionGC, always, false, (*Hub).gcDelete},
	{"prune", api.RetentionGC, func(h *Hub) bool { return h.gc.Prunes() }, false, (*Hub).gcPrune},
	{"trash", api.RetentionGC, always, false, (*Hub).gcTrash},
	{"mail", api.RetentionGC, func(h *Hub) bool { return h.GC.Mail && h.Relay != nil }, true, (*Hub).gcMail},
	{"salvage", api.RetentionGC, always, false, (*Hub).gcSalvage},
}

func always(*Hub) bool { return true }

// RetentionSteps returns the steps that the configuration asks for.
func (h *Hub) RetentionSteps(kind string) []string {
	if kind == api.RetentionGC {
		return h.gcSteps(h.GC.Actions)
	}
	var names []string
	for _, s := range retentionSteps {
		if s.kind == kind && s.on(h) {
			names = append(names, s.name)
		}
	}
	return names
}

// gcSteps are the actions that there is something to do for. Mail about the
// trashcan follows at once.
func (h *Hub) gcSteps(actions []string) []string {
	var names []string
	for _, name := range actions {
		if step, ok := findRetentionStep(name); ok && step.on(h) {
			names = append(names, name)
		}
		if step, _ := findRetentionStep("mail"); name == "trash" && step.on(h) {
			names = append(names, "mail")
		}
	}
	return names
}

func findRetentionStep(name string) (retentionStep, bool) {
	i := slices.IndexFunc(retentionSteps, func(s retentionStep) bool { return s.name == name })
	if i < 0 {
		return retentionStep{}, false
	}
	return retentionSteps[i], true
}

// BeginRetention begins a run of the schedule: the same one for the same execution
// of its workflow.
func (h *Hub) BeginRetention(ctx context.Context, kind, workflow string) (int64, error) {
	return h.Store.AddRetentionRun(ctx, store.NewRetentionRun{Kind: kind, Steps: h.RetentionSteps(kind), Workflow: workflow})
}

func (h *Hub) startRetention(ctx context.Context, p api.StartRetentionParams) (int64, error) {
	if p.Kind != api.RetentionSweep && p.Kind != api.RetentionGC {
		return 0, koji.ParameterErrorf("Invalid kind of clean-up: %s", p.Kind)
	}
	if p.Kind == api.RetentionGC && !h.GC.Enabled && !p.DryRun {
		return 0, koji.GenericErrorf("the garbage collector is not enabled (gc.enabled): only dry runs are made")
	}
	steps := h.RetentionSteps(p.Kind)
	if p.Steps != nil {
		for _, name := range p.Steps {
			step, ok := findRetentionStep(name)
			if !ok || step.kind != p.Kind {
				return 0, koji.ParameterErrorf("Invalid step of %s: %s", p.Kind, name)
			}
			if !step.on(h) {
				return 0, koji.GenericErrorf("the configuration does not ask for %s", name)
			}
		}
		steps = p.Steps
		if p.Kind == api.RetentionGC {
			steps = h.gcSteps(p.Steps)
		}
	}
	user := session.From(ctx).UserID
	return h.Store.AddRetentionRun(ctx, store.NewRetentionRun{Kind: p.Kind, DryRun: p.DryRun, Steps: steps, UserID: &user})
}

func (h *Hub) getRetentionRuns(ctx context.Context, p api.RetentionRunsParams) ([]api.RetentionRun, error) {
	runs, err := h.Store.RetentionRuns(ctx, p.Kind, max(p.Limit, 0))
	return append([]api.RetentionRun{}, runs...), err
}

func (h *Hub) getRetentionReport(ctx context.Context, p api.RetentionReportParams) (*api.RetentionReport, error) {
	return h.Store.RetentionReport(ctx, p.Kind, p.Run)
}

// retentionBatch is the part of a run that is done at once.
type retentionBatch struct {
	run      store.RetentionRun
	items    []store.RetentionItem
	removals []store.Removal // of files, after the commit
}

func (b *retentionBatch) add(i store.RetentionItem) { b.items = append(b.items, i) }

// errDryRun undoes what a batch of a dry run has done.
var errDryRun = errors.New("dry run")

// RetentionBatch does the next batch of a run that there is something to do in,
// and tells whether the run has ended. What went wrong with a step for good is
// noted, and the next one follows; any other error is trouble, and the same batch
// is tried again.
func (h *Hub) RetentionBatch(ctx context.Context, id int64) (ended bool, err error) {
	if err := h.removeOfRun(ctx, id); err != nil { // what an earlier try has decided
		return false, err
	}
	for worked := false; !ended && !worked && err == nil; {
		ended, worked, err = h.retentionBatch(ctx, id)
	}
	if err != nil {
		return false, err
	}
	return ended, h.removeOfRun(ctx, id)
}

// removeOfRun removes the files that a run has decided to.
func (h *Hub) removeOfRun(ctx context.Context, id int64) error {
	ids, err := h.Store.RemovalsOfRun(ctx, id)
	if err != nil {
		return err
	}
	return h.removeAll(ctx, ids, nil)
}

// retentionBatch does the next batch of a run.
func (h *Hub) retentionBatch(ctx context.Context, id int64) (ended, worked bool, err error) {
	run, err := h.Store.RetentionRun(ctx, id)
	if err != nil || len(run.Steps) == 0 {
		return true, false, err
	}
	step, ok := findRetentionStep(run.Steps[0])
	if !ok {
		ended, err = h.SkipRetentionStep(ctx, id, run.Steps[0], "there is no such step", false)
		return ended, false, err
	}
	b := &retentionBatch{run: run}
	next := ""
	if step.files {
		if next, err = step.batch(h, ctx, b); err != nil {
			ended, err = h.retentionTrouble(ctx, id, step.name, err)
			return ended, false, err
		}
	}
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		now, err := h.Store.LockRetentionRun(ctx, id)
		if err != nil || len(now.Steps) != len(run.Steps) || now.Position != run.Position {
			ended = len(now.Steps) == 0
			return err // another one was faster
		}
		if !step.files {
			if next, err = h.tryBatch(ctx, step, b); err != nil {
				return err
			}
		}
		if run.Position = next; next == "" {
			run.Steps = run.Steps[1:]
		}
		ended = len(run.Steps) == 0
		return h.saveRetention(ctx, run, step.name, b)
	})
	if err != nil {
		ended, err = h.retentionTrouble(ctx, id, step.name, err)
	}
	return ended, len(b.items) > 0, err
}

// tryBatch does a batch in the context's transaction; that of a dry run is undone.
func (h *Hub) tryBatch(ctx context.Context, step retentionStep, b *retentionBatch) (next string, err error) {
	err = h.Store.Savepoint(ctx, func(ctx context.Context) error {
		if next, err = step.batch(h, ctx, b); err == nil && b.run.DryRun {
			return errDryRun
		}
		return err
	})
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return next, err
}

// saveRetention notes what a batch did, and how far the run is with it.
func (h *Hub) saveRetention(ctx context.Context, run store.RetentionRun, step string, b *retentionBatch) error {
	if err := h.Store.AddRetentionItems(ctx, run.ID, step, b.items); err != nil {
		return err
	}
	for _, r := range b.removals {
		if run.DryRun {
			break
		}
		if err := h.Store.AddRemoval(ctx, r); err != nil {
			return err
		}
	}
	database.AfterCommit(ctx, func() { h.metrics.retention.swept(run, step, b.items, h.Now()) })
	return h.Store.SaveRetentionRun(ctx, run)
}

// retentionTrouble tells a step that cannot be done from trouble.
func (h *Hub) retentionTrouble(ctx context.Context, id int64, step string, err error) (ended bool, _ error) {
	if koji.FaultOf(err) == 0 {
		return false, err
	}
	return h.SkipRetentionStep(ctx, id, step, err.Error(), false)
}

// RetentionStep returns the step that a run is at, "" if it has ended.
func (h *Hub) RetentionStep(ctx context.Context, id int64) (string, error) {
	run, err := h.Store.RetentionRun(ctx, id)
	if err != nil || len(run.Steps) == 0 {
		return "", err
	}
	return run.Steps[0], nil
}

// SkipRetentionStep goes on with the next step of a run, if it is still at the
// named one, or with none at all, and notes why. It tells whether the run has
// ended.
func (h *Hub) SkipRetentionStep(ctx context.Context, id int64, step, why string, all bool) (ended bool, err error) {
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		run, err := h.Store.LockRetentionRun(ctx, id)
		if err != nil || len(run.Steps) == 0 || run.Steps[0] != step {
			ended = len(run.Steps) == 0
			return err
		}
		h.Log.ErrorContext(ctx, "clean-up: a step failed", "run", id, "step", step, obs.Error, why)
		run.Failures = append(run.Failures, step+": "+why)
		run.Steps, run.Position = run.Steps[1:], ""
		if all {
			run.Steps = nil
		}
		ended = len(run.Steps) == 0
		return h.saveRetention(ctx, run, step, &retentionBatch{})
	})
	return ended, err
}
