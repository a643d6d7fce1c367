package system

import (
	"context"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/tasks"
)

// OpenRequest opens a task.
type OpenRequest struct {
	TaskID    int64   `json:"task"`
	NeedsHost bool    `json:"needs_host,omitempty"`
	Attempt   int     `json:"attempt"`
	Weight    float64 `json:"weight"`
}

// OpenReply says whether the task opened, and on which host; if it did not,
// Finished says that it never will, else it waits for a host, or for one that
// runs Koji's own builder to end it.
type OpenReply struct {
	Opened   bool          `json:"opened"`
	Finished bool          `json:"finished,omitempty"`
	Host     task.Assigned `json:"host"`
	End      *task.End     `json:"end,omitempty"`      // how it finished, unless it was canceled
	Troubles int           `json:"troubles,omitempty"` // how many hosts failed it before
}

// OpenTask moves a task to OPEN: on the host that it is ASSIGNED to, or from
// FREE when it needs none.
func (a *Activities) OpenTask(ctx context.Context, req OpenRequest) (OpenReply, error) {
	out, host, err := a.Hub.Store.OpenTask(ctx, req.TaskID, req.NeedsHost, req.Attempt, req.Weight)
	reply := OpenReply{Opened: out == store.TaskDone, Finished: out == store.TaskOver, Host: host}
	if err == nil && reply.Finished {
		reply.End, err = a.Hub.Store.TaskEnd(ctx, req.TaskID)
	}
	if err == nil && reply.Opened && req.NeedsHost && req.Attempt > 1 {
		reply.Troubles, err = a.Hub.Store.Troubles(ctx, req.TaskID)
	}
	return result(reply, err)
}

// HoldsTask tells whether a task is still in the attempt, or was freed.
func (a *Activities) HoldsTask(ctx context.Context, req HoldsRequest) (bool, error) {
	return result(a.Hub.Store.TaskHeld(ctx, req.TaskID, req.Attempt))
}

// HoldsRequest names an attempt of a task.
type HoldsRequest struct {
	TaskID  int64 `json:"task"`
	Attempt int   `json:"attempt"`
}

// EndReply says whether the task ended as the caller wanted. If not it was
// taken away: Freed says that it is to run again.
type EndReply struct {
	Freed bool `json:"freed,omitempty"`
}

// CloseRequest ends a task well.
type CloseRequest struct {
	TaskID  int64  `json:"task"`
	Attempt int    `json:"attempt"`
	Result  string `json:"result"` // XML-RPC text, as the task table holds it
}

// CloseTask moves an OPEN task to CLOSED.
func (a *Activities) CloseTask(ctx context.Context, req CloseRequest) (EndReply, error) {
	out, err := a.Hub.Store.CloseTask(ctx, req.TaskID, req.Attempt, req.Result)
	return result(EndReply{Freed: out == store.TaskTaken}, err)
}

// FailRequest ends a task badly.
type FailRequest struct {
	TaskID  int64        `json:"task"`
	Attempt int          `json:"attempt"`
	Failure task.Failure `json:"failure"`
}

// FailTask moves an OPEN task to FAILED with a fault as its result.
func (a *Activities) FailTask(ctx context.Context, req FailRequest) (EndReply, error) {
	out, err := a.Hub.FailTask(ctx, req.TaskID, req.Attempt, req.Failure)
	return result(EndReply{Freed: out == store.TaskTaken}, err)
}

// CancelRequest names a task whose workflow was cancelled.
type CancelRequest struct {
	TaskID int64 `json:"task"`
}

// CancelTask records a cancel that came through Temporal; one that came through
// the hub is recorded already.
func (a *Activities) CancelTask(ctx context.Context, req CancelRequest) error {
	return answer(a.Hub.TaskCanceled(ctx, req.TaskID))
}

// ReleaseRequest gives a task back after trouble of its host.
type ReleaseRequest struct {
	TaskID  int64  `json:"task"`
	HostID  int64  `json:"host"`
	Attempt int    `json:"attempt"`
	Refused bool   `json:"refused,omitempty"` // the host would not take it, and is not asked again
	Reason  string `json:"reason"`
}

// ReleaseTask moves a task back to FREE and counts the trouble against the
// host.
func (a *Activities) ReleaseTask(ctx context.Context, req ReleaseRequest) error {
	return answer(a.Hub.Store.ReleaseTask(ctx, store.Release{
		TaskID: req.TaskID, HostID: req.HostID, Attempt: req.Attempt, Refused: req.Refused, Reason: req.Reason,
	}))
}

// SubtaskRequest makes a task's child.
type SubtaskRequest struct {
	Parent  int64  `json:"parent"`
	Key     string `json:"key"` // names the child among its parent's; the same key is the same child
	Method  string `json:"method"`
	Request string `json:"request"` // XML-RPC text
	Label   string `json:"label,omitempty"`
	Arch    string `json:"arch,omitempty"`
	Assign  int64  `json:"assign,omitempty"`
}

// Subtask inserts the child's row, once per key, and marks the parent as
// waiting for it. The caller starts its workflow.
func (a *Activities) Subtask(ctx context.Context, req SubtaskRequest) (task.Task, error) {
	return result(a.Hub.Subtask(ctx, hub.SubtaskRequest{
		Parent: req.Parent, Key: req.Key, Method: req.Method, Request: req.Request,
		Label: req.Label, Arch: req.Arch, Assign: req.Assign,
	}))
}

// WaitingRequest says on what a task waits.
type WaitingRequest struct {
	TaskID int64  `json:"task"`
	Code   string `json:"code"`
	Reason string `json:"reason"` // one sentence; empty when the wait is over
}

// SetWaiting records why an open task waits, for its page and for `toji taskinfo`.
func (a *Activities) SetWaiting(ctx context.Context, req WaitingRequest) error {
	return answer(a.Hub.Store.SetTaskWait(ctx, req.TaskID, req.Code, req.Reason))
}

// FollowRequest names tasks that a task waits for without being their parent.
type FollowRequest struct {
	TaskID int64   `json:"task"`
	Tasks  []int64 `json:"tasks"`
}

// FollowReply says how far they are.
type FollowReply struct {
	Done   bool  `json:"done"`             // all ended well
	Failed int64 `json:"failed,omitempty"` // this one did not
}

// FollowTasks looks at tasks and records that the caller's waits for them. Ids
// of no task count as done.
func (a *Activities) FollowTasks(ctx context.Context, req FollowRequest) (FollowReply, error) {
	done, failed, err := a.Hub.Store.FollowTasks(ctx, req.TaskID, req.Tasks)
	return result(FollowReply{Done: done, Failed: failed}, err)
}

// RestartableHosts lists the hosts that a restartHosts task is about.
func (a *Activities) RestartableHosts(ctx context.Context, o tasks.RestartHostsOpts) ([]tasks.HostInfo, error) {
	return result(a.Hub.RestartableHosts(ctx, o))
}
