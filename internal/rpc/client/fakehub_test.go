package client_test

import (
	"fmt"
	"hash/adler32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// fakeHub keeps sessions and uploads as a hub does, and fails when told to.
type fakeHub struct {
	t      *testing.T
	server *httptest.Server

	mu       sync.Mutex
	sessions map[int64]*fakeSession
	files    map[string][]byte
	calls    []string // "method args", in order
	hits     int      // requests, whatever came of them
	trouble  []func(http.ResponseWriter, *http.Request) bool
}

type fakeSession struct {
	key     string
	callnum int64 // of the last call
	expired bool
}

func newFakeHub(t *testing.T) *fakeHub {
	h := &fakeHub{t: t, sessions: map[int64]*fakeSession{}, files: map[string][]byte{}}
	h.server = httptest.NewServer(h)
	t.Cleanup(h.server.Close)
	return h
}

// client returns one that loses no time.
func (h *fakeHub) client(o client.Options) *client.Client {
	h.t.Helper()
	o.Server = h.server.URL + "/kojihub"
	o.RetryInterval = time.Millisecond
	o.Logger = slog.New(slog.NewTextHandler(h.t.Output(), nil))
	c, err := client.New(o)
	require.NoError(h.t, err)
	h.t.Cleanup(c.Close)
	return c
}

// next makes the next requests fail, each in one way. A way that returns true
// lets the call be done nevertheless.
func (h *fakeHub) next(trouble ...func(http.ResponseWriter, *http.Request) bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.trouble = append(h.trouble, trouble...)
	h.calls, h.hits = nil, 0
}

func (h *fakeHub) made() ([]string, int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.calls, h.hits
}

// drop closes the connection before the call is done.
func drop(w http.ResponseWriter, _ *http.Request) bool {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
	return false
}

// dropAfter closes the connection when the call is done.
func dropAfter(http.ResponseWriter, *http.Request) bool { return true }

func status(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		http.Error(w, "sorry", code)
		return false
	}
}

func fault(code int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		_ = xmlrpc.EncodeFault(w, code, "trouble")
		return false
	}
}

func (h *fakeHub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.hits++
	if r.Method == http.MethodGet {
		http.ServeContent(w, r, "f", time.Time{}, newReadSeeker(h.files[r.URL.Path]))
		return
	}
	var trouble func(http.ResponseWriter, *http.Request) bool
	if len(h.trouble) > 0 {
		trouble, h.trouble = h.trouble[0], h.trouble[1:]
		if !trouble(w, r) {
			return
		}
	}
	w.Header().Set("Koji-Version", "1.35.3")
	v, err := h.answer(r)
	switch {
	case trouble != nil:
		drop(w, r)
	case err != nil:
		_ = xmlrpc.EncodeFault(w, koji.FaultOf(err), err.Error())
	default:
		_ = xmlrpc.EncodeResponse(w, v)
	}
}

func (h *fakeHub) answer(r *http.Request) (any, error) {
	if r.URL.Query().Has("filename") {
		if err := h.checkSession(r); err != nil {
			return nil, err
		}
		return h.upload(r)
	}
	method, params, err := xmlrpc.DecodeRequest(r.Body)
	if err != nil {
		return nil, koji.GenericErrorf("Invalid request: %w", err)
	}
	args, kw := xmlrpc.SplitKeywords(params)
	if kw["renew"] == true {
		id, _ := strconv.ParseInt(r.Header.Get("Koji-Session-Id"), 10, 64)
		s := h.sessions[id]
		*s = fakeSession{key: s.key + "+", callnum: -1}
		h.calls = append(h.calls, fmt.Sprintf("%s renew %v", method, kw["exclusive"]))
		return map[string]any{"session-id": id, "session-key": s.key}, nil
	}
	if err := h.checkSession(r); err != nil {
		return nil, err
	}
	h.calls = append(h.calls, fmt.Sprint(method, " ", xmlrpc.Repr(args), xmlrpc.Repr(kw)))
	return h.call(r, method, args)
}

// checkSession wants the number of a call to follow that of the last.
func (h *fakeHub) checkSession(r *http.Request) error {
	if r.Header.Get("Koji-Session-Id") == "" {
		return nil
	}
	id, _ := strconv.ParseInt(r.Header.Get("Koji-Session-Id"), 10, 64)
	callnum, _ := strconv.ParseInt(r.Header.Get("Koji-Session-Callnum"), 10, 64)
	s := h.sessions[id]
	switch {
	case s == nil || s.key != r.Header.Get("Koji-Session-Key"):
		return koji.AuthErrorf("Invalid session or bad credentials")
	case s.expired:
		return koji.Errorf(koji.FaultAuthExpired, "session expired")
	case callnum == s.callnum && !r.URL.Query().Has("filename"):
		return koji.Errorf(koji.FaultRetry, "unable to retry call %d", callnum)
	case callnum < s.callnum:
		return koji.Errorf(koji.FaultSequence, "%d after %d", callnum, s.callnum)
	}
	s.callnum = callnum
	return nil
}

func (h *fakeHub) call(r *http.Request, method string, args []any) (any, error) {
	switch method {
	case "login", "subsession":
		if method == "login" && args[1] != "secret" {
			return nil, koji.AuthErrorf("invalid username or password")
		}
		return h.open(), nil
	case "sslLogin":
		if r.URL.Path != "/kojihub/ssllogin" || r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return nil, koji.AuthErrorf("could not verify client: None")
		}
		return h.open(), nil
	case "logout":
		id, _ := strconv.ParseInt(r.Header.Get("Koji-Session-Id"), 10, 64)
		delete(h.sessions, id)
		return nil, nil
	case "exclusiveSession":
		return nil, nil
	case "checkUpload":
		data, ok := h.files[fmt.Sprintf("%s/%s", args...)]
		if !ok {
			return nil, nil
		}
		return uploadInfo(data), nil
	case "multiCall":
		return []any{[]any{int64(1)}, map[string]any{"faultCode": 1000, "faultString": "no"}}, nil
	case "echo":
		return args, nil
	}
	return nil, koji.GenericErrorf("Invalid method: %s", method)
}

func (h *fakeHub) open() map[string]any {
	id := int64(len(h.sessions) + 1)
	h.sessions[id] = &fakeSession{key: fmt.Sprintf("%d-key", id), callnum: -1}
	return map[string]any{"session-id": id, "session-key": h.sessions[id].key, "header-auth": true}
}

func uploadInfo(data []byte) map[string]any {
	return map[string]any{"size": len(data), "hexdigest": fmt.Sprintf("%08x", adler32.Checksum(data))}
}

func (h *fakeHub) upload(r *http.Request) (any, error) {
	q := r.URL.Query()
	path := q.Get("filepath") + "/" + q.Get("filename")
	offset, err := strconv.Atoi(q.Get("offset"))
	require.NoError(h.t, err)
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	if offset == 0 && h.files[path] != nil && !q.Has("overwrite") {
		return nil, koji.GenericErrorf("upload path exists: %s", path)
	}
	old := h.files[path]
	h.files[path] = append(old[:min(offset, len(old)):min(offset, len(old))], data...)
	h.calls = append(h.calls, fmt.Sprintf("upload %s %d+%d %s", path, offset, len(data), q.Get("volume")))
	return uploadInfo(data), nil
}
