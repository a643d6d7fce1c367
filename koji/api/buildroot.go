package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Buildroot is what a build ran in. The fields about a host, task and repo are
// nil for buildroots that a content generator reported.
type Buildroot struct {
	Arch                *string            `rpc:"arch"` // Koji: ContainerArch, for old clients
	BRType              koji.BuildrootType `rpc:"br_type"`
	CGID                *int64             `rpc:"cg_id"`
	CGName              *string            `rpc:"cg_name"`
	CGVersion           *string            `rpc:"cg_version"`
	ContainerArch       *string            `rpc:"container_arch"`
	ContainerType       *string            `rpc:"container_type"`
	CreateEventID       *int64             `rpc:"create_event_id"`
	CreateEventTime     koji.Time          `rpc:"create_event_time"`
	CreateTS            *float64           `rpc:"create_ts"`
	Extra               Document           `rpc:"extra"`
	HostArch            *string            `rpc:"host_arch"`
	HostID              *int64             `rpc:"host_id"`
	HostName            *string            `rpc:"host_name"`
	HostOS              *string            `rpc:"host_os"`
	ID                  int64              `rpc:"id"`
	RepoCreateEventID   *int64             `rpc:"repo_create_event_id"`
	RepoCreateEventTime koji.Time          `rpc:"repo_create_event_time"`
	RepoID              *int64             `rpc:"repo_id"`
	RepoState           *int64             `rpc:"repo_state"`
	RetireEventID       *int64             `rpc:"retire_event_id"`
	RetireEventTime     koji.Time          `rpc:"retire_event_time"`
	RetireTS            *float64           `rpc:"retire_ts"`
	State               *int64             `rpc:"state"` // a koji.BuildrootState
	TagID               *int64             `rpc:"tag_id"`
	TagName             *string            `rpc:"tag_name"`
	TaskID              *int64             `rpc:"task_id"`
}

// BuildrootRPM is an RPM in a buildroot.
type BuildrootRPM struct {
	Arch             string `rpc:"arch"`
	BuildID          *int64 `rpc:"build_id"`
	Draft            *bool  `rpc:"draft"`
	Epoch            *int64 `rpc:"epoch"`
	ExternalRepoID   int64  `rpc:"external_repo_id"`
	ExternalRepoName string `rpc:"external_repo_name"`
	IsUpdate         bool   `rpc:"is_update"`
	Name             string `rpc:"name"`
	Release          string `rpc:"release"`
	RPMID            int64  `rpc:"rpm_id"`
	Version          string `rpc:"version"`
}

// InstalledRPM is an RPM that a builder found in a buildroot.
type InstalledRPM struct {
	Name        string `rpc:"name"`
	Version     string `rpc:"version"`
	Release     string `rpc:"release"`
	Epoch       *int64 `rpc:"epoch"`
	Arch        string `rpc:"arch"`
	Location    any    `rpc:"location,omitempty"` // id or name of the external repository it is from, nil for one of our own
	PayloadHash string `rpc:"payloadhash,omitempty"`
	Size        int64  `rpc:"size,omitempty"`
	BuildTime   int64  `rpc:"buildtime,omitempty"`
}

// GetBuildrootParams are the parameters of getBuildroot.
type GetBuildrootParams struct {
	BuildrootID int64 `rpc:"buildrootID"`
	Strict      bool  `rpc:"strict,optional=False"`
}

// GetBuildrootListingParams are the parameters of getBuildrootListing.
type GetBuildrootListingParams struct {
	ID int64 `rpc:"id"`
}

// ListBuildrootsParams are the parameters of listBuildroots. Those that are nil
// do not filter.
type ListBuildrootsParams struct {
	HostID      *int64         `rpc:"hostID,optional=None"`
	TagID       *int64         `rpc:"tagID,optional=None"`     // of its repo
	State       any            `rpc:"state,optional=None"`     // one or a list
	RPMID       *int64         `rpc:"rpmID,optional=None"`     // in it
	ArchiveID   *int64         `rpc:"archiveID,optional=None"` // in it
	TaskID      *int64         `rpc:"taskID,optional=None"`
	BuildrootID any            `rpc:"buildrootID,optional=None"` // one or a list
	RepoID      *int64         `rpc:"repoID,optional=None"`
	QueryOpts   map[string]any `rpc:"queryOpts,optional=None"`
}

// NewBuildRootParams are the parameters of host.newBuildRoot.
type NewBuildRootParams struct {
	Repo   int64  `rpc:"repo"` // id
	Arch   string `rpc:"arch"`
	TaskID *int64 `rpc:"task_id,optional=None"`
}

// SetBuildRootStateParams are the parameters of host.setBuildRootState.
type SetBuildRootStateParams struct {
	BrootID int64  `rpc:"brootid"`
	State   any    `rpc:"state"` // a koji.BuildrootState or its name
	TaskID  *int64 `rpc:"task_id,optional=None"`
}

// SetBuildRootListParams are the parameters of host.setBuildRootList and
// host.updateBuildRootList.
type SetBuildRootListParams struct {
	BrootID int64          `rpc:"brootid"`
	RPMList []InstalledRPM `rpc:"rpmlist"`
	TaskID  *int64         `rpc:"task_id,optional=None"`
}

// AddExternalRPMParams are the parameters of addExternalRPM.
type AddExternalRPMParams struct {
	RPMInfo      map[string]any `rpc:"rpminfo"`       // the members of InstalledRPM but location, all of them
	ExternalRepo any            `rpc:"external_repo"` // id or name
	Strict       bool           `rpc:"strict,optional=True"`
}

// The methods for buildroots.
var (
	GetBuildroot = rpc.Define(rpc.Method[GetBuildrootParams, *Buildroot]{
		Name: "getBuildroot", Func: "get_buildroot", Access: Anyone,
		Doc: "Return a buildroot; nil if there is none and strict is false.",
	})
	GetBuildrootListing = rpc.Define(rpc.Method[GetBuildrootListingParams, []BuildrootRPM]{
		Name: "getBuildrootListing", Access: Anyone,
		Doc: "List the RPMs in a buildroot.",
	})
	ListBuildroots = rpc.Define(rpc.Method[ListBuildrootsParams, rpc.Rows[Buildroot]]{
		Name: "listBuildroots", Func: "query_buildroots", Access: Anyone,
		Doc: "List the buildroots that match every filter given.",
	})
	AddExternalRPM = rpc.Define(rpc.Method[AddExternalRPMParams, rpc.None]{
		Name: "addExternalRPM", Access: NeedPerm("admin"), Writes: true,
		Doc: "Record an RPM of an external repository.",
	})
	HostNewBuildRoot = rpc.Define(rpc.Method[NewBuildRootParams, int64]{
		Name: "host.newBuildRoot", Access: NeedHost, Writes: true,
		Doc: "Record a new buildroot of the host's and return its id.",
	})
	HostSetBuildRootState = rpc.Define(rpc.Method[SetBuildRootStateParams, rpc.None]{
		Name: "host.setBuildRootState", Access: NeedHost, Writes: true,
		Doc: "Set the state of a buildroot of the host's.",
	})
	HostSetBuildRootList = rpc.Define(rpc.Method[SetBuildRootListParams, rpc.None]{
		Name: "host.setBuildRootList", Access: NeedHost, Writes: true,
		Doc: "Record what is in a new buildroot of the host's.",
	})
	HostUpdateBuildRootList = rpc.Define(rpc.Method[SetBuildRootListParams, rpc.None]{
		Name: "host.updateBuildRootList", Access: NeedHost, Writes: true,
		Doc: "Record what was added to a buildroot of the host's for the build.",
	})
)
