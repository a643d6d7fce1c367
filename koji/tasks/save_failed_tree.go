package tasks

import "github.com/toji-build/toji/internal/task"

// SaveFailedTreeParams is the request of a saveFailedTree task.
type SaveFailedTreeParams struct {
	BuildrootID int64 `rpc:"buildrootID"`
	Full        bool  `rpc:"full,optional=False"` // all of the root instead of the build folder
}

// SaveFailedTree sends an archive of the buildroot of a failed task,
// broot-ID.tar.gz. It is assigned to the host that has the root.
var SaveFailedTree = task.Define(task.Type[SaveFailedTreeParams, task.Nothing]{
	Info:  task.Info{Method: "saveFailedTree", Weight: 3, Queue: task.Host, AnyHost: true, Title: "Save the buildroot of a failed task"},
	Label: noLabel[SaveFailedTreeParams],
})
