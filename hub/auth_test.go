package hub

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/password"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestLogin(t *testing.T) {
	h := newTestHub(t)
	server := newTestServer(t, h)
	hash, err := password.Hash("secret")
	require.NoError(t, err)
	_, err = h.Store.Exec(t.Context(), `INSERT INTO users (id, name, password, status, usertype)
		VALUES (10, 'hashed', $1, 0, 0), (11, 'blocked', 'x', 1, 0), (12, 'nopw', NULL, 0, 0)`, hash)
	require.NoError(t, err)

	const wrong = "invalid username or password"
	for _, c := range []struct {
		name   string
		params []any
		code   int
		text   string
	}{
		{"plain password", []any{"kojiadmin", "labadmin"}, 0, ""},
		{"hashed password", []any{"hashed", "secret"}, 0, ""},
		{"by name", []any{xmlrpc.Keywords(map[string]any{"user": "labuser", "password": "labuser", "opts": nil})}, 0, ""},
		{"wrong password", []any{"kojiadmin", "x"}, koji.FaultAuth, wrong},
		{"the hash for a password", []any{"hashed", hash}, koji.FaultAuth, wrong},
		{"no such user", []any{"nobody", "x"}, koji.FaultAuth, wrong},
		{"empty password", []any{"kojiadmin", ""}, koji.FaultAuth, wrong},
		{"no password set", []any{"nopw", ""}, koji.FaultAuth, wrong},
		{"blocked", []any{"blocked", "x"}, koji.FaultAuth, "logins by blocked are not allowed"},
		{"no parameters", nil, 1, "<class 'TypeError'>: Session.login() missing 2 required positional arguments: 'user' and 'password'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			caller := newCaller(t, server)
			answer, err := caller.call("login", c.params...)
			if c.code != 0 {
				requireFault(t, err, c.code, c.text)
				return
			}
			require.NoError(t, err)
			caller.use(answer)
			_, err = caller.call("login", c.params...)
			requireFault(t, err, koji.FaultAuth, "Already logged in")
		})
	}
}

func TestSessionHeaders(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	c := newCaller(t, server)
	c.login("kojiadmin", "labadmin")
	id, key := c.headers["Koji-Session-Id"], c.headers["Koji-Session-Key"]
	for _, tc := range []struct {
		name    string
		query   string
		headers map[string]string
		code    int
		text    string
	}{
		{"headers", "", map[string]string{"Koji-Session-Id": id, "Koji-Session-Key": key}, 0, ""},
		{"URL", "?session-id=" + id + "&session-key=" + key + "&callnum=1", nil, 0, ""},
		{"URL without callnum", "?session-id=" + id + "&session-key=" + key, nil, 0, ""},
		{"wrong key", "", map[string]string{"Koji-Session-Id": id, "Koji-Session-Key": "x"}, koji.FaultAuth, "Invalid session or bad credentials"},
		{"wrong id", "", map[string]string{"Koji-Session-Id": "999", "Koji-Session-Key": key}, koji.FaultAuth, "Invalid session or bad credentials"},
		{"no number", "", map[string]string{"Koji-Session-Id": "abc", "Koji-Session-Key": key}, 1, "<class 'ValueError'>: invalid literal for int() with base 10: 'abc'"},
		{"no key", "", map[string]string{"Koji-Session-Id": id}, 1, "<class 'KeyError'>: 'HTTP_KOJI_SESSION_KEY'"},
		{"URL without key", "?session-id=" + id, nil, koji.FaultAuth, "'session-key' not specified in session args"},
		{"URL without id", "?a=b", nil, koji.FaultAuth, "'session-id' not specified in session args"},
		{"URL of another kind", "?x", nil, 1, "<class 'ValueError'>: bad query field: 'x'"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCaller(t, server)
			if tc.headers != nil {
				c.headers = tc.headers
			}
			_, err := c.callAt("/kojihub"+tc.query, "getSessionInfo")
			if tc.code != 0 {
				requireFault(t, err, tc.code, tc.text)
				return
			}
			require.NoError(t, err)
		})
	}
}

// A number that a writing call has used is not good for another call; reading
// calls use none up.
func TestCallNumbers(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	c := newCaller(t, server)
	c.login("kojiadmin", "labadmin")
	at := func(n int, method string, params ...any) error {
		c.headers["Koji-Session-Callnum"] = strconv.Itoa(n)
		_, err := c.call(method, params...)
		return err
	}
	require.NoError(t, at(0, "echo"))
	require.NoError(t, at(0, "echo"))
	require.NoError(t, at(5, "echo"))
	require.NoError(t, at(3, "subsession"))
	session := c.headers["Koji-Session-Id"]
	requireFault(t, at(3, "subsession"), koji.FaultRetry, "unable to retry call 3 (method subsession) for session "+session)
	requireFault(t, at(3, "echo"), koji.FaultRetry, "unable to retry call 3 (method echo) for session "+session)
	requireFault(t, at(2, "echo"), koji.FaultSequence, "3 > 2 (session "+session+")")
	require.Error(t, at(4, "logout", 9999999999)) // a call that fails uses no number up
	require.NoError(t, at(4, "subsession"))
}

// Of the calls that come at once under one number, one is done.
func TestCallNumberRace(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	c.login("kojiadmin", "labadmin")
	c.headers["Koji-Session-Callnum"] = "7"
	const n = 8
	errs := make(chan error, n)
	for range n {
		go func() {
			_, err := c.call("subsession")
			errs <- err
		}()
	}
	done := 0
	for range n {
		if err := <-errs; err == nil {
			done++
		} else {
			require.ErrorContains(t, err, "unable to retry call 7")
		}
	}
	require.Equal(t, 1, done)
}

func TestExpiry(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) { o.Now = now.Now })
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	require.NotNil(t, c.must("getSessionInfo"))
	now.advance(25 * time.Hour)
	id := c.headers["Koji-Session-Id"]
	_, err := c.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuthExpired, `session "`+id+`" has expired`)

	_, err = c.call("login", "kojiadmin", "labadmin", nil, true)
	require.ErrorContains(t, err, "is not of user kojiadmin")
	renewed := c.must("login", "labuser", "labuser", nil, true).(map[string]any)
	require.Equal(t, id, xmlrpc.Repr(renewed["session-id"]))
	_, err = c.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials") // the old key
	_, err = h.Store.Exec(t.Context(), `UPDATE sessions SET renew_time = $1`, now.Now())
	require.NoError(t, err)
	c.use(renewed)
	require.NotNil(t, c.must("getSessionInfo"))
}

func TestExclusiveSessions(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	first, second := newCaller(t, server), newCaller(t, server)
	first.login("kojiadmin", "labadmin")
	first.must("exclusiveSession")
	_, err := first.call("exclusiveSession")
	requireFault(t, err, koji.FaultGeneric, "session is already exclusive")

	second.login("kojiadmin", "labadmin")
	_, err = second.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuthLock, "User locked by another session")
	_, err = second.call("exclusiveSession")
	requireFault(t, err, koji.FaultAuthLock, "Cannot get exclusive session")

	child := newCaller(t, server)
	child.use(first.must("subsession"))
	require.NotNil(t, child.must("getSessionInfo"))
	_, err = child.call("exclusiveSession")
	requireFault(t, err, koji.FaultGeneric, "subsessions cannot become exclusive")

	second.must("exclusiveSession", xmlrpc.Keywords(map[string]any{"force": true}))
	_, err = first.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	second.must("sharedSession")
	third := newCaller(t, server)
	third.login("kojiadmin", "labadmin")
	require.NotNil(t, third.must("getSessionInfo"))
}

func TestLogout(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	admin, user, child := newCaller(t, server), newCaller(t, server), newCaller(t, server)
	_, err := user.call("logout")
	requireFault(t, err, koji.FaultAuth, "Not logged in")

	admin.login("kojiadmin", "labadmin")
	user.login("labuser", "labuser")
	child.use(user.must("subsession"))
	adminID, err := strconv.Atoi(admin.headers["Koji-Session-Id"])
	require.NoError(t, err)
	_, err = user.call("logout", adminID)
	requireFault(t, err, koji.FaultActionNotAllowed, "only admins or owner may logout other session")

	user.must("logout")
	for _, c := range []*caller{user, child} {
		_, err = c.call("getSessionInfo")
		requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	}
	require.NotNil(t, admin.must("getSessionInfo"))
}

func TestSessionIsBoundToAddress(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	c := newCaller(t, server)
	c.use(c.must("login", "kojiadmin", "labadmin", map[string]any{"hostip": "192.0.2.1"}))
	_, err := c.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
}

// That a session is in use is noted now and then, not with every call.
func TestTouch(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) { o.Now = now.Now })
	c := newCaller(t, newTestServer(t, h))
	c.login("kojiadmin", "labadmin")
	updated := func() (s string) {
		require.NoError(t, h.Store.QueryRow(t.Context(), `SELECT max(update_time)::text FROM sessions`).Scan(&s))
		return s
	}
	before := updated()
	c.must("echo")
	require.Equal(t, before, updated())
	now.advance(2 * touchAfter)
	c.must("echo")
	require.NotEqual(t, before, updated())
}

func TestOpenSession(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	id, err := strconv.ParseInt(c.headers["Koji-Session-Id"], 10, 64)
	require.NoError(t, err)
	s, err := h.OpenSession(t.Context(), id, c.headers["Koji-Session-Key"], "127.0.0.1")
	require.NoError(t, err)
	require.Equal(t, "labuser", s.UserName)
	_, err = h.OpenSession(t.Context(), id, "guess", "127.0.0.1")
	require.Equal(t, koji.FaultAuth, koji.FaultOf(err))
	_, err = h.OpenSession(t.Context(), id, c.headers["Koji-Session-Key"], "192.0.2.1")
	require.Equal(t, koji.FaultAuth, koji.FaultOf(err))
}
