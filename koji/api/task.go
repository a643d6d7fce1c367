package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Task is a row of the task table.
type Task struct {
	ID             int64      `rpc:"id"`
	State          int        `rpc:"state"` // a koji.TaskState
	Method         string     `rpc:"method"`
	Owner          int64      `rpc:"owner"`
	ChannelID      int64      `rpc:"channel_id"`
	HostID         *int64     `rpc:"host_id"`
	Parent         *int64     `rpc:"parent"`
	Label          *string    `rpc:"label"`
	Arch           string     `rpc:"arch"`
	Priority       *int64     `rpc:"priority"`
	Weight         float64    `rpc:"weight"`  // 1 until it has a host
	Waiting        *bool      `rpc:"waiting"` // for subtasks
	Awaited        *bool      `rpc:"awaited"` // by its parent
	CreateTime     koji.Time  `rpc:"create_time"`
	CreateTS       float64    `rpc:"create_ts"`
	StartTime      *koji.Time `rpc:"start_time"`
	StartTS        *float64   `rpc:"start_ts"`
	CompletionTime *koji.Time `rpc:"completion_time"`
	CompletionTS   *float64   `rpc:"completion_ts"`
	_              struct{}   `rpc:",sorted"`
}

// TaskInfo is a Task, with its parameters where they were asked for.
type TaskInfo struct {
	Task
	Request any      `rpc:"request,omitempty"` // a list in wire order, keywords last
	_       struct{} `rpc:",sorted"`
}

// ListedTask is a row of listTasks.
type ListedTask struct {
	Task
	Request   any      `rpc:"request"` // XML-RPC text; with decode the list of parameters
	Result    any      `rpc:"result"`  // XML-RPC text; with decode a list with the result, or a fault
	OwnerName *string  `rpc:"owner_name"`
	OwnerType *int64   `rpc:"owner_type"` // a koji.UserType
	_         struct{} `rpc:",sorted"`
}

// TaskFault is the result of a failed task where it is not raised.
type TaskFault struct {
	Code   int    `rpc:"faultCode"`
	String string `rpc:"faultString"`
}

// TaskInfoParams are the parameters of getTaskInfo.
type TaskInfoParams struct {
	TaskID  any  `rpc:"task_id"` // an id or a list of ids
	Request bool `rpc:"request,optional=False"`
	Strict  bool `rpc:"strict,optional=False"`
}

// TaskChildrenParams are the parameters of getTaskChildren.
type TaskChildrenParams struct {
	TaskID  int64 `rpc:"task_id"`
	Request bool  `rpc:"request,optional=False"`
	Strict  bool  `rpc:"strict,optional=False"`
}

// TaskDescendentsParams are the parameters of getTaskDescendents.
type TaskDescendentsParams struct {
	TaskID  int64 `rpc:"task_id"`
	Request bool  `rpc:"request,optional=False"`
}

// TaskIDParams name a task.
type TaskIDParams struct {
	TaskID int64 `rpc:"task_id"`
}

// TaskParams name a task, by the other spelling that Koji has for it.
type TaskParams struct {
	TaskID int64 `rpc:"taskId"`
}

// TaskResultParams are the parameters of getTaskResult.
type TaskResultParams struct {
	TaskID     int64 `rpc:"taskId"`
	RaiseFault bool  `rpc:"raise_fault,optional=True"`
}

// ListTasksParams are the parameters of listTasks. Opts are, each optional:
//
//	state, arch                               lists of states and arches
//	owner, host_id, channel_id, parent        an id, a list of ids, or nil for none
//	not_state ... not_parent                  the same, excluded
//	method                                    a task type
//	createdBefore, createdAfter, startedBefore, startedAfter, completeBefore,
//	completeAfter                             seconds since the epoch, or text
//	decode                                    decode request and result
type ListTasksParams struct {
	Opts      map[string]any `rpc:"opts,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// ListTaskOutputParams are the parameters of listTaskOutput.
type ListTaskOutputParams struct {
	TaskID     int64 `rpc:"taskID"`
	Stat       bool  `rpc:"stat,optional=False"`
	AllVolumes bool  `rpc:"all_volumes,optional=False"`
	Strict     bool  `rpc:"strict,optional=False"`
}

// FileStat is what listTaskOutput tells of a file.
type FileStat struct {
	ATime float64 `rpc:"st_atime"`
	CTime float64 `rpc:"st_ctime"`
	MTime float64 `rpc:"st_mtime"`
	Size  string  `rpc:"st_size"` // Koji: text, as it may not fit an int
}

// DownloadTaskOutputParams are the parameters of downloadTaskOutput.
type DownloadTaskOutputParams struct {
	TaskID   int64  `rpc:"taskID"`
	FileName string `rpc:"fileName"`
	Offset   *int64 `rpc:"offset,optional=0"` // from the end of the file if negative
	Size     *int64 `rpc:"size,optional=-1"`  // all of the rest if negative
	Volume   any    `rpc:"volume,optional=None"`
}

// CancelTaskParams are the parameters of cancelTask.
type CancelTaskParams struct {
	TaskID  int64 `rpc:"task_id"`
	Recurse bool  `rpc:"recurse,optional=True"`
}

// CancelTaskFullParams are the parameters of cancelTaskFull.
type CancelTaskFullParams struct {
	TaskID int64 `rpc:"task_id"`
	Strict bool  `rpc:"strict,optional=True"` // the task must have no parent
}

// SetTaskPriorityParams are the parameters of setTaskPriority.
type SetTaskPriorityParams struct {
	TaskID   int64 `rpc:"task_id"`
	Priority int64 `rpc:"priority"`
	Recurse  bool  `rpc:"recurse,optional=True"`
}

// AssignTaskParams are the parameters of assignTask.
type AssignTaskParams struct {
	TaskID   int64 `rpc:"task_id"`
	Host     any   `rpc:"host"`
	Force    bool  `rpc:"force,optional=False"`    // even if another host has it
	Override bool  `rpc:"override,optional=False"` // Koji: leave no record of the run
}

// ResubmitTaskParams are the parameters of resubmitTask.
type ResubmitTaskParams struct {
	TaskID int64 `rpc:"taskID"`
}

// MakeTaskParams are the parameters of makeTask, behind its *args and **opts.
type MakeTaskParams struct {
	Method  string         `rpc:"method"`
	ArgList []any          `rpc:"arglist"`
	Opts    map[string]any `rpc:"**opts"` // parent, label, channel, arch, priority, assign
}

// BuildTaskParams are the parameters of build.
type BuildTaskParams struct {
	Src      string         `rpc:"src"` // an SCM URL, or an SRPM's path below work/
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`     // tasks.BuildOpts
	Priority *int64         `rpc:"priority,optional=None"` // relative to the default; negative for admins
	Channel  any            `rpc:"channel,optional=None"`
}

// RestartHostsParams are the parameters of restartHosts.
type RestartHostsParams struct {
	Priority int64 `rpc:"priority,optional=5"`
	Options  any   `rpc:"options,optional=None"` // tasks.RestartHostsOpts
}

// TaskStatus is what Toji knows of a task beyond Koji's row.
type TaskStatus struct {
	TaskID     int64         `rpc:"task_id"`
	WorkflowID string        `rpc:"workflow_id"` // in Temporal
	Wait       *TaskWait     `rpc:"wait"`        // nil: it does not wait
	Attempts   []TaskAttempt `rpc:"attempts"`
	Failures   []TaskFailure `rpc:"failures"`
	Takes      *float64      `rpc:"takes"` // seconds that it takes once it is open, by experience; nil if nobody knows
}

// TaskWait is why a task waits.
type TaskWait struct {
	// Code is for programs: no-channel, no-arch, no-ready-host, maintenance,
	// refused, no-capacity, owner-limit, owner-share, channel-limit,
	// behind-others, repo, tasks ...
	Code   string    `rpc:"code"`
	Reason string    `rpc:"reason"` // a sentence for people
	Since  koji.Time `rpc:"since"`
	// ETA is when it will probably have a host, by how long others took; nil if
	// nobody knows.
	ETA *koji.Time `rpc:"eta"`
}

// WaitingTask is a task with the reason why it waits.
type WaitingTask struct {
	TaskID int64 `rpc:"task_id"`
	TaskWait
}

// TaskWaitsParams are the parameters of toji.taskWaits.
type TaskWaitsParams struct {
	TaskIDs []int64 `rpc:"task_ids"`
}

// TaskAttempt is one time that a task was worked on.
type TaskAttempt struct {
	Attempt int64      `rpc:"attempt"` // from 1
	HostID  *int64     `rpc:"host_id"` // nil: in the hub
	Host    *string    `rpc:"host_name"`
	Started koji.Time  `rpc:"started"`
	Ended   *koji.Time `rpc:"ended"`
	Outcome *string    `rpc:"outcome"` // closed, failed, canceled, freed, or the trouble
}

// TaskFailure is how an attempt went wrong.
type TaskFailure struct {
	Time    koji.Time `rpc:"time"`
	Class   koji.Kind `rpc:"class"`
	HostID  *int64    `rpc:"host_id"`
	Host    *string   `rpc:"host_name"`
	Message string    `rpc:"message"`
}

// The methods for tasks.
var (
	GetTaskInfo = rpc.Define(rpc.Method[TaskInfoParams, any]{
		Name: "getTaskInfo", Access: Anyone,
		Doc: "Return a task, or a list of tasks for a list of ids; nil for each that there is not, unless strict. With request, each has its parameters.",
	})
	GetTaskChildren = rpc.Define(rpc.Method[TaskChildrenParams, []TaskInfo]{
		Name: "getTaskChildren", Access: Anyone,
		Doc: "List the subtasks of a task.",
	})
	GetTaskDescendents = rpc.Define(rpc.Method[TaskDescendentsParams, map[string][]TaskInfo]{
		Name: "getTaskDescendents", Access: Anyone,
		Doc: "Map the id of a task, and of each task below it, to the list of its subtasks.",
	})
	GetTaskRequest = rpc.Define(rpc.Method[TaskParams, []any]{
		Name: "getTaskRequest", Access: Anyone,
		Doc: "Return the parameters of a task as they were sent.",
	})
	GetTaskResult = rpc.Define(rpc.Method[TaskResultParams, any]{
		Name: "getTaskResult", Access: Anyone,
		Doc: "Return the result of a task. That of a failed task is raised as a fault or, with raise_fault off, returned.",
	})
	TaskFinished = rpc.Define(rpc.Method[TaskParams, bool]{
		Name: "taskFinished", Access: Anyone,
		Doc: "Tell whether a task has ended, well or not.",
	})
	ListTasks = rpc.Define(rpc.Method[ListTasksParams, rpc.Rows[ListedTask]]{
		Name: "listTasks", Access: Anyone,
		Doc: "List tasks by state, arch, owner, host, channel, parent, method or time.",
	})
	ListTaskOutput = rpc.Define(rpc.Method[ListTaskOutputParams, any]{
		Name: "listTaskOutput", Func: "list_task_output", Access: Anyone,
		Doc: "List the files that a task left: names; with stat, a map to what is known of them; with all_volumes, a map to the volumes that have them.",
	})
	DownloadTaskOutput = rpc.Define(rpc.Method[DownloadTaskOutputParams, string]{
		Name: "downloadTaskOutput", Access: Anyone,
		Doc: "Return a piece of a file that a task left, in base64.",
	})
	CancelTask = rpc.Define(rpc.Method[CancelTaskParams, rpc.None]{
		Name: "cancelTask", Access: Anyone, Writes: true,
		Doc: "Cancel a task and its subtasks. For its owner, its host and admins.",
	})
	CancelTaskFull = rpc.Define(rpc.Method[CancelTaskFullParams, rpc.None]{
		Name: "cancelTaskFull", Access: NeedPerm("admin"), Writes: true,
		Doc: "Cancel a task and all tasks that belong to it. Unless strict, the task may be one of those below.",
	})
	CancelTaskChildren = rpc.Define(rpc.Method[TaskIDParams, rpc.None]{
		Name: "cancelTaskChildren", Access: NeedLogin, Writes: true,
		Doc: "Cancel the subtasks of a task. For its owner, its host and admins.",
	})
	FreeTask = rpc.Define(rpc.Method[TaskIDParams, rpc.None]{
		Name: "freeTask", Access: NeedPerm("admin"), Writes: true,
		Doc: "Take a task back from its host, so that it starts again elsewhere.",
	})
	SetTaskPriority = rpc.Define(rpc.Method[SetTaskPriorityParams, rpc.None]{
		Name: "setTaskPriority", Access: NeedPerm("admin"), Writes: true,
		Doc: "Change the priority of a task and, with recurse, of those below it. Lower numbers go first.",
	})
	AssignTask = rpc.Define(rpc.Method[AssignTaskParams, bool]{
		Name: "assignTask", Func: "do_assign", Access: NeedPerm("admin"), Writes: true,
		Doc: "Give a task to a host, past the scheduler. Tell whether the host has it now.",
	})
	ResubmitTask = rpc.Define(rpc.Method[ResubmitTaskParams, int64]{
		Name: "resubmitTask", Access: NeedLogin, Writes: true,
		Doc: "Make a new task like one that failed or was canceled, and return its id. For the task's owner and admins.",
	})
	MakeTask = rpc.Define(rpc.Method[ArgsParams, int64]{
		Name: "makeTask", Access: Anyone, Writes: true, // who may depends on the type; Koji: admins
		Doc: "Make a task of any type and return its id. For admins, and for those whom the declaration of the type names.",
	})
	BuildTask = rpc.Define(rpc.Method[BuildTaskParams, int64]{
		Name: "build", Access: NeedLogin, Writes: true,
		Doc: "Make a task that builds a package and return its id.",
	})
	RestartHosts = rpc.Define(rpc.Method[RestartHostsParams, int64]{
		Name: "restartHosts", Access: NeedPerm("host"), Writes: true,
		Doc: "Make a task that restarts the builder daemons of hosts and return its id.",
	})
	GetTaskStatus = rpc.Define(rpc.Method[TaskIDParams, *TaskStatus]{
		Name: "toji.taskStatus", Access: Anyone,
		Doc: "Return why a task waits, how often and where it was worked on and what went wrong; nil if there is no such task.",
	})
	GetTaskWaits = rpc.Define(rpc.Method[TaskWaitsParams, []WaitingTask]{
		Name: "toji.taskWaits", Access: Anyone,
		Doc: "List those of the tasks that wait, each with the reason.",
	})
)
