package tasks

import "github.com/toji-build/toji/internal/task"

// BuildParams is the request of a build task.
type BuildParams struct {
	Src    string    `rpc:"src"`    // an SCM URL, or an SRPM's path below work/
	Target Ref       `rpc:"target"` // a build target; with repo_id also a tag, or nothing
	Opts   BuildOpts `rpc:"opts,optional=None"`
}

// BuildOpts are the options of a build; their keys are wire contract.
type BuildOpts struct {
	Scratch            bool           `rpc:"scratch,omitempty"`       // build, but import nothing
	SkipTag            bool           `rpc:"skip_tag,omitempty"`      // do not tag the finished build
	RepoID             int64          `rpc:"repo_id,omitempty"`       // build in this repository
	ArchOverride       string         `rpc:"arch_override,omitempty"` // only these arches, scratch builds only
	WaitRepo           bool           `rpc:"wait_repo,omitempty"`     // wait for a repository that is current now
	WaitBuilds         []string       `rpc:"wait_builds,omitempty"`   // wait for a repository with these NVRs
	RebuildSRPM        *bool          `rpc:"rebuild_srpm,omitempty"`  // scratch builds only; default as the build tag says
	FailFast           bool           `rpc:"fail_fast,omitempty"`     // accepted; the first failure always ends the build
	Draft              bool           `rpc:"draft,omitempty"`
	CustomUserMetadata map[string]any `rpc:"custom_user_metadata,omitempty"`
}

// Build carries a source package to RPMs that are imported and tagged.
var Build = task.Define(task.Type[BuildParams, task.Nothing]{
	Info: task.Info{Method: "build", Weight: 0.2, Queue: task.System, Title: "Build a source package for all arches of a target"},
	Label: func(p BuildParams) string {
		if p.Target.IsZero() {
			return "None, " + sourceLabel(p.Src) // Koji: as Python prints it
		}
		return p.Target.String() + ", " + sourceLabel(p.Src)
	},
})
