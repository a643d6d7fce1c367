package tasks

import "github.com/toji-build/toji/internal/task"

// RebuildSRPMParams is the request of a rebuildSRPM task.
type RebuildSRPMParams struct {
	SRPM     string     `rpc:"srpm"` // path below work/
	BuildTag Ref        `rpc:"build_tag"`
	Opts     InRepoOpts `rpc:"opts,optional=None"`
}

// BuildSRPMFromSCMParams is the request of a buildSRPMFromSCM task.
type BuildSRPMFromSCMParams struct {
	URL      string     `rpc:"url"` // scheme://host/path[?module]#revision
	BuildTag Ref        `rpc:"build_tag"`
	Opts     InRepoOpts `rpc:"opts,optional=None"`
}

// SRPMResult is the SRPM that both make.
type SRPMResult struct {
	SRPM        string   `rpc:"srpm"` // path below work/
	Logs        []string `rpc:"logs"`
	BuildrootID int64    `rpc:"brootid"`
	Source      Source   `rpc:"source"`
}

// Source says where an SRPM came from.
type Source struct {
	Source string `rpc:"source"` // with the revision that was found
	URL    string `rpc:"url"`    // as it was asked for
}

// RebuildSRPM makes an uploaded SRPM anew inside the build tag's buildroot, so
// that it carries the right dist tag and rpm version.
var RebuildSRPM = task.Define(task.Type[RebuildSRPMParams, SRPMResult]{
	Info:  task.Info{Method: "rebuildSRPM", Weight: 1, Queue: task.Host, Title: "Rebuild an SRPM in the build tag's buildroot"},
	Label: noLabel[RebuildSRPMParams],
})

// BuildSRPMFromSCM checks a package out and makes its SRPM.
var BuildSRPMFromSCM = task.Define(task.Type[BuildSRPMFromSCMParams, SRPMResult]{
	Info:  task.Info{Method: "buildSRPMFromSCM", Weight: 1, Queue: task.Host, Title: "Make an SRPM from source control"},
	Label: func(p BuildSRPMFromSCMParams) string { return sourceLabel(p.URL) },
})
