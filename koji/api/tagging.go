package api

import "github.com/toji-build/toji/internal/rpc"

// TaggedBuild is a build in a tag. Of the fields at its end those are set that
// belong to the build type asked for, and Extra if it was asked for.
type TaggedBuild struct {
	BuildInfo
	CreateEvent     int64         `rpc:"create_event"` // of its being tagged
	ID              int64         `rpc:"id"`           // the same as BuildID
	TagID           int64         `rpc:"tag_id"`       // that it is in, maybe by inheritance of the tag asked for
	TagName         string        `rpc:"tag_name"`
	MavenArtifactID string        `rpc:"maven_artifact_id,omitempty"`
	MavenGroupID    string        `rpc:"maven_group_id,omitempty"`
	MavenVersion    string        `rpc:"maven_version,omitempty"`
	Platform        string        `rpc:"platform,omitempty"`
	Extra           OptionalExtra `rpc:"extra,omitempty"`
	_               struct{}      `rpc:",sorted"`
}

// TaggedRPM is an RPM of a build in a tag.
type TaggedRPM struct {
	Arch         string        `rpc:"arch"`
	BuildID      int64         `rpc:"build_id"`
	BuildrootID  *int64        `rpc:"buildroot_id"`
	BuildTime    int64         `rpc:"buildtime"`
	Draft        *bool         `rpc:"draft"`
	Epoch        *int64        `rpc:"epoch"`
	Extra        OptionalExtra `rpc:"extra,omitempty"`
	ID           int64         `rpc:"id"`
	MetadataOnly bool          `rpc:"metadata_only"`
	Name         string        `rpc:"name"`
	PayloadHash  string        `rpc:"payloadhash"`
	Release      string        `rpc:"release"`
	SigKey       *string       `rpc:"sigkey,omitempty"` // nil unless signatures were asked for
	Size         int64         `rpc:"size"`
	Version      string        `rpc:"version"`
}

// ListTaggedParams are the parameters of listTagged. Those that are nil do not
// filter.
type ListTaggedParams struct {
	Tag     any     `rpc:"tag"`                    // id or name
	Event   *int64  `rpc:"event,optional=None"`    // ask for the state at this event
	Inherit bool    `rpc:"inherit,optional=False"` // follow inheritance
	Prefix  *string `rpc:"prefix,optional=None"`   // of the package's name
	Latest  any     `rpc:"latest,optional=False"`  // true: the latest build of each package; n: the n latest
	Package *string `rpc:"package,optional=None"`
	Owner   *string `rpc:"owner,optional=None"` // of the build
	Type    *string `rpc:"type,optional=None"`  // name of a build type
	Strict  bool    `rpc:"strict,optional=True"`
	Extra   bool    `rpc:"extra,optional=False"`
	Draft   *bool   `rpc:"draft,optional=None"`
}

// ListTaggedRPMSParams are the parameters of listTaggedRPMS, see ListTaggedParams.
type ListTaggedRPMSParams struct {
	Tag     any     `rpc:"tag"`
	Event   *int64  `rpc:"event,optional=None"`
	Inherit bool    `rpc:"inherit,optional=False"`
	Latest  any     `rpc:"latest,optional=False"`
	Package *string `rpc:"package,optional=None"`
	Arch    any     `rpc:"arch,optional=None"`     // one or a list
	RPMSigs bool    `rpc:"rpmsigs,optional=False"` // an RPM for each of its signatures
	Owner   *string `rpc:"owner,optional=None"`
	Type    *string `rpc:"type,optional=None"`
	Strict  bool    `rpc:"strict,optional=True"`
	Extra   bool    `rpc:"extra,optional=True"`
	Draft   *bool   `rpc:"draft,optional=None"`
}

// ListTaggedArchivesParams are the parameters of listTaggedArchives, see ListTaggedParams.
type ListTaggedArchivesParams struct {
	Tag     any     `rpc:"tag"`
	Event   *int64  `rpc:"event,optional=None"`
	Inherit bool    `rpc:"inherit,optional=False"`
	Latest  any     `rpc:"latest,optional=False"`
	Package *string `rpc:"package,optional=None"`
	Type    *string `rpc:"type,optional=None"`
	Strict  bool    `rpc:"strict,optional=True"`
	Extra   bool    `rpc:"extra,optional=True"`
}

// GetLatestMavenArchivesParams are the parameters of getLatestMavenArchives.
type GetLatestMavenArchivesParams struct {
	Tag     any    `rpc:"tag"`
	Event   *int64 `rpc:"event,optional=None"`
	Inherit bool   `rpc:"inherit,optional=True"`
}

// GetLatestBuildsParams are the parameters of getLatestBuilds, see ListTaggedParams.
type GetLatestBuildsParams struct {
	Tag     any     `rpc:"tag"`
	Event   *int64  `rpc:"event,optional=None"`
	Package *string `rpc:"package,optional=None"`
	Type    *string `rpc:"type,optional=None"`
	Draft   *bool   `rpc:"draft,optional=None"`
}

// GetLatestRPMSParams are the parameters of getLatestRPMS, see ListTaggedRPMSParams.
type GetLatestRPMSParams struct {
	Tag     any     `rpc:"tag"`
	Package *string `rpc:"package,optional=None"`
	Arch    any     `rpc:"arch,optional=None"`
	Event   *int64  `rpc:"event,optional=None"`
	RPMSigs bool    `rpc:"rpmsigs,optional=False"`
	Type    *string `rpc:"type,optional=None"`
	Draft   *bool   `rpc:"draft,optional=None"`
}

// TagBuildParams are the parameters of tagBuild.
type TagBuildParams struct {
	Tag     any `rpc:"tag"`
	Build   any `rpc:"build"`
	Force   any `rpc:"force,optional=False"`  // for admins: pass over locks, package list, policy
	FromTag any `rpc:"fromtag,optional=None"` // move it from here
}

// TagBuildBypassParams are the parameters of tagBuildBypass.
type TagBuildBypassParams struct {
	Tag    any  `rpc:"tag"`
	Build  any  `rpc:"build"`
	Force  bool `rpc:"force,optional=False"`
	Notify bool `rpc:"notify,optional=False"` // tell of it by mail
}

// UntagBuildParams are the parameters of untagBuild.
type UntagBuildParams struct {
	Tag    any  `rpc:"tag"`
	Build  any  `rpc:"build"`
	Strict bool `rpc:"strict,optional=True"` // a build that is not in the tag is an error
	Force  bool `rpc:"force,optional=False"`
}

// UntagBuildBypassParams are the parameters of untagBuildBypass.
type UntagBuildBypassParams struct {
	Tag    any  `rpc:"tag"`
	Build  any  `rpc:"build"`
	Strict bool `rpc:"strict,optional=True"`
	Force  bool `rpc:"force,optional=False"`
	Notify bool `rpc:"notify,optional=False"`
}

// MoveBuildParams are the parameters of moveBuild.
type MoveBuildParams struct {
	Tag1  any `rpc:"tag1"` // from
	Tag2  any `rpc:"tag2"` // to
	Build any `rpc:"build"`
	Force any `rpc:"force,optional=False"`
}

// MoveAllBuildsParams are the parameters of moveAllBuilds.
type MoveAllBuildsParams struct {
	Tag1    any `rpc:"tag1"` // from
	Tag2    any `rpc:"tag2"` // to
	Package any `rpc:"package"`
	Force   any `rpc:"force,optional=False"`
}

// MassTagParams are the parameters of massTag.
type MassTagParams struct {
	Tag    any   `rpc:"tag"`
	Builds []any `rpc:"builds"`
}

// HostTagBuildParams are the parameters of host.tagBuild.
type HostTagBuildParams struct {
	TaskID  int64 `rpc:"task_id"`
	Tag     any   `rpc:"tag"`
	Build   any   `rpc:"build"`
	Force   bool  `rpc:"force,optional=False"`
	FromTag any   `rpc:"fromtag,optional=None"`
}

// HostTagNotificationParams are the parameters of host.tagNotification.
type HostTagNotificationParams struct {
	IsSuccessful  bool   `rpc:"is_successful"`
	TagID         any    `rpc:"tag_id"`
	FromID        any    `rpc:"from_id"`
	BuildID       any    `rpc:"build_id"`
	UserID        any    `rpc:"user_id"`
	IgnoreSuccess bool   `rpc:"ignore_success,optional=False"`
	FailureMsg    string `rpc:"failure_msg,optional=''"`
}

// The methods for builds in tags.
var (
	ListTagged = rpc.Define(rpc.Method[ListTaggedParams, []TaggedBuild]{
		Name: "listTagged", Access: Anyone,
		Doc: "List the builds in a tag, the latest tagged first.",
	})
	ListTaggedRPMS = rpc.Define(rpc.Method[ListTaggedRPMSParams, []any]{
		Name: "listTaggedRPMS", Access: Anyone,
		Doc: "List the RPMs of the builds in a tag, and these builds, as two lists.",
	})
	ListTaggedArchives = rpc.Define(rpc.Method[ListTaggedArchivesParams, []any]{
		Name: "listTaggedArchives", Access: Anyone,
		Doc: "List the archives of the builds in a tag, and these builds, as two lists.",
	})
	GetLatestMavenArchives = rpc.Define(rpc.Method[GetLatestMavenArchivesParams, []MavenTagArchive]{
		Name: "getLatestMavenArchives", Access: Anyone,
		Doc: "List the files of the latest Maven builds in a tag.",
	})
	GetLatestBuilds = rpc.Define(rpc.Method[GetLatestBuildsParams, []TaggedBuild]{
		Name: "getLatestBuilds", Access: Anyone,
		Doc: "List the latest build of each package in a tag, inheritance included.",
	})
	GetLatestRPMS = rpc.Define(rpc.Method[GetLatestRPMSParams, []any]{
		Name: "getLatestRPMS", Access: Anyone,
		Doc: "List the RPMs of the latest builds in a tag, and these builds, as two lists.",
	})
	TagBuild = rpc.Define(rpc.Method[TagBuildParams, int64]{
		Name: "tagBuild", Access: NeedLogin, Writes: true,
		Doc: "Make a task that tags a build, or moves it between tags, and return the task's id.",
	})
	TagBuildBypass = rpc.Define(rpc.Method[TagBuildBypassParams, rpc.None]{
		Name: "tagBuildBypass", Access: NeedPerm("tag"), Writes: true,
		Doc: "Tag a build at once.",
	})
	UntagBuild = rpc.Define(rpc.Method[UntagBuildParams, rpc.None]{
		Name: "untagBuild", Access: NeedLogin, Writes: true,
		Doc: "Take a build out of a tag.",
	})
	UntagBuildBypass = rpc.Define(rpc.Method[UntagBuildBypassParams, rpc.None]{
		Name: "untagBuildBypass", Access: NeedPerm("tag"), Writes: true,
		Doc: "Take a build out of a tag, for imports.",
	})
	MoveBuild = rpc.Define(rpc.Method[MoveBuildParams, int64]{
		Name: "moveBuild", Access: Anyone, Writes: true,
		Doc: "Make a task that moves a build between tags and return the task's id.",
	})
	MoveAllBuilds = rpc.Define(rpc.Method[MoveAllBuildsParams, []int64]{
		Name: "moveAllBuilds", Access: NeedLogin, Writes: true,
		Doc: "Make tasks that move all builds of a package between tags, in order, and return their ids.",
	})
	MassTag = rpc.Define(rpc.Method[MassTagParams, rpc.None]{
		Name: "massTag", Access: NeedPerm("tag"), Writes: true,
		Doc: "Tag builds in the order given, without any checks.",
	})
	HostTagBuild = rpc.Define(rpc.Method[HostTagBuildParams, rpc.None]{
		Name: "host.tagBuild", Access: NeedHost, Writes: true,
		Doc: "Tag or move a build for a task that the host has open, in the name of the task's owner.",
	})
	HostTagNotification = rpc.Define(rpc.Method[HostTagNotificationParams, rpc.None]{
		Name: "host.tagNotification", Access: NeedHost, Writes: true,
		Doc: "Tell by mail that a build was tagged, or was not.",
	})
)
