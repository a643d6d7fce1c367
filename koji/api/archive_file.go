package api

import "github.com/toji-build/toji/internal/rpc"

// ArchiveFile is a file in an archive. Zip files do not tell the last three.
type ArchiveFile struct {
	ArchiveID int64   `rpc:"archive_id"`
	Name      string  `rpc:"name"`
	Size      int64   `rpc:"size"`  // uncompressed
	MTime     int64   `rpc:"mtime"` // seconds
	Mode      *int64  `rpc:"mode,omitempty"`
	User      *string `rpc:"user,omitempty"`
	Group     *string `rpc:"group,omitempty"`
}

// ListArchiveFilesParams are the parameters of listArchiveFiles.
type ListArchiveFilesParams struct {
	ArchiveID int64          `rpc:"archive_id"`
	QueryOpts map[string]any `rpc:"queryOpts,optional=None"`
	Strict    bool           `rpc:"strict,optional=False"` // an archive that cannot be looked into is an error
}

// GetArchiveFileParams are the parameters of getArchiveFile.
type GetArchiveFileParams struct {
	ArchiveID int64  `rpc:"archive_id"`
	Filename  string `rpc:"filename"`
	Strict    bool   `rpc:"strict,optional=False"`
}

// The methods for the files in archives.
var (
	ListArchiveFiles = rpc.Define(rpc.Method[ListArchiveFilesParams, rpc.Rows[ArchiveFile]]{
		Name: "listArchiveFiles", Func: "list_archive_files", Access: Anyone,
		Doc: "List the files in an archive that is a zip or tar file; of others there are none.",
	})
	GetArchiveFile = rpc.Define(rpc.Method[GetArchiveFileParams, *ArchiveFile]{
		Name: "getArchiveFile", Func: "get_archive_file", Access: Anyone,
		Doc: "Return a file in an archive; nil if there is none and strict is false.",
	})
)
