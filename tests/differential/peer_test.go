package differential

import (
	"bytes"
	"database/sql"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/xmlrpc"
	"github.com/toji-build/toji/schema"
)

// side is one of the two hubs.
type side struct {
	url      string
	sessions map[string]http.Header // by user; none for nobody
}

// answer is what a hub said.
type answer struct {
	body  string
	value any
	fault *xmlrpc.Fault // instead of a value
	took  time.Duration
}

// world is what the tests work with.
type world struct {
	koji, toji side
	db         *sql.DB
	topdir     string
}

// peerEnv returns the value of an environment variable that says where the peer is.
func peerEnv(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Skipf("%s is not set: this test needs a real Koji hub beside it, which CI cannot have", name)
	}
	return value
}

// newWorld finds Koji's hub and starts Toji's beside it.
func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{topdir: peerEnv(t, "TOJI_PEER_TOPDIR")}
	w.koji = side{url: peerEnv(t, "TOJI_PEER_URL")}
	dsn := peerEnv(t, "TOJI_PEER_DSN")
	w.toji = side{url: startToji(t, dsn, w.topdir)}
	db, err := sql.Open("postgres", dsn)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	w.db = db
	writeFiles(t, w.topdir)
	for _, s := range []*side{&w.koji, &w.toji} {
		s.login(t, "kojiadmin", "labadmin")
		s.login(t, "alice", "alice")
	}
	return w
}

// startToji serves Toji's API over the peer's database, and nothing else of a
// hub: no scheduler or relay changes rows behind the test's back.
func startToji(t *testing.T, dsn, topdir string) string {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelError}))
	db, err := database.Open(t.Context(), dsn, database.Options{Name: "differential", Log: log})
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	require.NoError(t, schema.Migrate(t.Context(), db, slog.New(slog.DiscardHandler))) // Toji's own tables alone
	cfg := config.Default()
	cfg.Hub.TopDir, cfg.Hub.EnableMaven, cfg.Hub.EnableWin = topdir, true, true
	h, err := hub.New(hub.Options{DB: db, Config: cfg, Log: log})
	require.NoError(t, err)
	s, err := hub.NewServer(h, hub.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server.URL + "/kojihub"
}

func (s *side) login(t *testing.T, user, password string) {
	t.Helper()
	a := s.call(t, call{Method: "login", Args: []any{user, password}})
	require.Nil(t, a.fault)
	s.use(user, a.value.(map[string]any))
}

// use makes calls of a user's with the session that a login or so returned.
func (s *side) use(user string, got map[string]any) {
	if s.sessions == nil {
		s.sessions = map[string]http.Header{}
	}
	s.sessions[user] = http.Header{
		"Koji-Session-Id":  {xmlrpc.Repr(got["session-id"])},
		"Koji-Session-Key": {got["session-key"].(string)},
	}
}

// call asks the hub.
func (s *side) call(t *testing.T, c call) answer {
	t.Helper()
	var body bytes.Buffer
	require.NoError(t, xmlrpc.EncodeRequest(&body, c.Method, c.Args...))
	return s.post(t, c.User, body.Bytes())
}

// post asks, and once more if the hub breaks off: Apache ends a process of Koji's
// that has grown too large, with the answers it is at.
func (s *side) post(t *testing.T, user string, body []byte) answer {
	t.Helper()
	a, err := s.try(t, user, body)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Logf("%s broke off, asking again: %.300s", s.url, body)
		a, err = s.try(t, user, body)
	}
	require.NoError(t, err, "%.300s", body)
	return a
}

func (s *side) try(t *testing.T, user string, body []byte) (answer, error) {
	t.Helper()
	start := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url, bytes.NewReader(body))
	require.NoError(t, err)
	req.Header = s.sessions[user].Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{body: string(text), took: time.Since(start)}
	a.value, err = xmlrpc.DecodeResponse(bytes.NewReader(text))
	if fault, ok := errors.AsType[*xmlrpc.Fault](err); ok {
		a.fault = fault
	} else {
		require.NoError(t, err, "answer of %s: status %s: %.300s", s.url, resp.Status, text)
	}
	return a, nil
}
