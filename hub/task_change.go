package hub

import (
	"context"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTaskChanges(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.CancelTask, h.cancelTask)
	rpc.Bind(r, api.CancelTaskFull, h.cancelTaskFull)
	rpc.Bind(r, api.CancelTaskChildren, h.cancelTaskChildren)
	rpc.Bind(r, api.FreeTask, h.freeTask)
	rpc.Bind(r, api.SetTaskPriority, h.setTaskPriority)
	rpc.Bind(r, api.AssignTask, h.assignTask)
	rpc.Bind(r, api.ResubmitTask, h.resubmitTask)
	rpc.Bind(r, api.MakeTask, h.makeTask)
	rpc.Bind(r, api.BuildTask, h.makeBuildTask)
	rpc.Bind(r, api.RestartHosts, h.restartHosts)
}

// assertMayCancel lets a task's owner, the host that has it open and admins
// cancel it.
func (h *Hub) assertMayCancel(ctx context.Context, id int64) error {
	t, err := h.Store.Task(ctx, id)
	if err != nil {
		return err
	}
	s := session.From(ctx)
	switch {
	case t == nil && s.LoggedIn():
		return koji.GenericErrorf("No such task: %d", id)
	case t == nil:
	case s.LoggedIn() && s.UserID == t.Owner, s.HasPerm("admin"):
		return nil
	case s.HostID != nil && t.HostID != nil && *s.HostID == *t.HostID && t.State == int(koji.TaskOpen):
		return nil
	}
	return koji.ActionNotAllowedf("Cannot cancel task, not owner")
}

func (h *Hub) cancelTask(ctx context.Context, p api.CancelTaskParams) (rpc.None, error) {
	if err := h.assertMayCancel(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	_, err := h.Store.CancelTask(ctx, p.TaskID, p.Recurse)
	return rpc.None{}, err
}

func (h *Hub) cancelTaskChildren(ctx context.Context, p api.TaskIDParams) (rpc.None, error) {
	if err := h.assertMayCancel(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.CancelChildren(ctx, p.TaskID)
}

func (h *Hub) cancelTaskFull(ctx context.Context, p api.CancelTaskFullParams) (rpc.None, error) {
	t, err := h.Store.Task(ctx, p.TaskID)
	switch {
	case err != nil:
		return rpc.None{}, err
	case t == nil:
		return rpc.None{}, errNoRow
	case t.Parent != nil && p.Strict:
		return rpc.None{}, koji.GenericErrorf("Task %d is not top-level (parent=%d)", p.TaskID, *t.Parent)
	}
	return rpc.None{}, h.CancelTaskFull(ctx, p.TaskID)
}

// CancelTaskFull cancels all tasks that belong to the same top-level task as
// the given one, that task included. It checks no permission.
func (h *Hub) CancelTaskFull(ctx context.Context, id int64) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		top, err := h.Store.TopTask(ctx, id)
		if err != nil || top == 0 {
			return err
		}
		if _, err := h.Store.CancelTask(ctx, top, true); err != nil {
			return err
		}
		// One that has ended may have left others.
		return h.Store.CancelChildren(ctx, top)
	})
}

func (h *Hub) freeTask(ctx context.Context, p api.TaskIDParams) (rpc.None, error) {
	t, err := h.Store.Task(ctx, p.TaskID)
	switch {
	case err != nil:
		return rpc.None{}, err
	case t == nil:
		return rpc.None{}, errNoRow
	case t.State == int(koji.TaskFree):
		// Koji: a task that is free already gets this fault.
		return rpc.None{}, koji.GenericErrorf("No such task: %d", p.TaskID)
	}
	_, err = h.Store.FreeTask(ctx, p.TaskID)
	return rpc.None{}, err
}

func (h *Hub) setTaskPriority(ctx context.Context, p api.SetTaskPriorityParams) (rpc.None, error) {
	t, err := h.Store.Task(ctx, p.TaskID)
	switch {
	case err != nil:
		return rpc.None{}, err
	case t == nil:
		return rpc.None{}, errNoRow
	case koji.TaskState(t.State).Finished():
		return rpc.None{}, koji.GenericErrorf("Finished task's priority can't be updated")
	}
	return rpc.None{}, h.Store.SetTaskPriority(ctx, p.TaskID, p.Priority, p.Recurse)
}

func (h *Hub) assignTask(ctx context.Context, p api.AssignTaskParams) (bool, error) {
	host, err := h.Host(ctx, p.Host, true)
	if err != nil {
		return false, err
	}
	t, err := h.Store.Task(ctx, p.TaskID)
	if err == nil && t == nil {
		err = errNoRow
	}
	if err != nil {
		return false, err
	}
	o := store.AssignOptions{Weight: t.Weight, Force: p.Force, Override: p.Override}
	e, ok, err := h.Store.TaskType(ctx, t.Method)
	if err != nil {
		return false, err
	}
	if ok && e.Queue == task.Host {
		o.Weight = e.Weight
	}
	return h.Store.AssignTask(ctx, t.ID, host.ID, o)
}

func (h *Hub) resubmitTask(ctx context.Context, p api.ResubmitTaskParams) (int64, error) {
	list, err := h.Store.Tasks(ctx, []int64{p.TaskID}, true)
	if err != nil {
		return 0, err
	}
	if len(list) == 0 {
		return 0, errNoRow
	}
	t, s := list[0], session.From(ctx)
	switch state := koji.TaskState(t.State); {
	case state != koji.TaskCanceled && state != koji.TaskFailed:
		return 0, koji.GenericErrorf("only canceled or failed tasks may be resubmitted")
	case t.Parent != nil:
		return 0, koji.GenericErrorf("only top-level tasks may be resubmitted")
	case s.UserID != t.Owner && !s.HasPerm("admin"):
		return 0, koji.GenericErrorf("only the task owner or an admin may resubmit a task")
	}
	info, err := taskInfoOf(t)
	if err != nil {
		return 0, err
	}
	args, _ := info.Request.([]any)
	o := TaskOpts{Arch: t.Arch, Channel: t.ChannelID}
	if t.Priority != nil {
		o.Priority = new(int(*t.Priority))
	}
	return h.MakeTask(ctx, t.Method, args, o)
}

func (h *Hub) makeTask(ctx context.Context, p api.ArgsParams) (int64, error) {
	var m api.MakeTaskParams
	decoded := decodeArgs("make_task", p, &m)
	if err := h.assertMayMake(ctx, m); err != nil {
		return 0, err
	}
	if _, ok := p.Opts["owner"]; ok {
		return 0, koji.ActionNotAllowedf("The owner option is not allowed here")
	}
	if decoded != nil {
		return 0, decoded
	}
	o, err := h.taskOpts(ctx, m.Opts)
	if err != nil {
		return 0, err
	}
	return h.MakeTask(ctx, m.Method, m.ArgList, o)
}

// taskOpts reads the options of a new task. Those of no known name are ignored.
func (h *Hub) taskOpts(ctx context.Context, opts map[string]any) (TaskOpts, error) {
	o := TaskOpts{Channel: opts["channel"]}
	for name, dst := range map[string]any{"parent": &o.Parent, "priority": &o.Priority, "label": &o.Label} {
		if v, ok := opts[name]; ok {
			if err := rpc.Into(v, dst); err != nil {
				return o, err
			}
		}
	}
	var err error
	if v, ok := opts["arch"]; ok {
		if o.Arch, err = archesOf(v, true); err != nil {
			return o, err
		}
	}
	if v := opts["assign"]; v != nil {
		host, err := h.Host(ctx, v, true)
		if err != nil {
			return o, err
		}
		o.Assign = host.ID
	}
	return o, nil
}

func (h *Hub) makeBuildTask(ctx context.Context, p api.BuildTaskParams) (int64, error) {
	return h.makeBuild(ctx, "build", p.Src, p.Target, p.Opts, p.Priority, p.Channel)
}

// makeBuild makes a task of the method from what a client wants built: an SRPM or
// URL, or a chain of these.
func (h *Hub) makeBuild(ctx context.Context, method string, src, target any, opts map[string]any, priority *int64, channel any) (int64, error) {
	o, err := relativePriority(ctx, priority)
	if err != nil {
		return 0, err
	}
	if xmlrpc.Truth(channel) {
		o.Channel = channel
	}
	if opts == nil {
		opts = map[string]any{}
	}
	return h.MakeTask(ctx, method, []any{src, target, opts}, o)
}

// relativePriority is a priority that a caller gave relative to the default.
func relativePriority(ctx context.Context, by *int64) (o TaskOpts, err error) {
	if by == nil || *by == 0 {
		return o, nil
	}
	if *by < 0 && !session.From(ctx).HasPerm("admin") {
		return o, koji.ActionNotAllowedf("only admins may create high-priority tasks")
	}
	o.Priority = new(PriorityDefault + int(*by))
	return o, nil
}

func (h *Hub) restartHosts(ctx context.Context, p api.RestartHostsParams) (int64, error) {
	var args []any
	switch opts := p.Options.(type) {
	case nil:
	case map[string]any:
		args = []any{opts}
	default:
		return 0, koji.ParameterErrorf("Invalid type of options: <class '%s'>", xmlrpc.TypeName(opts))
	}
	return h.MakeTask(ctx, "restartHosts", args, TaskOpts{Priority: new(int(p.Priority))})
}

// RestartableHosts lists the enabled hosts that the options choose.
func (h *Hub) RestartableHosts(ctx context.Context, o tasks.RestartHostsOpts) ([]tasks.HostInfo, error) {
	p := api.ListHostsParams{Enabled: new(true), ChannelID: o.Channel.Value()}
	if len(o.Arches) > 0 {
		arches := make([]any, len(o.Arches))
		for i, a := range o.Arches {
			arches[i] = a
		}
		p.Arches = arches
	}
	list, err := h.listHosts(ctx, p)
	if err != nil {
		return nil, err
	}
	hosts := make([]tasks.HostInfo, len(list))
	for i, host := range list {
		hosts[i] = tasks.HostInfo{ID: host.ID, Name: host.Name}
	}
	return hosts, nil
}
