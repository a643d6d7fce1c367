package api

import "github.com/toji-build/toji/internal/rpc"

// CreateSideTagParams are the parameters of createSideTag.
type CreateSideTagParams struct {
	BaseTag   any     `rpc:"basetag"`
	Debuginfo bool    `rpc:"debuginfo,optional=False"` // repositories hold debuginfo
	Suffix    *string `rpc:"suffix,optional=None"`     // one of those the hub allows
}

// CreatedSideTag is the answer of createSideTag.
type CreatedSideTag struct {
	ID      int64        `rpc:"id"`
	Name    string       `rpc:"name"`
	Request *RepoRequest `rpc:"request"` // for a repository, if the hub is to make one at once
	TaskID  *int64       `rpc:"task_id"` // Koji: always nil
}

// SideTagParams are the parameters of removeSideTag.
type SideTagParams struct {
	SideTag any `rpc:"sidetag"`
}

// ListSideTagsParams are the parameters of listSideTags.
type ListSideTagsParams struct {
	BaseTag   any            `rpc:"basetag,optional=None"`
	User      any            `rpc:"user,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// SideTag is a side tag in a list.
type SideTag struct {
	ID       int64   `rpc:"id"`
	Name     string  `rpc:"name"`
	UserID   string  `rpc:"user_id"` // Koji: as text
	UserName *string `rpc:"user_name"`
}

// EditSideTagParams are the parameters of editSideTag.
type EditSideTagParams struct {
	SideTag         any            `rpc:"sidetag"`
	Debuginfo       any            `rpc:"debuginfo,optional=None"`
	RPMMacros       map[string]any `rpc:"rpm_macros,optional=None"`
	RemoveRPMMacros []any          `rpc:"remove_rpm_macros,optional=None"`
	Extra           map[string]any `rpc:"extra,optional=None"`
	RemoveExtra     []any          `rpc:"remove_extra,optional=None"`
}

// The methods of Koji's plugin sidetag: tags that users make for themselves.
var (
	CreateSideTag = rpc.Define(rpc.Method[CreateSideTagParams, CreatedSideTag]{
		Name: "createSideTag", Func: "createSideTag", Access: NeedLogin, Writes: true,
		Doc: "Create a side tag of a base tag, with a build target of the same name.",
	})
	RemoveSideTag = rpc.Define(rpc.Method[SideTagParams, rpc.None]{
		Name: "removeSideTag", Func: "removeSideTag", Access: NeedLogin, Writes: true,
		Doc: "Remove a side tag and its build target.",
	})
	ListSideTags = rpc.Define(rpc.Method[ListSideTagsParams, rpc.Rows[SideTag]]{
		Name: "listSideTags", Func: "listSideTags", Access: Anyone,
		Doc: "List side tags, those of a base tag or of a user.",
	})
	EditSideTag = rpc.Define(rpc.Method[EditSideTagParams, rpc.None]{
		Name: "editSideTag", Func: "editSideTag", Access: NeedLogin, Writes: true,
		Doc: "Change of a side tag what its parent allows its owner to change.",
	})
)
