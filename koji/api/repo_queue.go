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

// The methods for what decides about new repositories.
var (
	RepoGetExternalRepoData = rpc.Define(rpc.Method[RepoExternalDataParams, Extra]{
		Name: "repo.getExternalRepoData", Func: "get_external_repo_data", Access: Anyone,
		Doc: "Return what was last seen of an external repository, nil if nothing was.",
	})
	RepoSetRequestPriority = rpc.Define(rpc.Method[RepoSetPriorityParams, rpc.None]{
		Name: "repo.setRequestPriority", Access: NeedPerm("admin"), Writes: true,
		Doc: "Set the priority of a repo request.",
	})
)
