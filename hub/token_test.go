package hub

import (
	"bytes"
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// tokenCaller returns a caller with a token that owner makes.
func tokenCaller(t *testing.T, owner *caller, name string, scope map[string]any) *caller {
	t.Helper()
	kw := map[string]any{"name": name}
	for k, v := range scope {
		kw[k] = v
	}
	made := owner.must("toji.createToken", xmlrpc.Keywords(kw)).(map[string]any)
	c := newCaller(t, owner.server)
	c.headers["Authorization"] = "Bearer " + made["token"].(string)
	return c
}

func TestTokenScopes(t *testing.T) {
	server := newTestServer(t, newTestHub(t))
	admin := newCaller(t, server)
	admin.login("kojiadmin", "labadmin")
	list := func(items ...string) []any {
		all := make([]any, len(items))
		for i, item := range items {
			all[i] = item
		}
		return all
	}
	tokens := map[string]*caller{
		"plain":     tokenCaller(t, admin, "plain", nil),
		"all":       tokenCaller(t, admin, "all", map[string]any{"permissions": list("*")}),
		"reader":    tokenCaller(t, admin, "reader", map[string]any{"permissions": list("*"), "read_only": true}),
		"tagger":    tokenCaller(t, admin, "tagger", map[string]any{"permissions": list("tag")}),
		"few":       tokenCaller(t, admin, "few", map[string]any{"methods": list("createTag", "get*"), "permissions": list("admin")}),
		"no upload": tokenCaller(t, admin, "no-upload", map[string]any{"methods": list("getTag")}),
	}
	for _, c := range []struct {
		token, method string
		params        []any
		fault         string
	}{
		{"plain", "getLoggedInUser", nil, ""},
		{"plain", "createTag", []any{"t1"}, "tag permission required (logged in as kojiadmin)"},
		{"plain", "getPerms", nil, ""},
		{"plain", "logout", nil, "logout cannot be called with a token"},
		{"all", "createTag", []any{"t2"}, ""},
		{"all", "createUser", []any{"new"}, ""},
		{"all", "toji.createToken", []any{"more"}, "toji.createToken cannot be called with a token"},
		{"all", "toji.listTokens", nil, "toji.listTokens cannot be called with a token"},
		{"all", "toji.revokeToken", []any{"plain"}, "toji.revokeToken cannot be called with a token"},
		{"all", "subsession", nil, "subsession cannot be called with a token"},
		{"all", "exclusiveSession", nil, "exclusiveSession cannot be called with a token"},
		{"all", "sharedSession", nil, "sharedSession cannot be called with a token"},
		{"all", "logoutChild", []any{1}, "logoutChild cannot be called with a token"},
		{"all", "login", []any{"kojiadmin", "labadmin"}, "login cannot be called with a token"},
		{"all", "sslLogin", nil, "sslLogin cannot be called with a token"},
		{"all", "host.getID", nil, "User 1 is not a host"},
		{"tagger", "createTag", []any{"t5"}, ""},
		{"tagger", "createUser", []any{"x"}, "admin permission required (logged in as kojiadmin)"},
		{"reader", "getTag", []any{"t2"}, ""},
		{"reader", "createTag", []any{"t3"}, "token reader is not good for createTag, it is for reading only"},
		{"reader", "uploadFile", []any{"x", "f", 1, "", 0, "YQ=="}, "token reader is not good for uploadFile, it is for reading only"},
		{"few", "createTag", []any{"t4"}, ""},
		{"few", "getTag", []any{"t4"}, ""},
		{"few", "createUser", []any{"x"}, "token few is not good for createUser"},
		{"few", "echo", nil, "token few is not good for echo"},
	} {
		t.Run(c.token+" "+c.method, func(t *testing.T) {
			_, err := tokens[c.token].call(c.method, c.params...)
			if c.fault == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.fault)
			// And not in company, either.
			call := map[string]any{"methodName": c.method, "params": append([]any{}, c.params...)}
			result := tokens[c.token].must("multiCall", []any{call}).([]any)
			require.Contains(t, result[0].(map[string]any)["faultString"], c.fault)
		})
	}
	require.Empty(t, tokens["plain"].must("getPerms"))
	require.Equal(t, []any{"admin"}, tokens["few"].must("multiCall", []any{map[string]any{"methodName": "getPerms", "params": []any{}}}).([]any)[0].([]any)[0])
	require.Equal(t, false, tokens["plain"].must("hasPerm", "admin"))

	query := "/kojihub?" + url.Values{"filename": {"f"}, "filepath": {"dir"}}.Encode()
	for token, want := range map[string]string{"plain": "<name>size</name>", "reader": "it is for reading only", "no upload": "not good for uploadFile"} {
		_, _, text := tokens[token].post(query, "application/octet-stream", strings.NewReader("x"))
		require.Contains(t, text, want, token)
	}
}

func TestTokenLife(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) { o.Now = now.Now })
	addUsers(t, h)
	server := newTestServer(t, h)
	admin, user := newCaller(t, server), newCaller(t, server)
	admin.login("kojiadmin", "labadmin")
	user.login("labuser", "labuser")
	invalid := func(c *caller, text string) {
		t.Helper()
		_, err := c.call("getLoggedInUser")
		requireFault(t, err, koji.FaultAuth, text)
	}

	short := tokenCaller(t, user, "short", map[string]any{"lifetime": 60})
	require.NotNil(t, short.must("getLoggedInUser"))
	now.advance(61 * time.Second)
	invalid(short, "token short has expired")

	mine := tokenCaller(t, user, "mine", nil)
	require.Equal(t, "labuser", mine.must("getLoggedInUser").(map[string]any)["name"])
	admin.must("disableUser", "labuser")
	invalid(mine, "logins by labuser are not allowed")
	admin.must("enableUser", "labuser")
	require.NotNil(t, mine.must("getLoggedInUser"))

	_, err := newCaller(t, server).call("toji.listTokens")
	require.ErrorContains(t, err, "you must be logged in")
	_, err = user.call("toji.listTokens", "kojiadmin")
	requireFault(t, err, koji.FaultActionNotAllowed, "only admins may see the tokens of others")
	_, err = user.call("toji.revokeToken", "mine", "kojiadmin")
	requireFault(t, err, koji.FaultActionNotAllowed, "only admins may see the tokens of others")
	_, err = admin.call("toji.revokeToken", "mine")
	requireFault(t, err, koji.FaultGeneric, "No such token: 'mine'")
	_, err = user.call("toji.revokeToken", true)
	requireFault(t, err, koji.FaultParameter, "a token is named by its id or name, not by a value of type bool")

	listed := admin.must("toji.listTokens", "labuser").([]any)
	require.Len(t, listed, 2)
	require.Equal(t, "mine", listed[1].(map[string]any)["name"])
	require.NotContains(t, listed[1], "token")
	admin.must("toji.revokeToken", "mine", "labuser")
	invalid(mine, "invalid token")
	user.must("toji.revokeToken", listed[0].(map[string]any)["id"])
	require.Empty(t, user.must("toji.listTokens"))
	require.NotNil(t, tokenCaller(t, user, "mine", nil).must("getLoggedInUser"), "the name is free again")

	// Permissions that the owner loses, the token loses.
	admin.must("grantPermission", "labuser", "tag")
	tagger := tokenCaller(t, user, "tagger", map[string]any{"permissions": []any{"tag"}})
	tagger.must("createTag", "t1")
	admin.must("revokePermission", "labuser", "tag")
	_, err = tagger.call("createTag", "t2")
	require.ErrorContains(t, err, "tag permission required")

	both := newCaller(t, server)
	both.login("labuser", "labuser")
	both.headers["Authorization"] = mine.headers["Authorization"]
	invalid(both, "a request has a session or a token, not both")
}

func TestNewTokenParameters(t *testing.T) {
	h := newTestHub(t)
	c := newCaller(t, newTestServer(t, h))
	c.login("labuser", "labuser")
	c.must("toji.createToken", "taken")
	for _, test := range []struct {
		name, token string
		scope       map[string]any
		want        string
	}{
		{"no name", "", nil, "a token's name has"},
		{"bad name", "a b", nil, "a token's name has"},
		{"name taken", "taken", nil, "token already exists: taken"},
		{"no such method", "x", map[string]any{"methods": []any{"bild"}}, "no method is called bild"},
		{"bad pattern", "x", map[string]any{"methods": []any{"["}}, "no method is called ["},
		{"permission that one has not", "x", map[string]any{"permissions": []any{"admin"}}, "a token cannot have permission admin, which you have not"},
		{"no time", "x", map[string]any{"lifetime": 0}, "lifetime must be a positive number of seconds"},
		{"absurd time", "x", map[string]any{"lifetime": int64(1) << 62}, "lifetime must be a positive number of seconds"},
		{"too long", "x", map[string]any{"lifetime": 367 * 24 * 3600}, "lifetime must be 31622400 seconds at most"},
	} {
		t.Run(test.name, func(t *testing.T) {
			kw := map[string]any{"name": test.token}
			for k, v := range test.scope {
				kw[k] = v
			}
			_, err := c.call("toji.createToken", xmlrpc.Keywords(kw))
			require.ErrorContains(t, err, test.want)
		})
	}
	require.Len(t, c.must("toji.listTokens"), 1)
}

// That a token is in use is noted now and then, not with every call.
func TestTokenUse(t *testing.T) {
	now := newClock()
	h := newTestHub(t, func(o *Options) { o.Now = now.Now })
	owner := newCaller(t, newTestServer(t, h))
	owner.login("labuser", "labuser")
	c := tokenCaller(t, owner, "ci", nil)
	version := func() string {
		v, err := database.One[string](context.Background(), h.Store.DB, `SELECT xmin::text || coalesce(used_at::text, '') FROM toji.token`)
		require.NoError(t, err)
		return v
	}
	unused := version()
	c.must("echo")
	used := version()
	require.NotEqual(t, unused, used)
	c.must("echo")
	require.Equal(t, used, version())
	now.advance(2 * touchAfter)
	c.must("echo")
	require.NotEqual(t, used, version())
	var hash []byte
	require.NoError(t, h.Store.QueryRow(t.Context(), `SELECT hash FROM toji.token`).Scan(&hash))
	require.False(t, bytes.Contains(hash, []byte("toji_")))
}
