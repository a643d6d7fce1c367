package api

import "github.com/toji-build/toji/internal/rpc"

// HostRepoInitParams are the parameters of host.repoInit.
type HostRepoInitParams struct {
	Tag    any            `rpc:"tag"`
	TaskID *int64         `rpc:"task_id,optional=None"`
	Event  *int64         `rpc:"event,optional=None"` // show the tag as it was then
	Opts   map[string]any `rpc:"opts,optional=None"`  // see repo.request
}

// HostRepoDoneParams are the parameters of host.repoDone.
type HostRepoDoneParams struct {
	RepoID          int64          `rpc:"repo_id"`
	Data            map[string]any `rpc:"data"` // by arch [uploadpath, [file ...]]; not for dist repos
	Expire          bool           `rpc:"expire,optional=False"`
	RepoJSONUpdates map[string]any `rpc:"repo_json_updates,optional=None"` // members to set in repo.json
}

// HostDistRepoMoveParams are the parameters of host.distRepoMove.
type HostDistRepoMoveParams struct {
	RepoID     int64  `rpc:"repo_id"`
	UploadPath string `rpc:"uploadpath"` // below work/, with a repo_manifest
	Arch       string `rpc:"arch"`
}

// The methods by which Koji's builders make repositories.
var (
	HostRepoInit = rpc.Define(rpc.Method[HostRepoInitParams, []int64]{
		Name: "host.repoInit", Access: NeedHost, Writes: true, Doc: "Begin a repo of a tag. Returns its id and its event.",
	})
	HostRepoDone = rpc.Define(rpc.Method[HostRepoDoneParams, rpc.None]{
		Name: "host.repoDone", Access: NeedHost, Writes: true, Doc: "Move a repo's metadata into place and make it ready.",
	})
	HostDistRepoMove = rpc.Define(rpc.Method[HostDistRepoMoveParams, rpc.None]{
		Name: "host.distRepoMove", Access: NeedHost, Writes: true, Doc: "Move one arch of a dist repo into place.",
	})
)
