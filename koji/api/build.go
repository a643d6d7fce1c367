package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// BuildInfo is what all answers about builds have in common.
type BuildInfo struct {
	BuildID         int64           `rpc:"build_id"`
	CompletionTime  koji.Time       `rpc:"completion_time"`
	CreationEventID int64           `rpc:"creation_event_id"`
	CreationTime    koji.Time       `rpc:"creation_time"`
	Draft           bool            `rpc:"draft"`
	Epoch           *int64          `rpc:"epoch"`
	Name            string          `rpc:"name"`
	NVR             string          `rpc:"nvr"`
	OwnerID         int64           `rpc:"owner_id"`
	OwnerName       string          `rpc:"owner_name"`
	PackageID       int64           `rpc:"package_id"`
	PackageName     string          `rpc:"package_name"` // the same as Name
	PromoterID      *int64          `rpc:"promoter_id"`
	PromoterName    *string         `rpc:"promoter_name"`
	PromotionTime   koji.Time       `rpc:"promotion_time"`
	Release         string          `rpc:"release"`
	StartTime       koji.Time       `rpc:"start_time"`
	State           koji.BuildState `rpc:"state"`
	TaskID          *int64          `rpc:"task_id"`
	Version         string          `rpc:"version"`
	VolumeID        int64           `rpc:"volume_id"`
	VolumeName      string          `rpc:"volume_name"`
}

// BuildTimes are a build's times in seconds since the epoch, and where it is from.
type BuildTimes struct {
	CompletionTS *float64 `rpc:"completion_ts"`
	CreationTS   float64  `rpc:"creation_ts"`
	PromotionTS  *float64 `rpc:"promotion_ts"`
	StartTS      *float64 `rpc:"start_ts"`
	Source       *string  `rpc:"source"` // URL with a commit, for builds from SCM
	Extra        Document `rpc:"extra"`
}

// Build is a build as getBuild answers.
type Build struct {
	BuildInfo
	BuildTimes
	ID     int64    `rpc:"id"` // the same as BuildID
	CGID   *int64   `rpc:"cg_id"`
	_      struct{} `rpc:",sorted"`
	CGName *string  `rpc:"cg_name"` // the content generator that made or reserved it
}

// Parts returns the build's name, version and release.
func (b *BuildInfo) Parts() koji.NVR {
	return koji.NVR{Name: b.Name, Version: b.Version, Release: b.Release}
}

// ListedBuild is a build as listBuilds answers. Of the fields at its end those
// are set that belong to the build type asked for.
type ListedBuild struct {
	BuildInfo
	BuildTimes
	MavenArtifactID string   `rpc:"maven_artifact_id,omitempty"`
	MavenGroupID    string   `rpc:"maven_group_id,omitempty"`
	MavenVersion    string   `rpc:"maven_version,omitempty"`
	Platform        string   `rpc:"platform,omitempty"` // of Windows builds
	_               struct{} `rpc:",sorted"`
}

// UntaggedBuild is a build that is in no tag.
type UntaggedBuild struct {
	ID      int64  `rpc:"id"`
	Name    string `rpc:"name"`
	Release string `rpc:"release"`
	Version string `rpc:"version"`
}

// BuildLog is a file among the logs of a finished build.
type BuildLog struct {
	Name string `rpc:"name"`
	Dir  string `rpc:"dir"`  // usually the arch; "." for logs of the build as a whole
	Path string `rpc:"path"` // relative to the top directory
}

// MavenBuild is what is special about a Maven build.
type MavenBuild struct {
	ArtifactID string `rpc:"artifact_id"`
	BuildID    int64  `rpc:"build_id"`
	GroupID    string `rpc:"group_id"`
	Version    string `rpc:"version"`
}

// WinBuild is what is special about a Windows build.
type WinBuild struct {
	BuildID  int64  `rpc:"build_id"`
	Platform string `rpc:"platform"`
}

// ImageBuild marks a build as one of images.
type ImageBuild struct {
	BuildID int64 `rpc:"build_id"`
}

// TagReference is a tag that a build is in.
type TagReference struct {
	Name  string `rpc:"name"`
	TagID int64  `rpc:"tag_id"`
}

// RPMReference is an RPM that a build was needed for.
type RPMReference struct {
	Arch    string `rpc:"arch"`
	BuildID int64  `rpc:"build_id"`
	ID      int64  `rpc:"id"`
	Name    string `rpc:"name"`
	Release string `rpc:"release"`
	Version string `rpc:"version"`
}

// ArchiveReference is an archive that a build was needed for.
type ArchiveReference struct {
	BuildID  int64  `rpc:"build_id"`
	Filename string `rpc:"filename"`
	ID       int64  `rpc:"id"`
	TypeID   int64  `rpc:"type_id"`
	TypeName string `rpc:"type_name"`
}

// BuildParams name a build: by its id, its NVR, or a map with name, version
// and release.
type BuildParams struct {
	BuildInfo any  `rpc:"buildInfo"`
	Strict    bool `rpc:"strict,optional=False"` // a build that does not exist is an error
}

// FindBuildIDParams are the parameters of findBuildID.
type FindBuildIDParams struct {
	X      any  `rpc:"X"` // as buildInfo of getBuild
	Strict bool `rpc:"strict,optional=False"`
}

// OneBuildParams name a build that has to exist, as buildInfo of getBuild.
type OneBuildParams struct {
	Build any `rpc:"build"`
}

// ListBuildsParams are the parameters of listBuilds. Those that are nil do not
// filter. Times are seconds since the epoch or text.
type ListBuildsParams struct {
	PackageID      any            `rpc:"packageID,optional=None"` // id or name
	UserID         any            `rpc:"userID,optional=None"`    // the owner, as userInfo of getUser
	TaskID         *int64         `rpc:"taskID,optional=None"`    // -1: any task
	Prefix         *string        `rpc:"prefix,optional=None"`    // of the package's name
	State          *int64         `rpc:"state,optional=None"`
	VolumeID       *int64         `rpc:"volumeID,optional=None"`
	Source         *string        `rpc:"source,optional=None"` // glob
	CreatedBefore  any            `rpc:"createdBefore,optional=None"`
	CreatedAfter   any            `rpc:"createdAfter,optional=None"`
	CompleteBefore any            `rpc:"completeBefore,optional=None"`
	CompleteAfter  any            `rpc:"completeAfter,optional=None"`
	Type           *string        `rpc:"type,optional=None"` // name of a build type
	TypeInfo       any            `rpc:"typeInfo,optional=None"`
	QueryOpts      map[string]any `rpc:"queryOpts,optional=None"`
	Pattern        *string        `rpc:"pattern,optional=None"` // glob over NVRs
	CGID           any            `rpc:"cgID,optional=None"`    // id or name of a content generator
	Draft          *bool          `rpc:"draft,optional=None"`
	PromotedBefore any            `rpc:"promotedBefore,optional=None"`
	PromotedAfter  any            `rpc:"promotedAfter,optional=None"`
	Promoter       any            `rpc:"promoter,optional=None"` // as userInfo of getUser
}

// GetNextReleaseParams are the parameters of getNextRelease.
type GetNextReleaseParams struct {
	BuildInfo map[string]any `rpc:"build_info"` // name and version
	Incr      any            `rpc:"incr,optional=1"`
}

// GetAverageBuildDurationParams are the parameters of getAverageBuildDuration.
type GetAverageBuildDurationParams struct {
	Package any    `rpc:"package"`           // id or name
	Age     *int64 `rpc:"age,optional=None"` // months to look back
}

// CreateEmptyBuildParams are the parameters of createEmptyBuild.
type CreateEmptyBuildParams struct {
	Name    string `rpc:"name"`
	Version string `rpc:"version"`
	Release string `rpc:"release"`
	Epoch   *int64 `rpc:"epoch"`
	Owner   any    `rpc:"owner,optional=None"` // as userInfo of getUser; the caller if nil
	Draft   bool   `rpc:"draft,optional=False"`
}

// CancelBuildParams are the parameters of cancelBuild.
type CancelBuildParams struct {
	BuildID any  `rpc:"buildID"` // as buildInfo of getBuild
	Strict  bool `rpc:"strict,optional=False"`
}

// BuildReferencesParams are the parameters of buildReferences.
type BuildReferencesParams struct {
	Build any    `rpc:"build"`
	Limit *int64 `rpc:"limit,optional=None"`
	Lazy  bool   `rpc:"lazy,optional=False"`
}

// DeleteBuildParams are the parameters of deleteBuild.
type DeleteBuildParams struct {
	Build     any     `rpc:"build"`
	Strict    bool    `rpc:"strict,optional=True"` // a build that is needed is an error
	MinRefAge float64 `rpc:"min_ref_age,optional=604800"`
}

// SetBuildOwnerParams are the parameters of setBuildOwner.
type SetBuildOwnerParams struct {
	Build any `rpc:"build"`
	User  any `rpc:"user"` // as userInfo of getUser
}

// SetBuildTimestampParams are the parameters of setBuildTimestamp.
type SetBuildTimestampParams struct {
	Build any `rpc:"build"`
	TS    any `rpc:"ts"` // seconds since the epoch, or a dateTime
}

// PromoteBuildParams are the parameters of promoteBuild.
type PromoteBuildParams struct {
	Build any  `rpc:"build"`
	Force bool `rpc:"force,optional=False"` // for admins: pass over the policy
}

// ApplyVolumePolicyParams are the parameters of applyVolumePolicy.
type ApplyVolumePolicyParams struct {
	Build  any  `rpc:"build"`
	Strict bool `rpc:"strict,optional=False"` // a policy that names no volume is an error
}

// UntaggedBuildsParams are the parameters of untaggedBuilds.
type UntaggedBuildsParams struct {
	Name      *string        `rpc:"name,optional=None"` // of the package
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
	Draft     *bool          `rpc:"draft,optional=None"`
}

// ListBTypesParams are the parameters of listBTypes.
type ListBTypesParams struct {
	Query     map[string]any `rpc:"query,optional=None"` // id, name
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
}

// AddBTypeParams are the parameters of addBType.
type AddBTypeParams struct {
	Name string `rpc:"name"`
}

// The methods for builds.
var (
	GetBuild = rpc.Define(rpc.Method[BuildParams, *Build]{
		Name: "getBuild", Func: "get_build", Access: Anyone,
		Doc: "Return a build by id, NVR or map; nil if there is none and strict is false.",
	})
	FindBuildID = rpc.Define(rpc.Method[FindBuildIDParams, *int64]{
		Name: "findBuildID", Func: "find_build_id", Access: Anyone,
		Doc: "Return the id of a build given by id, NVR or map. An id is not looked up.",
	})
	ListBuilds = rpc.Define(rpc.Method[ListBuildsParams, rpc.Rows[ListedBuild]]{
		Name: "listBuilds", Access: Anyone,
		Doc: "List the builds that match every filter given.",
	})
	GetBuildLogs = rpc.Define(rpc.Method[OneBuildParams, []BuildLog]{
		Name: "getBuildLogs", Func: "get_build_logs", Access: Anyone,
		Doc: "List the log files of a complete build.",
	})
	GetNextRelease = rpc.Define(rpc.Method[GetNextReleaseParams, string]{
		Name: "getNextRelease", Func: "get_next_release", Access: Anyone,
		Doc: "Return the release that follows the latest build of a package's version.",
	})
	GetAverageBuildDuration = rpc.Define(rpc.Method[GetAverageBuildDurationParams, *float64]{
		Name: "getAverageBuildDuration", Access: Anyone,
		Doc: "Return how many seconds builds of a package take on average; nil without a build.",
	})
	CreateEmptyBuild = rpc.Define(rpc.Method[CreateEmptyBuildParams, int64]{
		Name: "createEmptyBuild", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a complete build without content and return its id.",
	})
	CancelBuild = rpc.Define(rpc.Method[CancelBuildParams, bool]{
		Name: "cancelBuild", Access: NeedLogin, Writes: true,
		Doc: "Cancel a build under way and its task; tell whether it was canceled. For its owner and admins.",
	})
	BuildReferences = rpc.Define(rpc.Method[BuildReferencesParams, map[string]any]{
		Name: "buildReferences", Access: Anyone,
		Doc: "Return what needs a build: tags, rpms, archives, component_of, and when it was last_used. With lazy the answer ends at the first that is not empty.",
	})
	DeleteBuild = rpc.Define(rpc.Method[DeleteBuildParams, *bool]{
		Name: "deleteBuild", Func: "delete_build", Access: NeedPerm("admin"), Writes: true,
		Doc: "Delete a build that nothing needs: its files go, its rows stay and its NVR stays taken.",
	})
	ResetBuild = rpc.Define(rpc.Method[OneBuildParams, rpc.None]{
		Name: "resetBuild", Func: "reset_build", Access: NeedPerm("admin"), Writes: true,
		Doc: "Delete all content of a build, files and rows, so that it can be imported again.",
	})
	SetBuildOwner = rpc.Define(rpc.Method[SetBuildOwnerParams, rpc.None]{
		Name: "setBuildOwner", Access: NeedPerm("admin"), Writes: true,
		Doc: "Give a build another owner.",
	})
	SetBuildTimestamp = rpc.Define(rpc.Method[SetBuildTimestampParams, rpc.None]{
		Name: "setBuildTimestamp", Access: NeedPerm("admin"), Writes: true,
		Doc: "Set the completion time of a build.",
	})
	PromoteBuild = rpc.Define(rpc.Method[PromoteBuildParams, *Build]{
		Name: "promoteBuild", Func: "_promote_build", Access: NeedLogin, Writes: true,
		Doc: "Make a complete draft a regular build, under the release that it was built for.",
	})
	ApplyVolumePolicy = rpc.Define(rpc.Method[ApplyVolumePolicyParams, rpc.None]{
		Name: "applyVolumePolicy", Access: NeedPerm("admin"), Writes: true,
		Doc: "Move a build's files to the volume that the volume policy names.",
	})
	UntaggedBuilds = rpc.Define(rpc.Method[UntaggedBuildsParams, rpc.Rows[UntaggedBuild]]{
		Name: "untaggedBuilds", Func: "untagged_builds", Access: Anyone,
		Doc: "List the complete builds that are in no tag.",
	})
	GetBuildType = rpc.Define(rpc.Method[BuildParams, Extra]{
		Name: "getBuildType", Func: "get_build_type", Access: Anyone,
		Doc: "Return the types of a build, each with what is special about it.",
	})
	ListBTypes = rpc.Define(rpc.Method[ListBTypesParams, rpc.Rows[IDName]]{
		Name: "listBTypes", Func: "list_btypes", Access: Anyone,
		Doc: "List the build types, or the one with an id or a name.",
	})
	AddBType = rpc.Define(rpc.Method[AddBTypeParams, rpc.None]{
		Name: "addBType", Func: "add_btype", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a build type.",
	})
	GetMavenBuild = rpc.Define(rpc.Method[BuildParams, *MavenBuild]{
		Name: "getMavenBuild", Func: "get_maven_build", Access: Anyone,
		Doc: "Return what is special about a Maven build; nil for other builds.",
	})
	GetWinBuild = rpc.Define(rpc.Method[BuildParams, *WinBuild]{
		Name: "getWinBuild", Func: "get_win_build", Access: Anyone,
		Doc: "Return what is special about a Windows build; nil for other builds.",
	})
	GetImageBuild = rpc.Define(rpc.Method[BuildParams, *ImageBuild]{
		Name: "getImageBuild", Func: "get_image_build", Access: Anyone,
		Doc: "Return the id of an image build; nil for other builds.",
	})
)
