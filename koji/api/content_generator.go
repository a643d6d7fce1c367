package api

import "github.com/toji-build/toji/internal/rpc"

// ContentGenerator is a foreign build system whose output is imported.
type ContentGenerator struct {
	ID    int64    `rpc:"id"`
	Users []string `rpc:"users"` // who may import for it
}

// Reservation is a build that a content generator has reserved.
type Reservation struct {
	BuildID int64  `rpc:"build_id"`
	Token   string `rpc:"token"` // proves the reservation
}

// GrantCGAccessParams are the parameters of grantCGAccess.
type GrantCGAccessParams struct {
	User   any  `rpc:"user"`
	CG     any  `rpc:"cg"`
	Create bool `rpc:"create,optional=False"` // the content generator, if there is none
}

// RevokeCGAccessParams are the parameters of revokeCGAccess.
type RevokeCGAccessParams struct {
	User any `rpc:"user"`
	CG   any `rpc:"cg"`
}

// CGInitBuildParams are the parameters of CGInitBuild.
type CGInitBuildParams struct {
	CG any `rpc:"cg"`
	// Data has name, version and release, and perhaps epoch, draft, source,
	// extra and task_id.
	Data map[string]any `rpc:"data"`
}

// CGRefundBuildParams are the parameters of CGRefundBuild.
type CGRefundBuildParams struct {
	CG      any    `rpc:"cg"`
	BuildID int64  `rpc:"build_id"`
	Token   string `rpc:"token"`
	State   int64  `rpc:"state,optional=3"` // FAILED or CANCELED
}

// CGImportParams are the parameters of CGImport.
type CGImportParams struct {
	Metadata  any     `rpc:"metadata"`  // a struct, its JSON, or the name of a file with that in the directory; nil is metadata.json
	Directory string  `rpc:"directory"` // where the files were uploaded, below the work directory
	Token     *string `rpc:"token,optional=None"`
}

// The methods for content generators.
var (
	ListCGs = rpc.Define(rpc.Method[NoParams, map[string]ContentGenerator]{
		Name: "listCGs", Func: "list_cgs", Access: Anyone,
		Doc: "Return the content generators that anyone may import for, by name.",
	})
	GrantCGAccess = rpc.Define(rpc.Method[GrantCGAccessParams, rpc.None]{
		Name: "grantCGAccess", Func: "grant_cg_access", Access: NeedPerm("admin"), Writes: true,
		Doc: "Let a user import for a content generator.",
	})
	RevokeCGAccess = rpc.Define(rpc.Method[RevokeCGAccessParams, rpc.None]{
		Name: "revokeCGAccess", Func: "revoke_cg_access", Access: NeedPerm("admin"), Writes: true,
		Doc: "Let a user no longer import for a content generator.",
	})
	CGInitBuild = rpc.Define(rpc.Method[CGInitBuildParams, Reservation]{
		Name: "CGInitBuild", Func: "cg_init_build", Access: Anyone, Writes: true,
		Doc: "Reserve a build for a content generator that the caller may import for.",
	})
	CGRefundBuild = rpc.Define(rpc.Method[CGRefundBuildParams, rpc.None]{
		Name: "CGRefundBuild", Func: "cg_refund_build", Access: Anyone, Writes: true,
		Doc: "Give up a reserved build, which is then failed or canceled.",
	})
	CGImport = rpc.Define(rpc.Method[CGImportParams, *Build]{
		Name: "CGImport", Func: "cg_import", Access: Anyone, Writes: true, Ordered: true,
		Doc: "Import a build that a content generator made, with all of its files or not at all.",
	})
)
