package workflows

import (
	"errors"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/failure"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// db names the activities on the database side; it is never called here.
var db *system.Activities

// run is what a task's body knows of its attempt.
type run struct {
	ctx     workflow.Context // ends when the attempt does
	task    task.Task
	attempt int
	host    task.Assigned // zero for tasks without a host
	wake    workflow.ReceiveChannel
}

// body is the work of one task type.
type body[P, R any] func(*run, P) (R, error)

// bind makes f the workflow of type t.
func bind[P, R any](w worker.WorkflowRegistry, t task.Type[P, R], f body[P, R]) {
	w.RegisterWorkflowWithOptions(func(ctx workflow.Context, tk task.Task, p P) (R, error) {
		return begin(ctx, t.Info, tk, f, p)
	}, workflow.RegisterOptions{Name: t.Method})
}

// begin carries a task of a type.
func begin[P, R any](ctx workflow.Context, info task.Info, tk task.Task, f body[P, R], p P) (R, error) {
	l := &life{ctx: workflow.WithLocalActivityOptions(ctx, transition), info: info, task: tk}
	// A signal that was not needed any more is nothing to warn of.
	defer func() {
		for _, name := range []string{task.SignalAssigned, task.SignalFreed, task.SignalEnded, task.SignalWake} {
			drain(workflow.GetSignalChannel(ctx, name))
		}
	}()
	return live(l, f, p)
}

// life carries one task from its creation to its end.
type life struct {
	ctx      workflow.Context
	info     task.Info
	task     task.Task
	attempt  int // counts openings
	troubles int // hosts that failed it
}

// live runs f until it ends with a result, a failure of its own or a cancel.
func live[P, R any](l *life, f body[P, R], p P) (R, error) {
	var none R
	for {
		host, end, err := l.open()
		if err != nil {
			_, err = l.finish("", err)
			return none, err
		}
		if end != nil {
			return endOf[R](*end)
		}
		r, freed, err := try(l, host, f, p)
		if freed {
			continue
		}
		if l.ctx.Err() != nil && host.Host != "" {
			l.stop(host)
		}
		if l.info.Queue == task.Host && isHostTrouble(err) && (isRefusal(err) || l.troubles+1 < task.HostAttempts) {
			if !isRefusal(err) {
				l.troubles++
			}
			if err = l.release(host, err); err == nil {
				continue
			}
		}
		var text string
		if err == nil {
			text, err = xmlrpc.MarshalResult(r) //workflowcheck:ignore (it sorts the members of maps)
		}
		again, err := l.finish(text, err)
		switch {
		case again:
		case err != nil:
			return none, err
		default:
			return r, nil
		}
	}
}

// open waits for a host where the type needs one and opens the task. A host that
// runs Koji's own builder opens the task by itself: then open waits for the end
// that this host puts to it. It returns a canceled error when the task cannot open
// any more.
func (l *life) open() (task.Assigned, *task.End, error) {
	assigned, ended := workflow.GetSignalChannel(l.ctx, task.SignalAssigned), workflow.GetSignalChannel(l.ctx, task.SignalEnded)
	for {
		// The host may have been chosen before this workflow began.
		var reply system.OpenReply
		req := system.OpenRequest{TaskID: l.task.ID, NeedsHost: l.info.Queue == task.Host, Attempt: l.attempt + 1, Weight: l.info.Weight}
		err := workflow.ExecuteLocalActivity(l.ctx, db.OpenTask, req).Get(l.ctx, &reply)
		switch {
		case err != nil:
			return task.Assigned{}, nil, err
		case reply.End != nil:
			return task.Assigned{}, reply.End, nil
		case reply.Finished:
			return task.Assigned{}, nil, errCanceled
		case reply.Opened:
			l.attempt++
			l.troubles = max(l.troubles, reply.Troubles)
			return reply.Host, nil, nil
		}
		if err := receive(l.ctx, assigned, ended); err != nil {
			return task.Assigned{}, nil, err
		}
	}
}

// endOf is what the task came to without this workflow's doing.
func endOf[R any](end task.End) (r R, err error) {
	if end.Failure != nil {
		return r, failure.Error(*end.Failure)
	}
	v, err := xmlrpc.UnmarshalResult(end.Result)
	if err == nil {
		err = rpc.Into(v, &r) //workflowcheck:ignore (of a map it makes a map or a struct)
	}
	if err != nil {
		err = failure.Error(task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: "the task's result makes no sense: " + err.Error()})
	}
	return r, err
}

// receive waits for one of the signals, or for the end of ctx.
func receive(ctx workflow.Context, signals ...workflow.ReceiveChannel) (err error) {
	s := workflow.NewSelector(ctx)
	for _, ch := range signals {
		s.AddReceive(ch, func(c workflow.ReceiveChannel, _ bool) { c.Receive(ctx, nil) })
	}
	s.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) { err = errCanceled })
	s.Select(ctx)
	return err
}

// try runs f once. freed says that the attempt was taken away in the middle.
func try[P, R any](l *life, host task.Assigned, f body[P, R], p P) (r R, freed bool, err error) {
	ctx, cancel := workflow.WithCancel(l.ctx)
	defer cancel()
	done, settle := workflow.NewFuture(ctx)
	workflow.Go(ctx, func(ctx workflow.Context) {
		r := &run{ctx: ctx, task: l.task, attempt: l.attempt, host: host,
			wake: workflow.GetSignalChannel(ctx, task.SignalWake)}
		settle.Set(f(r, p))
	})
	s := workflow.NewSelector(l.ctx)
	ended := false
	s.AddFuture(done, func(f workflow.Future) { ended, err = true, f.Get(l.ctx, &r) })
	s.AddReceive(workflow.GetSignalChannel(l.ctx, task.SignalFreed), func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(l.ctx, nil)
	})
	for s.Select(l.ctx); !ended; s.Select(l.ctx) {
		// The signal may be late and mean the attempt before.
		var held bool
		req := system.HoldsRequest{TaskID: l.task.ID, Attempt: l.attempt}
		if e := workflow.ExecuteLocalActivity(l.ctx, db.HoldsTask, req).Get(l.ctx, &held); e != nil {
			return r, false, e
		}
		if !held {
			return r, true, nil
		}
	}
	return r, false, err
}

// stop has the host end the work of the task, which was cancelled.
func (l *life) stop(host task.Assigned) {
	if workflow.GetVersion(l.ctx, "stop on host", workflow.DefaultVersion, 1) == workflow.DefaultVersion {
		return
	}
	ctx, _ := workflow.NewDisconnectedContext(l.ctx)
	o := stopOnHost
	o.TaskQueue = task.HostQueue(host.Host)
	err := workflow.ExecuteActivity(workflow.WithActivityOptions(ctx, o), onBuilder.Stop, builder.StopRequest{TaskID: l.task.ID}).Get(ctx, nil)
	if err != nil {
		workflow.GetLogger(ctx).Debug("the host was not told of the cancel", "error", err)
	}
}

// release gives the task back after trouble of its host.
func (l *life) release(host task.Assigned, cause error) error {
	req := system.ReleaseRequest{
		TaskID: l.task.ID, HostID: host.HostID, Attempt: l.attempt,
		Refused: isRefusal(cause), Reason: failureOf(cause).Msg,
	}
	return workflow.ExecuteLocalActivity(l.ctx, db.ReleaseTask, req).Get(l.ctx, nil)
}

// finish records the end of the task and returns the workflow's own error.
// again says that the task was freed in the meantime and is to run once more.
func (l *life) finish(result string, err error) (again bool, end error) {
	// The record is written even when the workflow was cancelled.
	ctx, _ := workflow.NewDisconnectedContext(l.ctx)
	if err != nil && l.canceled(err) {
		if e := workflow.ExecuteLocalActivity(ctx, db.CancelTask, system.CancelRequest{TaskID: l.task.ID}).Get(ctx, nil); e != nil {
			return false, e
		}
		return false, errCanceled
	}
	var reply system.EndReply
	var record workflow.Future
	if err == nil {
		record = workflow.ExecuteLocalActivity(ctx, db.CloseTask, system.CloseRequest{TaskID: l.task.ID, Attempt: l.attempt, Result: result})
	} else {
		f := failureOf(err)
		end = failure.Error(f)
		record = workflow.ExecuteLocalActivity(ctx, db.FailTask, system.FailRequest{TaskID: l.task.ID, Attempt: l.attempt, Failure: f})
	}
	if e := record.Get(ctx, &reply); e != nil {
		return false, e
	}
	if reply.Freed {
		drain(workflow.GetSignalChannel(l.ctx, task.SignalFreed))
	}
	return reply.Freed, end
}

// drain takes the signals off ch that came already.
func drain(ch workflow.ReceiveChannel) {
	for ch.ReceiveAsync(nil) {
	}
}

// errCanceled is the end of a workflow that was cancelled.
var errCanceled = temporal.NewCanceledError()

// canceled says that err is the end of this task's own workflow by a cancel,
// not that of a child which someone cancelled alone.
func (l *life) canceled(err error) bool {
	if l.ctx.Err() != nil {
		return true
	}
	var child *temporal.ChildWorkflowExecutionError
	return temporal.IsCanceledError(err) && !errors.As(err, &child)
}
