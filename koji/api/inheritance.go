package api

import "github.com/toji-build/toji/internal/rpc"

// InheritanceRule is a tag's link to one of its parents.
type InheritanceRule struct {
	Intransitive bool    `rpc:"intransitive"` // those who inherit from the child do not follow the link
	MaxDepth     *int64  `rpc:"maxdepth"`     // how many generations are followed; nil is all
	Name         string  `rpc:"name"`         // of the parent; of the child when descendants are listed
	NoConfig     bool    `rpc:"noconfig"`     // builds and packages only, no arches and extra settings
	ParentID     int64   `rpc:"parent_id"`
	PkgFilter    *string `rpc:"pkg_filter"` // regular expression for the names of inherited packages
	Priority     int64   `rpc:"priority"`   // low comes first
	TagID        *int64  `rpc:"tag_id,omitempty"`
	ChildID      *int64  `rpc:"child_id,omitempty"`
}

// InheritanceLink is a step of a tag's full inheritance. TagID is set when
// descendants are listed, ChildID when ancestors are.
type InheritanceLink struct {
	InheritanceRule
	NextDepth *int64 `rpc:"nextdepth"` // generations that may follow; nil is any number
	CurrDepth int64  `rpc:"currdepth"` // 1 for the tag's own parents
	// Filter holds the filters of all links on the way; a package must match
	// each of them.
	Filter []string `rpc:"filter"`
}

// SetInheritanceDataParams are the parameters of setInheritanceData.
type SetInheritanceDataParams struct {
	Tag any `rpc:"tag"`
	// Data is a rule or a list of rules, each a map of parent_id, priority,
	// maxdepth, intransitive, noconfig and pkg_filter, or of parent_id and a
	// true "delete link".
	Data  any  `rpc:"data"`
	Clear bool `rpc:"clear,optional=False"` // remove all other links
}

// GetFullInheritanceParams are the parameters of getFullInheritance.
type GetFullInheritanceParams struct {
	Tag     any            `rpc:"tag"`
	Event   *int64         `rpc:"event,optional=None"`
	Reverse bool           `rpc:"reverse,optional=False"` // descendants in place of ancestors
	Removed map[string]any `rpc:"**kwargs"`               // Koji: stops and jumps of old clients, which must be empty
}

// The methods for inheritance.
var (
	GetInheritanceData = rpc.Define(rpc.Method[TagEventParams, []InheritanceRule]{
		Name: "getInheritanceData", Access: Anyone,
		Doc: "List a tag's links to its parents by priority.",
	})
	SetInheritanceData = rpc.Define(rpc.Method[SetInheritanceDataParams, rpc.None]{
		Name: "setInheritanceData", Access: NeedPerm("tag"), Writes: true,
		Doc: "Change a tag's links to its parents.",
	})
	GetFullInheritance = rpc.Define(rpc.Method[GetFullInheritanceParams, []InheritanceLink]{
		Name: "getFullInheritance", Access: Anyone,
		Doc: "List the tags that a tag inherits from, nearest first, or those that inherit from it.",
	})
)
