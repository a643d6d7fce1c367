package hub

import (
	"bytes"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// addUsers adds users that no login must let in, and a proxy's.
func addUsers(t *testing.T, h *Hub) {
	t.Helper()
	_, err := h.Store.Exec(t.Context(), `
		INSERT INTO users (id, name, password, status, usertype)
		VALUES (10, 'blocked', 'x', 1, 0), (11, 'group', 'x', 0, 2), (12, 'b1.example.org', NULL, 0, 1), (13, 'ann', NULL, 0, 0);
		SELECT setval('users_id_seq', 100);
		INSERT INTO user_krb_principals (user_id, krb_principal)
		VALUES (2, 'user@TOJI.TEST'), (10, 'blocked@TOJI.TEST'), (12, 'compile/b1.example.org@TOJI.TEST')`)
	require.NoError(t, err)
}

const (
	tooMany = "too many failed logins, try again in "
	wrong   = "invalid username or password"
)

func TestLoginLimit(t *testing.T) {
	now := newClock()
	limit := func(o *Options) {
		o.Now = now.Now
		o.Config.Hub.MaxLoginFailures = 3
		o.Config.Hub.TrustedProxies = []string{"127.0.0.1"}
	}
	h := newTestHub(t, limit)
	server := newTestServer(t, h)
	// A second hub of the same database counts along.
	second, err := New(Options{DB: h.Store.DB, Config: h.configForTest(), Log: h.Log, Now: now.Now})
	require.NoError(t, err)
	other := newTestServer(t, second)

	try := func(hub int, address, user, password string) error {
		c := newCaller(t, server)
		if hub == 2 {
			c = newCaller(t, other)
		}
		c.headers["X-Forwarded-For"] = address
		_, err := c.call("login", user, password)
		return err
	}
	for i := range 3 {
		requireFault(t, try(1+i%2, "192.0.2.1", "labuser", "guess"), koji.FaultAuth, wrong)
	}
	for _, c := range []struct {
		name          string
		address, user string
		refused       bool
	}{
		{"the right password now", "192.0.2.1", "labuser", true},
		{"another user", "192.0.2.1", "kojiadmin", false},
		{"another address", "192.0.2.2", "labuser", false},
		{"an address made up by the client", "192.0.2.2, 192.0.2.1", "labuser", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			password := map[string]string{"labuser": "labuser", "kojiadmin": "labadmin"}[c.user]
			for hub := range 2 {
				err := try(1+hub, c.address, c.user, password)
				if !c.refused {
					require.NoError(t, err)
					continue
				}
				require.ErrorContains(t, err, tooMany+"5m")
			}
		})
	}
	now.advance(5*time.Minute + time.Second)
	require.NoError(t, try(1, "192.0.2.1", "labuser", "labuser"))

	// What was wrong before a right one does not count any more.
	for range 3 {
		for range 2 {
			requireFault(t, try(1, "192.0.2.3", "labuser", "guess"), koji.FaultAuth, wrong)
		}
		require.NoError(t, try(1, "192.0.2.3", "labuser", "labuser"))
	}
}

// Neither many users from one address nor one user from many addresses help.
func TestLoginLimitOfAddressAndUser(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) {
		o.Now = now.Now
		o.Config.Hub.MaxLoginFailures = 1
		o.Config.Hub.TrustedProxies = []string{"127.0.0.0/8"}
	})
	server := newTestServer(t, h)
	try := func(address, user, password string) error {
		c := newCaller(t, server)
		c.headers["X-Forwarded-For"] = address
		_, err := c.call("login", user, password)
		return err
	}
	for i := range addressFailures {
		requireFault(t, try(fmt.Sprintf("2001:db8::%d", i+1), fmt.Sprintf("user%d", i), "guess"), koji.FaultAuth, wrong)
	}
	require.ErrorContains(t, try("2001:db8::ffff", "labuser", "labuser"), tooMany, "the same network of one customer")
	require.NoError(t, try("2001:db8:0:1::1", "labuser", "labuser"))

	for i := range userFailures {
		requireFault(t, try(fmt.Sprintf("192.0.2.%d", i), "kojiadmin", "guess"), koji.FaultAuth, wrong)
	}
	require.ErrorContains(t, try("198.51.100.1", "kojiadmin", "labadmin"), tooMany)

	count, err := database.One[int](t.Context(), h.Store.DB, `SELECT count(*) FROM toji.login_failure`)
	require.NoError(t, err)
	require.Equal(t, addressFailures+1+addressFailures+2*userFailures+1, count)
	now.advance(time.Hour)
	requireFault(t, try("192.0.2.1", "nobody", "guess"), koji.FaultAuth, wrong)
	count, err = database.One[int](t.Context(), h.Store.DB, `SELECT count(*) FROM toji.login_failure`)
	require.NoError(t, err)
	require.Equal(t, 3, count, "old counts stay")
}

// A guess within a multiCall counts though its transaction is rolled back.
func TestLoginLimitInMultiCall(t *testing.T) {
	h := newTestHub(t, func(o *Options) { o.Config.Hub.MaxLoginFailures = 2 })
	c := newCaller(t, newTestServer(t, h))
	guess := map[string]any{"methodName": "login", "params": []any{"kojiadmin", "guess"}}
	write := map[string]any{"methodName": "sharedSession", "params": []any{}}
	result := c.must("multiCall", []any{write, guess, guess, guess}).([]any)
	require.Contains(t, result[2].(map[string]any)["faultString"], wrong)
	require.Contains(t, result[3].(map[string]any)["faultString"], tooMany)
	_, err := c.call("login", "kojiadmin", "labadmin")
	require.ErrorContains(t, err, tooMany)
}

func TestProxiedLogin(t *testing.T) {
	const web = "/C=US/O=Lab/CN=web/emailAddress=web@example.org"
	h := newTestHub(t, func(o *Options) {
		c := &o.Config.Hub
		c.TrustedProxies = []string{"127.0.0.1"}
		c.ProxyDNs, c.ProxyPrincipals = []string{web}, []string{"HTTP/web@TOJI.TEST"}
		c.AllowedKrbRealms = "TOJI.TEST, OTHER.TEST"
		c.AllowProxyAuthType = true
	})
	addUsers(t, h)
	server := newTestServer(t, h)
	cert := func(dn string) map[string]string {
		return map[string]string{"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": dn}
	}
	krb := func(principal string) map[string]string { return map[string]string{"X-Remote-User": principal} }
	const apache = "emailAddress=web@example.org,CN=web,O=Lab,C=US"
	for _, c := range []struct {
		name     string
		headers  map[string]string
		kw       map[string]any
		user     int64 // 0 for a new one, if there is no fault
		authType koji.AuthType
		fault    string
	}{
		{"certificate", cert("CN=labuser,O=Lab"), nil, 2, koji.AuthSSL, ""},
		{"certificate, old form", cert("/O=Lab/CN=labuser"), nil, 2, koji.AuthSSL, ""},
		{"certificate of a host", cert("CN=b1.example.org"), nil, 12, koji.AuthSSL, ""},
		{"certificate of somebody new", cert("CN=newcomer"), nil, 0, koji.AuthSSL, ""},
		{"certificate for a name that users cannot have", cert("CN=a b"), nil, 0, 0, "Name a b does not match RegexUserName value"},
		{"certificate of a group", cert("CN=group"), nil, 0, 0, "logins by group are not allowed"},
		{"certificate of a blocked user", cert("CN=blocked"), nil, 0, 0, "logins by blocked are not allowed"},
		{"certificate without a name", cert("O=Lab"), nil, 0, 0, "unable to get user information (CN) from client certificate"},
		{"certificate with a subject that is none", cert("labuser"), nil, 0, 0, `could not verify client: subject "labuser" is no distinguished name`},
		{"certificate that is not good", map[string]string{"X-SSL-Client-Verify": "FAILED:expired", "X-SSL-Client-S-DN": "CN=labuser"}, nil, 0, 0, "could not verify client: FAILED:expired"},
		{"no certificate", map[string]string{"X-SSL-Client-Verify": "NONE", "X-SSL-Client-S-DN": "CN=labuser"}, nil, 0, 0, "could not verify client: NONE"},
		{"variable not set", map[string]string{"X-SSL-Client-Verify": "(null)"}, nil, 0, 0, "could not verify client: None"},
		{"nothing", nil, nil, 0, 0, "could not verify client: None"},
		{"proxy for a user", cert(apache), map[string]any{"proxyuser": "labuser"}, 2, koji.AuthSSL, ""},
		{"proxy for a user known by Kerberos", cert(apache), map[string]any{"proxyuser": "user@TOJI.TEST", "proxyauthtype": 2 + 1}, 2, koji.AuthGSSAPI, ""},
		{"proxy for a group", cert(apache), map[string]any{"proxyuser": "group"}, 0, 0, "logins by group are not allowed"},
		{"proxy for a user by password", cert(apache), map[string]any{"proxyuser": "labuser", "proxyauthtype": 0}, 0, 0, "Proxied authtype 0 is not valid for sslLogin"},
		{"no proxy", cert("CN=labuser"), map[string]any{"proxyuser": "kojiadmin"}, 0, 0, "CN=labuser is not authorized to login other users"},
		{"proxy's name in another place", cert("CN=web"), map[string]any{"proxyuser": "kojiadmin"}, 0, 0, "CN=web is not authorized to login other users"},
		{"nobody for nobody", cert("CN=labuser"), map[string]any{"proxyuser": ""}, 2, koji.AuthSSL, ""},
		{"principal", krb("user@TOJI.TEST"), nil, 2, koji.AuthGSSAPI, ""},
		{"principal before certificate", map[string]string{"X-Remote-User": "user@TOJI.TEST", "X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=kojiadmin"}, nil, 2, koji.AuthGSSAPI, ""},
		{"principal of a host", krb("compile/b1.example.org@TOJI.TEST"), nil, 12, koji.AuthGSSAPI, ""},
		{"principal of a user known by name", krb("ann@TOJI.TEST"), nil, 13, koji.AuthGSSAPI, ""},
		{"principal of somebody new", krb("bea@TOJI.TEST"), nil, 0, koji.AuthGSSAPI, ""},
		{"user without a realm", krb("labuser"), nil, 2, koji.AuthGSSAPI, ""},
		{"principal of a blocked user", krb("blocked@TOJI.TEST"), nil, 0, 0, "logins by blocked are not allowed"},
		{"principal with a group's name", krb("group@TOJI.TEST"), nil, 0, 0, "logins by group are not allowed"},
		{"principal of a foreign realm", krb("user@EVIL.TEST"), nil, 0, 0, "Kerberos principal's realm: EVIL.TEST is not allowed"},
		{"principal without a realm", krb("user@"), nil, 0, 0, "invalid Kerberos principal: user@"},
		{"proxy principal for a user", krb("HTTP/web@TOJI.TEST"), map[string]any{"proxyuser": "labuser"}, 2, koji.AuthGSSAPI, ""},
		{"proxy principal for a user by certificate", krb("HTTP/web@TOJI.TEST"), map[string]any{"proxyuser": "labuser", "proxyauthtype": 2}, 2, koji.AuthSSL, ""},
		{"no proxy principal", krb("user@TOJI.TEST"), map[string]any{"proxyuser": "kojiadmin"}, 0, 0, "user@TOJI.TEST is not authorized to login other users"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := newCaller(t, server)
			caller.headers = map[string]string{}
			for k, v := range c.headers {
				caller.headers[k] = v
			}
			answer, err := caller.call("sslLogin", xmlrpc.Keywords(c.kw))
			if c.fault != "" {
				require.ErrorContains(t, err, c.fault)
				return
			}
			require.NoError(t, err)
			caller.use(answer)
			info := caller.must("getSessionInfo").(map[string]any)
			require.Equal(t, int64(c.authType), info["authtype"])
			if c.user == 0 {
				require.Greater(t, info["user_id"], int64(100))
				return
			}
			require.Equal(t, c.user, info["user_id"])
		})
	}
}

// Headers of those who are no proxies mean nothing.
func TestHeadersOfStrangers(t *testing.T) {
	h := newTestHub(t, func(o *Options) { o.Config.Hub.TrustedProxies = []string{"192.0.2.0/24"} })
	c := newCaller(t, newTestServer(t, h))
	c.headers = map[string]string{
		"X-SSL-Client-Verify": "SUCCESS", "X-SSL-Client-S-DN": "CN=kojiadmin", "X-Remote-User": "kojiadmin", "X-Forwarded-For": "192.0.2.1",
	}
	_, err := c.call("sslLogin")
	requireFault(t, err, koji.FaultAuth, "could not verify client: None")
	c.use(c.must("login", "labuser", "labuser"))
	info := c.must("getSessionInfo", true).(map[string]any)
	require.Equal(t, "127.0.0.1", info["hostip"])
}

func TestUnknownUsersStayOut(t *testing.T) {
	h := newTestHub(t, func(o *Options) {
		o.Config.Hub.TrustedProxies = []string{"127.0.0.1"}
		o.Config.Hub.LoginCreatesUser = false
	})
	server := newTestServer(t, h)
	for header, name := range map[string]string{"X-SSL-Client-S-DN": "newcomer", "X-Remote-User": "newcomer@TOJI.TEST"} {
		c := newCaller(t, server)
		c.headers[header] = name
		if header == "X-SSL-Client-S-DN" {
			c.headers[header], c.headers["X-SSL-Client-Verify"] = "CN="+name, "SUCCESS"
		}
		_, err := c.call("sslLogin")
		requireFault(t, err, koji.FaultAuth, "Unknown user: "+name)
	}
}

func TestBadLoginConfig(t *testing.T) {
	h := newTestHub(t)
	for name, change := range map[string]func(*config.Hub){
		"proxy_dns: ":        func(c *config.Hub) { c.ProxyDNs = []string{"web"} },
		"trusted_proxies: ":  func(c *config.Hub) { c.TrustedProxies = []string{"web"} },
		"load keytab /no/kt": func(c *config.Hub) { c.Keytab = "/no/kt" },
	} {
		c := h.configForTest()
		change(&c.Hub)
		_, err := New(Options{DB: h.Store.DB, Config: c})
		require.ErrorContains(t, err, name)
	}
}

// configForTest returns a configuration for a second hub like h.
func (h *Hub) configForTest() *config.Config {
	c := config.Default()
	c.Hub = h.Config
	return c
}

// What proves an identity appears neither in the log nor in a fault.
func TestNoSecrets(t *testing.T) {
	var log bytes.Buffer
	h := newTestHub(t, func(o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		o.Config.Hub.SlowCall = 1
	})
	server := newTestServer(t, h)
	var said []string
	listen := func(_ any, err error) {
		require.Error(t, err)
		said = append(said, err.Error())
	}
	c := newCaller(t, server)
	listen(c.call("login", "labuser", "guess-4711"))
	listen(c.call("login", "labuser", "guess-4711", "no map"))
	listen(c.call("login", "guess-4711", []any{"guess-4711"}))
	c.login("labuser", "labuser")
	key := c.headers["Koji-Session-Key"]
	made := c.must("toji.createToken", "ci").(map[string]any)["token"].(string)
	listen(c.call("toji.createToken", "ci"))
	listen(c.call("login", "labuser", "guess-4711"))
	said = append(said, c.must("showSession").(string), xmlrpc.Repr(c.must("toji.listTokens")), xmlrpc.Repr(c.must("getSessionInfo", true)))
	listen(newCaller(t, server).callAt("/kojihub?session-id=999&session-key="+key, "getSessionInfo"))
	listen(newCaller(t, server).callAt("/kojihub?session-id=x&session-key="+key, "getSessionInfo"))
	bearer := newCaller(t, server)
	bearer.headers["Authorization"] = "Bearer " + made
	bearer.must("getLoggedInUser")
	said = append(said, bearer.must("showSession").(string))
	listen(bearer.call("subsession"))
	bearer.headers["Authorization"] = "Bearer " + made + "x"
	listen(bearer.call("getLoggedInUser"))

	require.Contains(t, log.String(), "method=login")
	for _, secret := range []string{"guess-4711", key, made} {
		require.NotContains(t, log.String(), secret)
		for _, text := range said {
			require.NotContains(t, text, secret)
		}
	}
	rows, err := database.All[string](t.Context(), h.Store.DB, `SELECT t::text FROM toji.token t UNION ALL SELECT f::text FROM toji.login_failure f`)
	require.NoError(t, err)
	require.NotEmpty(t, rows)
	for _, row := range rows {
		require.NotContains(t, row, made)
		require.NotContains(t, row, "guess-4711")
	}
}
