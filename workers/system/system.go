// Package system is the hub's own Temporal worker: it runs every workflow, and
// the activities on the database side.
//
// A hub process has one. It shares its Temporal client with the outbox relay,
// which lets a workflow's first task come back with the call that started it,
// without a turn through a queue.
package system

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/worker"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/workflows"
)

const (
	// Workflow tasks hold a goroutine for milliseconds and no connection.
	workflowTasks = 200
	// Local activities are single transactions; the database's pool queues them.
	localActivities = 64
	// Activities import builds and write repositories: files, checksums.
	activities = 16

	workflowPollers = 4
	activityPollers = 2

	// stickyTimeout is how long a workflow waits for the hub process that has it
	// in its cache before any other replays it. The default, 5 s, would delay
	// every running task by that when the process was killed.
	stickyTimeout = 2 * time.Second

	// stopTimeout bounds what a stop waits for activities under way; they are
	// run again elsewhere.
	stopTimeout = 3 * time.Second

	// retryMin and retryMax bound the pauses while Temporal cannot be reached.
	retryMin = 100 * time.Millisecond
	retryMax = 2 * time.Second

	// patience is how long that may take before it is worth a warning: Temporal
	// and a hub often start together.
	patience = 5 * time.Second
)

// Options are the parts of a system worker.
type Options struct {
	Hub      *hub.Hub      // needed
	Temporal client.Client // needed; a lazy one will do
	Log      *slog.Logger  // slog.Default if nil
}

func (o Options) validate() error {
	if o.Hub == nil || o.Temporal == nil {
		return errors.New("system worker: needs a hub and a Temporal client")
	}
	return nil
}

// Worker runs workflows and system activities.
type Worker struct {
	opts Options
	log  *slog.Logger
}

// New returns a worker; it connects to nothing yet.
func New(o Options) (*Worker, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Worker{opts: o, log: cmp.Or(o.Log, slog.Default())}, nil
}

// Run works until ctx is done, and then lets activities under way end. It waits
// for a Temporal that is not there yet, and survives one that goes away. The
// error says that Temporal refuses to work with us.
func (w *Worker) Run(ctx context.Context) error {
	fatal := make(chan error, 1)
	work, err := w.start(ctx, fatal)
	if err != nil {
		return err
	}
	defer work.Stop()
	select {
	case <-ctx.Done():
		return nil
	case err := <-fatal:
		return fmt.Errorf("system worker: %w", err)
	}
}

// start starts a worker, as often as it takes.
func (w *Worker) start(ctx context.Context, fatal chan<- error) (worker.Worker, error) {
	began, pause, told := time.Now(), retryMin, false
	for {
		work := w.worker(fatal)
		err := work.Start()
		if err == nil {
			w.log.InfoContext(ctx, "system worker is ready", "queue", task.SystemQueue)
			return work, nil
		}
		if !told && time.Since(began) > patience {
			w.log.WarnContext(ctx, "waiting for Temporal; tasks stay where they are until it answers", "error", err)
			told = true
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
			pause = min(2*pause, retryMax)
		}
	}
}

// worker makes a worker; one that failed to start cannot be started again.
func (w *Worker) worker(fatal chan<- error) worker.Worker {
	work := worker.New(w.opts.Temporal, task.SystemQueue, worker.Options{
		MaxConcurrentWorkflowTaskExecutionSize:  workflowTasks,
		MaxConcurrentLocalActivityExecutionSize: localActivities,
		MaxConcurrentActivityExecutionSize:      activities,
		MaxConcurrentWorkflowTaskPollers:        workflowPollers,
		MaxConcurrentActivityTaskPollers:        activityPollers,
		StickyScheduleToStartTimeout:            stickyTimeout,
		WorkerStopTimeout:                       stopTimeout,
		OnFatalError: func(err error) {
			select {
			case fatal <- err:
			default: // one reason is enough
			}
		},
	})
	workflows.Register(work)
	work.RegisterActivity(&system.Activities{Hub: w.opts.Hub})
	return work
}
