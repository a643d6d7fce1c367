package api

import "github.com/toji-build/toji/internal/rpc"

// Permission is something that users can be allowed.
type Permission struct {
	Description *string `rpc:"description"`
	ID          int64   `rpc:"id"`
	Name        string  `rpc:"name"`
}

// HasPermParams are the parameters of hasPerm.
type HasPermParams struct {
	Perm   any  `rpc:"perm"`
	Strict bool `rpc:"strict,optional=False"` // a permission that does not exist is an error
}

// GetUserPermsParams are the parameters of getUserPerms.
type GetUserPermsParams struct {
	UserID     any  `rpc:"userID,optional=None"` // as userInfo of getUser
	WithGroups bool `rpc:"with_groups,optional=True"`
}

// GetUserPermsInheritanceParams are the parameters of getUserPermsInheritance.
type GetUserPermsInheritanceParams struct {
	UserID any `rpc:"userID"`
}

// GrantPermissionParams are the parameters of grantPermission.
type GrantPermissionParams struct {
	UserInfo    any     `rpc:"userinfo"`
	Permission  any     `rpc:"permission"`
	Create      bool    `rpc:"create,optional=False"` // make the permission if it is new
	Description *string `rpc:"description,optional=None"`
}

// RevokePermissionParams are the parameters of revokePermission.
type RevokePermissionParams struct {
	UserInfo   any `rpc:"userinfo"`
	Permission any `rpc:"permission"`
}

// EditPermissionParams are the parameters of editPermission.
type EditPermissionParams struct {
	Permission  any    `rpc:"permission"`
	Description string `rpc:"description"`
}

// The methods for permissions.
var (
	HasPerm = rpc.Define(rpc.Method[HasPermParams, bool]{
		Name: "hasPerm", Access: Anyone,
		Doc: "Tell whether the caller holds a permission; false for anonymous callers.",
	})
	GetPerms = rpc.Define(rpc.Method[NoParams, []string]{
		Name: "getPerms", Access: Anyone,
		Doc: "List the caller's permissions.",
	})
	GetUserPerms = rpc.Define(rpc.Method[GetUserPermsParams, []string]{
		Name: "getUserPerms", Access: Anyone,
		Doc: "List the permissions of a user, those of its groups included unless with_groups is false.",
	})
	GetUserPermsInheritance = rpc.Define(rpc.Method[GetUserPermsInheritanceParams, map[string][]*string]{
		Name: "getUserPermsInheritance", Access: Anyone,
		Doc: "Return for each permission of a user where it comes from: the names of groups, or nil for the user itself.",
	})
	GetAllPerms = rpc.Define(rpc.Method[NoParams, []Permission]{
		Name: "getAllPerms", Access: Anyone,
		Doc: "List all permissions by id.",
	})
	GrantPermission = rpc.Define(rpc.Method[GrantPermissionParams, rpc.None]{
		Name: "grantPermission", Access: NeedPerm("admin"), Writes: true,
		Doc: "Grant a permission to a user, making the permission first if create is set.",
	})
	RevokePermission = rpc.Define(rpc.Method[RevokePermissionParams, rpc.None]{
		Name: "revokePermission", Access: NeedPerm("admin"), Writes: true,
		Doc: "Take a permission away from a user.",
	})
	EditPermission = rpc.Define(rpc.Method[EditPermissionParams, rpc.None]{
		Name: "editPermission", Access: NeedPerm("admin"), Writes: true,
		Doc: "Describe a permission anew.",
	})
)
