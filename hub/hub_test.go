package hub

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// newTestHub returns a hub over an empty database with the users kojiadmin (1,
// password labadmin, admin) and labuser (2, password labuser). Options change
// its configuration before it is made.
func newTestHub(t *testing.T, options ...func(*Options)) *Hub {
	t.Helper()
	db := testenv.Database(t)
	_, err := db.Exec(t.Context(), `
		INSERT INTO users (id, name, password, status, usertype)
		VALUES (1, 'kojiadmin', 'labadmin', 0, 0), (2, 'labuser', 'labuser', 0, 0);
		SELECT setval('users_id_seq', 2);
		INSERT INTO user_perms (user_id, perm_id, creator_id) SELECT 1, id, 1 FROM permissions WHERE name = 'admin'`)
	require.NoError(t, err)
	o := Options{DB: db, Config: config.Default(), Log: slog.New(slog.DiscardHandler)}
	o.Config.Hub.TopDir = t.TempDir()
	for _, option := range options {
		option(&o)
	}
	h, err := New(o)
	require.NoError(t, err)
	return h
}

// newTestServer returns a running server for h.
func newTestServer(t *testing.T, h *Hub) *httptest.Server {
	t.Helper()
	s, err := NewServer(h, ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server
}

// clock is a settable clock.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Now()} }

// Now returns the time that the clock was set to.
func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// caller is a client that does nothing on its own: no retries, no counting.
type caller struct {
	t       *testing.T
	server  *httptest.Server
	client  *http.Client
	headers map[string]string
}

func newCaller(t *testing.T, server *httptest.Server) *caller {
	return &caller{t: t, server: server, client: server.Client(), headers: map[string]string{}}
}

// call returns a method's result or fault.
func (c *caller) call(method string, params ...any) (any, error) {
	c.t.Helper()
	return c.callAt("/kojihub", method, params...)
}

func (c *caller) callAt(target, method string, params ...any) (any, error) {
	c.t.Helper()
	var body bytes.Buffer
	require.NoError(c.t, xmlrpc.EncodeRequest(&body, method, params...))
	status, _, text := c.post(target, "text/xml", &body)
	require.Equal(c.t, http.StatusOK, status, text)
	return xmlrpc.DecodeResponse(strings.NewReader(text))
}

// must is call for calls that succeed.
func (c *caller) must(method string, params ...any) any {
	c.t.Helper()
	v, err := c.call(method, params...)
	require.NoError(c.t, err, method)
	return v
}

func (c *caller) post(target, contentType string, body io.Reader) (int, http.Header, string) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.server.URL+target, body)
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", contentType)
	for name, value := range c.headers {
		req.Header.Set(name, value)
	}
	resp, err := c.client.Do(req)
	require.NoError(c.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(c.t, err)
	return resp.StatusCode, resp.Header, string(text)
}

// login opens a session and uses it from now on.
func (c *caller) login(user, password string) {
	c.t.Helper()
	c.use(c.must("login", user, password))
}

func (c *caller) use(answer any) {
	key := answer.(map[string]any)
	c.headers["Koji-Session-Id"] = xmlrpc.Repr(key["session-id"])
	c.headers["Koji-Session-Key"] = key["session-key"].(string)
	delete(c.headers, "Koji-Session-Callnum")
}

// requireFault requires a fault with a code and a text.
func requireFault(t *testing.T, err error, code int, text string) {
	t.Helper()
	var f *xmlrpc.Fault
	require.ErrorAs(t, err, &f)
	require.Equal(t, text, f.String)
	require.Equal(t, code, f.Code, koji.FaultName(f.Code))
}
