package hub

import (
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindUpload(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.UploadFile, h.uploadFile)
	rpc.Bind(r, api.CheckUpload, h.checkUpload)
}

// rawUpload are the parameters of an upload by a raw body, from the URL.
type rawUpload struct {
	dir, name string
	verify    string // checksum algorithm, "" for none
	overwrite bool
	offset    int64 // -1 appends
	volume    string
}

func parseRawUpload(query string) (rawUpload, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return rawUpload{}, pythonError("ValueError", "%v", err)
	}
	if values.Get("filename") == "" {
		return rawUpload{}, pythonError("KeyError", "'filename'")
	}
	u := rawUpload{
		dir:       values.Get("filepath"),
		name:      values.Get("filename"),
		verify:    values.Get("fileverify"),
		overwrite: values.Get("overwrite") != "",
		volume:    values.Get("volume"),
	}
	if text := values.Get("offset"); text != "" {
		if u.offset, err = strconv.ParseInt(text, 10, 64); err != nil {
			return rawUpload{}, pythonError("ValueError", "invalid literal for int() with base 10: %s", xmlrpc.Repr(text))
		}
	}
	return u, nil
}

// rawUploaded is the answer to a raw upload.
type rawUploaded struct {
	Size      int64   `rpc:"size"` // of the body
	Verify    string  `rpc:"fileverify"`
	Offset    int64   `rpc:"offset"`
	HexDigest *string `rpc:"hexdigest,omitempty"` // of the body
}

// upload writes a request's body into a file below work/.
func (h *Hub) upload(r *http.Request) (any, error) {
	ctx := r.Context()
	creds, err := h.requestCredentials(r)
	if err != nil {
		return nil, err
	}
	s, err := h.openSession(ctx, creds, "")
	if err != nil {
		return nil, err
	}
	ctx = session.With(ctx, s)
	switch {
	case h.Config.LockOut && !s.HasPerm("admin"):
		return nil, koji.ServerOfflinef("Server disabled for maintenance")
	case !s.LoggedIn():
		return nil, koji.ActionNotAllowedf("you must be logged-in to upload a file")
	}
	if err := checkToken(s, api.UploadFile.Name, true); err != nil {
		return nil, err
	}
	u, err := parseRawUpload(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	dst, err := h.openUpload(ctx, u.dir, u.name, u.volume)
	if err != nil {
		return nil, err
	}
	defer dst.Close()
	sum, err := newSum(u.verify)
	if err != nil {
		return nil, err
	}
	if err := h.checkUploadSize(dst, u.offset, r.ContentLength); err != nil {
		return nil, err
	}
	return h.receive(dst, u, sum, r.Body)
}

// checkUploadSize refuses files beyond the limit. Koji: there is none, so that an
// offset alone makes a file of any size.
func (h *Hub) checkUploadSize(dst *uploadTarget, offset, length int64) error {
	limit := h.Config.MaxUploadSize
	if limit == 0 {
		return nil
	}
	if offset < 0 { // behind what is there
		st, err := dst.dir.Lstat(dst.name)
		if errors.Is(err, fs.ErrNotExist) {
			offset = 0
		} else if err != nil {
			return dst.failed(err)
		} else {
			offset = st.Size()
		}
	}
	if length > limit || offset > limit-length {
		return koji.GenericErrorf("upload is too large: %s would be longer than %d bytes", dst.path, limit)
	}
	return nil
}

// receive copies body to where it belongs in the upload.
func (h *Hub) receive(dst *uploadTarget, u rawUpload, sum hash.Hash, body io.Reader) (*rawUploaded, error) {
	exists, err := dst.exists()
	if err != nil {
		return nil, err
	}
	if exists && u.offset == 0 && !u.overwrite {
		return nil, koji.GenericErrorf("upload path exists: %s", dst.path)
	}
	f, err := dst.open(os.O_RDWR | os.O_CREATE)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	offset, err := seekUpload(f, u.offset, u.overwrite)
	if err != nil {
		return nil, dst.failed(err)
	}
	var w io.Writer = f
	if sum != nil {
		w = io.MultiWriter(f, sum)
	}
	size, err := io.Copy(w, body)
	if err != nil {
		return nil, dst.failed(errors.Join(err, dst.takeBack(f, exists, offset)))
	}
	if !u.overwrite {
		// What was there must end where this begins, or does when it is repeated.
		if end, err := f.Seek(0, io.SeekEnd); err != nil || end != offset+size {
			return nil, koji.GenericErrorf("Incorrect upload length for %s - Expected %d, actual %d", dst.path, offset+size, end)
		}
	}
	answer := &rawUploaded{Size: size, Verify: u.verify, Offset: offset}
	if sum != nil {
		digest := fmt.Sprintf("%x", sum.Sum(nil))
		answer.HexDigest = &digest
	}
	return answer, f.Close()
}

// seekUpload goes to the offset, -1 for the end of the file, and cuts off what
// an older upload left behind it.
func seekUpload(f *os.File, offset int64, cut bool) (int64, error) {
	if offset < 0 {
		return f.Seek(0, io.SeekEnd)
	}
	if cut {
		if err := f.Truncate(offset); err != nil {
			return 0, err
		}
	}
	return f.Seek(offset, io.SeekStart)
}

// checkUpload returns what the hub has of an upload, with a checksum of all or
// of the end of it.
func (h *Hub) checkUpload(ctx context.Context, p api.CheckUploadParams) (*api.UploadState, error) {
	clean, err := uploadDir(p.Path, p.Name)
	if err != nil {
		return nil, err
	}
	if err := h.checkVolume(ctx, stringOf(p.Volume)); err != nil {
		return nil, err
	}
	dir, err := h.workDir(stringOf(p.Volume), clean, false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	f, err := dir.OpenFile(p.Name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum, err := newSum(stringOf(p.Verify))
	if err != nil {
		return nil, err
	}
	return uploadState(f, sum, p.Tail)
}

func uploadState(f *os.File, sum hash.Hash, tail *int64) (*api.UploadState, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !st.Mode().IsRegular() {
		return nil, koji.GenericErrorf("Not a regular file: %s", f.Name())
	}
	state := &api.UploadState{Size: st.Size(), MTime: fileTime(st.ModTime())}
	if sum == nil {
		return state, nil
	}
	if tail != nil {
		if *tail < 0 {
			return nil, koji.GenericErrorf("Invalid tail value: %d", *tail)
		}
		if _, err := f.Seek(max(st.Size()-*tail, 0), io.SeekStart); err != nil {
			return nil, err
		}
	}
	n, err := io.Copy(sum, f)
	digest := fmt.Sprintf("%x", sum.Sum(nil))
	state.SumLength, state.HexDigest = &n, &digest
	return state, err
}

func stringOf(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
