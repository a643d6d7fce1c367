package api

import "github.com/toji-build/toji/internal/rpc"

// CreateMavenBuildParams are the parameters of createMavenBuild.
type CreateMavenBuildParams struct {
	BuildInfo any            `rpc:"build_info"`
	MavenInfo map[string]any `rpc:"maven_info"` // group_id, artifact_id, version
}

// CreateWinBuildParams are the parameters of createWinBuild.
type CreateWinBuildParams struct {
	BuildInfo any            `rpc:"build_info"`
	WinInfo   map[string]any `rpc:"win_info"` // platform
}

// CreateImageBuildParams are the parameters of createImageBuild.
type CreateImageBuildParams struct {
	BuildInfo any `rpc:"build_info"`
}

// ImportArchiveParams are the parameters of importArchive.
type ImportArchiveParams struct {
	FilePath  string         `rpc:"filepath"` // below the work directory
	BuildInfo any            `rpc:"buildinfo"`
	Type      string         `rpc:"type"` // maven, win or image
	TypeInfo  map[string]any `rpc:"typeInfo"`
}

// The methods that import what was built elsewhere.
var (
	CreateMavenBuild = rpc.Define(rpc.Method[CreateMavenBuildParams, rpc.None]{
		Name: "createMavenBuild", Access: NeedPerm("maven-import"), Writes: true,
		Doc: "Make a build one of Maven; a build that does not exist is created.",
	})
	CreateWinBuild = rpc.Define(rpc.Method[CreateWinBuildParams, rpc.None]{
		Name: "createWinBuild", Access: NeedPerm("win-import"), Writes: true,
		Doc: "Make a build one for Windows; a build that does not exist is created.",
	})
	CreateImageBuild = rpc.Define(rpc.Method[CreateImageBuildParams, rpc.None]{
		Name: "createImageBuild", Access: NeedPerm("image-import"), Writes: true,
		Doc: "Make a build one of images; a build that does not exist is created.",
	})
	ImportArchive = rpc.Define(rpc.Method[ImportArchiveParams, rpc.None]{
		Name: "importArchive", Access: Anyone, Writes: true,
		Doc: "Import a file that was uploaded as an archive of a build. It takes the permission to import the type.",
	})
)
