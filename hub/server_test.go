package hub

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

const echoX = `<?xml version='1.0'?><methodCall><methodName>echo</methodName><params><param><value>x</value></param></params></methodCall>`

// What is no call at all is answered as Koji's hub under Apache does.
func TestHTTP(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	const onlyPost = "Method Not Allowed\nThis is an XML-RPC server. Only POST requests are accepted.\n"
	for _, c := range []struct {
		name, method, target, body string
		status                     int
		want                       string
	}{
		{"get", "GET", "/kojihub", "", 405, onlyPost},
		{"head", "HEAD", "/kojihub", "", 405, ""},
		{"put", "PUT", "/kojihub", "", 405, onlyPost},
		{"options", "OPTIONS", "/kojihub/", "", 405, onlyPost},
		{"empty", "POST", "/kojihub", "", 400, "Invalid request: Empty request\n"},
		{"not XML", "POST", "/kojihub", "hello", 400, "Invalid request: syntax error: line 1, column 0\n"},
		{"no method", "POST", "/kojihub", "<methodCall><params></params></methodCall>", 200, "Invalid method: None"},
		{"trailing slash", "POST", "/kojihub/", echoX, 200, "<string>x</string>"},
		{"path below", "POST", "/kojihub/sub/path", echoX, 200, "<string>x</string>"},
		{"private method", "POST", "/kojihub", strings.Replace(echoX, "echo", "__class__", 1), 200, "Invalid method: __class__"},
		{"elsewhere", "GET", "/nowhere", "", 404, "404 page not found"},
		{"health", "GET", "/healthz", "", 200, "ok\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), c.method, server.URL+c.target, strings.NewReader(c.body))
			require.NoError(t, err)
			resp, err := server.Client().Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.Equal(t, c.status, resp.StatusCode, string(text))
			require.Contains(t, string(text), c.want)
			if strings.HasPrefix(c.target, "/kojihub") {
				require.Equal(t, KojiVersion, resp.Header.Get("Koji-Version"))
			}
		})
	}
}

func TestRequestLimits(t *testing.T) {
	server := newTestServer(t, newTestHub(t, func(o *Options) { o.Config.Hub.MaxRequestLength = 1000 }))
	c := newCaller(t, server)
	status, _, text := c.post("/kojihub", "text/xml", strings.NewReader(strings.Replace(echoX, ">x<", ">"+strings.Repeat("x", 2000)+"<", 1)))
	require.Equal(t, http.StatusBadRequest, status)
	require.Equal(t, "Invalid request: Request too long\n", text)
	// Without a length there is no telling.
	status, _, _ = c.post("/kojihub", "text/xml", io.MultiReader(strings.NewReader(echoX)))
	require.Equal(t, http.StatusLengthRequired, status)
}

func TestCallLimit(t *testing.T) {
	c := newCaller(t, newTestServer(t, newTestHub(t, func(o *Options) { o.Config.Hub.MaxCalls = 2 })))
	c.must("multiCall", []any{sub("echo"), sub("echo")})
	_, err := c.call("multiCall", []any{sub("echo"), sub("echo"), sub("echo")})
	requireFault(t, err, koji.FaultParameter, "multiCall takes 2 calls at most, not 3")
}

func TestOffline(t *testing.T) {
	h := newTestHub(t, func(o *Options) { o.Config.Hub.ServerOffline = true })
	_, err := newCaller(t, newTestServer(t, h)).call("echo")
	requireFault(t, err, koji.FaultServerOffline, "server is offline")

	h = newTestHub(t, func(o *Options) { o.Config.Hub.LockOut = true })
	server := newTestServer(t, h)
	_, err = newCaller(t, server).call("echo")
	requireFault(t, err, koji.FaultServerOffline, "Server disabled for maintenance")
	admin := newCaller(t, server)
	admin.login("kojiadmin", "labadmin")
	admin.must("echo")
}

func TestDatabaseOutage(t *testing.T) {
	h := newTestHub(t)
	server := newTestServer(t, h)
	c := newCaller(t, server)
	c.login("kojiadmin", "labadmin")
	require.NoError(t, h.Store.Close())
	_, err := c.call("getSessionInfo")
	require.Error(t, err)
	resp, err := server.Client().Get(server.URL + "/healthz")
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, http.StatusServiceUnavailable, resp.StatusCode)
}

// bindProbes adds methods that misbehave.
func bindProbes(h *Hub) {
	rpc.Bind(h.Methods, rpc.Method[api.NoParams, rpc.None]{Name: "probe.panic", Access: api.Anyone, Doc: "-"},
		func(context.Context, api.NoParams) (rpc.None, error) { panic("at the disco") })
	rpc.Bind(h.Methods, rpc.Method[api.NoParams, any]{Name: "probe.unencodable", Access: api.Anyone, Doc: "-"},
		func(context.Context, api.NoParams) (any, error) { return make(chan int), nil })
	rpc.Bind(h.Methods, rpc.Method[api.EchoParams, rpc.None]{Name: "probe.add", Access: api.Anyone, Writes: true, Doc: "-"},
		func(ctx context.Context, p api.EchoParams) (rpc.None, error) {
			for _, name := range p.Args {
				if _, err := h.Store.Exec(ctx, `INSERT INTO users (name, status, usertype) VALUES ($1, 0, 0)`, name); err != nil {
					return rpc.None{}, err
				}
			}
			return rpc.None{}, nil
		})
	rpc.Bind(h.Methods, rpc.Method[api.NoParams, int64]{Name: "probe.count", Access: api.Anyone, Doc: "-"},
		func(ctx context.Context, _ api.NoParams) (n int64, err error) {
			return n, h.Store.QueryRow(ctx, `SELECT count(*) FROM users WHERE id > 2`).Scan(&n)
		})
	rpc.Bind(h.Methods, rpc.Method[api.NoParams, rpc.None]{Name: "probe.host", Access: api.NeedHost, Doc: "-"},
		func(context.Context, api.NoParams) (rpc.None, error) { return rpc.None{}, nil })
}

func TestFaults(t *testing.T) {
	h := newTestHub(t)
	bindProbes(h)
	c := newCaller(t, newTestServer(t, h))
	for method, text := range map[string]string{
		"probe.panic":       errInternal.Msg,
		"probe.unencodable": "cannot marshal chan int objects",
		"fault":             "<class 'Exception'>: test exception",
	} {
		_, err := c.call(method)
		requireFault(t, err, faultUnforeseen, text)
	}
	_, err := c.call("error")
	requireFault(t, err, koji.FaultGeneric, "test error")
	_, err = c.call("probe.host")
	requireFault(t, err, koji.FaultAuth, "Not logged-in")
	_, err = c.call("showOpts")
	requireFault(t, err, koji.FaultActionNotAllowed, "admin permission required (user not logged in)")
	c.login("labuser", "labuser")
	_, err = c.call("showOpts")
	requireFault(t, err, koji.FaultActionNotAllowed, "admin permission required (logged in as labuser)")
	_, err = c.call("probe.host")
	requireFault(t, err, koji.FaultAuth, "User 2 is not a host")
}

// sub is a call within a multiCall.
func sub(method string, params ...any) map[string]any {
	return map[string]any{"methodName": method, "params": params}
}

func TestMultiCall(t *testing.T) {
	h := newTestHub(t)
	bindProbes(h)
	c := newCaller(t, newTestServer(t, h))
	fault := func(code int64, text string) map[string]any {
		return map[string]any{"faultCode": code, "faultString": text}
	}

	require.Equal(t, []any{}, c.must("multiCall", []any{}))
	require.Equal(t, []any{
		[]any{int64(1)},
		fault(1000, "Invalid method: nosuch"),
		fault(1, "test exception"),
		fault(1, "'int' object is not subscriptable"),
		fault(1, "params"),
		[]any{[]any{"a"}},
	}, c.must("system.multicall", []any{
		sub("getAPIVersion"), sub("nosuch"), sub("fault"), 7, map[string]any{"methodName": "echo"}, sub("echo", "a"),
	}))

	// A call that fails takes back what it did, and nothing else.
	results := c.must("multiCall", []any{
		sub("probe.add", "a"), sub("probe.add", "b", "a"), sub("probe.count"), sub("probe.add", "c"), sub("probe.count"),
	}).([]any)
	require.Equal(t, []any{nil}, results[0])
	require.Equal(t, fault(koji.FaultGeneric, "Key (name)=(a) already exists."), results[1])
	require.Equal(t, []any{int64(1)}, results[2])
	require.Equal(t, []any{int64(2)}, results[4])
	require.Equal(t, int64(2), c.must("probe.count"))

	_, err := c.call("multiCall", 7)
	requireFault(t, err, koji.FaultParameter, "multiCall takes one list of calls")
}

func TestWritesAreUndone(t *testing.T) {
	h := newTestHub(t)
	bindProbes(h)
	c := newCaller(t, newTestServer(t, h))
	_, err := c.call("probe.add", "a", "b", "a")
	requireFault(t, err, koji.FaultGeneric, "Key (name)=(a) already exists.")
	require.Equal(t, int64(0), c.must("probe.count"))
}

// In the hub's own process methods are called with the same checks.
func TestLocalCaller(t *testing.T) {
	h := newTestHub(t)
	_, err := rpc.Invoke(t.Context(), h.Caller(), api.ShowOpts, api.ShowOptsParams{AsString: true})
	require.Equal(t, koji.FaultActionNotAllowed, koji.FaultOf(err))
	v, err := rpc.Invoke(t.Context(), h.Caller(), api.GetKojiVersion, api.NoParams{})
	require.NoError(t, err)
	require.Equal(t, KojiVersion, v)

	var b rpc.Batch
	version := rpc.Add(&b, api.GetKojiVersion, api.NoParams{})
	opts := rpc.Add(&b, api.ShowOpts, api.ShowOptsParams{})
	waits := rpc.Add(&b, api.GetTaskWaits, api.TaskWaitsParams{TaskIDs: []int64{1, 2}})
	require.NoError(t, b.Do(t.Context(), h.Caller()))
	require.Equal(t, KojiVersion, version.Value)
	require.Equal(t, koji.FaultActionNotAllowed, koji.FaultOf(opts.Err))
	require.NoError(t, waits.Err)
	require.Empty(t, waits.Value)
}

func TestFiles(t *testing.T) {
	h := newTestHub(t)
	top := h.Paths.TopDir
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Join(top, "packages/foo"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(top, "packages/foo/build.log"), []byte("0123456789"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(top, "packages/foo/.user"), []byte("1"), 0o644))
	require.NoError(t, os.Symlink("foo", filepath.Join(top, "packages/link")))
	require.NoError(t, os.Symlink(outside, filepath.Join(top, "packages/escape")))
	require.NoError(t, os.Symlink("../../../../../../../../"+outside, filepath.Join(top, "packages/escape2")))
	server := newTestServer(t, h)
	for _, c := range []struct {
		target, ranges string
		status         int
		want           string
	}{
		{"/kojifiles/packages/foo/build.log", "", 200, "0123456789"},
		{"/kojifiles/packages/foo/build.log", "bytes=2-4", 206, "234"},
		{"/kojifiles/packages/foo/build.log", "bytes=-3", 206, "789"},
		{"/kojifiles/packages/foo/build.log", "bytes=99-", 416, ""},
		{"/kojifiles/packages/link/build.log", "", 200, "0123456789"},
		{"/kojifiles", "", 200, `<a href="packages/">`},
		{"/kojifiles/packages/", "", 200, `<a href="foo/">foo/</a>`},
		{"/kojifiles/packages/escape", "", 404, ""},
		{"/kojifiles/packages/escape2", "", 404, ""},
		{"/kojifiles/packages/foo/.user", "", 404, ""},
		{"/kojifiles/../../../../etc/passwd", "", 404, ""},
		{"/kojifiles/%2e%2e/%2e%2e/etc/passwd", "", 404, ""},
		{"/kojifiles/nothing", "", 404, ""},
	} {
		t.Run(c.target+c.ranges, func(t *testing.T) {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+c.target, nil)
			require.NoError(t, err)
			if c.ranges != "" {
				req.Header.Set("Range", c.ranges)
			}
			resp, err := server.Client().Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NotContains(t, string(text), "secret")
			require.Equal(t, c.status, resp.StatusCode, string(text))
			require.Contains(t, string(text), c.want)
		})
	}
}

// authority signs certificates.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	dir  string
}

func newAuthority(t *testing.T, name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return &authority{t, cert, key, t.TempDir()}
}

func (a *authority) pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.cert)
	return pool
}

// file writes the authority's own certificate.
func (a *authority) file() string {
	name := filepath.Join(a.dir, "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
	require.NoError(a.t, os.WriteFile(name, text, 0o600))
	return name
}

// sign returns files with a certificate for the subject, and its key.
func (a *authority) sign(subject pkix.Name) (cert, key string) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: subject,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &private.PublicKey, a.key)
	require.NoError(a.t, err)
	keyDER, err := x509.MarshalECPrivateKey(private)
	require.NoError(a.t, err)
	base := filepath.Join(a.dir, subject.CommonName)
	require.NoError(a.t, os.WriteFile(base+".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	require.NoError(a.t, os.WriteFile(base+".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}), 0o600))
	return base + ".crt", base + ".key"
}

// newTLSServer returns a running server for h with the certificates of its
// configuration.
func newTLSServer(t *testing.T, h *Hub) *httptest.Server {
	t.Helper()
	s, err := NewServer(h, ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	server := httptest.NewUnstartedServer(s.Handler())
	server.TLS = s.tls
	server.StartTLS()
	t.Cleanup(server.Close)
	return server
}

func TestSSLLogin(t *testing.T) {
	ca, foreign := newAuthority(t, "lab"), newAuthority(t, "elsewhere")
	serverCert, serverKey := ca.sign(pkix.Name{CommonName: "hub"})
	h := newTestHub(t, func(o *Options) {
		c := &o.Config.Hub
		c.ListenTLS, c.TLSCert, c.TLSKey, c.ClientCA = "127.0.0.1:0", serverCert, serverKey, ca.file()
		c.ProxyDNs = []string{"CN=web,O=Lab"}
	})
	server := newTLSServer(t, h)

	as := func(a *authority, subject pkix.Name) *caller {
		cfg := &tls.Config{RootCAs: ca.pool()}
		if a != nil {
			pair, err := tls.LoadX509KeyPair(a.sign(subject))
			require.NoError(t, err)
			// Certificates would be held back from a server that does not want them.
			cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
		}
		transport := &http.Transport{TLSClientConfig: cfg}
		t.Cleanup(transport.CloseIdleConnections)
		c := newCaller(t, server)
		c.client = &http.Client{Transport: transport}
		return c
	}
	user := as(ca, pkix.Name{CommonName: "labuser"})
	user.use(user.must("sslLogin"))
	info := user.must("getSessionInfo").(map[string]any)
	require.Equal(t, int64(2), info["user_id"])
	require.Equal(t, int64(koji.AuthSSL), info["authtype"])

	_, err := as(nil, pkix.Name{}).call("sslLogin")
	requireFault(t, err, koji.FaultAuth, "could not verify client: None")
	_, err = as(ca, pkix.Name{CommonName: "labuser"}).call("sslLogin", "kojiadmin")
	requireFault(t, err, koji.FaultAuth, "CN=labuser is not authorized to login other users")
	web := as(ca, pkix.Name{CommonName: "web", Organization: []string{"Lab"}})
	web.use(web.must("sslLogin", "kojiadmin"))
	require.Equal(t, int64(1), web.must("getSessionInfo").(map[string]any)["user_id"])
	gssapi := xmlrpc.Keywords(map[string]any{"proxyuser": "kojiadmin", "proxyauthtype": int(koji.AuthGSSAPI)})
	_, err = as(ca, pkix.Name{CommonName: "web", Organization: []string{"Lab"}}).call("sslLogin", gssapi)
	require.ErrorContains(t, err, "Proxy must use same auth mechanism as hub")

	fresh := as(ca, pkix.Name{CommonName: "newcomer"})
	fresh.use(fresh.must("sslLogin"))
	require.Equal(t, int64(3), fresh.must("getSessionInfo").(map[string]any)["user_id"])

	stranger := as(foreign, pkix.Name{CommonName: "kojiadmin"})
	resp, err := stranger.client.Post(server.URL+"/kojihub", "text/xml", strings.NewReader(echoX))
	if err == nil {
		resp.Body.Close()
	}
	require.Error(t, err, "a certificate of another authority was taken")
}
