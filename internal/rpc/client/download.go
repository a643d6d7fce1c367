package client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Download writes the file at url, which may lie on the hub or elsewhere, to w
// and returns its size. When the connection breaks it goes on from where it was,
// if the server can do that.
func (c *Client) Download(ctx context.Context, url string, w io.Writer) (int64, error) {
	return c.DownloadFrom(ctx, url, 0, w)
}

// DownloadFrom is Download without the first bytes of the file, which are there
// from an earlier attempt. The size returned has them included.
func (c *Client) DownloadFrom(ctx context.Context, url string, offset int64, w io.Writer) (int64, error) {
	done := offset
	for try := 1; ; try++ {
		n, err := c.downloadFrom(ctx, url, done, w)
		done += n
		if err == nil {
			return done, nil
		}
		if ctx.Err() != nil || !retryable(err) || try > c.opts.MaxRetries {
			return done, fmt.Errorf("download %s: %w", url, err)
		}
		c.opts.Logger.InfoContext(ctx, "download broke off, trying again", "url", url, "at", done, "error", err)
		if try == 1 || n > 0 {
			continue
		}
		if err := sleep(ctx, c.opts.RetryInterval); err != nil {
			return done, err
		}
	}
}

// IsNotFound reports whether err is the answer of a web server that it has no
// such file.
func IsNotFound(err error) bool {
	status, ok := errors.AsType[*statusError](err)
	return ok && status.code == http.StatusNotFound
}

// writeError is a failure of our side, which no further attempt can mend.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// downloadFrom makes one attempt to get the file from an offset on.
func (c *Client) downloadFrom(ctx context.Context, url string, offset int64, w io.Writer) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	req.Header.Set("User-Agent", c.opts.UserAgent)
	req.Header.Set("Accept-Encoding", "identity") // offsets are those of the file
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusOK && offset > 0:
		// The server starts over: skip what is written already.
		if _, err := io.CopyN(io.Discard, resp.Body, offset); err != nil {
			return 0, err
		}
	case resp.StatusCode == http.StatusPartialContent && offset > 0:
		if got := resp.Header.Get("Content-Range"); !strings.HasPrefix(got, fmt.Sprintf("bytes %d-", offset)) {
			return 0, &statusError{http.StatusPreconditionFailed, fmt.Sprintf("asked for bytes from %d, got %q", offset, got)}
		}
	case resp.StatusCode != http.StatusOK:
		return 0, statusOf(resp)
	}
	return io.CopyBuffer(sink{w}, resp.Body, make([]byte, 256<<10))
}

// sink marks the errors of a writer.
type sink struct{ w io.Writer }

func (s sink) Write(p []byte) (int, error) {
	n, err := s.w.Write(p)
	if err != nil {
		err = writeError{err}
	}
	return n, err
}
