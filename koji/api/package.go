package api

import "github.com/toji-build/toji/internal/rpc"

// TagPackage is a package in the list of a tag.
type TagPackage struct {
	Blocked     bool    `rpc:"blocked"`
	ExtraArches *string `rpc:"extra_arches"` // by spaces; built for these besides the tag's own
	// The owner is missing where the call did not ask for it.
	OwnerID     *int64  `rpc:"owner_id,omitempty"`
	OwnerName   *string `rpc:"owner_name,omitempty"`
	PackageID   int64   `rpc:"package_id"`
	PackageName string  `rpc:"package_name"`
	TagID       int64   `rpc:"tag_id"` // the tag whose list has the entry, which may be an ancestor
	TagName     string  `rpc:"tag_name"`
}

// Package is a package as listPackagesSimple answers.
type Package struct {
	PackageID   int64  `rpc:"package_id"`
	PackageName string `rpc:"package_name"`
}

// GetPackageParams are the parameters of getPackage.
type GetPackageParams struct {
	Info   any  `rpc:"info"`
	Strict bool `rpc:"strict,optional=False"`
	Create bool `rpc:"create,optional=False"`
}

// GetPackageIDParams are the parameters of getPackageID.
type GetPackageIDParams struct {
	Name   string `rpc:"name"`
	Strict bool   `rpc:"strict,optional=False"`
}

// ListPackagesParams are the parameters of listPackages. Without a tag, user
// or package the call is listPackagesSimple.
type ListPackagesParams struct {
	TagID       any            `rpc:"tagID,optional=None"`
	UserID      any            `rpc:"userID,optional=None"` // the owner
	PkgID       any            `rpc:"pkgID,optional=None"`
	Prefix      *string        `rpc:"prefix,optional=None"`
	Inherited   bool           `rpc:"inherited,optional=False"`
	WithDups    bool           `rpc:"with_dups,optional=False"` // all entries of a package, not only the one that counts
	Event       *int64         `rpc:"event,optional=None"`
	QueryOpts   map[string]any `rpc:"queryOpts,optional=None"`
	WithOwners  bool           `rpc:"with_owners,optional=True"`
	WithBlocked bool           `rpc:"with_blocked,optional=True"`
}

// ListPackagesSimpleParams are the parameters of listPackagesSimple.
type ListPackagesSimpleParams struct {
	Prefix    *string        `rpc:"prefix,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// CheckTagPackageParams are the parameters of checkTagPackage.
type CheckTagPackageParams struct {
	Tag any `rpc:"tag"`
	Pkg any `rpc:"pkg"`
}

// GetPackageConfigParams are the parameters of getPackageConfig.
type GetPackageConfigParams struct {
	Tag   any    `rpc:"tag"`
	Pkg   any    `rpc:"pkg"`
	Event *int64 `rpc:"event,optional=None"`
}

// PackageListAddParams are the parameters of packageListAdd.
type PackageListAddParams struct {
	TagInfo     any  `rpc:"taginfo"`
	PkgInfo     any  `rpc:"pkginfo"`
	Owner       any  `rpc:"owner,optional=None"`
	Block       any  `rpc:"block,optional=None"`
	ExtraArches any  `rpc:"extra_arches,optional=None"` // by spaces, or a list
	Force       bool `rpc:"force,optional=False"`       // admins only: over policy and blocks
	Update      bool `rpc:"update,optional=False"`      // the package must be in the list
}

// PackageListParams are the parameters of packageListBlock, packageListUnblock
// and packageListRemove.
type PackageListParams struct {
	TagInfo any  `rpc:"taginfo"`
	PkgInfo any  `rpc:"pkginfo"`
	Force   bool `rpc:"force,optional=False"`
}

// PackageListSetOwnerParams are the parameters of packageListSetOwner.
type PackageListSetOwnerParams struct {
	TagInfo any  `rpc:"taginfo"`
	PkgInfo any  `rpc:"pkginfo"`
	Owner   any  `rpc:"owner"`
	Force   bool `rpc:"force,optional=False"`
}

// PackageListSetArchesParams are the parameters of packageListSetArches.
type PackageListSetArchesParams struct {
	TagInfo any  `rpc:"taginfo"`
	PkgInfo any  `rpc:"pkginfo"`
	Arches  any  `rpc:"arches"`
	Force   bool `rpc:"force,optional=False"`
}

// The methods for packages and the lists of packages in tags. Who may change
// such a list is for the policy package_list to say.
var (
	GetPackage = rpc.Define(rpc.Method[GetPackageParams, *IDName]{
		Name: "getPackage", Func: "lookup_package", Access: Anyone,
		Doc: "Return a package; nil if there is none and strict is false.",
	})
	GetPackageID = rpc.Define(rpc.Method[GetPackageIDParams, *int64]{
		Name: "getPackageID", Access: Anyone,
		Doc: "Return the id of a package; nil if there is none and strict is false.",
	})
	ListPackages = rpc.Define(rpc.Method[ListPackagesParams, any]{
		Name: "listPackages", Access: Anyone,
		Doc: "List packages: all, or the entries in the lists of tags for a tag, an owner or a package.",
	})
	ListPackagesSimple = rpc.Define(rpc.Method[ListPackagesSimpleParams, rpc.Rows[Package]]{
		Name: "listPackagesSimple", Access: Anyone,
		Doc: "List packages, all or those with a prefix.",
	})
	CheckTagPackage = rpc.Define(rpc.Method[CheckTagPackageParams, bool]{
		Name: "checkTagPackage", Access: Anyone,
		Doc: "Tell whether a tag lists a package, or inherits it, and does not block it.",
	})
	GetPackageConfig = rpc.Define(rpc.Method[GetPackageConfigParams, *TagPackage]{
		Name: "getPackageConfig", Access: Anyone,
		Doc: "Return the entry that counts for a package in a tag; nil if there is none.",
	})
	PackageListAdd = rpc.Define(rpc.Method[PackageListAddParams, rpc.None]{
		Name: "packageListAdd", Func: "pkglist_add", Access: Anyone, Writes: true,
		Doc: "Add a package to the list of a tag, or change its entry.",
	})
	PackageListBlock = rpc.Define(rpc.Method[PackageListParams, rpc.None]{
		Name: "packageListBlock", Func: "pkglist_block", Access: Anyone, Writes: true,
		Doc: "Block a package in a tag.",
	})
	PackageListUnblock = rpc.Define(rpc.Method[PackageListParams, rpc.None]{
		Name: "packageListUnblock", Func: "pkglist_unblock", Access: Anyone, Writes: true,
		Doc: "Unblock a package in a tag.",
	})
	PackageListRemove = rpc.Define(rpc.Method[PackageListParams, rpc.None]{
		Name: "packageListRemove", Func: "pkglist_remove", Access: Anyone, Writes: true,
		Doc: "Remove a package from the list of a tag, so that the tag inherits the entry again.",
	})
	PackageListSetOwner = rpc.Define(rpc.Method[PackageListSetOwnerParams, rpc.None]{
		Name: "packageListSetOwner", Func: "pkglist_setowner", Access: Anyone, Writes: true,
		Doc: "Give a package in a tag another owner.",
	})
	PackageListSetArches = rpc.Define(rpc.Method[PackageListSetArchesParams, rpc.None]{
		Name: "packageListSetArches", Func: "pkglist_setarches", Access: Anyone, Writes: true,
		Doc: "Set the extra arches of a package in a tag.",
	})
)
