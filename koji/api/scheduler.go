package api

import "github.com/toji-build/toji/internal/rpc"

// ViewParams choose rows and columns of what the scheduler keeps.
type ViewParams struct {
	Clauses []any          `rpc:"clauses,optional=None"` // [field, value], [field, list] or [field, operator, value]
	Fields  any            `rpc:"fields,optional=None"`  // names of fields, or "*", or "**"
	Opts    map[string]any `rpc:"opts,optional=None"`    // queryOpts
}

// TaskRefusalsParams are the parameters of scheduler.getTaskRefusals.
type TaskRefusalsParams struct {
	Clauses []any `rpc:"clauses,optional=None"`
	Fields  any   `rpc:"fields,optional=None"`
}

// HostDataParams are the parameters of scheduler.getHostData.
type HostDataParams struct {
	HostID *int64 `rpc:"hostID,optional=None"`
}

// HostData is what a host told the scheduler about itself.
type HostData struct {
	HostID int64 `rpc:"host_id"`
	Data   any   `rpc:"data"`
}

// DoRunParams are the parameters of scheduler.doRun.
type DoRunParams struct {
	Force bool `rpc:"force,optional=False"`
}

// The methods that show what the scheduler did.
var (
	GetTaskRuns = rpc.Define(rpc.Method[ViewParams, any]{
		Name: "scheduler.getTaskRuns", Func: "get_task_runs", Access: Anyone,
		Doc: "List which host was given which task when.",
	})
	GetTaskRefusals = rpc.Define(rpc.Method[TaskRefusalsParams, any]{
		Name: "scheduler.getTaskRefusals", Func: "get_task_refusals", Access: Anyone,
		Doc: "List which host would not take which task.",
	})
	GetSchedulerMessages = rpc.Define(rpc.Method[ViewParams, any]{
		Name: "scheduler.getLogMessages", Func: "get_log_messages", Access: Anyone,
		Doc: "List what the scheduler did, in words.",
	})
	GetHostData = rpc.Define(rpc.Method[HostDataParams, []HostData]{
		Name: "scheduler.getHostData", Func: "get_host_data", Access: Anyone,
		Doc: "List what hosts told the scheduler about themselves.",
	})
	RunScheduler = rpc.Define(rpc.Method[DoRunParams, bool]{
		Name: "scheduler.doRun", Func: "SchedulerExports.doRun", Access: NeedPerm("admin"), Writes: true,
		Doc: "Have the scheduler look at all waiting tasks now. It does so by itself whenever anything changes.",
	})
)
