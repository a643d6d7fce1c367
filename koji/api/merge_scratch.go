package api

import "github.com/toji-build/toji/internal/rpc"

// MergeScratchParams are the parameters of mergeScratch.
type MergeScratchParams struct {
	TaskID int64 `rpc:"task_id"` // a scratch build
}

// MergeScratch adds the arches of a scratch build to a build.
var MergeScratch = rpc.Define(rpc.Method[MergeScratchParams, int64]{
	Name: "mergeScratch", Access: NeedPerm("admin"), Writes: true,
	Doc: "Import what a scratch build of the same source made for other arches into the build. Returns the build's id.",
})
