package api

import "github.com/toji-build/toji/internal/rpc"

// DistRepoParams are the parameters of distRepo.
type DistRepoParams struct {
	Tag      any            `rpc:"tag"`
	Keys     any            `rpc:"keys"`        // a list of ids of signing keys, the preferred one first
	TaskOpts map[string]any `rpc:"**task_opts"` // see tasks.DistRepoOpts
}

// ChainBuildParams are the parameters of chainBuild.
type ChainBuildParams struct {
	Srcs     any            `rpc:"srcs"` // a list of lists, see tasks.ChainBuildParams
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"` // relative to the default; negative for admins
	Channel  any            `rpc:"channel,optional=None"`
}

// DistRepo and ChainBuild make the tasks of these names.
var (
	DistRepo = rpc.Define(rpc.Method[DistRepoParams, int64]{
		Name: "distRepo", Access: NeedLogin, Writes: true,
		Doc: "Create a distRepo task for the tag. Returns the task's id.",
	})
	ChainBuild = rpc.Define(rpc.Method[ChainBuildParams, int64]{
		Name: "chainBuild", Access: NeedLogin, Writes: true,
		Doc: "Create a task that builds several packages in order. Returns the task's id.",
	})
)
