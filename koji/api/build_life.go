package api

import "github.com/toji-build/toji/internal/rpc"

// ImportedRPM is an RPM that was just imported.
type ImportedRPM struct {
	Name           string  `rpc:"name"`
	Version        string  `rpc:"version"`
	Release        string  `rpc:"release"`
	Epoch          *int64  `rpc:"epoch"`
	SourcePackage  *int64  `rpc:"sourcepackage"` // 1 or nil
	Arch           string  `rpc:"arch"`
	BuildTime      int64   `rpc:"buildtime"`
	SourceRPM      *string `rpc:"sourcerpm"` // nil for a source RPM
	Draft          bool    `rpc:"draft"`
	ID             int64   `rpc:"id"`
	BuildID        int64   `rpc:"build_id"`
	Size           int64   `rpc:"size"`
	PayloadHash    string  `rpc:"payloadhash"`
	BuildrootID    *int64  `rpc:"buildroot_id"`
	ExternalRepoID int64   `rpc:"external_repo_id"`
	Build          *Build  `rpc:"build"`
	BrootID        *int64  `rpc:"brootid"` // Koji: BuildrootID
}

// ImportRPMParams are the parameters of importRPM: where the RPM was uploaded.
type ImportRPMParams struct {
	Path     string `rpc:"path"`
	Basename string `rpc:"basename"`
}

// HostInitBuildParams are the parameters of host.initBuild.
type HostInitBuildParams struct {
	// Data has name, version, release, epoch, task_id, and perhaps source,
	// extra and draft.
	Data map[string]any `rpc:"data"`
}

// HostCompleteBuildParams are the parameters of host.completeBuild. Files are
// relative to the work directory.
type HostCompleteBuildParams struct {
	TaskID  int64               `rpc:"task_id"`
	BuildID int64               `rpc:"build_id"`
	SRPM    string              `rpc:"srpm"`
	RPMs    []string            `rpc:"rpms"`
	BRMap   map[string]int64    `rpc:"brmap,optional=None"` // from file to buildroot
	Logs    map[string][]string `rpc:"logs,optional=None"`  // by arch; "" for the build as a whole
}

// HostMoveBuildToScratchParams are the parameters of host.moveBuildToScratch,
// see HostCompleteBuildParams.
type HostMoveBuildToScratchParams struct {
	TaskID int64               `rpc:"task_id"`
	SRPM   string              `rpc:"srpm"`
	RPMs   []string            `rpc:"rpms"`
	Logs   map[string][]string `rpc:"logs,optional=None"`
}

// HostFailBuildParams are the parameters of host.failBuild.
type HostFailBuildParams struct {
	TaskID  int64 `rpc:"task_id"`
	BuildID int64 `rpc:"build_id"`
}

// The methods of a build's life.
var (
	ImportRPM = rpc.Define(rpc.Method[ImportRPMParams, *ImportedRPM]{
		Name: "importRPM", Access: NeedPerm("admin"), Writes: true,
		Doc: "Import an RPM that was uploaded into its build; a source RPM makes the build.",
	})
	HostInitBuild = rpc.Define(rpc.Method[HostInitBuildParams, int64]{
		Name: "host.initBuild", Access: NeedHost, Writes: true,
		Doc: "Begin a build for a task that the host has open and return its id.",
	})
	HostCompleteBuild = rpc.Define(rpc.Method[HostCompleteBuildParams, *Build]{
		Name: "host.completeBuild", Access: NeedHost, Writes: true,
		Doc: "Import what a build made and complete it.",
	})
	HostFailBuild = rpc.Define(rpc.Method[HostFailBuildParams, rpc.None]{
		Name: "host.failBuild", Access: NeedHost, Writes: true,
		Doc: "Mark a build as failed.",
	})
	HostMoveBuildToScratch = rpc.Define(rpc.Method[HostMoveBuildToScratchParams, rpc.None]{
		Name: "host.moveBuildToScratch", Access: NeedHost, Writes: true,
		Doc: "Move what a scratch build made to the scratch directory.",
	})
)
