package api

import "github.com/toji-build/toji/internal/rpc"

// OpenedTask is a task that a host has opened.
type OpenedTask struct {
	Task
	Request string `rpc:"request"` // XML-RPC text
}

// EndTaskParams are the parameters of host.closeTask and host.failTask.
type EndTaskParams struct {
	TaskID   int64  `rpc:"task_id"`
	Response string `rpc:"response"` // XML-RPC text, of a result or of a fault
}

// FreeTasksParams are the parameters of host.freeTasks.
type FreeTasksParams struct {
	Tasks []int64 `rpc:"tasks"`
}

// SubtaskParams are the parameters of host.subtask.
type SubtaskParams struct {
	Method  string         `rpc:"method"`
	ArgList []any          `rpc:"arglist"`
	Parent  int64          `rpc:"parent"`
	Opts    map[string]any `rpc:"**opts"` // label, channel, arch, priority, assign; kwargs: keywords for the task
}

// Subtask2Params are the parameters of host.subtask2.
type Subtask2Params struct {
	Parent   int64          `rpc:"_HostExports__parent"` // Koji: a private name of Python's shows
	TaskOpts map[string]any `rpc:"_HostExports__taskopts"`
	Method   string         `rpc:"_HostExports__method"`
	Args     []any          `rpc:"*args"` // of the task
	Opts     map[string]any `rpc:"**opts"`
}

// TaskSetWaitParams are the parameters of host.taskSetWait.
type TaskSetWaitParams struct {
	Parent int64    `rpc:"parent"`
	Tasks  *[]int64 `rpc:"tasks"` // nil: all
}

// TaskWaitParams are the parameters of host.taskWait.
type TaskWaitParams struct {
	Parent int64 `rpc:"parent"`
}

// TaskWaitResultsParams are the parameters of host.taskWaitResults.
type TaskWaitResultsParams struct {
	Parent  int64    `rpc:"parent"`
	Tasks   *[]int64 `rpc:"tasks"`                 // nil: all that have ended
	CanFail []int64  `rpc:"canfail,optional=None"` // whose faults are returned, not raised
}

// The methods by which Koji's own builder works on tasks. A host may touch those
// alone that it was assigned.
var (
	HostOpenTask = rpc.Define(rpc.Method[TaskIDParams, *OpenedTask]{
		Name: "host.openTask", Access: NeedHost, Writes: true,
		Doc: "Open a task that the calling host was assigned and return it; nil if it is not to be had.",
	})
	HostCloseTask = rpc.Define(rpc.Method[EndTaskParams, rpc.None]{
		Name: "host.closeTask", Access: NeedHost, Writes: true,
		Doc: "Close a task that the calling host has open, with its result.",
	})
	HostFailTask = rpc.Define(rpc.Method[EndTaskParams, rpc.None]{
		Name: "host.failTask", Access: NeedHost, Writes: true,
		Doc: "Fail a task that the calling host has open, with a fault.",
	})
	HostFreeTasks = rpc.Define(rpc.Method[FreeTasksParams, rpc.None]{
		Name: "host.freeTasks", Access: NeedHost, Writes: true,
		Doc: "Give back tasks that the calling host has open; others are passed over.",
	})
	HostSubtask = rpc.Define(rpc.Method[SubtaskParams, int64]{
		Name: "host.subtask", Access: NeedHost, Writes: true,
		Doc: "Make a subtask of a task that the calling host has open and return its id; with a label, that of the subtask which has it.",
	})
	HostSubtask2 = rpc.Define(rpc.Method[Subtask2Params, int64]{
		Name: "host.subtask2", Access: NeedHost, Writes: true,
		Doc: "Make a subtask like host.subtask, with its parameters as those of the call.",
	})
	HostTaskSetWait = rpc.Define(rpc.Method[TaskSetWaitParams, rpc.None]{
		Name: "host.taskSetWait", Access: NeedHost, Writes: true,
		Doc: "Mark a task that the calling host has open as waiting for its subtasks.",
	})
	HostTaskWait = rpc.Define(rpc.Method[TaskWaitParams, [][]int64]{
		Name: "host.taskWait", Access: NeedHost, Writes: true,
		Doc: "Return a list with those of the subtasks that the task waits for which have ended, each told once, and a list of the others.",
	})
	HostTaskWaitResults = rpc.Define(rpc.Method[TaskWaitResultsParams, [][]any]{
		Name: "host.taskWaitResults", Access: NeedHost, Writes: true,
		Doc: "End a task's wait and list the results of subtasks, each [id, result]. The fault of one that must not fail is raised.",
	})
)
