package api

import "github.com/toji-build/toji/internal/rpc"

// InitMavenBuildParams are the parameters of host.initMavenBuild.
type InitMavenBuildParams struct {
	TaskID    int64          `rpc:"task_id"`
	BuildInfo map[string]any `rpc:"build_info"` // name, version, epoch, perhaps source and extra
	MavenInfo map[string]any `rpc:"maven_info"` // group_id, artifact_id, version
}

// InitWinBuildParams are the parameters of host.initWinBuild.
type InitWinBuildParams struct {
	TaskID    int64          `rpc:"task_id"`
	BuildInfo map[string]any `rpc:"build_info"` // name, version, release, epoch, perhaps source and extra
	WinInfo   map[string]any `rpc:"win_info"`   // platform
}

// InitImageBuildParams are the parameters of host.initImageBuild.
type InitImageBuildParams struct {
	TaskID    int64          `rpc:"task_id"`
	BuildInfo map[string]any `rpc:"build_info"` // name, version, epoch, perhaps release, source and extra
}

// WrapperRPMs are RPMs that wrap what a build made. Files are relative to the
// output of the task, which is the caller's own or one below it.
type WrapperRPMs struct {
	TaskID      int64    `rpc:"task_id"`
	BuildrootID *int64   `rpc:"buildroot_id"`
	SRPM        string   `rpc:"srpm"`
	RPMs        []string `rpc:"rpms"`
	Logs        []string `rpc:"logs"`
}

// MavenResults is what a task built with Maven, see WrapperRPMs.
type MavenResults struct {
	TaskID      int64               `rpc:"task_id"`
	BuildrootID *int64              `rpc:"buildroot_id"`
	Files       map[string][]string `rpc:"files"` // by directory
	Logs        []string            `rpc:"logs"`
}

// WinResults is what a task built for Windows, see WrapperRPMs.
type WinResults struct {
	TaskID      int64                     `rpc:"task_id"`
	BuildrootID *int64                    `rpc:"buildroot_id"`
	Output      map[string]map[string]any `rpc:"output"` // platforms and flags, by file
	Logs        []string                  `rpc:"logs"`
}

// ImageResults is what a task built as image for an arch, see WrapperRPMs.
// Without a TaskID the task failed, which was allowed.
type ImageResults struct {
	TaskID  *int64         `rpc:"task_id"`
	Arch    string         `rpc:"arch"`
	Files   []string       `rpc:"files"`
	Logs    []string       `rpc:"logs"`
	RPMList []InstalledRPM `rpc:"rpmlist"` // in the image
	RPMs    *WrapperRPMs   `rpc:"rpmresults"`
}

// CompleteMavenBuildParams are the parameters of host.completeMavenBuild.
type CompleteMavenBuildParams struct {
	TaskID  int64        `rpc:"task_id"`
	BuildID int64        `rpc:"build_id"`
	Results MavenResults `rpc:"maven_results"`
	RPMs    *WrapperRPMs `rpc:"rpm_results"` // nil: none
}

// CompleteWinBuildParams are the parameters of host.completeWinBuild.
type CompleteWinBuildParams struct {
	TaskID  int64        `rpc:"task_id"`
	BuildID int64        `rpc:"build_id"`
	Results WinResults   `rpc:"results"`
	RPMs    *WrapperRPMs `rpc:"rpm_results"`
}

// CompleteImageBuildParams are the parameters of host.completeImageBuild.
type CompleteImageBuildParams struct {
	TaskID  int64                   `rpc:"task_id"`
	BuildID int64                   `rpc:"build_id"`
	Results map[string]ImageResults `rpc:"results"` // by subtask or arch
}

// IDOnly is a struct with an id, and with more that does not matter.
type IDOnly struct {
	ID int64 `rpc:"id"`
}

// ImportImageParams are the parameters of host.importImage.
type ImportImageParams struct {
	TaskID  int64                   `rpc:"task_id"`
	Build   IDOnly                  `rpc:"build_info"`
	Results map[string]ImageResults `rpc:"results"`
}

// ImportWrapperRPMsParams are the parameters of host.importWrapperRPMs.
type ImportWrapperRPMsParams struct {
	TaskID  int64       `rpc:"task_id"`
	BuildID int64       `rpc:"build_id"`
	RPMs    WrapperRPMs `rpc:"rpm_results"`
}

// MoveMavenToScratchParams are the parameters of host.moveMavenBuildToScratch.
type MoveMavenToScratchParams struct {
	TaskID  int64        `rpc:"task_id"`
	Results MavenResults `rpc:"results"`
	RPMs    *WrapperRPMs `rpc:"rpm_results"`
}

// MoveWinToScratchParams are the parameters of host.moveWinBuildToScratch.
type MoveWinToScratchParams struct {
	TaskID  int64        `rpc:"task_id"`
	Results WinResults   `rpc:"results"`
	RPMs    *WrapperRPMs `rpc:"rpm_results"`
}

// MoveImageToScratchParams are the parameters of host.moveImageBuildToScratch.
type MoveImageToScratchParams struct {
	TaskID  int64                   `rpc:"task_id"`
	Results map[string]ImageResults `rpc:"results"`
}

// BuildrootArchivesParams are the parameters of host.updateBuildrootArchives.
type BuildrootArchivesParams struct {
	BrootID  int64    `rpc:"brootid"`
	TaskID   int64    `rpc:"task_id"`
	Archives []IDOnly `rpc:"archives"`
	Project  bool     `rpc:"project,optional=False"` // dependencies of the project, not of the tools
}

// MavenFiles are the files of a Maven artifact in a buildroot.
type MavenFiles struct {
	MavenInfo struct {
		GroupID    string `rpc:"group_id"`
		ArtifactID string `rpc:"artifact_id"`
		Version    string `rpc:"version"`
	} `rpc:"maven_info"`
	Files []struct {
		Path     string `rpc:"path"`
		Filename string `rpc:"filename"`
		Size     int64  `rpc:"size"`
	} `rpc:"files"`
}

// MavenBuildrootParams are the parameters of host.updateMavenBuildRootList.
type MavenBuildrootParams struct {
	BrootID       int64        `rpc:"brootid"`
	TaskID        int64        `rpc:"task_id"`
	MavenList     []MavenFiles `rpc:"mavenlist"`
	Ignore        []MavenFiles `rpc:"ignore,optional=None"` // may be there without being of any build
	Project       bool         `rpc:"project,optional=False"`
	IgnoreUnknown bool         `rpc:"ignore_unknown,optional=False"`
	ExtraDeps     []any        `rpc:"extra_deps,optional=None"` // ids of tasks, or builds
}

// The methods by which Koji's own builder records builds of other things than
// RPMs. The task is one that the calling host has open.
var (
	HostInitMavenBuild = rpc.Define(rpc.Method[InitMavenBuildParams, map[string]any]{
		Name: "host.initMavenBuild", Access: NeedHost, Writes: true,
		Doc: "Record a build with Maven that is under way, with the next free release, and return its data.",
	})
	HostInitWinBuild = rpc.Define(rpc.Method[InitWinBuildParams, map[string]any]{
		Name: "host.initWinBuild", Access: NeedHost, Writes: true,
		Doc: "Record a build for Windows that is under way and return its data.",
	})
	HostInitImageBuild = rpc.Define(rpc.Method[InitImageBuildParams, map[string]any]{
		Name: "host.initImageBuild", Access: NeedHost, Writes: true,
		Doc: "Record a build of images that is under way, with the next free release unless it has one, and return its data.",
	})
	HostCompleteMavenBuild = rpc.Define(rpc.Method[CompleteMavenBuildParams, rpc.None]{
		Name: "host.completeMavenBuild", Access: NeedHost, Writes: true,
		Doc: "Import the files of a build with Maven and complete it.",
	})
	HostCompleteWinBuild = rpc.Define(rpc.Method[CompleteWinBuildParams, rpc.None]{
		Name: "host.completeWinBuild", Access: NeedHost, Writes: true,
		Doc: "Import the files of a build for Windows and complete it.",
	})
	HostCompleteImageBuild = rpc.Define(rpc.Method[CompleteImageBuildParams, rpc.None]{
		Name: "host.completeImageBuild", Access: NeedHost, Writes: true,
		Doc: "Import the files of a build of images and complete it.",
	})
	HostImportImage = rpc.Define(rpc.Method[ImportImageParams, rpc.None]{
		Name: "host.importImage", Access: NeedHost, Writes: true,
		Doc: "Import images into a build that is under way.",
	})
	HostImportWrapperRPMs = rpc.Define(rpc.Method[ImportWrapperRPMsParams, rpc.None]{
		Name: "host.importWrapperRPMs", Access: NeedHost, Writes: true,
		Doc: "Import the RPMs that a task made of a complete build's files into the build, which has none yet.",
	})
	HostCreateMavenBuild = rpc.Define(rpc.Method[CreateMavenBuildParams, rpc.None]{
		Name: "host.createMavenBuild", Access: NeedHost, Writes: true,
		Doc: "Make a build one of Maven.",
	})
	HostImportArchive = rpc.Define(rpc.Method[ImportArchiveParams, rpc.None]{
		Name: "host.importArchive", Access: NeedHost, Writes: true,
		Doc: "Import a file as an archive of a build. The file is in the output of a task that the calling host has open.",
	})
	HostMoveMavenToScratch = rpc.Define(rpc.Method[MoveMavenToScratchParams, rpc.None]{
		Name: "host.moveMavenBuildToScratch", Access: NeedHost, Writes: true,
		Doc: "Move what a scratch build with Maven made to the scratch directory of the task's owner.",
	})
	HostMoveWinToScratch = rpc.Define(rpc.Method[MoveWinToScratchParams, rpc.None]{
		Name: "host.moveWinBuildToScratch", Access: NeedHost, Writes: true,
		Doc: "Move what a scratch build for Windows made to the scratch directory of the task's owner.",
	})
	HostMoveImageToScratch = rpc.Define(rpc.Method[MoveImageToScratchParams, rpc.None]{
		Name: "host.moveImageBuildToScratch", Access: NeedHost, Writes: true,
		Doc: "Move the images of a scratch build to the scratch directory of the task's owner.",
	})
	HostUpdateBuildrootArchives = rpc.Define(rpc.Method[BuildrootArchivesParams, rpc.None]{
		Name: "host.updateBuildrootArchives", Access: NeedHost, Writes: true,
		Doc: "Note which archives are in a buildroot of the calling host.",
	})
	HostUpdateMavenBuildRootList = rpc.Define(rpc.Method[MavenBuildrootParams, rpc.None]{
		Name: "host.updateMavenBuildRootList", Access: NeedHost, Writes: true,
		Doc: "Find the archives that the files of a Maven repository in a buildroot are, and note them.",
	})
)
