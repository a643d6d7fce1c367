package api

import "github.com/toji-build/toji/internal/rpc"

// ExternalRepo is a package repository outside of the build system.
type ExternalRepo struct {
	ID   int64  `rpc:"id"`
	Name string `rpc:"name"`
	URL  string `rpc:"url"` // may hold $arch; ends with a slash
}

// TagExternalRepo is an external repository that a tag's repositories include.
type TagExternalRepo struct {
	Arches           *string `rpc:"arches"` // only for these, by spaces; nil is all
	ExternalRepoID   int64   `rpc:"external_repo_id"`
	ExternalRepoName string  `rpc:"external_repo_name"`
	MergeMode        string  `rpc:"merge_mode"` // koji, simple or bare
	Priority         int64   `rpc:"priority"`   // low comes first
	TagID            int64   `rpc:"tag_id"`
	TagName          string  `rpc:"tag_name"`
	URL              string  `rpc:"url"`
}

// GetExternalRepoParams are the parameters of getExternalRepo.
type GetExternalRepoParams struct {
	Info   any    `rpc:"info"`
	Strict bool   `rpc:"strict,optional=False"`
	Event  *int64 `rpc:"event,optional=None"`
}

// ListExternalReposParams are the parameters of listExternalRepos.
type ListExternalReposParams struct {
	Info      any            `rpc:"info,optional=None"`
	URL       *string        `rpc:"url,optional=None"`
	Event     *int64         `rpc:"event,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// GetTagExternalReposParams are the parameters of getTagExternalRepos.
type GetTagExternalReposParams struct {
	TagInfo  any    `rpc:"tag_info,optional=None"`
	RepoInfo any    `rpc:"repo_info,optional=None"`
	Event    *int64 `rpc:"event,optional=None"`
}

// GetExternalRepoListParams are the parameters of getExternalRepoList.
type GetExternalRepoListParams struct {
	TagInfo any    `rpc:"tag_info"`
	Event   *int64 `rpc:"event,optional=None"`
}

// CreateExternalRepoParams are the parameters of createExternalRepo.
type CreateExternalRepoParams struct {
	Name string `rpc:"name"`
	URL  string `rpc:"url"`
}

// EditExternalRepoParams are the parameters of editExternalRepo.
type EditExternalRepoParams struct {
	Info any     `rpc:"info"`
	Name *string `rpc:"name,optional=None"`
	URL  *string `rpc:"url,optional=None"`
}

// DeleteExternalRepoParams are the parameters of deleteExternalRepo.
type DeleteExternalRepoParams struct {
	Info any `rpc:"info"`
}

// AddExternalRepoToTagParams are the parameters of addExternalRepoToTag.
type AddExternalRepoToTagParams struct {
	TagInfo   any     `rpc:"tag_info"`
	RepoInfo  any     `rpc:"repo_info"`
	Priority  int64   `rpc:"priority"`
	MergeMode *string `rpc:"merge_mode,optional='koji'"`
	Arches    any     `rpc:"arches,optional=None"` // by commas or spaces, or a list
}

// EditTagExternalRepoParams are the parameters of editTagExternalRepo; what is
// nil does not change.
type EditTagExternalRepoParams struct {
	TagInfo   any     `rpc:"tag_info"`
	RepoInfo  any     `rpc:"repo_info"`
	Priority  *int64  `rpc:"priority,optional=None"`
	MergeMode *string `rpc:"merge_mode,optional=None"`
	Arches    any     `rpc:"arches,optional=None"`
}

// RemoveExternalRepoFromTagParams are the parameters of
// removeExternalRepoFromTag.
type RemoveExternalRepoFromTagParams struct {
	TagInfo  any `rpc:"tag_info"`
	RepoInfo any `rpc:"repo_info"`
}

// The methods for external repositories.
var (
	GetExternalRepo = rpc.Define(rpc.Method[GetExternalRepoParams, *ExternalRepo]{
		Name: "getExternalRepo", Func: "get_external_repo", Access: Anyone,
		Doc: "Return an external repository; nil if there is none and strict is false.",
	})
	ListExternalRepos = rpc.Define(rpc.Method[ListExternalReposParams, rpc.Rows[ExternalRepo]]{
		Name: "listExternalRepos", Func: "get_external_repos", Access: Anyone,
		Doc: "List external repositories.",
	})
	GetTagExternalRepos = rpc.Define(rpc.Method[GetTagExternalReposParams, []TagExternalRepo]{
		Name: "getTagExternalRepos", Func: "get_tag_external_repos", Access: Anyone,
		Doc: "List what tags have which external repositories, by priority. Does not follow inheritance.",
	})
	GetExternalRepoList = rpc.Define(rpc.Method[GetExternalRepoListParams, []TagExternalRepo]{
		Name: "getExternalRepoList", Func: "get_external_repo_list", Access: Anyone,
		Doc: "List the external repositories of a tag and of those it inherits from, in the order in which they count.",
	})
	CreateExternalRepo = rpc.Define(rpc.Method[CreateExternalRepoParams, *ExternalRepo]{
		Name: "createExternalRepo", Func: "create_external_repo", Access: NeedPerm("admin"), Writes: true,
		Doc: "Create an external repository and return it.",
	})
	EditExternalRepo = rpc.Define(rpc.Method[EditExternalRepoParams, rpc.None]{
		Name: "editExternalRepo", Func: "edit_external_repo", Access: NeedPerm("admin"), Writes: true,
		Doc: "Change the name or URL of an external repository.",
	})
	DeleteExternalRepo = rpc.Define(rpc.Method[DeleteExternalRepoParams, rpc.None]{
		Name: "deleteExternalRepo", Func: "delete_external_repo", Access: NeedPerm("admin"), Writes: true,
		Doc: "Delete an external repository and take it out of all tags. History keeps it.",
	})
	AddExternalRepoToTag = rpc.Define(rpc.Method[AddExternalRepoToTagParams, rpc.None]{
		Name: "addExternalRepoToTag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Add an external repository to a tag.",
	})
	EditTagExternalRepo = rpc.Define(rpc.Method[EditTagExternalRepoParams, bool]{
		Name: "editTagExternalRepo", Func: "edit_tag_external_repo", Access: NeedPerm("tag"), Writes: true,
		Doc: "Change how a tag has an external repository; tell whether anything changed.",
	})
	RemoveExternalRepoFromTag = rpc.Define(rpc.Method[RemoveExternalRepoFromTagParams, rpc.None]{
		Name: "removeExternalRepoFromTag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Remove an external repository from a tag.",
	})
)
