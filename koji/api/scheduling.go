package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Why is all that is to be said about why a task is not further than it is.
type Why struct {
	TaskID   int64         `rpc:"task_id"`
	Method   string        `rpc:"method"`
	Arch     string        `rpc:"arch"`
	Channel  string        `rpc:"channel"`
	Owner    string        `rpc:"owner"`
	State    int           `rpc:"state"`
	Priority int64         `rpc:"priority"`
	Host     *string       `rpc:"host_name"` // that has it
	Started  *koji.Time    `rpc:"start_time"`
	Takes    *float64      `rpc:"takes"`        // seconds that it takes once it is open, by experience; nil if nobody knows
	Wait     *TaskWait     `rpc:"wait" db:"-"`  // nil: it does not wait
	Hosts    []HostVerdict `rpc:"hosts" db:"-"` // of its channel, for a free task that needs a host
	Children []int64       `rpc:"children"`
}

// HostVerdict is what keeps a task from a host.
type HostVerdict struct {
	HostID int64  `rpc:"host_id"`
	Host   string `rpc:"host_name"`
	Code   string `rpc:"code"`   // wrong-arch, disabled, not-ready, quarantined, maintenance, refused, ends-too-late, full, free
	Detail string `rpc:"detail"` // a few words for people
}

// Kinds of limits.
const (
	LimitOwner   = "owner"
	LimitChannel = "channel"
)

// TaskLimit is how many tasks hosts carry at once for an owner or a channel.
type TaskLimit struct {
	Kind  string `rpc:"kind"` // owner or channel
	ID    int64  `rpc:"id"`
	Name  string `rpc:"name"`
	Tasks int64  `rpc:"tasks"`
}

// SetTaskLimitParams are the parameters of toji.setTaskLimit.
type SetTaskLimitParams struct {
	Kind  string `rpc:"kind"`                // owner or channel
	Info  any    `rpc:"info"`                // its id or name
	Tasks *int64 `rpc:"tasks,optional=None"` // nil: what the configuration says for all
}

// Maintenance is a time in which a host is not to be used.
type Maintenance struct {
	ID      int64     `rpc:"id"`
	HostID  int64     `rpc:"host_id"`
	Host    string    `rpc:"host_name"`
	Starts  koji.Time `rpc:"starts"`
	Ends    koji.Time `rpc:"ends"`
	Reason  string    `rpc:"reason"`
	Creator string    `rpc:"creator_name"`
}

// MaintenancesParams are the parameters of toji.maintenances.
type MaintenancesParams struct {
	Host any `rpc:"host,optional=None"` // nil: all hosts
}

// AddMaintenanceParams are the parameters of toji.addMaintenance.
type AddMaintenanceParams struct {
	Host   any     `rpc:"host"`
	Starts float64 `rpc:"starts"` // seconds since the epoch
	Ends   float64 `rpc:"ends"`
	Reason string  `rpc:"reason,optional=''"`
}

// RemoveMaintenanceParams are the parameters of toji.removeMaintenance.
type RemoveMaintenanceParams struct {
	ID int64 `rpc:"id"`
}

// The methods by which the scheduler explains itself and is told what to heed.
var (
	GetWhy = rpc.Define(rpc.Method[TaskIDParams, *Why]{
		Name: "toji.why", Access: Anyone,
		Doc: "Return why a task waits, with what keeps it from each host of its channel; nil if there is no such task.",
	})
	GetTaskLimits = rpc.Define(rpc.Method[NoParams, []TaskLimit]{
		Name: "toji.taskLimits", Access: Anyone,
		Doc: "List the owners and channels for which hosts carry a limited number of tasks at once.",
	})
	SetTaskLimit = rpc.Define(rpc.Method[SetTaskLimitParams, rpc.None]{
		Name: "toji.setTaskLimit", Access: NeedPerm("admin"), Writes: true,
		Doc: "Limit how many tasks hosts carry at once for an owner or a channel.",
	})
	GetMaintenances = rpc.Define(rpc.Method[MaintenancesParams, []Maintenance]{
		Name: "toji.maintenances", Access: Anyone,
		Doc: "List the maintenance of hosts that is planned or under way.",
	})
	AddMaintenance = rpc.Define(rpc.Method[AddMaintenanceParams, int64]{
		Name: "toji.addMaintenance", Access: NeedPerm("host"), Writes: true,
		Doc: "Plan maintenance of a host: it gets no tasks in that time, and none before that would not have ended. Return its id.",
	})
	RemoveMaintenance = rpc.Define(rpc.Method[RemoveMaintenanceParams, bool]{
		Name: "toji.removeMaintenance", Access: NeedPerm("host"), Writes: true,
		Doc: "Call maintenance off, or end it; tell whether there was any of this id.",
	})
)
