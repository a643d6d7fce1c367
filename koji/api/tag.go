package api

import "github.com/toji-build/toji/internal/rpc"

// Tag is a tag with its configuration.
type Tag struct {
	Arches          *string `rpc:"arches"` // by spaces
	ID              int64   `rpc:"id"`
	Locked          bool    `rpc:"locked"`
	MavenIncludeAll bool    `rpc:"maven_include_all"`
	MavenSupport    bool    `rpc:"maven_support"`
	Name            string  `rpc:"name"`
	Perm            *string `rpc:"perm"` // needed to put builds into the tag
	PermID          *int64  `rpc:"perm_id"`
	// RevokeEvent is the event that deleted the tag, QueryEvent the one at
	// which the tag was looked at; nil if it exists and was looked at now.
	RevokeEvent *int64 `rpc:"revoke_event,omitempty"`
	// Extra holds the tag's own settings, any JSON. When blocked ones were
	// asked for, each is a pair: whether it is blocked, and its value.
	Extra      Extra  `rpc:"extra" db:"-"`
	QueryEvent *int64 `rpc:"query_event,omitempty" db:"-"`
}

// BuildConfig is a tag whose arches and extra settings come from the tags it
// inherits from where it has none of its own.
type BuildConfig struct {
	Tag
	Sources ConfigSources `rpc:"config_inheritance"`
}

// ConfigSources says which tag an inherited setting is from.
type ConfigSources struct {
	Extra  map[string]IDName `rpc:"extra"`
	Arches *IDName           `rpc:"arches"`
}

// ListedTag is a tag in a list.
type ListedTag struct {
	Arches          *string `rpc:"arches"`
	ID              int64   `rpc:"id"`
	Locked          bool    `rpc:"locked"`
	MavenIncludeAll bool    `rpc:"maven_include_all"`
	MavenSupport    bool    `rpc:"maven_support"`
	Name            string  `rpc:"name"`

	WithPerm bool    `rpc:"-"` // perm and perm_id were asked for
	Perm     *string `rpc:"perm,omitempty"`
	PermID   *int64  `rpc:"perm_id,omitempty"`

	WithPackage bool    `rpc:"-"` // a package was asked for, whose entry in the tag follows
	Blocked     *bool   `rpc:"blocked,omitempty"`
	ExtraArches *string `rpc:"extra_arches,omitempty"`
	OwnerID     *int64  `rpc:"owner_id,omitempty"`
	OwnerName   *string `rpc:"owner_name,omitempty"`

	_ struct{} `rpc:",sorted"`
}

// MarshalXMLRPC returns a struct without the members that were not asked for.
func (t ListedTag) MarshalXMLRPC() (any, error) {
	m := map[string]any{
		"arches": t.Arches, "id": t.ID, "locked": t.Locked, "name": t.Name,
		"maven_include_all": t.MavenIncludeAll, "maven_support": t.MavenSupport,
	}
	if t.WithPerm {
		m["perm"], m["perm_id"] = t.Perm, t.PermID
	}
	if t.WithPackage {
		m["blocked"], m["extra_arches"] = t.Blocked, t.ExtraArches
		m["owner_id"], m["owner_name"] = t.OwnerID, t.OwnerName
	}
	return m, nil
}

// GetTagParams are the parameters of getTag.
type GetTagParams struct {
	TagInfo any  `rpc:"tagInfo"` // id, name, or map with one of them
	Strict  bool `rpc:"strict,optional=False"`
	Event   any  `rpc:"event,optional=None"` // an event, or "auto": where a deleted tag was last there
	Blocked bool `rpc:"blocked,optional=False"`
}

// GetTagIDParams are the parameters of getTagID.
type GetTagIDParams struct {
	Info   any  `rpc:"info"`
	Strict bool `rpc:"strict,optional=False"`
	Create bool `rpc:"create,optional=False"` // Koji: makes a name without a tag
}

// ListTagsParams are the parameters of listTags.
type ListTagsParams struct {
	Build     any            `rpc:"build,optional=None"`   // only tags that hold this build
	Package   any            `rpc:"package,optional=None"` // only tags that list this package, with its data
	Perms     bool           `rpc:"perms,optional=True"`   // return perm and perm_id
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
	Pattern   *string        `rpc:"pattern,optional=None"` // a glob
}

// CreateTagParams are the parameters of createTag.
type CreateTagParams struct {
	Name            string         `rpc:"name"`
	Parent          any            `rpc:"parent,optional=None"`
	Arches          any            `rpc:"arches,optional=None"` // by spaces, or a list
	Perm            any            `rpc:"perm,optional=None"`
	Locked          bool           `rpc:"locked,optional=False"`
	MavenSupport    bool           `rpc:"maven_support,optional=False"`
	MavenIncludeAll bool           `rpc:"maven_include_all,optional=False"`
	Extra           map[string]any `rpc:"extra,optional=None"`
}

// EditTagParams are the parameters of editTag.
type EditTagParams struct {
	TagInfo      any            `rpc:"tagInfo"`
	Name         *string        `rpc:"name"`
	Arches       any            `rpc:"arches"`
	Locked       bool           `rpc:"locked"`
	PermissionID any            `rpc:"permissionID"`
	Extra        map[string]any `rpc:"extra,optional=None"`
}

// EditTag2Params are the parameters of editTag2.
type EditTag2Params struct {
	TagInfo any `rpc:"tagInfo"`
	// Changes may hold name, arches, locked, perm or perm_id, maven_support,
	// maven_include_all, extra (a map to merge), remove_extra and block_extra
	// (lists of keys). What is not there does not change.
	Changes map[string]any `rpc:"**kwargs"`
}

// DeleteTagParams are the parameters of deleteTag.
type DeleteTagParams struct {
	TagInfo any `rpc:"tagInfo"`
}

// TagEventParams are a tag and an event at which to look at it.
type TagEventParams struct {
	Tag   any    `rpc:"tag"`
	Event *int64 `rpc:"event,optional=None"`
}

// CheckTagAccessParams are the parameters of checkTagAccess.
type CheckTagAccessParams struct {
	TagID  any `rpc:"tag_id"`
	UserID any `rpc:"user_id,optional=None"` // the caller if nil
}

// The methods for tags.
var (
	GetTag = rpc.Define(rpc.Method[GetTagParams, *Tag]{
		Name: "getTag", Func: "get_tag", Access: Anyone,
		Doc: "Return a tag; nil if there is none and strict is false.",
	})
	GetTagID = rpc.Define(rpc.Method[GetTagIDParams, *int64]{
		Name: "getTagID", Func: "get_tag_id", Access: Anyone,
		Doc: "Return the id of a tag, even of a deleted one.",
	})
	ListTags = rpc.Define(rpc.Method[ListTagsParams, rpc.Rows[ListedTag]]{
		Name: "listTags", Func: "list_tags", Access: Anyone,
		Doc: "List tags: all, those that hold a build or list a package, those whose name matches a pattern.",
	})
	CreateTag = rpc.Define(rpc.Method[CreateTagParams, int64]{
		Name: "createTag", Func: "create_tag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Create a tag, inheriting from parent if one is given, and return its id.",
	})
	EditTag = rpc.Define(rpc.Method[EditTagParams, rpc.None]{
		Name: "editTag", Func: "old_edit_tag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Change a tag. Old clients call it; see editTag2.",
	})
	EditTag2 = rpc.Define(rpc.Method[EditTag2Params, rpc.None]{
		Name: "editTag2", Func: "edit_tag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Change those settings of a tag that are given by keyword.",
	})
	DeleteTag = rpc.Define(rpc.Method[DeleteTagParams, rpc.None]{
		Name: "deleteTag", Func: "delete_tag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Delete a tag, with everything in it and every link to it. History keeps it.",
	})
	GetBuildConfig = rpc.Define(rpc.Method[TagEventParams, *BuildConfig]{
		Name: "getBuildConfig", Access: Anyone,
		Doc: "Return a tag with the arches and extra settings that a build from it gets, inherited ones included.",
	})
	CheckTagAccess = rpc.Define(rpc.Method[CheckTagAccessParams, []any]{
		Name: "checkTagAccess", Func: "check_tag_access", Access: Anyone,
		Doc: "Tell whether a user may put builds into a tag: whether so, whether force would help, and why not.",
	})
)
