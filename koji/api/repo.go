package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Repo is a repository of a tag.
type Repo struct {
	ID           int64      `rpc:"id"`
	TagID        int64      `rpc:"tag_id"`
	TagName      string     `rpc:"tag_name"`
	State        int        `rpc:"state"` // a koji.RepoState
	StateTime    *koji.Time `rpc:"state_time"`
	StateTS      *float64   `rpc:"state_ts"`
	CreateEvent  int64      `rpc:"create_event"` // it shows the tag as it was then
	CreateTS     float64    `rpc:"create_ts"`    // the event's time
	CreationTime koji.Time  `rpc:"creation_time"`
	CreationTS   float64    `rpc:"creation_ts"`
	BeginEvent   *int64     `rpc:"begin_event"` // the tag was so from this event on
	BeginTS      *float64   `rpc:"begin_ts"`
	EndEvent     *int64     `rpc:"end_event"` // until this one
	EndTS        *float64   `rpc:"end_ts"`
	Dist         bool       `rpc:"dist"`
	Opts         Extra      `rpc:"opts"`
	CustomOpts   Extra      `rpc:"custom_opts"` // those of Opts that are not the tag's own
	TaskID       *int64     `rpc:"task_id"`
	TaskState    *int       `rpc:"task_state"`
	_            struct{}   `rpc:",sorted"`
}

// RepoRequest is an entry of the queue of wanted repositories.
type RepoRequest struct {
	ID         int64     `rpc:"id"`
	Owner      int64     `rpc:"owner"`
	OwnerName  string    `rpc:"owner_name"`
	Priority   int       `rpc:"priority"`
	TagID      int64     `rpc:"tag_id"`
	TagName    string    `rpc:"tag_name"`
	AtEvent    *int64    `rpc:"at_event"`
	MinEvent   *int64    `rpc:"min_event"`
	Opts       Extra     `rpc:"opts"`
	Active     bool      `rpc:"active"`
	Tries      int       `rpc:"tries"`
	TaskID     *int64    `rpc:"task_id"`
	TaskState  *int      `rpc:"task_state"`
	RepoID     *int64    `rpc:"repo_id"`
	CreateTime koji.Time `rpc:"create_time"`
	CreateTS   float64   `rpc:"create_ts"`
	UpdateTime koji.Time `rpc:"update_time"`
	UpdateTS   float64   `rpc:"update_ts"`
	_          struct{}  `rpc:",sorted"`
}

// NewRepoParams are the parameters of newRepo. What a repository holds is also
// chosen by the tag's extra setting repo.opts.
type NewRepoParams struct {
	Tag         any    `rpc:"tag"`
	Event       *int64 `rpc:"event,optional=None"`
	Src         bool   `rpc:"src,optional=False"`
	Debuginfo   bool   `rpc:"debuginfo,optional=False"`
	SeparateSrc bool   `rpc:"separate_src,optional=False"`
}

// NewRepo makes a newRepo task.
var NewRepo = rpc.Define(rpc.Method[NewRepoParams, int64]{
	Name: "newRepo", Access: NeedPerm("regen-repo", "repo"), Writes: true,
	Doc: "Create a newRepo task for the tag. Returns the task's id.",
})

// GetRepoParams are the parameters of getRepo.
type GetRepoParams struct {
	Tag      any    `rpc:"tag"`
	State    *int64 `rpc:"state,optional=None"` // READY if there is no event
	Event    *int64 `rpc:"event,optional=None"` // not later than this one
	Dist     bool   `rpc:"dist,optional=False"`
	MinEvent *int64 `rpc:"min_event,optional=None"` // not earlier than this one
}

// GetRepo finds the latest repository of a tag.
var GetRepo = rpc.Define(rpc.Method[GetRepoParams, *Repo]{
	Name: "getRepo", Func: "old_get_repo", Access: Anyone,
	Doc: "Return the most recent repo of the tag that satisfies the conditions, nil if there is none.",
})

// RepoInfoParams are the parameters of repoInfo.
type RepoInfoParams struct {
	RepoID int64 `rpc:"repo_id"`
	Strict bool  `rpc:"strict,optional=False"`
}

// RepoInfo describes one repository.
var RepoInfo = rpc.Define(rpc.Method[RepoInfoParams, *Repo]{
	Name: "repoInfo", Func: "repo_info", Access: Anyone, Doc: "Return information about a repo, nil (with strict an error) if there is none.",
})

// RepoGetParams are the parameters of repo.get.
type RepoGetParams struct {
	Tag      any            `rpc:"tag"`
	MinEvent *int64         `rpc:"min_event,optional=None"`
	AtEvent  *int64         `rpc:"at_event,optional=None"`
	Opts     map[string]any `rpc:"opts,optional=None"`
}

// RepoGet finds the best ready repository.
var RepoGet = rpc.Define(rpc.Method[RepoGetParams, *Repo]{
	Name: "repo.get", Func: "get_repo", Access: Anyone, Doc: "Return the best ready repo that satisfies the conditions, nil if there is none.",
})

// RepoRequestParams are the parameters of repo.request.
type RepoRequestParams struct {
	Tag      any            `rpc:"tag"`
	MinEvent any            `rpc:"min_event,optional=None"` // an event id, or "last" for the tag's last change
	AtEvent  *int64         `rpc:"at_event,optional=None"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"` // relative to the default
	Force    bool           `rpc:"force,optional=False"`   // even if there is a repository that would do
}

// RepoAnswer is what repo.request and repo.checkRequest return.
type RepoAnswer struct {
	Repo      *Repo        `rpc:"repo"` // one that will do is there
	Request   *RepoRequest `rpc:"request"`
	Duplicate *bool        `rpc:"duplicate,omitempty"` // the request was there already
	Task      *Task        `rpc:"task,omitempty"`
}

// RepoRequestMethod asks for a repository.
var RepoRequestMethod = rpc.Define(rpc.Method[RepoRequestParams, RepoAnswer]{
	Name: "repo.request", Func: "request_repo", Access: NeedLogin, Writes: true, Doc: "Request a repo for a tag, unless one that will do is there.",
})

// RepoCheckParams are the parameters of repo.checkRequest.
type RepoCheckParams struct {
	ReqID int64 `rpc:"req_id"`
}

// RepoCheckRequest reports what became of a request.
var RepoCheckRequest = rpc.Define(rpc.Method[RepoCheckParams, RepoAnswer]{
	Name: "repo.checkRequest", Func: "check_repo_request", Access: Anyone, Doc: "Report the status of a repo request.",
})

// RepoStateParams are the parameters of repoExpire, repoProblem.
type RepoStateParams struct {
	RepoID int64 `rpc:"repo_id"`
}

// GetActiveRepos, RepoDelete, RepoExpire and RepoProblem are for the daemon that
// looks after repositories.
var (
	GetActiveRepos = rpc.Define(rpc.Method[NoParams, any]{
		Name: "getActiveRepos", Func: "get_active_repos", Access: Anyone, Doc: "List all repos that are not deleted.",
	})
	RepoDelete = rpc.Define(rpc.Method[RepoStateParams, int64]{
		Name: "repoDelete", Access: NeedPerm("repo"), Writes: true,
		Doc: "Mark a repo deleted unless a buildroot uses it. Returns how many do.",
	})
	RepoExpire = rpc.Define(rpc.Method[RepoStateParams, rpc.None]{
		Name: "repoExpire", Access: NeedPerm("repo"), Writes: true, Doc: "Mark a repo expired: no new build uses it.",
	})
	RepoProblem = rpc.Define(rpc.Method[RepoStateParams, rpc.None]{
		Name: "repoProblem", Access: NeedPerm("repo"), Writes: true, Doc: "Mark a repo as broken.",
	})
)
