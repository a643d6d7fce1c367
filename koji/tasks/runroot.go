package tasks

import "github.com/toji-build/toji/internal/task"

// RunrootParams is the request of a runroot task.
type RunrootParams struct {
	Root       Ref      `rpc:"root"`                        // the build tag
	Arch       string   `rpc:"arch"`                        // "noarch" for any that host and tag have
	Command    any      `rpc:"command"`                     // a line for the shell, or a list of arguments
	Keep       any      `rpc:"keep,optional=False"`         // Koji: not used, there either
	Packages   []string `rpc:"packages,optional=[]"`        // to install before
	Mounts     []string `rpc:"mounts,optional=[]"`          // directories of the host to write to; the host must allow them
	RepoID     int64    `rpc:"repo_id,optional=None"`       // the tag's latest repository by default
	SkipArch   bool     `rpc:"skip_setarch,optional=False"` // the kernel names the host's arch
	Weight     *float64 `rpc:"weight,optional=None"`        // at least 0.5
	UploadLogs []string `rpc:"upload_logs,optional=None"`   // files inside to send besides runroot.log
	NewChroot  *bool    `rpc:"new_chroot,optional=None"`    // mock's --new-chroot or --old-chroot
}

// Runroot runs a command as root in a buildroot. Its result is a sentence.
var Runroot = task.Define(task.Type[RunrootParams, string]{
	Info:  task.Info{Method: "runroot", Weight: 2, Queue: task.Host, Title: "Run a command in a buildroot"},
	Label: noLabel[RunrootParams],
})
