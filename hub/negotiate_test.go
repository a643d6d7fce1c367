package hub

import (
	"context"
	"crypto/tls"
	"crypto/x509/pkix"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
)

// newKerberosServer returns a hub that listens with TLS and has a keytab for
// 127.0.0.1, and the options of its clients.
func newKerberosServer(t *testing.T, kdc *testenv.KDC, ca *authority, options ...func(*Options)) (*httptest.Server, client.Options) {
	t.Helper()
	serverCert, serverKey := ca.sign(pkix.Name{CommonName: "hub"})
	h := newTestHub(t, append(options, func(o *Options) {
		c := &o.Config.Hub
		c.ListenTLS, c.TLSCert, c.TLSKey, c.ClientCA = "127.0.0.1:0", serverCert, serverKey, ca.file()
		c.Keytab = kdc.Keytab(t, "HTTP/127.0.0.1")
	})...)
	addUsers(t, h)
	server := newTLSServer(t, h)
	return server, client.Options{Server: server.URL + "/kojihub", ServerCA: ca.file(), MaxRetries: -1}
}

func TestKerberosLogin(t *testing.T) {
	kdc := testenv.Kerberos(t)
	ca := newAuthority(t, "lab")
	_, options := newKerberosServer(t, kdc, ca, func(o *Options) {
		o.Config.Hub.ProxyPrincipals = []string{"HTTP/web@" + testenv.Realm}
		o.Config.Hub.AllowedKrbRealms = testenv.Realm
	})
	for _, c := range []struct {
		principal, as string
		want          string // name of the user, or else a fault
	}{
		{"user", "", "labuser"},
		{"ann", "", "ann"},
		{"new", "", "new"},
		{"compile/b1.example.org", "", "b1.example.org"},
		{"HTTP/web", "kojiadmin", "kojiadmin"},
		{"user", "kojiadmin", "user@TOJI.TEST is not authorized to login other users"},
		{"blocked", "", "logins by blocked are not allowed"},
		{"group", "", "logins by group are not allowed"},
	} {
		t.Run(strings.ReplaceAll(c.principal, "/", "_")+" "+c.as, func(t *testing.T) {
			cache := kdc.CCache(t, c.principal)
			krb, err := kerberos.NewClient(kerberos.ClientOptions{Config: kdc.Config, CCache: cache})
			require.NoError(t, err)
			defer krb.Close()
			hub, err := client.New(options)
			require.NoError(t, err)
			defer hub.Close()
			err = hub.LoginKerberosAs(t.Context(), krb.Token, c.as)
			if strings.Contains(c.want, " ") {
				require.ErrorContains(t, err, c.want)
				require.True(t, koji.IsFault(err, koji.FaultAuth))
				return
			}
			require.NoError(t, err)
			me, err := hub.Call(t.Context(), "getLoggedInUser", nil)
			require.NoError(t, err)
			require.Equal(t, c.want, me.(map[string]any)["name"])
			require.Equal(t, int64(koji.AuthGSSAPI), me.(map[string]any)["authtype"])
		})
	}
}

// The negotiation in single steps, as mod_auth_gssapi and its clients do it.
func TestNegotiation(t *testing.T) {
	kdc := testenv.Kerberos(t)
	ca := newAuthority(t, "lab")
	server, _ := newKerberosServer(t, kdc, ca)
	krb, err := kerberos.NewClient(kerberos.ClientOptions{Config: kdc.Config, CCache: kdc.CCache(t, "user")})
	require.NoError(t, err)
	defer krb.Close()
	token := func() string {
		token, err := krb.Token(context.Background(), "127.0.0.1")
		require.NoError(t, err)
		return "Negotiate " + base64.StdEncoding.EncodeToString(token)
	}
	const login = `<methodCall><methodName>sslLogin</methodName><params></params></methodCall>`
	used := token()
	for _, c := range []struct {
		name, path, authorization string
		status                    int
		challenge, text           string
	}{
		{"nothing", loginPath, "", 401, "Negotiate", "Log in by Kerberos"},
		{"another scheme", loginPath, "Basic YTpi", 401, "Negotiate", "Log in by Kerberos"},
		{"a ticket", loginPath, used, 200, "Negotiate oRQw", "session-key"},
		{"the same again", loginPath, used, 401, "", "does not accept this Kerberos ticket"},
		{"in small letters", loginPath, strings.Replace(token(), "N", "n", 1), 200, "Negotiate oRQw", "session-key"},
		{"not base64", loginPath, "Negotiate !", 400, "", "base64"},
		{"not a token", loginPath, "Negotiate aGVsbG8=", 401, "", "does not accept this Kerberos ticket"},
		{"elsewhere", "/kojihub", token(), 200, "", "could not verify client: None"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := newCaller(t, server)
			caller.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool()}}}
			if c.authorization != "" {
				caller.headers["Authorization"] = c.authorization
			}
			status, header, text := caller.post(c.path, "text/xml", strings.NewReader(login))
			require.Equal(t, c.status, status, text)
			require.True(t, strings.HasPrefix(header.Get("WWW-Authenticate"), c.challenge), header.Get("WWW-Authenticate"))
			require.Equal(t, c.challenge == "", header.Get("WWW-Authenticate") == "")
			require.Contains(t, text, c.text)
		})
	}
	t.Run("a certificate", func(t *testing.T) {
		pair, err := tls.LoadX509KeyPair(ca.sign(pkix.Name{CommonName: "labuser"}))
		require.NoError(t, err)
		caller := newCaller(t, server)
		caller.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{pair}}}}
		status, _, text := caller.post(loginPath, "text/xml", strings.NewReader(login))
		require.Equal(t, 200, status)
		require.Contains(t, text, "session-key")
	})
}

// A proxy's own certificate does not stand for those whose requests it passes on.
func TestProxysOwnCertificate(t *testing.T) {
	ca := newAuthority(t, "lab")
	server, _ := newKerberosServer(t, testenv.Kerberos(t), ca, func(o *Options) {
		o.Config.Hub.TrustedProxies = []string{"127.0.0.1"}
	})
	pair, err := tls.LoadX509KeyPair(ca.sign(pkix.Name{CommonName: "kojiadmin"}))
	require.NoError(t, err)
	c := newCaller(t, server)
	c.client = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: ca.pool(), Certificates: []tls.Certificate{pair}}}}
	_, err = c.call("sslLogin")
	requireFault(t, err, koji.FaultAuth, "could not verify client: None")
	c.headers["X-SSL-Client-Verify"], c.headers["X-SSL-Client-S-DN"] = "SUCCESS", "CN=labuser"
	c.use(c.must("sslLogin"))
	require.Equal(t, "labuser", c.must("getLoggedInUser").(map[string]any)["name"])
}

// A realm that ours trusts has no say in who our users are, unless it is named.
func TestForeignPrincipal(t *testing.T) {
	kdc := testenv.Kerberos(t)
	h := newTestHub(t, func(o *Options) {
		o.Config.Hub.Keytab = kdc.Keytab(t, "HTTP/127.0.0.1")
		o.Config.Hub.TrustedProxies = []string{"127.0.0.1"}
	})
	server := newTestServer(t, h)
	for _, c := range []struct{ principal, fault string }{
		{"kojiadmin@EVIL.TEST", "kojiadmin@EVIL.TEST is not known as a principal of user kojiadmin"},
		{"newcomer@EVIL.TEST", ""},
		{"kojiadmin@TOJI.TEST", ""},
	} {
		caller := newCaller(t, server)
		caller.headers["X-Remote-User"] = c.principal
		_, err := caller.call("sslLogin")
		if c.fault == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, c.fault)
	}
}
