package api

import "github.com/toji-build/toji/internal/rpc"

// SnapshotTagParams are the parameters of snapshotTag.
type SnapshotTagParams struct {
	Src           any    `rpc:"src"`
	Dst           any    `rpc:"dst"`
	Config        bool   `rpc:"config,optional=True"`         // copy arches, permission, lock and extra settings
	Pkgs          bool   `rpc:"pkgs,optional=True"`           // copy the package list, inherited entries included
	Builds        bool   `rpc:"builds,optional=True"`         // copy builds; needs pkgs
	Groups        bool   `rpc:"groups,optional=True"`         // copy groups, inherited ones included
	LatestOnly    bool   `rpc:"latest_only,optional=True"`    // of each package only the latest build
	InheritBuilds bool   `rpc:"inherit_builds,optional=True"` // inherited builds, too
	Event         *int64 `rpc:"event,optional=None"`          // copy what was there then
	Force         bool   `rpc:"force,optional=False"`         // even if a tag is locked
}

// SnapshotTagModifyParams are the parameters of snapshotTagModify.
type SnapshotTagModifyParams struct {
	SnapshotTagParams
	Remove bool `rpc:"remove,optional=False"` // take out builds and groups that the source does not have
}

// The methods that copy tags.
var (
	SnapshotTag = rpc.Define(rpc.Method[SnapshotTagParams, rpc.None]{
		Name: "snapshotTag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Copy a tag, with what it inherits but without its inheritance, to a tag that does not exist.",
	})
	SnapshotTagModify = rpc.Define(rpc.Method[SnapshotTagModifyParams, rpc.None]{
		Name: "snapshotTagModify", Access: NeedPerm("tag"), Writes: true,
		Doc: "Make a tag like another, as snapshotTag does with a new one.",
	})
)
