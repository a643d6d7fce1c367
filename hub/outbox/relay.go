// Package outbox turns committed intents into Temporal calls.
//
// A call that makes, frees, assigns or cancels a task writes its intent to
// toji.outbox in the same transaction. The relay is woken by the commit
// (NOTIFY), takes the intents and delivers them; each can be delivered twice
// without harm:
//
//	start    starts the workflow task-<id>; it exists already: done
//	signal   signals it; it has ended, or not started: done, as a workflow looks
//	         into the database when it starts
//	cancel   cancels it; it has ended: done
//
// An intent that cannot be delivered stays and is tried again, so that an
// outage of Temporal delays tasks and loses none. A task of a type that this
// hub does not know has no workflow, until a hub comes that does: it is for
// hosts that run Koji's own builder. Any number of relays may run;
// a task's intents are delivered in order.
package outbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

const (
	// batch bounds the Temporal calls that are under way at once.
	batch = 32
	// lanes is how many batches are: an intent need not wait for an earlier
	// batch's slowest call.
	lanes = 4
	// sweep finds what a crash, or a lost notification, left behind.
	sweep = 30 * time.Second
	// retry is how soon a database that is away is asked again.
	retry = 300 * time.Millisecond
)

// Motion is what the relay needs of Temporal. Each method is idempotent.
type Motion interface {
	// Start starts the workflow of the name for a task; params is a pointer to the
	// type's request, or the SiteRequest of a site's type.
	Start(ctx context.Context, workflow string, t task.Task, params any) error
	// Signal sends a signal to a task's workflow, if it runs.
	Signal(ctx context.Context, taskID int64, name string) error
	// Cancel asks for the end of a task's workflow, if it runs.
	Cancel(ctx context.Context, taskID int64) error
}

// Failer fails a task whose request makes no sense.
type Failer interface {
	FailTask(ctx context.Context, id int64, attempt int, f task.Failure) (store.TaskOutcome, error)
}

// Relay delivers intents.
type Relay struct {
	Store  *store.Store
	Motion Motion
	Tasks  Failer
	Log    *slog.Logger
}

// Run delivers intents until ctx is done.
func (r *Relay) Run(ctx context.Context) error {
	methods, err := r.Store.KnownMethods(ctx)
	if err != nil {
		return err
	}
	if err := r.Store.StartAgain(ctx, methods); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	wake := make(chan struct{}, lanes)
	var lanesDone sync.WaitGroup
	for range lanes {
		lanesDone.Go(func() { r.lane(ctx, wake) })
	}
	defer lanesDone.Wait()
	defer cancel()
	return r.Store.Listen(ctx, func(string, string) {
		select {
		case wake <- struct{}{}:
		default: // every lane has something to look at already
		}
	}, "toji_outbox")
}

// lane delivers batches whenever it is woken, and from time to time.
func (r *Relay) lane(ctx context.Context, wake <-chan struct{}) {
	pause := time.NewTimer(sweep)
	defer pause.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-pause.C:
		}
		pause.Reset(r.drain(ctx))
	}
}

// drain delivers until nothing is ready. It returns how long it may be until
// something is.
func (r *Relay) drain(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		taken, left, err := r.Store.DeliverIntents(ctx, batch, r.deliver)
		if err == nil && taken > left {
			continue
		}
		due := sweep
		if err == nil { // nothing is ready, or nothing gets through
			due, err = r.Store.NextIntent(ctx, sweep)
		}
		if err != nil && ctx.Err() == nil {
			r.Log.WarnContext(ctx, "outbox: cannot deliver", "error", err)
			due = retry
		}
		return due
	}
	return sweep
}

func (r *Relay) deliver(ctx context.Context, intents []store.Intent) []error {
	errs := make([]error, len(intents))
	var calls sync.WaitGroup
	for i, in := range intents {
		if in.Kind == "start" {
			// It reads the task through the batch's transaction, which one
			// goroutine may use at a time.
			call, err := r.prepareStart(ctx, in)
			if errs[i] = err; call == nil {
				continue
			}
			calls.Go(func() { errs[i] = call() })
			continue
		}
		calls.Go(func() { errs[i] = r.tell(ctx, in) })
	}
	calls.Wait()
	for i, err := range errs {
		if err != nil {
			r.Log.WarnContext(ctx, "outbox: not delivered, will try again", "task", intents[i].TaskID, "kind", intents[i].Kind, "error", err)
		}
	}
	return errs
}

func (r *Relay) tell(ctx context.Context, in store.Intent) error {
	switch {
	case in.Kind == "cancel":
		return r.Motion.Cancel(ctx, in.TaskID)
	case in.Late:
		// The workflow started after the scheduler had chosen, and has looked.
		return nil
	}
	return r.Motion.Signal(ctx, in.TaskID, in.Name)
}

// prepareStart reads the task and decodes its request. It returns nil when
// there is nothing to start: the task has ended, has no declared type, or its
// request does not fit, which fails it. What it cannot do must not undo the batch.
func (r *Relay) prepareStart(ctx context.Context, in store.Intent) (start func() error, err error) {
	err = r.Store.Savepoint(ctx, func(ctx context.Context) error {
		start, err = r.startOf(ctx, in.TaskID)
		return err
	})
	return start, err
}

func (r *Relay) startOf(ctx context.Context, id int64) (func() error, error) {
	t, err := r.Store.TaskForWorkflow(ctx, id)
	if err != nil {
		return nil, gone(err)
	}
	if t.State.Finished() {
		return nil, nil
	}
	entry, ok, err := r.Store.TaskType(ctx, t.Method)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, r.Store.KeepForeign(ctx, t.ID)
	}
	params, err := decode(entry, t.Request)
	if err != nil {
		_, err = r.Tasks.FailTask(ctx, t.ID, 0, task.Failure{Fault: koji.FaultParameter, Kind: koji.KindPolicy, Msg: err.Error()})
		return nil, err
	}
	if entry.Site {
		params = task.SiteRequest{Weight: entry.Weight, Request: t.Request}
	}
	return func() error { return r.Motion.Start(ctx, entry.Workflow, t.Task(), params) }, nil
}

// maxRequest bounds a task's request in bytes. Temporal takes no payload of more
// than 2 MiB, and JSON may need more for a text than XML does.
const maxRequest = 1 << 20

// decode turns the stored request into the type's parameters.
func decode(e task.Entry, request string) (any, error) {
	if len(request) > maxRequest {
		return nil, koji.ParameterErrorf("the request has %d bytes, the most is %d", len(request), maxRequest)
	}
	_, params, err := xmlrpc.UnmarshalRequest(request)
	if err != nil {
		return nil, err
	}
	args, kw := xmlrpc.SplitKeywords(params)
	return e.Decode(args, kw)
}

// gone drops an intent whose task does not exist any more.
func gone(err error) error {
	var fault *koji.Error
	if errors.As(err, &fault) {
		return nil
	}
	return err
}
