package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// UpdateHostParams are the parameters of host.updateHost.
type UpdateHostParams struct {
	TaskLoad float64        `rpc:"task_load"` // weight of its tasks, by its own count
	Ready    bool           `rpc:"ready"`     // takes tasks
	Data     map[string]any `rpc:"data,optional=None"`
}

// SetHostDataParams are the parameters of host.setHostData.
type SetHostDataParams struct {
	HostData any `rpc:"hostdata"` // a struct, or one as JSON text
}

// SetTaskWeightParams are the parameters of host.setTaskWeight.
type SetTaskWeightParams struct {
	TaskID int64   `rpc:"task_id"`
	Weight float64 `rpc:"weight"`
}

// RefuseTaskParams are the parameters of host.refuseTask.
type RefuseTaskParams struct {
	TaskID int64  `rpc:"task_id"`
	Soft   bool   `rpc:"soft,optional=True"` // for now, not for good
	Msg    string `rpc:"msg,optional=''"`
}

// AssignedTask is a task that a host was given and has not opened.
type AssignedTask struct {
	ID        int64   `rpc:"id"`
	State     int     `rpc:"state"`
	ChannelID int64   `rpc:"channel_id"`
	HostID    int64   `rpc:"host_id"`
	Arch      string  `rpc:"arch"`
	Method    string  `rpc:"method"`
	Priority  *int64  `rpc:"priority"`
	CreateTS  float64 `rpc:"create_ts"`
}

// OpenHostTask is a task that a host has open.
type OpenHostTask struct {
	ID      int64   `rpc:"id"`
	Waiting *bool   `rpc:"waiting"`
	Weight  float64 `rpc:"weight"`
	Alert   bool    `rpc:"alert,omitempty"` // some of what it waits for has ended
}

// LoadedHost is a host with its channels.
type LoadedHost struct {
	Host
	Channels []int64 `rpc:"channels"`
}

// HostStatus is a host's health and load.
type HostStatus struct {
	ID            int64        `rpc:"id"`
	Name          string       `rpc:"name"`
	Enabled       bool         `rpc:"enabled"`
	Ready         bool         `rpc:"ready"`
	UpdateTime    *koji.Time   `rpc:"update_time"` // when it was heard of last
	Capacity      float64      `rpc:"capacity"`
	Load          float64      `rpc:"load"` // weight of its tasks that do not wait for others
	Tasks         int64        `rpc:"tasks"`
	FailuresInRow int64        `rpc:"failures_in_row"` // troubles of its own since its last good task
	QuarantinedAt *koji.Time   `rpc:"quarantined_at"`  // it gets no tasks since then
	Reason        *string      `rpc:"quarantine_reason"`
	Until         *koji.Time   `rpc:"quarantine_until"` // it gets one task then, and all again if that ends well
	Probe         *int64       `rpc:"probe_task"`       // that task
	Note          *string      `rpc:"note"`             // its last trouble
	Report        HostReport   `rpc:"report" db:"-"`
	Maintenance   *Maintenance `rpc:"maintenance" db:"-"` // the next one, or the one that it is in
}

// HostReport is what a builder says of its machine, as part of the data of
// host.updateHost. What an older builder, or Koji's, does not say is zero.
type HostReport struct {
	NotReady    string            `rpc:"not_ready,omitempty" json:"not_ready,omitempty"` // why it takes no tasks
	DiskFree    int64             `rpc:"disk_free" json:"disk_free"`                     // bytes, where it builds
	DiskTotal   int64             `rpc:"disk_total" json:"disk_total"`
	MemoryFree  int64             `rpc:"memory_free" json:"memory_free"` // bytes that programs could have
	MemoryTotal int64             `rpc:"memory_total" json:"memory_total"`
	LoadAverage float64           `rpc:"load_average" json:"load_average"` // of one minute
	CPUs        int64             `rpc:"cpus" json:"cpus"`
	Versions    map[string]string `rpc:"versions" json:"versions"` // of toji, the kernel, rpm ...
}

// TrustHostParams are the parameters of toji.trustHost.
type TrustHostParams struct {
	Host any `rpc:"host"`
}

// The methods by which a build host speaks of itself.
var (
	HostGetID = rpc.Define(rpc.Method[NoParams, int64]{
		Name: "host.getID", Access: NeedHost,
		Doc: "Return the calling host's id.",
	})
	HostGetHost = rpc.Define(rpc.Method[NoParams, *Host]{
		Name: "host.getHost", Access: NeedHost,
		Doc: "Return the calling host.",
	})
	HostIsEnabled = rpc.Define(rpc.Method[NoParams, bool]{
		Name: "host.isEnabled", Access: NeedHost,
		Doc: "Tell whether the calling host gets tasks at all.",
	})
	HostUpdateHost = rpc.Define(rpc.Method[UpdateHostParams, rpc.None]{
		Name: "host.updateHost", Access: NeedHost, Writes: true,
		Doc: "Tell the hub that the calling host is there, how busy it is and whether it takes tasks.",
	})
	HostSetHostData = rpc.Define(rpc.Method[SetHostDataParams, rpc.None]{
		Name: "host.setHostData", Access: NeedHost, Writes: true,
		Doc: "Tell the scheduler about the calling host; maxjobs bounds its tasks.",
	})
	HostGetTasks = rpc.Define(rpc.Method[NoParams, []AssignedTask]{
		Name: "host.getTasks", Access: NeedHost,
		Doc: "List the tasks that the calling host was given and has not opened.",
	})
	HostGetHostTasks = rpc.Define(rpc.Method[NoParams, []OpenHostTask]{
		Name: "host.getHostTasks", Access: NeedHost,
		Doc: "List the tasks that the calling host has open.",
	})
	HostGetLoadData = rpc.Define(rpc.Method[NoParams, []any]{
		Name: "host.getLoadData", Access: NeedHost,
		Doc: "Return a list with the calling host and a list of the tasks that it was given.",
	})
	HostSetTaskWeight = rpc.Define(rpc.Method[SetTaskWeightParams, rpc.None]{
		Name: "host.setTaskWeight", Access: NeedHost, Writes: true,
		Doc: "Change the load that a task puts on the calling host, which has it open.",
	})
	HostRefuseTask = rpc.Define(rpc.Method[RefuseTaskParams, rpc.None]{
		Name: "host.refuseTask", Access: NeedHost, Writes: true,
		Doc: "Give back a task that the calling host will not take.",
	})
	GetHostStatus = rpc.Define(rpc.Method[NoParams, []HostStatus]{
		Name: "toji.hostStatus", Access: Anyone,
		Doc: "List the hosts with their load, failures and quarantine.",
	})
	TrustHost = rpc.Define(rpc.Method[TrustHostParams, bool]{
		Name: "toji.trustHost", Access: NeedPerm("host"), Writes: true,
		Doc: "End a host's quarantine and forget its failures; tell whether there were any.",
	})
)
