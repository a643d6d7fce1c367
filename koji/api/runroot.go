package api

import "github.com/toji-build/toji/internal/rpc"

// RunrootParams are the parameters of runroot.
type RunrootParams struct {
	TagInfo any            `rpc:"tagInfo"`
	Arch    any            `rpc:"arch"`
	Command any            `rpc:"command"` // a line for the shell, or a list of arguments
	Channel any            `rpc:"channel,optional=None"`
	Opts    map[string]any `rpc:"**opts"` // keep, packages, mounts, repo_id, skip_setarch, weight, upload_logs, new_chroot
}

// SaveFailedTreeParams are the parameters of saveFailedTree.
type SaveFailedTreeParams struct {
	BuildrootID any            `rpc:"buildrootID"`
	Full        any            `rpc:"full,optional=False"` // all of the buildroot, not only the build directory
	Opts        map[string]any `rpc:"**opts"`
}

// The methods of Koji's plugins runroot and save_failed_tree.
var (
	Runroot = rpc.Define(rpc.Method[RunrootParams, int64]{
		Name: "runroot", Func: "runroot", Access: NeedPerm("runroot"), Writes: true,
		Doc: "Create a task that runs a command in a buildroot.",
	})
	SaveFailedTree = rpc.Define(rpc.Method[SaveFailedTreeParams, int64]{
		Name: "saveFailedTree", Func: "saveFailedTree", Access: NeedLogin, Writes: true,
		Doc: "Create a task that uploads the buildroot of a task that failed.",
	})
)
