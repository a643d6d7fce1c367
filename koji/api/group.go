package api

import "github.com/toji-build/toji/internal/rpc"

// TagGroup is a group of packages in a tag, as comps.xml has them. "build" and
// "srpm-build" are what a buildroot is made of.
type TagGroup struct {
	BiarchOnly  *bool   `rpc:"biarchonly"`
	Blocked     bool    `rpc:"blocked"`
	Description *string `rpc:"description"`
	DisplayName string  `rpc:"display_name"`
	Exported    *bool   `rpc:"exported"`
	GroupID     int64   `rpc:"group_id"`
	IsDefault   *bool   `rpc:"is_default"`
	LangOnly    *string `rpc:"langonly"`
	Name        string  `rpc:"name"`
	TagID       int64   `rpc:"tag_id"` // the tag that has the group, which may be an ancestor
	UserVisible *bool   `rpc:"uservisible"`
	// Packages and Requires are nil where the call did not ask for them.
	Packages *[]GroupPackage `rpc:"packagelist,omitempty" db:"-"`
	Requires *[]GroupReq     `rpc:"grouplist,omitempty" db:"-"`
}

// GroupPackage is a package in a group.
type GroupPackage struct {
	BasearchOnly *bool   `rpc:"basearchonly"`
	Blocked      bool    `rpc:"blocked"`
	GroupID      int64   `rpc:"group_id"`
	Package      string  `rpc:"package"`
	Requires     *string `rpc:"requires"`
	TagID        int64   `rpc:"tag_id"`
	Type         string  `rpc:"type"` // mandatory, default, optional or conditional
}

// GroupReq is a group that a group needs.
type GroupReq struct {
	Blocked   bool    `rpc:"blocked"`
	GroupID   int64   `rpc:"group_id"`
	IsMetapkg bool    `rpc:"is_metapkg"`
	Name      string  `rpc:"name"`
	ReqID     int64   `rpc:"req_id"`
	TagID     int64   `rpc:"tag_id"`
	Type      *string `rpc:"type"`
}

// GetTagGroupsParams are the parameters of getTagGroups.
type GetTagGroupsParams struct {
	Tag         any    `rpc:"tag"`
	Event       *int64 `rpc:"event,optional=None"`
	Inherit     bool   `rpc:"inherit,optional=True"`
	InclPkgs    bool   `rpc:"incl_pkgs,optional=True"`
	InclReqs    bool   `rpc:"incl_reqs,optional=True"`
	InclBlocked bool   `rpc:"incl_blocked,optional=False"`
}

// GroupListAddParams are the parameters of groupListAdd.
type GroupListAddParams struct {
	TagInfo any  `rpc:"taginfo"`
	GrpInfo any  `rpc:"grpinfo"`
	Block   bool `rpc:"block,optional=False"`
	Force   bool `rpc:"force,optional=False"`
	// Opts may hold exported, display_name, is_default, uservisible,
	// description, langonly and biarchonly.
	Opts map[string]any `rpc:"**opts"`
}

// GroupListParams are the parameters of groupListBlock and groupListUnblock.
type GroupListParams struct {
	TagInfo any `rpc:"taginfo"`
	GrpInfo any `rpc:"grpinfo"`
}

// GroupListRemoveParams are the parameters of groupListRemove.
type GroupListRemoveParams struct {
	TagInfo any  `rpc:"taginfo"`
	GrpInfo any  `rpc:"grpinfo"`
	Force   bool `rpc:"force,optional=False"` // no error if it is not in the tag
}

// GroupPackageListAddParams are the parameters of groupPackageListAdd.
type GroupPackageListAddParams struct {
	TagInfo any            `rpc:"taginfo"`
	GrpInfo any            `rpc:"grpinfo"`
	PkgName string         `rpc:"pkg_name"`
	Block   bool           `rpc:"block,optional=False"`
	Force   bool           `rpc:"force,optional=False"`
	Opts    map[string]any `rpc:"**opts"` // type, basearchonly, requires
}

// GroupPackageListParams are the parameters of groupPackageListBlock,
// groupPackageListUnblock and groupPackageListRemove.
type GroupPackageListParams struct {
	TagInfo any    `rpc:"taginfo"`
	GrpInfo any    `rpc:"grpinfo"`
	PkgName string `rpc:"pkg_name"`
}

// GroupReqListAddParams are the parameters of groupReqListAdd.
type GroupReqListAddParams struct {
	TagInfo any            `rpc:"taginfo"`
	GrpInfo any            `rpc:"grpinfo"`
	ReqInfo any            `rpc:"reqinfo"`
	Block   bool           `rpc:"block,optional=False"`
	Force   bool           `rpc:"force,optional=False"`
	Opts    map[string]any `rpc:"**opts"` // type, is_metapkg
}

// GroupReqListParams are the parameters of groupReqListBlock and
// groupReqListUnblock.
type GroupReqListParams struct {
	TagInfo any `rpc:"taginfo"`
	GrpInfo any `rpc:"grpinfo"`
	ReqInfo any `rpc:"reqinfo"`
}

// GroupReqListRemoveParams are the parameters of groupReqListRemove.
type GroupReqListRemoveParams struct {
	TagInfo any `rpc:"taginfo"`
	GrpInfo any `rpc:"grpinfo"`
	ReqInfo any `rpc:"reqinfo"`
	Force   any `rpc:"force,optional=None"` // Koji: without effect
}

// The methods for the groups of packages in tags.
var (
	GetTagGroups = rpc.Define(rpc.Method[GetTagGroupsParams, []TagGroup]{
		Name: "getTagGroups", Func: "readTagGroups", Access: Anyone,
		Doc: "List the groups of a tag, inherited ones included.",
	})
	GroupListAdd = rpc.Define(rpc.Method[GroupListAddParams, rpc.None]{
		Name: "groupListAdd", Func: "grplist_add", Access: NeedPerm("tag"), Writes: true,
		Doc: "Add a group to a tag, or change its settings.",
	})
	GroupListRemove = rpc.Define(rpc.Method[GroupListRemoveParams, rpc.None]{
		Name: "groupListRemove", Func: "grplist_remove", Access: NeedPerm("tag"), Writes: true,
		Doc: "Remove a group from a tag, so that the tag inherits it again.",
	})
	GroupListBlock = rpc.Define(rpc.Method[GroupListParams, rpc.None]{
		Name: "groupListBlock", Func: "grplist_block", Access: NeedPerm("tag"), Writes: true,
		Doc: "Block a group in a tag.",
	})
	GroupListUnblock = rpc.Define(rpc.Method[GroupListParams, rpc.None]{
		Name: "groupListUnblock", Func: "grplist_unblock", Access: NeedPerm("tag"), Writes: true,
		Doc: "Unblock a group in a tag.",
	})
	GroupPackageListAdd = rpc.Define(rpc.Method[GroupPackageListAddParams, rpc.None]{
		Name: "groupPackageListAdd", Func: "grp_pkg_add", Access: NeedPerm("tag"), Writes: true,
		Doc: "Add a package to a group of a tag, or change its settings.",
	})
	GroupPackageListRemove = rpc.Define(rpc.Method[GroupPackageListParams, rpc.None]{
		Name: "groupPackageListRemove", Func: "grp_pkg_remove", Access: NeedPerm("tag"), Writes: true,
		Doc: "Remove a package from a group of a tag.",
	})
	GroupPackageListBlock = rpc.Define(rpc.Method[GroupPackageListParams, rpc.None]{
		Name: "groupPackageListBlock", Func: "grp_pkg_block", Access: NeedPerm("tag"), Writes: true,
		Doc: "Block a package in a group of a tag.",
	})
	GroupPackageListUnblock = rpc.Define(rpc.Method[GroupPackageListParams, rpc.None]{
		Name: "groupPackageListUnblock", Func: "grp_pkg_unblock", Access: NeedPerm("tag"), Writes: true,
		Doc: "Unblock a package in a group of a tag.",
	})
	GroupReqListAdd = rpc.Define(rpc.Method[GroupReqListAddParams, rpc.None]{
		Name: "groupReqListAdd", Func: "grp_req_add", Access: NeedPerm("tag"), Writes: true,
		Doc: "Make a group of a tag need another group, or change how it does.",
	})
	GroupReqListRemove = rpc.Define(rpc.Method[GroupReqListRemoveParams, rpc.None]{
		Name: "groupReqListRemove", Func: "grp_req_remove", Access: NeedPerm("tag"), Writes: true,
		Doc: "Remove a needed group from a group of a tag.",
	})
	GroupReqListBlock = rpc.Define(rpc.Method[GroupReqListParams, rpc.None]{
		Name: "groupReqListBlock", Func: "grp_req_block", Access: NeedPerm("tag"), Writes: true,
		Doc: "Block a needed group in a group of a tag.",
	})
	GroupReqListUnblock = rpc.Define(rpc.Method[GroupReqListParams, rpc.None]{
		Name: "groupReqListUnblock", Func: "grp_req_unblock", Access: NeedPerm("tag"), Writes: true,
		Doc: "Unblock a needed group in a group of a tag.",
	})
)
