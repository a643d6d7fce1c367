package api

import "github.com/toji-build/toji/internal/rpc"

// UploadFileParams are the parameters of uploadFile.
type UploadFileParams struct {
	Path     string  `rpc:"path"` // folder below work/
	Name     string  `rpc:"name"`
	Size     int64   `rpc:"size"`   // of data, decoded
	MD5Sum   *string `rpc:"md5sum"` // of data, or of the whole file if offset is -1
	Offset   int64   `rpc:"offset"` // where data belongs; -1 is the end, with a check of the file; large ones come as text
	Data     any     `rpc:"data"`   // base64 text
	Volume   *string `rpc:"volume,optional=None"`
	Checksum any     `rpc:"checksum,optional=None"` // (algorithm, sum) in place of md5sum
}

// CheckUploadParams are the parameters of checkUpload.
type CheckUploadParams struct {
	Path   string  `rpc:"path"`
	Name   string  `rpc:"name"`
	Verify *string `rpc:"verify,optional=None"` // name of a checksum algorithm
	Tail   *int64  `rpc:"tail,optional=None"`   // check these last bytes only
	Volume *string `rpc:"volume,optional=None"`
}

// UploadState is what the hub has of an upload.
type UploadState struct {
	Size  int64   `rpc:"size"`
	MTime float64 `rpc:"mtime"` // seconds since the epoch
	// SumLength and HexDigest are left out unless a checksum was asked for; it
	// covers so many bytes.
	SumLength *int64  `rpc:"sumlength,omitempty"`
	HexDigest *string `rpc:"hexdigest,omitempty"`
}

// The methods for uploads; large files go as raw bodies instead.
var (
	UploadFile = rpc.Define(rpc.Method[UploadFileParams, bool]{
		Name: "uploadFile", Access: NeedLogin, Undocumented: true,
		Doc: "Write a piece of a file below work/; false if the checksum differs.",
	})
	CheckUpload = rpc.Define(rpc.Method[CheckUploadParams, *UploadState]{
		Name: "checkUpload", Access: Anyone,
		Doc: "Return size and checksum of an uploaded file; nil if there is none.",
	})
)
