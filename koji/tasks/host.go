package tasks

import "github.com/toji-build/toji/internal/task"

// HostInfo is how a client names the host of a restart task.
type HostInfo struct {
	ID   int64  `rpc:"id"`
	Name string `rpc:"name"`
}

// ShutdownParams is empty.
type ShutdownParams struct{}

// Shutdown stops the builder daemon of the host that it is assigned to.
var Shutdown = task.Define(task.Type[ShutdownParams, task.Nothing]{
	Info:  task.Info{Method: "shutdown", Queue: task.Host, AnyHost: true, Title: "Stop a host's builder daemon"},
	Label: noLabel[ShutdownParams],
})

// RestartParams is the request of a restart task.
type RestartParams struct {
	Host HostInfo `rpc:"host"`
}

// Restart restarts the builder daemon of its host when its tasks are done.
var Restart = task.Define(task.Type[RestartParams, string]{
	Info:  task.Info{Method: "restart", Weight: 0.1, Queue: task.Host, AnyHost: true, Title: "Restart a host's builder daemon"},
	Label: func(p RestartParams) string { return p.Host.Name },
})

// RestartVerifyParams is the request of a restartVerify task.
type RestartVerifyParams struct {
	TaskID int64    `rpc:"task_id"` // the restart task
	Host   HostInfo `rpc:"host"`
}

// RestartVerify checks that its host's daemon started after the restart task.
var RestartVerify = task.Define(task.Type[RestartVerifyParams, task.Nothing]{
	Info:  task.Info{Method: "restartVerify", Weight: 0.1, Queue: task.Host, AnyHost: true, Title: "Check that a host's daemon was restarted"},
	Label: func(p RestartVerifyParams) string { return p.Host.Name },
})

// RestartHostsParams is the request of a restartHosts task.
type RestartHostsParams struct {
	Options RestartHostsOpts `rpc:"options,optional=None"`
}

// RestartHostsOpts choose the hosts; all enabled ones by default.
type RestartHostsOpts struct {
	Channel Ref      `rpc:"channel,omitempty"`
	Arches  []string `rpc:"arches,omitempty"`
	Timeout int64    `rpc:"timeout,omitempty"` // seconds, default a day
}

// RestartHosts restarts the daemons of several hosts.
var RestartHosts = task.Define(task.Type[RestartHostsParams, task.Nothing]{
	Info:  task.Info{Method: "restartHosts", Weight: 0.1, Queue: task.System, Title: "Restart the builder daemons of several hosts"},
	Label: noLabel[RestartHostsParams],
})
