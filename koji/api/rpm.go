package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// RPM is an RPM as getRPM answers.
type RPM struct {
	Arch             string   `rpc:"arch"`
	BuildID          *int64   `rpc:"build_id"`     // nil for RPMs of external repositories
	BuildrootID      *int64   `rpc:"buildroot_id"` // that it was built in, if known
	BuildTime        int64    `rpc:"buildtime"`    // seconds since the epoch
	Draft            *bool    `rpc:"draft"`
	Epoch            *int64   `rpc:"epoch"`
	ExternalRepoID   int64    `rpc:"external_repo_id"` // 0 for RPMs of this system
	ExternalRepoName *string  `rpc:"external_repo_name"`
	Extra            Document `rpc:"extra"`
	ID               int64    `rpc:"id"`
	MetadataOnly     bool     `rpc:"metadata_only"` // there is no file
	Name             string   `rpc:"name"`
	// PayloadHash is the MD5 sum of header and payload in hex (tag SIGMD5).
	// Koji: the name is wrong.
	PayloadHash string `rpc:"payloadhash"`
	Release     string `rpc:"release"`
	Size        int64  `rpc:"size"` // of the file, in bytes
	Version     string `rpc:"version"`
}

// Parts returns the RPM's name, version, release and arch.
func (r *RPM) Parts() koji.NVRA {
	return koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch}
}

// ListedRPM is an RPM as listRPMs answers. The last two fields are set if the
// contents of a buildroot were asked for.
type ListedRPM struct {
	RPM
	NVR                  string   `rpc:"nvr"`
	ComponentBuildrootID *int64   `rpc:"component_buildroot_id,omitempty"`
	IsUpdate             *bool    `rpc:"is_update,omitempty"` // installed for this build, not in the base
	_                    struct{} `rpc:",sorted"`
}

// RPMFile is a file in an RPM.
type RPMFile struct {
	Name       string `rpc:"name"`
	Digest     string `rpc:"digest"`
	DigestAlgo string `rpc:"digest_algo"`
	MD5        string `rpc:"md5"` // Koji: Digest, whatever the algorithm
	Size       int64  `rpc:"size"`
	Flags      int64  `rpc:"flags"`
	User       string `rpc:"user"`
	Group      string `rpc:"group"`
	MTime      int64  `rpc:"mtime"`
	Mode       int64  `rpc:"mode"`
}

// RPMDep is a dependency of an RPM.
type RPMDep struct {
	Name    string       `rpc:"name"`
	Version string       `rpc:"version"` // with epoch and release, "" for any
	Flags   int64        `rpc:"flags"`
	Type    koji.DepType `rpc:"type"`
}

// ChangelogEntry is an entry of a source RPM's changelog.
type ChangelogEntry struct {
	Date   string `rpc:"date"` // "2023-11-14 12:00:00", UTC
	DateTS int64  `rpc:"date_ts"`
	Author string `rpc:"author"`
	Text   string `rpc:"text"`
}

// GetRPMParams are the parameters of getRPM.
type GetRPMParams struct {
	RPMInfo any  `rpc:"rpminfo"` // id, "N-V-R.A", "N-V-R.A@location", or map with name, version, release, arch and perhaps location
	Strict  bool `rpc:"strict,optional=False"`
	Multi   bool `rpc:"multi,optional=False"` // all that match, as a list
}

// ListRPMsParams are the parameters of listRPMs. Those that are nil do not filter.
type ListRPMsParams struct {
	BuildID              *int64         `rpc:"buildID,optional=None"`
	BuildrootID          *int64         `rpc:"buildrootID,optional=None"` // built in it
	ImageID              *int64         `rpc:"imageID,optional=None"`     // part of the archive
	ComponentBuildrootID *int64         `rpc:"componentBuildrootID,optional=None"`
	HostID               *int64         `rpc:"hostID,optional=None"` // built on it
	Arches               any            `rpc:"arches,optional=None"` // one or a list
	QueryOpts            map[string]any `rpc:"queryOpts,optional=None"`
	Draft                *bool          `rpc:"draft,optional=None"`
}

// GetRPMDepsParams are the parameters of getRPMDeps.
type GetRPMDepsParams struct {
	RPMID     any            `rpc:"rpmID"`                 // as rpminfo of getRPM
	DepType   *koji.DepType  `rpc:"depType,optional=None"` // all if nil
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
	Strict    bool           `rpc:"strict,optional=False"`
}

// ListRPMFilesParams are the parameters of listRPMFiles.
type ListRPMFilesParams struct {
	RPMID     any            `rpc:"rpmID"` // as rpminfo of getRPM
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// GetRPMFileParams are the parameters of getRPMFile.
type GetRPMFileParams struct {
	RPMID    any    `rpc:"rpmID"` // as rpminfo of getRPM
	Filename string `rpc:"filename"`
	Strict   bool   `rpc:"strict,optional=False"`
}

// GetRPMHeadersParams are the parameters of getRPMHeaders. The RPM is one of a
// build, or a file in the output of a task.
type GetRPMHeadersParams struct {
	RPMID    any      `rpc:"rpmID,optional=None"` // as rpminfo of getRPM
	TaskID   *int64   `rpc:"taskID,optional=None"`
	Filepath *string  `rpc:"filepath,optional=None"` // in the task's output directory
	Headers  []string `rpc:"headers,optional=None"`  // names of tags; all if nil
	Strict   bool     `rpc:"strict,optional=False"`
}

// GetChangelogEntriesParams are the parameters of getChangelogEntries. The
// source RPM is that of a build, or a file in the output of a task.
type GetChangelogEntriesParams struct {
	BuildID   any            `rpc:"buildID,optional=None"` // as buildInfo of getBuild
	TaskID    *int64         `rpc:"taskID,optional=None"`
	Filepath  *string        `rpc:"filepath,optional=None"`
	Author    *string        `rpc:"author,optional=None"`
	Before    any            `rpc:"before,optional=None"` // dateTime, text, or seconds since the epoch
	After     any            `rpc:"after,optional=None"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
	Strict    bool           `rpc:"strict,optional=False"`
}

// The methods for RPMs.
var (
	GetRPM = rpc.Define(rpc.Method[GetRPMParams, any]{
		Name: "getRPM", Func: "get_rpm", Access: Anyone,
		Doc: "Return an RPM; of several, one of a regular build before one of a draft before an external one. With multi, list all.",
	})
	ListRPMs = rpc.Define(rpc.Method[ListRPMsParams, rpc.Rows[ListedRPM]]{
		Name: "listRPMs", Func: "list_rpms", Access: Anyone,
		Doc: "List the RPMs that match every filter given.",
	})
	ListBuildRPMs = rpc.Define(rpc.Method[OneBuildParams, []ListedRPM]{
		Name: "listBuildRPMs", Access: Anyone,
		Doc: "List the RPMs of a build.",
	})
	GetRPMDeps = rpc.Define(rpc.Method[GetRPMDepsParams, rpc.Rows[RPMDep]]{
		Name: "getRPMDeps", Access: Anyone,
		Doc: "List the dependencies of an RPM, of one kind or all.",
	})
	ListRPMFiles = rpc.Define(rpc.Method[ListRPMFilesParams, rpc.Rows[RPMFile]]{
		Name: "listRPMFiles", Access: Anyone,
		Doc: "List the files in an RPM.",
	})
	GetRPMFile = rpc.Define(rpc.Method[GetRPMFileParams, map[string]any]{
		Name: "getRPMFile", Access: Anyone,
		Doc: "Return a file in an RPM; empty if there is none and strict is false.",
	})
	GetRPMHeaders = rpc.Define(rpc.Method[GetRPMHeadersParams, xmlrpc.Ordered]{
		Name: "getRPMHeaders", Access: Anyone,
		Doc: "Return header fields of an RPM file by name.",
	})
	GetChangelogEntries = rpc.Define(rpc.Method[GetChangelogEntriesParams, rpc.Rows[ChangelogEntry]]{
		Name: "getChangelogEntries", Access: Anyone,
		Doc: "List entries of a source RPM's changelog, the newest first.",
	})
)
