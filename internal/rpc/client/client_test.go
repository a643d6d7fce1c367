package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func newReadSeeker(data []byte) io.ReadSeeker { return bytes.NewReader(data) }

func TestSession(t *testing.T) {
	hub := newFakeHub(t)
	c := hub.client(client.Options{})
	ctx := t.Context()

	err := c.Login(ctx, "kojiadmin", "wrong")
	require.EqualError(t, err, "invalid username or password")
	require.Equal(t, koji.FaultAuth, koji.FaultOf(err))
	require.False(t, c.LoggedIn())

	hub.next()
	require.NoError(t, c.Login(ctx, "kojiadmin", "secret"))
	require.True(t, c.LoggedIn())
	id, key := c.Session()
	require.Equal(t, int64(1), id)
	require.Equal(t, "1-key", key)
	require.Equal(t, "1.35.3", c.HubVersion())

	v, err := c.Call(ctx, "echo", []any{1, xmlrpc.Keywords(map[string]any{"a": 1})})
	require.NoError(t, err)
	require.Equal(t, []any{int64(1)}, v)
	_, err = c.Call(ctx, "nosuch", nil)
	require.EqualError(t, err, "Invalid method: nosuch")
	require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))

	sub, err := c.Subsession(ctx)
	require.NoError(t, err)
	_, err = sub.Call(ctx, "echo", nil)
	require.NoError(t, err)
	require.NoError(t, c.Logout(ctx))
	require.False(t, c.LoggedIn())
	require.NoError(t, c.Logout(ctx), "twice does no harm")
	_, err = c.Call(ctx, "echo", nil)
	require.NoError(t, err, "without a session")

	calls, _ := hub.made()
	require.Equal(t, []string{
		"login ['kojiadmin', 'secret']{'opts': None}", "echo [1]{'a': 1}", "nosuch []{}", "subsession []{}",
		"echo []{}", "logout []{'session_id': None}", "echo []{}",
	}, calls)

	other := hub.client(client.Options{})
	other.Resume(2, "2-key")
	require.True(t, other.LoggedIn())
}

// Calls of one session come to the hub one by one and in the order of their numbers.
func TestConcurrentCalls(t *testing.T) {
	hub := newFakeHub(t)
	c := hub.client(client.Options{})
	require.NoError(t, c.Login(t.Context(), "u", "secret"))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			_, err := c.Call(t.Context(), "echo", nil)
			require.NoError(t, err)
		})
	}
	wg.Wait()
}

func TestRetries(t *testing.T) {
	type way = func(http.ResponseWriter, *http.Request) bool
	for _, c := range []struct {
		name    string
		opts    client.Options
		login   bool
		trouble []way
		hits    int
		err     string
		fault   int
	}{
		{"connection dropped", client.Options{}, true, []way{drop, drop, drop}, 4, "", 0},
		{"gateway trouble", client.Options{}, true, []way{status(502), status(503)}, 3, "", 0},
		{"too often", client.Options{MaxRetries: 2}, true, []way{drop, drop, drop}, 3, "call echo: ", 0},
		{"no retries", client.Options{MaxRetries: -1}, true, []way{drop}, 1, "call echo: ", 0},
		{"refused", client.Options{}, true, []way{status(400)}, 1, "400 Bad Request: sorry", 0},
		{"fault", client.Options{}, true, []way{fault(1004)}, 1, "trouble", 1004},
		{"done but the answer was lost", client.Options{}, true, []way{dropAfter}, 2, "unable to retry call", koji.FaultRetry},
		{"done and done again", client.Options{Repeat: true}, true, []way{dropAfter}, 3, "", 0},
		{"done, and no answer twice", client.Options{Repeat: true}, true, []way{dropAfter, dropAfter}, 4, "", 0},
		{"offline", client.Options{}, true, []way{fault(koji.FaultServerOffline)}, 1, "trouble", koji.FaultServerOffline},
		{"waiting for maintenance", client.Options{OfflineRetry: true, MaxRetries: 1}, true,
			[]way{fault(koji.FaultServerOffline), fault(koji.FaultServerOffline), fault(koji.FaultServerOffline)}, 4, "", 0},
		{"stale connection without session", client.Options{}, false, []way{drop}, 2, "", 0},
		{"without session", client.Options{}, false, []way{drop, drop}, 2, "call echo: ", 0},
		{"gateway trouble without session", client.Options{}, false, []way{status(502)}, 1, "502", 0},
		{"without session, patient", client.Options{AnonRetry: true}, false, []way{drop, drop, status(500)}, 4, "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			hub := newFakeHub(t)
			cl := hub.client(c.opts)
			if c.login {
				require.NoError(t, cl.Login(t.Context(), "u", "secret"))
			}
			hub.next(c.trouble...)
			v, err := cl.Call(t.Context(), "echo", []any{"x"})
			_, hits := hub.made()
			require.Equal(t, c.hits, hits)
			if c.err == "" {
				require.NoError(t, err)
				require.Equal(t, []any{"x"}, v)
				return
			}
			require.ErrorContains(t, err, c.err)
			require.Equal(t, c.fault, koji.FaultOf(err))
		})
	}
}

func TestCanceledWhileRetrying(t *testing.T) {
	hub := newFakeHub(t)
	c := hub.client(client.Options{AnonRetry: true})
	ctx, cancel := context.WithCancel(t.Context())
	hub.next(drop, func(w http.ResponseWriter, r *http.Request) bool {
		cancel()
		return drop(w, r)
	})
	_, err := c.Call(ctx, "echo", nil)
	require.ErrorIs(t, err, context.Canceled)
}

func TestExpiredSession(t *testing.T) {
	hub := newFakeHub(t)
	c := hub.client(client.Options{})
	require.NoError(t, c.Login(t.Context(), "u", "secret"))
	require.NoError(t, c.Exclusive(t.Context(), true))
	expire := func() {
		hub.mu.Lock()
		defer hub.mu.Unlock()
		hub.calls = nil
		for _, s := range hub.sessions {
			s.expired = true
		}
	}
	for range 2 {
		expire()
		_, err := c.Call(t.Context(), "echo", nil)
		require.NoError(t, err)
		calls, _ := hub.made()
		require.Equal(t, []string{"login renew true", "echo []{}"}, calls)
	}
	id, key := c.Session()
	require.Equal(t, int64(1), id)
	require.Equal(t, "1-key++", key)

	stranger := hub.client(client.Options{})
	stranger.Resume(id, key)
	expire()
	_, err := stranger.Call(t.Context(), "echo", nil)
	require.Equal(t, koji.FaultAuthExpired, koji.FaultOf(err), "nobody knows how to log in")
	require.NoError(t, stranger.Logout(t.Context()))
}

func TestMultiCall(t *testing.T) {
	c := newFakeHub(t).client(client.Options{})
	results, err := c.MultiCall(t.Context(), []client.MultiCall{{Method: "a"}, {Method: "b", Args: []any{1}}})
	require.NoError(t, err)
	require.Equal(t, []rpc.Result[any]{{Value: int64(1)}, {Err: &koji.Error{Fault: 1000, Msg: "no"}}}, results)
}

func TestInvoke(t *testing.T) {
	type params struct {
		Args []any `rpc:"*args"`
	}
	echo := rpc.Method[params, []string]{Name: "echo"}
	c := newFakeHub(t).client(client.Options{})
	v, err := rpc.Invoke(t.Context(), c, echo, params{[]any{"a", "b"}})
	require.NoError(t, err)
	require.Equal(t, []string{"a", "b"}, v)
}

func TestUpload(t *testing.T) {
	hub := newFakeHub(t)
	c := hub.client(client.Options{UploadBlockSize: 4})
	require.ErrorContains(t, c.Upload(t.Context(), strings.NewReader("x"), "d", "f", client.UploadOptions{}), "must be logged in")
	require.NoError(t, c.Login(t.Context(), "u", "secret"))

	path := filepath.Join(t.TempDir(), "f.txt")
	require.NoError(t, os.WriteFile(path, []byte("0123456789"), 0o600))
	var progress []int64
	hub.next(drop, dropAfter)
	err := c.UploadFile(t.Context(), path, "cli/1", "", client.UploadOptions{
		Overwrite: true, Volume: "big",
		Progress: func(sent, size int64) { progress = append(progress, sent, size) },
	})
	require.NoError(t, err)
	require.Equal(t, "0123456789", string(hub.files["cli/1/f.txt"]))
	require.Equal(t, []int64{0, 10, 4, 10, 8, 10, 10, 10}, progress)
	calls, _ := hub.made()
	require.Equal(t, []string{
		"upload cli/1/f.txt 0+4 big", "upload cli/1/f.txt 0+4 big", "upload cli/1/f.txt 4+4 big", "upload cli/1/f.txt 8+2 big",
		"checkUpload ['cli/1', 'f.txt']{'verify': 'adler32', 'volume': 'big'}",
	}, calls, "the first chunk arrived at the second attempt, and again at the third")

	hub.next()
	require.NoError(t, c.Upload(t.Context(), strings.NewReader(""), "cli/1", "empty", client.UploadOptions{}))
	require.Equal(t, "", string(hub.files["cli/1/empty"]))
	require.NoError(t, c.UploadChunk(t.Context(), []byte("log"), 0, "tasks", "build.log", client.UploadOptions{}))
	require.NoError(t, c.UploadChunk(t.Context(), []byte(" more"), 3, "tasks", "build.log", client.UploadOptions{}))
	require.Equal(t, "log more", string(hub.files["tasks/build.log"]))

	err = c.Upload(t.Context(), strings.NewReader("x"), "cli/1", "f.txt", client.UploadOptions{})
	require.ErrorContains(t, err, "upload path exists")
	require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))
}

func TestUploadChecksums(t *testing.T) {
	answer := func(size int, digest string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool {
			_ = xmlrpc.EncodeResponse(w, map[string]any{"size": size, "hexdigest": digest})
			return false
		}
	}
	hub := newFakeHub(t)
	c := hub.client(client.Options{})
	require.NoError(t, c.Login(t.Context(), "u", "secret"))
	for want, trouble := range map[string]func(http.ResponseWriter, *http.Request) bool{
		"wrong chunk size: 2 != 1": answer(2, ""),
		"upload checksum failed":   answer(1, "00000000"),
		"File upload failed":       answer(1, "00790079"), // it never arrived
	} {
		hub.next(trouble)
		err := c.Upload(t.Context(), strings.NewReader("x"), "d", "never", client.UploadOptions{})
		require.ErrorContains(t, err, want)
	}
}

func TestDownload(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 100_000)
	for _, ranges := range []bool{true, false} {
		var hits atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !ranges {
				r.Header.Del("Range")
			}
			if hits.Add(1) < 4 {
				w = &shortWriter{w, 300_000}
			}
			http.ServeContent(w, r, "f", time.Time{}, newReadSeeker(data))
		}))
		t.Cleanup(server.Close)
		c, err := client.New(client.Options{
			Server: server.URL, RetryInterval: time.Millisecond, Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
		})
		require.NoError(t, err)
		var got bytes.Buffer
		n, err := c.Download(t.Context(), server.URL+"/f", &got)
		require.NoError(t, err)
		require.Equal(t, int64(len(data)), n)
		require.True(t, bytes.Equal(data, got.Bytes()))
		require.Greater(t, hits.Load(), int32(1))

		_, err = c.Download(t.Context(), server.URL+"/f", fullDisk{})
		require.ErrorIs(t, err, errFull, "our own trouble is not retried")
	}
	hub := newFakeHub(t)
	missing := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(missing.Close)
	_, err := hub.client(client.Options{}).Download(t.Context(), missing.URL+"/f", io.Discard)
	require.ErrorContains(t, err, "404 Not Found")
}

// shortWriter breaks the connection after n bytes.
type shortWriter struct {
	http.ResponseWriter
	n int
}

func (w *shortWriter) Write(p []byte) (int, error) {
	if len(p) > w.n {
		panic(http.ErrAbortHandler)
	}
	w.n -= len(p)
	return w.ResponseWriter.Write(p)
}

var errFull = errors.New("no space left on device")

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errFull }

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	empty := filepath.Join(dir, "empty")
	require.NoError(t, os.WriteFile(empty, nil, 0o600))
	for want, o := range map[string]client.Options{
		"want http://host/path": {Server: "koji.example.org"},
		"is negative":           {Server: "http://x", UploadBlockSize: -1},
		"client certificate":    {Server: "http://x", Cert: empty},
		"no certificate in":     {Server: "http://x", ServerCA: empty},
		"server CA: open":       {Server: "http://x", ServerCA: filepath.Join(dir, "missing")},
	} {
		_, err := client.New(o)
		require.ErrorContains(t, err, want)
	}
}
