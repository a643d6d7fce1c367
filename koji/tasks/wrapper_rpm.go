package tasks

import (
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// WrapperRPMParams is the request of a wrapperRPM task.
type WrapperRPMParams struct {
	SpecURL string         `rpc:"spec_url"` // scheme://host/path[?module]#revision of a template of a spec file
	Target  WrapperTarget  `rpc:"build_target"`
	Build   *WrappedBuild  `rpc:"build"` // whose files are wrapped; nil for those of a scratch build's task
	Task    *WrappedTask   `rpc:"task"`  // whose output is wrapped; nil for a task of its own, which takes the build's files
	Opts    WrapperRPMOpts `rpc:"opts,optional=None"`
}

// WrapperTarget is what the task needs of a build target.
type WrapperTarget struct {
	Name        string `rpc:"name"`
	BuildTag    int64  `rpc:"build_tag"`
	DestTag     int64  `rpc:"dest_tag"`
	DestTagName string `rpc:"dest_tag_name"`
}

// WrappedBuild is what the task needs of a build, as it was when the task was made.
type WrappedBuild struct {
	ID      int64           `rpc:"id"`
	Name    string          `rpc:"name"`
	Version string          `rpc:"version"`
	Release string          `rpc:"release"`
	Epoch   *int64          `rpc:"epoch"`
	State   koji.BuildState `rpc:"state"`
	Volume  string          `rpc:"volume_name"`
}

// NVR is the name of the build.
func (b WrappedBuild) NVR() koji.NVR {
	return koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release}
}

// WrappedTask is what the task needs of the one whose output it wraps.
type WrappedTask struct {
	ID     int64  `rpc:"id"`
	Method string `rpc:"method"`
}

// WrapperRPMOpts are the options of a wrapperRPM task; their keys are wire
// contract.
type WrapperRPMOpts struct {
	RepoID             int64          `rpc:"repo_id,omitempty"`
	WaitRepo           bool           `rpc:"wait_repo,omitempty"`    // wait for a repository that is current now
	WaitBuilds         []string       `rpc:"wait_builds,omitempty"`  // wait for a repository with these NVRs
	Scratch            bool           `rpc:"scratch,omitempty"`      // import nothing
	CreateBuild        bool           `rpc:"create_build,omitempty"` // import into a build of their own instead of the wrapped one
	SkipTag            bool           `rpc:"skip_tag,omitempty"`     // do not tag that
	Draft              bool           `rpc:"draft,omitempty"`        // make it a draft
	CustomUserMetadata map[string]any `rpc:"custom_user_metadata,omitempty"`
}

// WrapperRPMResult names files in the task's output.
type WrapperRPMResult struct {
	BuildrootID        int64          `rpc:"buildroot_id"`
	SRPM               string         `rpc:"srpm"`
	RPMs               []string       `rpc:"rpms"`
	Logs               []string       `rpc:"logs"`
	Source             Source         `rpc:"source"`
	CustomUserMetadata map[string]any `rpc:"custom_user_metadata,omitempty"` // of a build of their own
}

// WrapperRPM wraps files of a build that are no RPMs in RPMs.
var WrapperRPM = task.Define(task.Type[WrapperRPMParams, WrapperRPMResult]{
	Info: task.Info{Method: "wrapperRPM", Weight: 1.5, Queue: task.Host, Title: "Wrap files of a build in RPMs"},
	Label: func(p WrapperRPMParams) string {
		if p.Build == nil {
			return p.Target.Name
		}
		return p.Target.Name + ", " + p.Build.NVR().String()
	},
})
