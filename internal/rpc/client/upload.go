package client

import (
	"context"
	"errors"
	"fmt"
	"hash/adler32"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// UploadOptions are options of an upload.
type UploadOptions struct {
	Overwrite bool   // an existing file; otherwise it is a fault
	Volume    string // storage volume of the hub; empty for the default
	// Progress is called after each chunk with the number of bytes sent and the
	// size of the file, which is -1 when it is not known.
	Progress func(sent, size int64)
}

func (o UploadOptions) progress(sent, size int64) {
	if o.Progress != nil {
		o.Progress(sent, size)
	}
}

func (o UploadOptions) volume() map[string]any {
	if o.Volume == "" || o.Volume == "DEFAULT" {
		return map[string]any{}
	}
	return map[string]any{"volume": o.Volume}
}

// UploadFile sends a local file to the hub's work folder, as dir/name there. An
// empty name is the file's own.
func (c *Client) UploadFile(ctx context.Context, path, dir, name string, o UploadOptions) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if name == "" {
		name = filepath.Base(path)
	}
	return c.upload(ctx, f, info.Size(), dir, name, o)
}

// Upload sends what r yields to the hub's work folder, as dir/name there.
func (c *Client) Upload(ctx context.Context, r io.Reader, dir, name string, o UploadOptions) error {
	return c.upload(ctx, r, -1, dir, name, o)
}

func (c *Client) upload(ctx context.Context, r io.Reader, size int64, dir, name string, o UploadOptions) error {
	chunk := make([]byte, c.opts.UploadBlockSize)
	sum := adler32.New()
	var sent int64
	retried := false
	o.progress(0, size)
	for last := false; !last; {
		n, err := io.ReadFull(r, chunk)
		last = errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !last {
			return err
		}
		if n == 0 && sent > 0 {
			break // an empty file still takes one empty chunk
		}
		again, err := c.uploadChunk(ctx, chunk[:n], sent, dir, name, o)
		if err != nil {
			return fmt.Errorf("upload %s/%s: %w", dir, name, err)
		}
		retried = retried || again
		sum.Write(chunk[:n])
		sent += int64(n)
		o.progress(sent, size)
	}
	digest := ""
	if retried {
		digest = hexdigest(sum.Sum32())
	}
	return c.checkUpload(ctx, dir, name, sent, digest, o)
}

// UploadChunk sends one piece of a file, such as what a growing log has gained,
// to its place at offset. The hub's checksum of it is compared.
func (c *Client) UploadChunk(ctx context.Context, data []byte, offset int64, dir, name string, o UploadOptions) error {
	_, err := c.uploadChunk(ctx, data, offset, dir, name, o)
	return err
}

// uploadInfo is what the hub knows of an uploaded file or chunk.
type uploadInfo struct {
	Size   int64  `rpc:"size"`
	Digest string `rpc:"hexdigest"`
}

// uploadChunk reports whether more than one attempt was needed.
func (c *Client) uploadChunk(ctx context.Context, data []byte, offset int64, dir, name string, o UploadOptions) (retried bool, err error) {
	if !c.LoggedIn() {
		return false, koji.ActionNotAllowedf("you must be logged in to upload")
	}
	query := url.Values{
		"filename":   {name},
		"filepath":   {dir},
		"fileverify": {"adler32"},
		"offset":     {strconv.FormatInt(offset, 10)},
	}
	if o.Overwrite {
		query.Set("overwrite", "1")
	}
	if o.Volume != "" {
		query.Set("volume", o.Volume)
	}
	call := &call{
		name: "rawUpload", url: c.opts.Server + "?" + query.Encode(),
		contentType: "application/octet-stream", body: data,
	}
	v, err := c.do(ctx, call)
	if err != nil {
		return call.retried, err
	}
	var info uploadInfo
	if err := rpc.Into(v, &info); err != nil {
		return call.retried, err
	}
	if info.Size != int64(len(data)) {
		return call.retried, koji.GenericErrorf("server returned wrong chunk size: %d != %d", info.Size, len(data))
	}
	if sum := hexdigest(adler32.Checksum(data)); info.Digest != sum {
		return call.retried, koji.GenericErrorf("upload checksum failed: %s != %s", info.Digest, sum)
	}
	return call.retried, nil
}

// checkUpload compares what has arrived with what was sent. The checksum takes
// the hub a pass over the file; digest is "" where it can be done without.
func (c *Client) checkUpload(ctx context.Context, dir, name string, size int64, digest string, o UploadOptions) error {
	opts := o.volume()
	if digest != "" {
		opts["verify"] = "adler32"
	}
	args := []any{dir, name}
	if len(opts) > 0 {
		args = append(args, xmlrpc.Keywords(opts))
	}
	v, err := c.Call(ctx, "checkUpload", args)
	if err != nil {
		return err
	}
	var info *uploadInfo
	if err := rpc.Into(v, &info); err != nil {
		return fmt.Errorf("result of checkUpload: %w", err)
	}
	switch {
	case info == nil:
		return koji.GenericErrorf("File upload failed: %s/%s", dir, name)
	case info.Size != size:
		return koji.GenericErrorf("Uploaded file is wrong length: %s/%s, %d != %d", dir, name, info.Size, size)
	case digest != "" && info.Digest != digest:
		return koji.GenericErrorf("Uploaded file has wrong checksum: %s/%s, %s != %s", dir, name, info.Digest, digest)
	}
	return nil
}

func hexdigest(sum uint32) string { return fmt.Sprintf("%08x", sum) }
