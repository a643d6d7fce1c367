package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// User is a person, a build host or a group; UserType tells which.
type User struct {
	ID       int64           `rpc:"id"`
	Name     string          `rpc:"name"`
	Status   koji.UserStatus `rpc:"status"`
	UserType koji.UserType   `rpc:"usertype"`
	// KrbPrincipals and Groups are nil where the call was not asked for them.
	KrbPrincipals *[]string `rpc:"krb_principals,omitempty" db:"-"`
	Groups        *[]string `rpc:"groups,omitempty" db:"-"`
}

// ListedUser is a user in a list.
type ListedUser struct {
	ID            int64           `rpc:"id"`
	KrbPrincipals []string        `rpc:"krb_principals"`
	Name          string          `rpc:"name"`
	Status        koji.UserStatus `rpc:"status"`
	UserType      koji.UserType   `rpc:"usertype"`
}

// LoggedInUser is the caller.
type LoggedInUser struct {
	User
	AuthType koji.AuthType `rpc:"authtype"`
	// KrbPrincipal is the first of the principals, if there is one.
	// Koji: for old clients; it need not be the one that logged in.
	KrbPrincipal *string `rpc:"krb_principal"`
}

// IDName is a row of which only the name matters.
type IDName struct {
	ID   int64  `rpc:"id"`
	Name string `rpc:"name"`
}

// GroupMember is a user in a group of users.
type GroupMember struct {
	ID            int64         `rpc:"id"`
	KrbPrincipals []string      `rpc:"krb_principals"`
	Name          string        `rpc:"name"`
	UserType      koji.UserType `rpc:"usertype"`
}

// GetUserParams are the parameters of getUser.
type GetUserParams struct {
	UserInfo  any  `rpc:"userInfo,optional=None"` // id, name, principal, or map with id, name or krb_principal; nil is the caller
	Strict    bool `rpc:"strict,optional=False"`
	KrbPrincs bool `rpc:"krb_princs,optional=True"`
	Groups    bool `rpc:"groups,optional=False"`
}

// ListUsersParams are the parameters of listUsers.
type ListUsersParams struct {
	UserType      any            `rpc:"userType,optional=0"` // one type, a list of them, or nil for all
	Prefix        *string        `rpc:"prefix,optional=None"`
	QueryOpts     map[string]any `rpc:"queryOpts,optional=None"`
	Perm          any            `rpc:"perm,optional=None"` // id or name of a permission
	InheritedPerm bool           `rpc:"inherited_perm,optional=False"`
}

// CreateUserParams are the parameters of createUser.
type CreateUserParams struct {
	Username     string           `rpc:"username"`
	Status       *koji.UserStatus `rpc:"status,optional=None"`
	KrbPrincipal *string          `rpc:"krb_principal,optional=None"`
}

// EditUserParams are the parameters of editUser.
type EditUserParams struct {
	UserInfo any     `rpc:"userInfo"`
	Name     *string `rpc:"name,optional=None"`
	// KrbPrincipalMappings is a list of maps from "old" to "new", either of
	// which may be nil: to add and to remove.
	KrbPrincipalMappings []map[string]any `rpc:"krb_principal_mappings,optional=None"`
}

// UserParams name one user.
type UserParams struct {
	Username any `rpc:"username"`
}

// UserRefParams name one user.
type UserRefParams struct {
	User any `rpc:"user"`
}

// KrbPrincipalParams are a user and a Kerberos principal.
type KrbPrincipalParams struct {
	User         any    `rpc:"user"`
	KrbPrincipal string `rpc:"krb_principal"`
}

// NewGroupParams are the parameters of newGroup.
type NewGroupParams struct {
	Name string `rpc:"name"`
}

// AddGroupMemberParams are the parameters of addGroupMember.
type AddGroupMemberParams struct {
	Group  any  `rpc:"group"`
	User   any  `rpc:"user"`
	Strict bool `rpc:"strict,optional=True"` // a member already is an error
}

// DropGroupMemberParams are the parameters of dropGroupMember.
type DropGroupMemberParams struct {
	Group any `rpc:"group"`
	User  any `rpc:"user"`
}

// GetGroupMembersParams are the parameters of getGroupMembers.
type GetGroupMembersParams struct {
	Group any `rpc:"group"`
}

// The methods for users and groups of users.
var (
	GetUser = rpc.Define(rpc.Method[GetUserParams, *User]{
		Name: "getUser", Func: "get_user", Access: Anyone,
		Doc: "Return a user by id, name, Kerberos principal or map, the caller if none is given; nil if there is none and strict is false.",
	})
	GetLoggedInUser = rpc.Define(rpc.Method[NoParams, *LoggedInUser]{
		Name: "getLoggedInUser", Access: Anyone,
		Doc: "Return the caller as getUser does, with the way it logged in; nil for anonymous callers.",
	})
	ListUsers = rpc.Define(rpc.Method[ListUsersParams, rpc.Rows[ListedUser]]{
		Name: "listUsers", Access: Anyone,
		Doc: "List users of a type, with a prefix, or that hold a permission, by themselves or, with inherited_perm, by a group.",
	})
	CreateUser = rpc.Define(rpc.Method[CreateUserParams, int64]{
		Name: "createUser", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a user and return its id.",
	})
	EditUser = rpc.Define(rpc.Method[EditUserParams, rpc.None]{
		Name: "editUser", Func: "edit_user", Access: NeedPerm("admin"), Writes: true,
		Doc: "Rename a user; add, replace and remove its Kerberos principals.",
	})
	EnableUser = rpc.Define(rpc.Method[UserParams, rpc.None]{
		Name: "enableUser", Access: Anyone, Writes: true,
		Doc: "Let a user log in again. Needs the admin permission.",
	})
	DisableUser = rpc.Define(rpc.Method[UserParams, rpc.None]{
		Name: "disableUser", Access: Anyone, Writes: true,
		Doc: "Keep a user from logging in. Needs the admin permission.",
	})
	AddUserKrbPrincipal = rpc.Define(rpc.Method[KrbPrincipalParams, int64]{
		Name: "addUserKrbPrincipal", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a Kerberos principal to a user and return the user's id.",
	})
	RemoveUserKrbPrincipal = rpc.Define(rpc.Method[KrbPrincipalParams, int64]{
		Name: "removeUserKrbPrincipal", Access: NeedPerm("admin"), Writes: true,
		Doc: "Remove a Kerberos principal from a user and return the user's id.",
	})
	GetUserGroups = rpc.Define(rpc.Method[UserRefParams, []IDName]{
		Name: "getUserGroups", Access: Anyone,
		Doc: "List the groups that a user is a member of.",
	})
	NewGroup = rpc.Define(rpc.Method[NewGroupParams, int64]{
		Name: "newGroup", Func: "new_group", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a group of users and return its id.",
	})
	AddGroupMember = rpc.Define(rpc.Method[AddGroupMemberParams, rpc.None]{
		Name: "addGroupMember", Func: "add_group_member", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a user to a group of users.",
	})
	DropGroupMember = rpc.Define(rpc.Method[DropGroupMemberParams, rpc.None]{
		Name: "dropGroupMember", Func: "drop_group_member", Access: NeedPerm("admin"), Writes: true,
		Doc: "Remove a user from a group of users.",
	})
	GetGroupMembers = rpc.Define(rpc.Method[GetGroupMembersParams, []GroupMember]{
		Name: "getGroupMembers", Func: "get_group_members", Access: Anyone,
		Doc: "List the members of a group of users.",
	})
)
