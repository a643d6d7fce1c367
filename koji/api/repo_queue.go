package api

import "github.com/toji-build/toji/internal/rpc"

// RepoExternalDataParams are the parameters of repo.getExternalRepoData.
type RepoExternalDataParams struct {
	ERepo any `rpc:"erepo"` // id or name of an external repository
}

// RepoSetPriorityParams are the parameters of repo.setRequestPriority.
type RepoSetPriorityParams struct {
	ReqID    int64 `rpc:"req_id"`
	Priority int64 `rpc:"priority"` // low comes first
}

// SetExternalRepoDataParams are the parameters of repo.setExternalRepoData.
type SetExternalRepoDataParams struct {
	ExternalRepoID any            `rpc:"external_repo_id"` // id or name of an external repository
	Data           map[string]any `rpc:"data"`             // max_ts is the time of its metadata, in seconds
}

// RepoQueryParams are the parameters of repo.query.
type RepoQueryParams struct {
	Clauses []any          `rpc:"clauses"` // [field, value], [field, list] or [field, operator, value]
	Fields  any            `rpc:"fields,optional=None"`
	Opts    map[string]any `rpc:"opts,optional=None"` // queryOpts
}

// SetRepoStateParams are the parameters of repo.setState.
type SetRepoStateParams struct {
	RepoID int64 `rpc:"repo_id"`
	State  int64 `rpc:"state"` // a koji.RepoState
}

// RepoReference is a buildroot that uses a repository.
type RepoReference struct {
	ID          int64    `rpc:"id"`
	HostID      int64    `rpc:"host_id"`
	TaskID      *int64   `rpc:"task_id"`
	CreateEvent int64    `rpc:"create_event"`
	State       int      `rpc:"state"` // a koji.BuildrootState
	_           struct{} `rpc:",sorted"`
}

// The methods for what decides about new repositories.
var (
	RepoQuery = rpc.Define(rpc.Method[RepoQueryParams, any]{
		Name: "repo.query", Access: Anyone, Doc: "List repos by clauses, with the wanted fields.",
	})
	RepoQueryQueue = rpc.Define(rpc.Method[ViewParams, any]{
		Name: "repo.queryQueue", Access: Anyone, Doc: "List repo requests by clauses, with the wanted fields.",
	})
	RepoReferences = rpc.Define(rpc.Method[RepoStateParams, []RepoReference]{
		Name: "repo.references", Access: Anyone, Doc: "List the buildroots that use a repo.",
	})
	RepoSetState = rpc.Define(rpc.Method[SetRepoStateParams, rpc.None]{
		Name: "repo.setState", Access: NeedPerm("repo"), Writes: true, Doc: "Set the state of a repo.",
	})
	RepoSetExternalRepoData = rpc.Define(rpc.Method[SetExternalRepoDataParams, rpc.None]{
		Name: "repo.setExternalRepoData", Access: NeedPerm("repo"), Writes: true,
		Doc: "Record what was seen of an external repository. The tags that use it have changed then.",
	})
	RepoAutoRequests = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "repo.autoRequests", Access: NeedPerm("repo"), Writes: true,
		Doc: "Request repos for the tags that are configured for it. The hub does so by itself when they change.",
	})
	RepoCheckQueue = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "repo.checkQueue", Access: NeedPerm("repo"), Writes: true,
		Doc: "Have the repo requests looked at now. The hub does so by itself whenever anything changes.",
	})
	RepoUpdateEndEvents = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "repo.updateEndEvents", Access: NeedPerm("repo"), Writes: true,
		Doc: "Record, of ready repos whose tag has changed, the event that changed it.",
	})
	RepoGetExternalRepoData = rpc.Define(rpc.Method[RepoExternalDataParams, Extra]{
		Name: "repo.getExternalRepoData", Func: "get_external_repo_data", Access: Anyone,
		Doc: "Return what was last seen of an external repository, nil if nothing was.",
	})
	RepoSetRequestPriority = rpc.Define(rpc.Method[RepoSetPriorityParams, rpc.None]{
		Name: "repo.setRequestPriority", Access: NeedPerm("admin"), Writes: true,
		Doc: "Set the priority of a repo request.",
	})
)
