package hub

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// more is the position of steps that need none: what they remove is gone.
const more = "more"

// sweepRows removes rows by age.
func (h *Hub) sweepRows(ctx context.Context, b *retentionBatch, sweeps []store.RowSweep, age config.Duration, args ...any) (next string, err error) {
	for _, sweep := range sweeps {
		n, left, err := h.Store.Sweep(ctx, sweep, b.run.DryRun, append([]any{age.Std().Seconds()}, args...)...)
		if err != nil {
			return "", err
		}
		if n > 0 {
			b.add(store.RetentionItem{Action: "remove", Subject: sweep.What, Reason: "older than " + days(age), Rows: n})
		}
		if left {
			next = more
		}
	}
	return next, nil
}

// days is a time as people say it.
func days(age config.Duration) string {
	const day = 24 * time.Hour
	if d := age.Std(); d >= 2*day && d%day == 0 {
		return fmt.Sprintf("%d days", d/day)
	}
	return age.Std().String()
}

func (h *Hub) sweepSessions(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepRows(ctx, b, store.SweepSessions, h.Retention.Sessions, h.Config.SessionRenewalTimeout.Std().Seconds())
}

func (h *Hub) sweepReservations(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepRows(ctx, b, store.SweepReservations, h.Retention.Reservations)
}

// sweepScheduler removes the scheduler's messages, and what is kept of tasks that
// ended.
func (h *Hub) sweepScheduler(ctx context.Context, b *retentionBatch) (string, error) {
	logs, err := h.sweepRows(ctx, b, store.SweepSchedulerLogs, h.schedule.KeepLogs)
	if err != nil {
		return "", err
	}
	history, err := h.sweepRows(ctx, b, store.SweepHistory, h.schedule.KeepHistory)
	if logs != "" {
		history = logs
	}
	return history, err
}

// sweepMessages removes messages that nobody has relayed in time.
func (h *Hub) sweepMessages(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepRows(ctx, b, store.SweepMessages, h.Messages.MaxAge)
}

func (h *Hub) sweepReports(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepRows(ctx, b, store.SweepReports, h.Retention.Reports)
}

// oldTasks is how many tasks, or buildroots, a batch removes at most.
const oldTasks = 200

// Koji: koji-sweep-db removes those about tags.
func (h *Hub) sweepNotificationTasks(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepTasks(ctx, b, h.Retention.NotificationTasks, []string{"tagNotification", "buildNotification"}, nil)
}

func (h *Hub) sweepScratchTasks(ctx context.Context, b *retentionBatch) (string, error) {
	return h.sweepTasks(ctx, b, h.Retention.ScratchTasks, []string{"build"}, isScratch)
}

// isScratch tells whether a build task was asked for a scratch build.
func isScratch(t store.OldTask) bool {
	_, args, err := xmlrpc.UnmarshalRequest(t.Request)
	if err != nil {
		return false
	}
	opts, _ := requestParams(t.Method, args)["opts"].(map[string]any)
	return xmlrpc.Truth(opts["scratch"])
}

// sweepTasks removes the rows of tasks of some types, and of those below them.
func (h *Hub) sweepTasks(ctx context.Context, b *retentionBatch, age config.Duration, methods []string, only func(store.OldTask) bool) (string, error) {
	after, _ := strconv.ParseInt(b.run.Position, 10, 64) // "" is 0
	tasks, err := h.Store.OldTasks(ctx, methods, age.Std().Seconds(), after, oldTasks)
	if err != nil {
		return "", err
	}
	for _, t := range tasks {
		if only != nil && !only(t) {
			continue
		}
		n, err := h.Store.DeleteTask(ctx, t.ID)
		if err != nil {
			return "", err
		}
		if n > 0 {
			b.add(store.RetentionItem{Action: "remove", Subject: "tasks of type " + t.Method, Reason: "older than " + days(age), Rows: int64(n)})
		}
	}
	if len(tasks) < oldTasks {
		return "", nil
	}
	return strconv.FormatInt(tasks[len(tasks)-1].ID, 10), nil
}

func (h *Hub) sweepBuildroots(ctx context.Context, b *retentionBatch) (string, error) {
	n, err := h.Store.SweepBuildroots(ctx, b.run.DryRun, oldTasks)
	if n > 0 {
		b.add(store.RetentionItem{Action: "remove", Subject: "buildroots", Reason: "nothing refers to them", Rows: n})
	}
	if n < oldTasks || b.run.DryRun {
		return "", err
	}
	return more, err
}
