package hub

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// A session that has its user for itself keeps it when it is renewed.
func TestRenewExclusive(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) { o.Now = now.Now })
	server := newTestServer(t, h)
	first, child := newCaller(t, server), newCaller(t, server)
	first.login("kojiadmin", "labadmin")
	first.must("exclusiveSession")
	child.use(first.must("subsession"))
	now.advance(25 * time.Hour)
	_, err := child.call("getSessionInfo")
	require.ErrorContains(t, err, "has expired")
	renewed := first.must("login", xmlrpc.Keywords(map[string]any{"user": "kojiadmin", "password": "labadmin", "renew": true, "exclusive": true}))
	asOfNow := func() {
		_, err = h.Store.Exec(t.Context(), `UPDATE sessions SET renew_time = $1`, now.Now())
		require.NoError(t, err)
	}
	asOfNow()
	first.use(renewed)
	info := first.must("getSessionInfo").(map[string]any)
	require.Equal(t, true, info["exclusive"])

	second := newCaller(t, server)
	second.login("kojiadmin", "labadmin")
	asOfNow()
	second.must("exclusiveSession", true)
	second.must("sharedSession")
	for _, c := range []*caller{first, child} {
		_, err = c.call("getSessionInfo")
		requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	}
}

func TestSessionMaxAge(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) {
		o.Now = now.Now
		o.Config.Hub.SessionRenewalTimeout, o.Config.Hub.SessionMaxAge = 0, config.Duration(48*time.Hour)
	})
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	c.must("exclusiveSession")
	id := c.headers["Koji-Session-Id"]
	now.advance(47 * time.Hour)
	require.NotNil(t, c.must("getSessionInfo"))
	now.advance(2 * time.Hour)
	_, err := c.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuthExpired, `session "`+id+`" has expired`)
	next := c.must("login", xmlrpc.Keywords(map[string]any{"user": "labuser", "password": "labuser", "renew": true, "exclusive": true})).(map[string]any)
	require.NotEqual(t, id, xmlrpc.Repr(next["session-id"]), "an old session was renewed")
	_, err = c.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
}

// A login within a session whose master is gone makes none, as with Koji.
func TestRenewWithoutMaster(t *testing.T) {
	h := newTestHub(t)
	server := newTestServer(t, h)
	master, child := newCaller(t, server), newCaller(t, server)
	master.login("labuser", "labuser")
	child.use(master.must("subsession"))
	_, err := h.Store.Exec(t.Context(), `UPDATE sessions SET expired = TRUE, closed = (master IS NULL)`)
	require.NoError(t, err)
	require.Nil(t, child.must("login", "labuser", "labuser", nil, true))
}

func TestLogoutOthers(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	id := func(c *caller) any { return c.must("getSessionInfo", true).(map[string]any)["id"] }
	admin, user, again, child := newCaller(t, server), newCaller(t, server), newCaller(t, server), newCaller(t, server)
	admin.login("kojiadmin", "labadmin")
	user.login("labuser", "labuser")
	again.login("labuser", "labuser")
	child.use(again.must("subsession"))
	userID, childID := id(user), id(child)

	user.must("logoutChild", childID) // it is not its child: nothing happens
	require.NotNil(t, child.must("getSessionInfo"))
	again.must("logoutChild", childID)
	_, err := child.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	again.must("logout", userID) // one's own
	_, err = user.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	admin.must("logout", id(again)) // anyone's
	_, err = again.call("getSessionInfo")
	requireFault(t, err, koji.FaultAuth, "Invalid session or bad credentials")
	for _, method := range []string{"logout", "subsession", "sharedSession", "exclusiveSession"} {
		_, err = newCaller(t, server).call(method)
		requireFault(t, err, koji.FaultAuth, "Not logged in")
	}
}
