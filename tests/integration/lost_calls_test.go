package integration

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// What may happen to a call of a builder.
var mishaps = []mishap{
	{"the builder dies before it", false, true},
	{"the builder dies before the answer", true, true},
	{"the answer is lost", true, false},
}

type mishap struct {
	name string
	done bool // the hub gets the call
	dies bool // the builder is killed, and started again
}

// lostCalls is how many calls TestLostCalls picks. All of them, with each mishap, is
//
//	TOJI_LOST_CALLS=all go test -timeout 2h -run TestLostCalls ./tests/integration
const lostCalls = 6

// A builder may die at any of its calls, and the answer to any may be lost: the build
// is done once and leaves what an undisturbed one does.
func TestLostCalls(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := newMiddleman(t, l)
	want, release := []string(nil), ""
	build := func(t *testing.T) {
		release = l.linkRelease()
		call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: "plain", PkgInfo: "link-a", Owner: "admin", Force: true})
		text := fill(t, "link", map[string]any{"Name": "link-a", "Release": release, "Needs": nil})
		url := commit(t, filepath.Join(l.dir, "git", release, "link-a"), "link-a.spec", text)
		id := call(t, l, api.BuildTask, api.BuildTaskParams{Src: url, Target: "plain", Channel: m.host})
		l.closed(t, id)
		got := l.remains(t, id, release)
		if want == nil {
			want = got
		}
		sameRemains(t, want, got)
	}
	build(t)
	calls := m.await(0, mishap{})
	t.Logf("%d calls: %s", len(calls), strings.Join(calls, " "))

	type point struct {
		call int // from 1
		mishap
	}
	var points []point
	for n := range calls {
		for _, what := range mishaps {
			points = append(points, point{n + 1, what})
		}
	}
	if os.Getenv("TOJI_LOST_CALLS") != "all" {
		chance := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
		chance.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
		points = points[:lostCalls]
	}
	for _, p := range points {
		t.Run(fmt.Sprintf("%d %s: %s", p.call, calls[p.call-1], p.name), func(t *testing.T) {
			m.await(p.call, p.mishap)
			build(t)
		})
	}
}

// middleman stands between a builder and a hub of its own, as a web server that does
// TLS would.
type middleman struct {
	t     *testing.T
	lab   *lab
	host  string // the builder's name, and its channel's
	hub   *httputil.ReverseProxy
	front http.Server

	mu      sync.Mutex
	builder *stack.Role
	calls   []string // that counted since await
	at      int      // which of them meets the mishap
	what    mishap
}

func newMiddleman(t *testing.T, l *lab) *middleman {
	t.Helper()
	hub, target, err := l.StartHubWith("hub-of-lost-calls", map[string]any{"trusted_proxies": []string{"127.0.0.1"}})
	require.NoError(t, err)
	t.Cleanup(hub.Kill)
	to, err := url.Parse(strings.TrimSuffix(target, "/kojihub"))
	require.NoError(t, err)
	m := &middleman{t: t, lab: l, host: "lossy.example.org"}
	m.hub = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Header.Set("X-Forwarded-For", "127.0.0.1")
			r.Out.Header.Set("X-SSL-Client-Verify", "SUCCESS")
			r.Out.Header.Set("X-SSL-Client-S-DN", "CN="+r.In.TLS.PeerCertificates[0].Subject.CommonName)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { hangUp(w) }, // the hub is just starting
	}
	file, err := l.Certificate("127.0.0.1")
	require.NoError(t, err)
	cert, err := tls.LoadX509KeyPair(file, file)
	require.NoError(t, err)
	ca := x509.NewCertPool()
	require.True(t, ca.AppendCertsFromPEM(readFile(t, filepath.Join(l.Dir, "tls", "ca.pem"))))
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	m.front = http.Server{Handler: m, TLSConfig: &tls.Config{
		Certificates: []tls.Certificate{cert}, ClientCAs: ca, ClientAuth: tls.RequireAndVerifyClientCert}}
	go func() { _ = m.front.ServeTLS(ln, "", "") }() // until it is closed
	t.Cleanup(func() { m.front.Close() })
	m.builder, err = l.StartBuilder(t.Context(), m.host, map[string]any{"hub_url": "https://" + ln.Addr().String() + "/kojihub"})
	require.NoError(t, err)
	t.Cleanup(func() { m.builder.Kill() })
	l.awaitReady(t, m.host)
	m.await(0, mishap{})
	return m
}

// await begins to count anew and has the call of the number meet the mishap, none if
// it is 0. It returns the calls that counted before.
func (m *middleman) await(n int, what mishap) (calls []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	calls, m.calls, m.at, m.what = m.calls, nil, n, what
	return calls
}

// ofDaemon are calls that no task makes.
var ofDaemon = []string{"host.updateHost", "sslLogin", "exclusiveSession", "host.getHost", "listBuildroots"}

var methodName = regexp.MustCompile(`<methodName>([^<]+)</methodName>`)

// meets says what happens to a call. Those of the daemon do not count, nor do those
// that send logs, which come when they come.
func (m *middleman) meets(r *http.Request, body []byte) (what mishap, now bool) {
	name := ""
	if file := r.URL.Query().Get("filename"); file != "" {
		if ext := filepath.Ext(file); ext != ".rpm" {
			return what, false
		}
		name = "upload"
	} else if found := methodName.FindSubmatch(body); found != nil {
		name = string(found[1])
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if slices.Contains(ofDaemon, name) {
		return what, false
	}
	m.calls = append(m.calls, name)
	return m.what, len(m.calls) == m.at
}

// ServeHTTP passes a call on, or lets it meet its mishap.
func (m *middleman) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the builder is gone
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	what, now := m.meets(r, body)
	if !now {
		m.hub.ServeHTTP(w, r)
		return
	}
	if what.done {
		m.hub.ServeHTTP(discard{http.Header{}}, r.WithContext(context.WithoutCancel(r.Context())))
	}
	if what.dies {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.builder.Crash()
		if m.builder, err = m.lab.RestartBuilder(m.host); err != nil {
			m.t.Error(err)
		}
	}
	hangUp(w)
}

func hangUp(w http.ResponseWriter) {
	if conn, _, err := w.(http.Hijacker).Hijack(); err == nil {
		conn.Close()
	}
}

// discard is where lost answers go.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
