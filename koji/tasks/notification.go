package tasks

import (
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// NotifiedBuild is what a buildNotification task needs of a build, as it was when
// the task was made.
type NotifiedBuild struct {
	ID           int64           `rpc:"id"`
	Name         string          `rpc:"package_name"`
	Version      string          `rpc:"version"`
	Release      string          `rpc:"release"`
	Owner        string          `rpc:"owner_name"`
	Draft        bool            `rpc:"draft"`
	State        koji.BuildState `rpc:"state"`
	TaskID       int64           `rpc:"task_id"`
	Volume       string          `rpc:"volume_name"`
	CreationTS   float64         `rpc:"creation_ts"`   // seconds since the epoch
	CompletionTS float64         `rpc:"completion_ts"` // the same
}

// NVR is the name of the build.
func (b NotifiedBuild) NVR() string { return b.Name + "-" + b.Version + "-" + b.Release }

// NotifiedTarget is what it needs of the build's target.
type NotifiedTarget struct {
	DestTag string `rpc:"dest_tag_name"`
}

// BuildNotificationParams is the request of a buildNotification task.
type BuildNotificationParams struct {
	Recipients []string        `rpc:"recipients"` // addresses
	Build      NotifiedBuild   `rpc:"build"`
	Target     *NotifiedTarget `rpc:"target"` // nil for none
	WebURL     string          `rpc:"weburl"`
}

// BuildNotification sends mail about the end of a build. Its result says who got
// it; nil if there was nobody.
var BuildNotification = task.Define(task.Type[BuildNotificationParams, *string]{
	Info:  task.Info{Method: "buildNotification", Weight: 0.1, Queue: task.System, Title: "Send mail about a build"},
	Label: func(p BuildNotificationParams) string { return p.Build.NVR() },
})

// TagNotificationParams is the request of a tagNotification task.
type TagNotificationParams struct {
	Recipients    []string `rpc:"recipients"` // addresses
	IsSuccessful  bool     `rpc:"is_successful"`
	Tag           Ref      `rpc:"tag_info"`  // zero: out of From only
	From          Ref      `rpc:"from_info"` // zero: into Tag only
	Build         Ref      `rpc:"build_info"`
	User          Ref      `rpc:"user_info"` // who did it
	IgnoreSuccess bool     `rpc:"ignore_success,optional=None"`
	FailureMsg    string   `rpc:"failure_msg,optional=''"`
}

// TagNotification sends mail about a build that was tagged, untagged or moved, or
// was not. Its result says who got it; nil if there was nobody.
var TagNotification = task.Define(task.Type[TagNotificationParams, *string]{
	Info:  task.Info{Method: "tagNotification", Weight: 0.1, Queue: task.System, Title: "Send mail about a build in a tag"},
	Label: noLabel[TagNotificationParams],
})
