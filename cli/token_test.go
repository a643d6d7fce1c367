package cli

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/profile"
)

func TestTokenCommands(t *testing.T) {
	user := "alice"
	row := func(id int, name string, expires, used any) map[string]any {
		return map[string]any{
			"id": id, "user_id": 1, "user_name": "alice", "name": name, "methods": []any{"build", "get*"}, "permissions": []any{"tag"},
			"read_only": false, "created": "2026-11-23 09:00:00+00:00", "expires": expires, "used": used,
		}
	}
	created := row(7, "ci", "2026-12-23 09:00:00+00:00", nil)
	created["token"] = "toji_SECRET"
	for name, test := range map[string]struct {
		args           []string
		calls          []exchange
		exit           int
		stdout, stderr string
	}{
		"create": {
			args:   []string{"token", "create", "ci", "--method", "build", "--method=get*", "--permission", "tag", "--days", "30"},
			calls:  answers("toji.createToken", []any{"ci", []any{"build", "get*"}, []any{"tag"}, false, 30 * 24 * 3600}, created),
			stdout: "toji_SECRET\n", stderr: "Keep it: it is not shown again. It expires Wed Dec 23 09:00:00 2026.\n",
		},
		"create with the defaults": {
			args:   []string{"token", "create", "reader", "--read-only"},
			calls:  answers("toji.createToken", []any{"reader", nil, nil, true, nil}, created),
			stdout: "toji_SECRET\n", stderr: "Keep it: it is not shown again. It expires Wed Dec 23 09:00:00 2026.\n",
		},
		"create without a name": {args: []string{"token", "create"}, exit: 2, stderr: "Please specify a name for the token"},
		"list": {
			args:  []string{"token", "list", "--user", "bob"},
			calls: answers("toji.listTokens", []any{"bob"}, []any{row(7, "ci", nil, "2026-11-23 09:00:00+00:00")}),
			stdout: "ID     Name                  Expires                   Used                      Good for\n" +
				"7      ci                    never                     Mon Nov 23 09:00:00 2026  build get*, with tag\n",
		},
		"revoke":        {args: []string{"token", "revoke", "ci"}, calls: answers("toji.revokeToken", []any{"ci", nil}, nil)},
		"revoke by id":  {args: []string{"token", "revoke", "7"}, calls: answers("toji.revokeToken", []any{7, nil}, nil)},
		"revoke no one": {args: []string{"token", "revoke", "x"}, calls: answers("toji.revokeToken", []any{"x", nil}, &reply{1000, "No such token: 'x'"}), exit: 1, stderr: "No such token: 'x'"},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newFakeHub(t, test.calls...)
			run := hub.run(t, &user, test.args...)
			require.NoError(t, hub.check())
			require.Equal(t, test.exit, run.exit, run.stderr)
			require.Equal(t, test.stdout, run.stdout)
			require.Contains(t, run.stderr, test.stderr)
		})
	}
}

func TestReadToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	require.NoError(t, os.WriteFile(file, []byte("toji_FILE\n"), 0o600))
	for _, c := range []struct {
		p    profile.Profile
		want string
	}{
		{profile.Profile{}, ""},
		{profile.Profile{Token: "toji_HERE"}, "toji_HERE"},
		{profile.Profile{TokenFile: file}, "toji_FILE"},
		{profile.Profile{Token: "toji_HERE", TokenFile: file}, "toji_HERE"},
	} {
		got, err := readToken(&c.p)
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
	_, err := readToken(&profile.Profile{TokenFile: file + "x"})
	require.Error(t, err)
}
