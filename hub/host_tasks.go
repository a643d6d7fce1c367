package hub

import (
	"context"
	"errors"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindHostTasks(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostOpenTask, h.hostOpenTask)
	rpc.Bind(r, api.HostCloseTask, h.hostCloseTask)
	rpc.Bind(r, api.HostFailTask, h.hostFailTask)
	rpc.Bind(r, api.HostFreeTasks, h.hostFreeTasks)
	rpc.Bind(r, api.HostSubtask, h.hostSubtask)
	rpc.Bind(r, api.HostSubtask2, h.hostSubtask2)
	rpc.Bind(r, api.HostTaskSetWait, h.hostTaskSetWait)
	rpc.Bind(r, api.HostTaskWait, h.hostTaskWait)
	rpc.Bind(r, api.HostTaskWaitResults, h.hostTaskWaitResults)
}

// hostOpenTask opens an assigned task.
//
// Koji: a host may open a free task, too, from times when hosts chose their tasks.
// Here nobody but the scheduler gives tasks away.
func (h *Hub) hostOpenTask(ctx context.Context, p api.TaskIDParams) (*api.OpenedTask, error) {
	host, err := session.From(ctx).AssertHost()
	if err != nil {
		return nil, err
	}
	t, err := h.Store.Task(ctx, p.TaskID)
	switch {
	case err != nil:
		return nil, err
	case t == nil:
		return nil, errNoRow
	}
	opened, err := h.Store.HostOpenTask(ctx, p.TaskID, host)
	if err != nil || !opened {
		return nil, err
	}
	list, err := h.Store.Tasks(ctx, []int64{p.TaskID}, true)
	if err != nil {
		return nil, err
	}
	return &api.OpenedTask{Task: list[0].Task, Request: text(list[0].Request)}, nil
}

func (h *Hub) hostCloseTask(ctx context.Context, p api.EndTaskParams) (rpc.None, error) {
	_, err := xmlrpc.UnmarshalResult(p.Response)
	if _, fault := errors.AsType[*xmlrpc.Fault](err); err != nil && !fault {
		// Koji: takes any text, and every reader of the task's result fails.
		return rpc.None{}, koji.ParameterErrorf("Invalid task result: %w", err)
	}
	return rpc.None{}, h.hostEndTask(ctx, p, nil)
}

func (h *Hub) hostFailTask(ctx context.Context, p api.EndTaskParams) (rpc.None, error) {
	_, err := xmlrpc.UnmarshalResult(p.Response)
	fault, ok := errors.AsType[*xmlrpc.Fault](err)
	if !ok {
		return rpc.None{}, koji.ParameterErrorf("Invalid task result: not a fault")
	}
	f := task.FailureOf(&koji.Error{Fault: fault.Code, Msg: fault.String})
	return rpc.None{}, h.hostEndTask(ctx, p, &f)
}

func (h *Hub) hostEndTask(ctx context.Context, p api.EndTaskParams, f *task.Failure) error {
	host, err := h.AssertTaskHost(ctx, p.TaskID)
	if err != nil {
		return err
	}
	ok, err := h.Store.HostEndTask(ctx, p.TaskID, host, p.Response, f)
	if err == nil && !ok { // it was freed or canceled this very moment
		err = notTheirTask(host, p.TaskID)
	}
	return err
}

func (h *Hub) hostFreeTasks(ctx context.Context, p api.FreeTasksParams) (rpc.None, error) {
	host, err := session.From(ctx).AssertHost()
	if err != nil {
		return rpc.None{}, err
	}
	for _, id := range slices.Sorted(slices.Values(p.Tasks)) {
		t, err := h.Store.Task(ctx, id)
		switch {
		case err != nil:
			return rpc.None{}, err
		case t == nil:
			return rpc.None{}, koji.GenericErrorf("No such task: %d", id)
		case t.State != int(koji.TaskOpen) || t.HostID == nil || *t.HostID != host:
			continue // it was taken from the host before
		}
		if _, err := h.Store.FreeTask(ctx, id); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, nil
}

func (h *Hub) hostSubtask(ctx context.Context, p api.SubtaskParams) (int64, error) {
	if _, err := h.AssertTaskHost(ctx, p.Parent); err != nil {
		return 0, err
	}
	if _, ok := p.Opts["owner"]; ok {
		return 0, koji.ActionNotAllowedf("The owner option is not allowed here")
	}
	o, err := h.taskOpts(ctx, p.Opts)
	if err != nil {
		return 0, err
	}
	o.Parent = p.Parent
	if o.Label != "" {
		id, err := h.Store.SubtaskByLabel(ctx, p.Parent, o.Label)
		if err != nil || id != 0 {
			return id, err
		}
	}
	args := p.ArgList
	if kw, ok := p.Opts["kwargs"].(map[string]any); ok && len(kw) > 0 {
		args = append(slices.Clone(args), xmlrpc.Keywords(kw))
	}
	return h.MakeTask(ctx, p.Method, args, o)
}

func (h *Hub) hostSubtask2(ctx context.Context, p api.Subtask2Params) (int64, error) {
	args := p.Args
	if len(p.Opts) > 0 {
		args = append(slices.Clone(args), xmlrpc.Keywords(p.Opts))
	}
	return h.hostSubtask(ctx, api.SubtaskParams{Method: p.Method, ArgList: args, Parent: p.Parent, Opts: p.TaskOpts})
}

// hostTaskSetWait lets a task wait.
//
// Koji: the calls about a wait take any task of any host.
func (h *Hub) hostTaskSetWait(ctx context.Context, p api.TaskSetWaitParams) (rpc.None, error) {
	if _, err := h.AssertTaskHost(ctx, p.Parent); err != nil {
		return rpc.None{}, err
	}
	var children []int64
	if p.Tasks != nil {
		children = *p.Tasks
	}
	return rpc.None{}, h.Store.SetTaskWaiting(ctx, p.Parent, children)
}

func (h *Hub) hostTaskWait(ctx context.Context, p api.TaskWaitParams) ([][]int64, error) {
	if _, err := h.AssertTaskHost(ctx, p.Parent); err != nil {
		return nil, err
	}
	ended, others, err := h.Store.AwaitedTasks(ctx, p.Parent)
	return [][]int64{ended, others}, err
}

func (h *Hub) hostTaskWaitResults(ctx context.Context, p api.TaskWaitResultsParams) ([][]any, error) {
	if _, err := h.AssertTaskHost(ctx, p.Parent); err != nil {
		return nil, err
	}
	ids, err := h.Store.EndTaskWaiting(ctx, p.Parent)
	if err != nil {
		return nil, err
	}
	if p.Tasks != nil {
		ids = *p.Tasks
	}
	results := make([][]any, len(ids))
	for i, id := range ids {
		canFail := slices.Contains(p.CanFail, id)
		result, err := h.getTaskResult(ctx, api.TaskResultParams{TaskID: id, RaiseFault: !canFail})
		if err != nil {
			fault, canceled := h.cancelFault(ctx, id, err)
			if !canFail || !canceled {
				return nil, err
			}
			result = fault
		}
		results[i] = []any{id, result}
	}
	return results, nil
}

// cancelFault is the error that a canceled task has no result, as a result.
func (h *Hub) cancelFault(ctx context.Context, id int64, cause error) (fault api.TaskFault, canceled bool) {
	t, err := h.Store.Task(ctx, id)
	if err != nil || t == nil || t.State != int(koji.TaskCanceled) {
		return fault, false
	}
	return api.TaskFault{Code: koji.FaultOf(cause), String: cause.Error()}, true
}
