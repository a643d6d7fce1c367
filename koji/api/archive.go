package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Archive is a file of a build that is not an RPM.
type Archive struct {
	BType        string `rpc:"btype"`
	BTypeID      int64  `rpc:"btype_id"`
	BuildID      int64  `rpc:"build_id"`
	BuildrootID  *int64 `rpc:"buildroot_id"`
	Checksum     string `rpc:"checksum"`      // hex
	ChecksumType int64  `rpc:"checksum_type"` // a koji.ChecksumType
	Filename     string `rpc:"filename"`
	ID           int64  `rpc:"id"`
	MetadataOnly bool   `rpc:"metadata_only"`
	Size         int64  `rpc:"size"`
	TypeID       int64  `rpc:"type_id"`
}

// ListedArchive is an archive as listArchives answers. Of the fields at its end
// those are set that belong to what was asked for.
type ListedArchive struct {
	Archive
	CompressionType *string  `rpc:"compression_type"`
	Extra           Document `rpc:"extra"`
	TypeDescription string   `rpc:"type_description"`
	TypeExtensions  string   `rpc:"type_extensions"`
	TypeName        string   `rpc:"type_name"`

	ComponentBuildrootID *int64   `rpc:"component_buildroot_id,omitempty"`
	Project              *bool    `rpc:"project,omitempty"` // a dependency of the project, not of the tools
	HostID               *int64   `rpc:"host_id,omitempty"`
	GroupID              string   `rpc:"group_id,omitempty"` // Maven
	ArtifactID           string   `rpc:"artifact_id,omitempty"`
	Version              string   `rpc:"version,omitempty"`
	RelPath              string   `rpc:"relpath,omitempty"` // Windows
	Platforms            string   `rpc:"platforms,omitempty"`
	Flags                string   `rpc:"flags,omitempty"`
	Arch                 string   `rpc:"arch,omitempty"` // images
	RootID               *bool    `rpc:"rootid,omitempty"`
	_                    struct{} `rpc:",sorted"`
}

// TaggedArchive is an archive of a build in a tag.
type TaggedArchive struct {
	Archive
	Extra           OptionalExtra `rpc:"extra,omitempty"`
	MavenArtifactID string        `rpc:"maven_artifact_id,omitempty"`
	MavenGroupID    string        `rpc:"maven_group_id,omitempty"`
	MavenVersion    string        `rpc:"maven_version,omitempty"`
	RelPath         string        `rpc:"relpath,omitempty"`
	Platforms       string        `rpc:"platforms,omitempty"`
	Flags           string        `rpc:"flags,omitempty"`
	_               struct{}      `rpc:",sorted"`
}

// MavenTagArchive is a file of a Maven build in a tag.
type MavenTagArchive struct {
	TagID        int64           `rpc:"tag_id"`
	TagName      string          `rpc:"tag_name"`
	PackageID    int64           `rpc:"pkg_id"`
	BuildID      int64           `rpc:"build_id"`
	BuildName    string          `rpc:"build_name"`
	BuildVersion string          `rpc:"build_version"`
	BuildRelease string          `rpc:"build_release"`
	BuildEpoch   *int64          `rpc:"build_epoch"`
	State        koji.BuildState `rpc:"state"` // of the build
	TaskID       *int64          `rpc:"task_id"`
	OwnerID      int64           `rpc:"owner"`
	VolumeID     int64           `rpc:"volume_id"`
	VolumeName   string          `rpc:"volume_name"`
	ID           int64           `rpc:"id"`
	TypeID       int64           `rpc:"type_id"`
	BuildrootID  *int64          `rpc:"buildroot_id"`
	Filename     string          `rpc:"filename"`
	Size         int64           `rpc:"size"`
	Checksum     string          `rpc:"checksum"`
	ChecksumType int64           `rpc:"checksum_type"`
	MetadataOnly bool            `rpc:"metadata_only"`
	Extra        Document        `rpc:"extra"`
	GroupID      string          `rpc:"group_id"`
	ArtifactID   string          `rpc:"artifact_id"`
	Version      string          `rpc:"version"`
	TagEvent     int64           `rpc:"tag_event"` // of its being tagged

	_ struct{} `rpc:",sorted"`
}

// MavenArchive is what is special about a file of a Maven build.
type MavenArchive struct {
	ArchiveID  int64  `rpc:"archive_id"`
	ArtifactID string `rpc:"artifact_id"`
	GroupID    string `rpc:"group_id"`
	Version    string `rpc:"version"`
}

// WinArchive is what is special about a file of a Windows build.
type WinArchive struct {
	ArchiveID int64   `rpc:"archive_id"`
	Flags     *string `rpc:"flags"`
	Platforms string  `rpc:"platforms"`
	RelPath   string  `rpc:"relpath"`
}

// ImageArchive is what is special about an image.
type ImageArchive struct {
	Arch      string `rpc:"arch"`
	ArchiveID int64  `rpc:"archive_id"`
	RootID    bool   `rpc:"rootid"` // it holds RPMs
}

// ArchiveType is a kind of file.
type ArchiveType struct {
	CompressionType *string `rpc:"compression_type"`
	Description     string  `rpc:"description"`
	Extensions      string  `rpc:"extensions"` // by spaces
	ID              int64   `rpc:"id"`
	Name            string  `rpc:"name"`
}

// ListArchivesParams are the parameters of listArchives. Those that are nil do
// not filter.
type ListArchivesParams struct {
	BuildID              *int64         `rpc:"buildID,optional=None"`
	BuildrootID          *int64         `rpc:"buildrootID,optional=None"` // built in it
	ComponentBuildrootID *int64         `rpc:"componentBuildrootID,optional=None"`
	HostID               *int64         `rpc:"hostID,optional=None"`
	Type                 *string        `rpc:"type,optional=None"` // name of a build type
	Filename             *string        `rpc:"filename,optional=None"`
	Size                 *int64         `rpc:"size,optional=None"`
	Checksum             *string        `rpc:"checksum,optional=None"`
	ChecksumType         *int64         `rpc:"checksum_type,optional=None"`
	TypeInfo             map[string]any `rpc:"typeInfo,optional=None"` // what is special about the type
	QueryOpts            map[string]any `rpc:"queryOpts,optional=None"`
	ImageID              *int64         `rpc:"imageID,optional=None"` // part of the archive
	ArchiveID            *int64         `rpc:"archiveID,optional=None"`
	Strict               bool           `rpc:"strict,optional=False"` // no archive at all is an error
}

// ArchiveParams name an archive.
type ArchiveParams struct {
	ArchiveID int64 `rpc:"archive_id"`
	Strict    bool  `rpc:"strict,optional=False"`
}

// GetArchiveTypeParams are the parameters of getArchiveType.
type GetArchiveTypeParams struct {
	Filename *string `rpc:"filename,optional=None"` // whose extension to look for
	TypeName *string `rpc:"type_name,optional=None"`
	TypeID   *int64  `rpc:"type_id,optional=None"`
	Strict   bool    `rpc:"strict,optional=False"`
}

// AddArchiveTypeParams are the parameters of addArchiveType.
type AddArchiveTypeParams struct {
	Name            string  `rpc:"name"`
	Description     string  `rpc:"description"`
	Extensions      string  `rpc:"extensions"`
	CompressionType *string `rpc:"compression_type,optional=None"`
}

// The methods for archives.
var (
	ListArchives = rpc.Define(rpc.Method[ListArchivesParams, rpc.Rows[ListedArchive]]{
		Name: "listArchives", Func: "list_archives", Access: Anyone,
		Doc: "List the archives that match every filter given.",
	})
	GetArchive = rpc.Define(rpc.Method[ArchiveParams, *ListedArchive]{
		Name: "getArchive", Func: "get_archive", Access: Anyone,
		Doc: "Return an archive with what is special about its type.",
	})
	GetMavenArchive = rpc.Define(rpc.Method[ArchiveParams, *MavenArchive]{
		Name: "getMavenArchive", Func: "get_maven_archive", Access: Anyone,
		Doc: "Return what is special about a file of a Maven build; nil for others.",
	})
	GetWinArchive = rpc.Define(rpc.Method[ArchiveParams, *WinArchive]{
		Name: "getWinArchive", Func: "get_win_archive", Access: Anyone,
		Doc: "Return what is special about a file of a Windows build; nil for others.",
	})
	GetImageArchive = rpc.Define(rpc.Method[ArchiveParams, *ImageArchive]{
		Name: "getImageArchive", Func: "get_image_archive", Access: Anyone,
		Doc: "Return what is special about an image; nil for others.",
	})
	GetArchiveTypes = rpc.Define(rpc.Method[NoParams, []ArchiveType]{
		Name: "getArchiveTypes", Func: "get_archive_types", Access: Anyone,
		Doc: "List the kinds of archives.",
	})
	GetArchiveType = rpc.Define(rpc.Method[GetArchiveTypeParams, *ArchiveType]{
		Name: "getArchiveType", Func: "get_archive_type", Access: Anyone,
		Doc: "Return a kind of archive by a file's name, its own name or its id.",
	})
	AddArchiveType = rpc.Define(rpc.Method[AddArchiveTypeParams, rpc.None]{
		Name: "addArchiveType", Func: "add_archive_type", Access: NeedPerm("admin"), Writes: true,
		Doc: "Add a kind of archive.",
	})
)
