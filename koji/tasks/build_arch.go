package tasks

import (
	"path"

	"github.com/toji-build/toji/internal/task"
)

// BuildArchParams is the request of a buildArch task.
type BuildArchParams struct {
	Pkg      string     `rpc:"pkg"`       // the SRPM's path below work/
	Root     Ref        `rpc:"root"`      // the build tag
	Arch     string     `rpc:"arch"`      // the arch to build for
	KeepSRPM bool       `rpc:"keep_srpm"` // upload the SRPM that the build makes, too
	Opts     InRepoOpts `rpc:"opts,optional=None"`
}

// InRepoOpts are the options of a task that works in a buildroot.
type InRepoOpts struct {
	RepoID  int64 `rpc:"repo_id,omitempty"`
	Scratch bool  `rpc:"scratch,omitempty"`
}

// BuildArchResult lists what the build left below work/.
type BuildArchResult struct {
	RPMs        []string `rpc:"rpms"`
	SRPMs       []string `rpc:"srpms"`
	Logs        []string `rpc:"logs"`
	BuildrootID int64    `rpc:"brootid"`
}

// BuildArch builds an SRPM's packages for one arch.
var BuildArch = task.Define(task.Type[BuildArchParams, BuildArchResult]{
	Info:  task.Info{Method: "buildArch", Weight: 1.5, Queue: task.Host, Title: "Build an SRPM for one arch"},
	Label: func(p BuildArchParams) string { return path.Base(p.Pkg) + ", " + p.Arch },
})
