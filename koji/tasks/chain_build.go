package tasks

import "github.com/toji-build/toji/internal/task"

// ChainBuildParams is the request of a chainbuild task.
type ChainBuildParams struct {
	// Srcs are levels of sources. A source is an SCM URL to build or the NVR of a
	// build to wait for; a level begins when all of the one before are in the
	// build tag's repository.
	Srcs   [][]string `rpc:"srcs"`
	Target Ref        `rpc:"target"`
	Opts   BuildOpts  `rpc:"opts,optional=None"` // of the builds
}

// ChainBuild builds packages of which some are needed to build others.
var ChainBuild = task.Define(task.Type[ChainBuildParams, task.Nothing]{
	Info:  task.Info{Method: "chainbuild", Weight: 0.1, Queue: task.System, Title: "Build packages one after another"},
	Label: func(p ChainBuildParams) string { return p.Target.String() },
})
