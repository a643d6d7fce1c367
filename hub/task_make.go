package hub

import (
	"context"
	"maps"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// PriorityDefault is the priority of a top-level task; a lower number goes
// first, as with POSIX processes.
const PriorityDefault = 20

// TaskOpts are what a new task's maker may choose.
type TaskOpts struct {
	Parent   int64  // makes a subtask
	Label    string // of a subtask
	OwnerID  int64  // the caller by default; a subtask has its parent's
	Channel  any    // name or id; the channel policy decides what becomes of it
	Arch     string // "noarch", or the parent's
	Priority *int   // PriorityDefault, or the parent's less one
	Assign   int64  // a host's id, past the scheduler
}

// MakeTask makes a task in the caller's transaction; its workflow starts right
// after the commit. args are the request's parameters in wire order. It returns
// the task's id. It checks no permission.
func (h *Hub) MakeTask(ctx context.Context, method string, args []any, o TaskOpts) (int64, error) {
	request, err := xmlrpc.MarshalRequest(method, args...)
	if err != nil {
		return 0, koji.ParameterErrorf("%s: %v", method, err)
	}
	var id int64
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		t, err := h.newTask(ctx, method, args, o)
		if err != nil {
			return err
		}
		t.Request = request
		id, err = h.Store.InsertTask(ctx, t, false)
		return err
	})
	return id, err
}

// SubtaskRequest makes the child of a task whose workflow asks for it.
type SubtaskRequest struct {
	Parent        int64
	Key           string // the same key is the same child
	Method, Label string
	Request       string // XML-RPC text
	Arch          string // the parent's by default
	Assign        int64
}

// Subtask inserts a child's row, or finds the one that an earlier try of the
// same step inserted. The parent's workflow starts the child's.
func (h *Hub) Subtask(ctx context.Context, r SubtaskRequest) (task.Task, error) {
	_, args, err := xmlrpc.UnmarshalRequest(r.Request)
	if err != nil {
		return task.Task{}, koji.ParameterErrorf("%s: %v", r.Method, err)
	}
	var made task.Task
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		// With its parent locked, of two tries at once one waits for the other.
		if _, err := h.Store.Parent(ctx, r.Parent); err != nil {
			return err
		}
		id, err := h.Store.SubtaskByKey(ctx, r.Parent, r.Key)
		if err != nil {
			return err
		}
		if id == 0 {
			if id, err = h.insertSubtask(ctx, r, args); err != nil {
				return err
			}
		}
		t, err := h.Store.TaskForWorkflow(ctx, id)
		made = t.Task()
		return err
	})
	return made, err
}

func (h *Hub) insertSubtask(ctx context.Context, r SubtaskRequest, args []any) (int64, error) {
	t, err := h.newTask(ctx, r.Method, args, TaskOpts{Parent: r.Parent, Label: r.Label, Arch: r.Arch, Assign: r.Assign})
	if err != nil {
		return 0, err
	}
	t.Request = r.Request
	id, err := h.Store.InsertTask(ctx, t, true)
	if err != nil {
		return 0, err
	}
	return id, h.Store.KeepSubtask(ctx, r.Parent, r.Key, id)
}

// newTask fills in what o leaves open: from the parent, the caller, the task
// type and the policies.
func (h *Hub) newTask(ctx context.Context, method string, args []any, o TaskOpts) (store.NewTask, error) {
	t := store.NewTask{Method: method, OwnerID: o.OwnerID, Parent: o.Parent, Arch: o.Arch, HostID: o.Assign, Priority: PriorityDefault}
	if o.Parent == 0 {
		if t.OwnerID == 0 {
			t.OwnerID = session.From(ctx).UserID
		}
		if t.OwnerID == 0 {
			return t, koji.GenericErrorf("task must have an owner")
		}
		if t.Arch == "" {
			t.Arch = "noarch"
		}
	}
	var parentChannel int64
	if o.Parent != 0 {
		p, err := h.Store.Parent(ctx, o.Parent)
		if err != nil {
			return t, err
		}
		if p.State != koji.TaskOpen {
			return t, koji.GenericErrorf("Parent task (id %d) is not open", o.Parent)
		}
		parentChannel, t.Label = p.ChannelID, o.Label
		t.Priority = p.Priority - 1
		if t.OwnerID == 0 {
			t.OwnerID = p.OwnerID
		}
		if t.Arch == "" {
			t.Arch = p.Arch
		}
	}
	if o.Priority != nil {
		t.Priority = *o.Priority
	}
	return t, h.applyTaskPolicies(ctx, &t, args, o.Channel, parentChannel)
}

// applyTaskPolicies lets the channel and priority policies decide.
func (h *Hub) applyTaskPolicies(ctx context.Context, t *store.NewTask, args []any, channel any, parentChannel int64) error {
	data := map[string]any{"method": t.Method, "arch": t.Arch, "label": t.Label, "owner": t.OwnerID, "user_id": t.OwnerID, "parent": nil}
	if t.Parent != 0 {
		data["parent"] = t.Parent
	}
	e, _, err := h.Store.TaskType(ctx, t.Method)
	if err != nil {
		return err
	}
	if channel == nil && e.Channel != "" {
		channel = e.Channel
	}
	var requested int64
	if channel != nil {
		id, err := h.enabledChannel(ctx, channel)
		if err != nil {
			return err
		}
		requested, data["req_channel"] = id, channel
	}
	more, err := h.taskPolicyData(ctx, t.Method, args)
	if err != nil {
		return err
	}
	maps.Copy(data, more)
	verdict, err := h.policyResult(ctx, "channel", data)
	if err != nil {
		return err
	}
	if t.ChannelID, err = h.channelFrom(ctx, verdict, requested, parentChannel); err != nil {
		return err
	}
	verdict, err = h.policyResult(ctx, "priority", data)
	if err != nil {
		return err
	}
	t.Priority, err = priorityFrom(verdict, t.Priority)
	return err
}

func (h *Hub) channelFrom(ctx context.Context, verdict string, requested, parent int64) (int64, error) {
	action, name, _ := strings.Cut(strings.TrimSpace(verdict), " ")
	switch {
	case action == "":
		return h.enabledChannel(ctx, "default")
	case action == "use" && name != "":
		return h.enabledChannel(ctx, strings.TrimSpace(name))
	case action == "parent" && parent != 0:
		return parent, nil
	case action == "req" && requested != 0:
		return requested, nil
	}
	h.Log.ErrorContext(ctx, "channel policy: bad result", "result", verdict)
	return 0, koji.GenericErrorf("invalid channel policy")
}

// enabledChannel is the id of a channel that takes tasks, by name or id.
func (h *Hub) enabledChannel(ctx context.Context, info any) (int64, error) {
	channel, err := h.Channel(ctx, info)
	switch {
	case err != nil:
		return 0, err
	case channel == nil:
		return 0, koji.GenericErrorf("No such channel: %s", pyStr(info))
	case !channel.Enabled:
		return 0, koji.GenericErrorf("Channel %s is disabled.", pyStr(info))
	}
	return channel.ID, nil
}

// policyResult is what a policy says of data, "" if no rule applies.
func (h *Hub) policyResult(ctx context.Context, name string, data map[string]any) (string, error) {
	r, err := h.Policy().Eval(ctx, name, data)
	return r.Action, err
}

func priorityFrom(verdict string, priority int) (int, error) {
	action, arg, _ := strings.Cut(strings.TrimSpace(verdict), " ")
	n, err := strconv.Atoi(strings.TrimSpace(arg))
	switch {
	case action == "" || action == "stay":
		return priority, nil
	case action == "set" && err == nil:
		return n, nil
	case action == "adjust" && err == nil:
		return priority + n, nil
	}
	return 0, koji.GenericErrorf("invalid priority policy")
}
