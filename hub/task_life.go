package hub

import (
	"context"
	"errors"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// FailTask ends an OPEN task, or with attempt 0 one that never opened, with a
// fault as its result.
func (h *Hub) FailTask(ctx context.Context, id int64, attempt int, f task.Failure) (store.TaskOutcome, error) {
	return h.Store.FailTask(ctx, id, attempt, xmlrpc.MarshalFault(f.Fault, f.Msg), f)
}

// TaskCanceled records that a task's workflow was cancelled, by the hub or by way
// of Temporal, and that no host works on the task any more.
func (h *Hub) TaskCanceled(ctx context.Context, id int64) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		if _, err := h.Store.CancelTask(ctx, id, true); err != nil {
			return err
		}
		return h.Store.EndRuns(ctx, id)
	})
}

// AssertTaskHost returns the calling host's id when it has the task and the
// task is open; a host may touch no other task.
func (h *Hub) AssertTaskHost(ctx context.Context, id int64) (int64, error) {
	host, err := session.From(ctx).AssertHost()
	if err != nil {
		return 0, err
	}
	owns, err := database.One[bool](ctx, h.Store.DB,
		`SELECT state = 1 AND coalesce(host_id = $2, false) FROM task WHERE id = $1`, id, host)
	switch {
	case errors.Is(err, database.ErrNotFound):
		return 0, koji.GenericErrorf("No such task: %d", id)
	case err != nil:
		return 0, err
	case !owns:
		return 0, notTheirTask(host, id)
	}
	return host, nil
}

func notTheirTask(host, id int64) error {
	return koji.ActionNotAllowedf("host %d does not own task %d", host, id)
}
