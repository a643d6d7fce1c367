package api

import "github.com/toji-build/toji/internal/rpc"

// BuildTarget names the tag to build from and the tag to put builds into.
type BuildTarget struct {
	BuildTag     int64  `rpc:"build_tag"`
	BuildTagName string `rpc:"build_tag_name"`
	DestTag      int64  `rpc:"dest_tag"`
	DestTagName  string `rpc:"dest_tag_name"`
	ID           int64  `rpc:"id"`
	Name         string `rpc:"name"`
}

// GetBuildTargetParams are the parameters of getBuildTarget.
type GetBuildTargetParams struct {
	Info   any    `rpc:"info"`
	Event  *int64 `rpc:"event,optional=None"`
	Strict bool   `rpc:"strict,optional=False"`
}

// GetBuildTargetsParams are the parameters of getBuildTargets.
type GetBuildTargetsParams struct {
	Info       any            `rpc:"info,optional=None"`
	Event      *int64         `rpc:"event,optional=None"`
	BuildTagID any            `rpc:"buildTagID,optional=None"` // id or name
	DestTagID  any            `rpc:"destTagID,optional=None"`  // id or name
	QueryOpts  map[string]any `rpc:"queryOpts,optional=None"`
}

// CreateBuildTargetParams are the parameters of createBuildTarget.
type CreateBuildTargetParams struct {
	Name     string `rpc:"name"`
	BuildTag any    `rpc:"build_tag"`
	DestTag  any    `rpc:"dest_tag"`
}

// EditBuildTargetParams are the parameters of editBuildTarget.
type EditBuildTargetParams struct {
	BuildTargetInfo any    `rpc:"buildTargetInfo"`
	Name            string `rpc:"name"`
	BuildTag        any    `rpc:"build_tag"`
	DestTag         any    `rpc:"dest_tag"`
}

// DeleteBuildTargetParams are the parameters of deleteBuildTarget.
type DeleteBuildTargetParams struct {
	BuildTargetInfo any `rpc:"buildTargetInfo"`
}

// The methods for build targets.
var (
	GetBuildTarget = rpc.Define(rpc.Method[GetBuildTargetParams, *BuildTarget]{
		Name: "getBuildTarget", Func: "get_build_target", Access: Anyone,
		Doc: "Return a build target; nil if there is none and strict is false.",
	})
	GetBuildTargets = rpc.Define(rpc.Method[GetBuildTargetsParams, rpc.Rows[BuildTarget]]{
		Name: "getBuildTargets", Func: "get_build_targets", Access: Anyone,
		Doc: "List build targets, all or those with a build tag or a destination tag.",
	})
	CreateBuildTarget = rpc.Define(rpc.Method[CreateBuildTargetParams, rpc.None]{
		Name: "createBuildTarget", Func: "create_build_target", Access: NeedPerm("target"), Writes: true,
		Doc: "Create a build target.",
	})
	EditBuildTarget = rpc.Define(rpc.Method[EditBuildTargetParams, rpc.None]{
		Name: "editBuildTarget", Func: "edit_build_target", Access: NeedPerm("target"), Writes: true,
		Doc: "Give a build target a name and tags.",
	})
	DeleteBuildTarget = rpc.Define(rpc.Method[DeleteBuildTargetParams, rpc.None]{
		Name: "deleteBuildTarget", Func: "delete_build_target", Access: NeedPerm("target"), Writes: true,
		Doc: "Delete a build target. History keeps it.",
	})
)
