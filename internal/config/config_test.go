package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The example shows every key, with its default.
func TestExample(t *testing.T) {
	text, err := os.ReadFile("../../deploy/toji.toml")
	require.NoError(t, err)
	c, err := Parse("toji.toml", text)
	require.NoError(t, err)
	require.Equal(t, Default(), c)

	sections := strings.Split("\n"+string(text), "\n[")
	for field := range reflect.TypeFor[Config]().Fields() {
		section := field.Tag.Get("toml")
		if field.Type.Kind() != reflect.Struct {
			continue
		}
		i := 0
		for ; i < len(sections) && !strings.HasPrefix(sections[i], section+"]"); i++ {
		}
		require.Less(t, i, len(sections), "no section [%s]", section)
		for key := range field.Type.Fields() {
			require.Contains(t, sections[i], "\n"+key.Tag.Get("toml")+" = ", "section [%s]", section)
		}
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "[hub]\nlisten = \":1\"\nlissten = \":2\"", `t.toml:3: unknown key "hub.lissten"`},
		{"unknown section", "[hubb]\nlisten = \":1\"", `t.toml:1: unknown key "hubb"`},
		{"bad TOML", "[hub]\nlisten = ", "t.toml:2: "},
		{"wrong type", "[hub]\nlockout = 3", "t.toml:2: "},
		{"bad duration", "[hub]\nslow_call = \"soon\"", "soon"},
		{"no listener", "[hub]\nlisten = \"\"", "nothing could reach the hub"},
		{"TLS without key", "[hub]\nlisten_tls = \":2\"", "listen_tls needs tls_cert and tls_key"},
		{"relative topdir", "[hub]\ntopdir = \"koji\"", `topdir "koji" is not an absolute path`},
		{"bad proxy", "[hub]\ntrusted_proxies = [\"10.0.0.0/8\", \"web\"]", "trusted_proxies: "},
		{"negative age", "[hub]\nsession_max_age = \"-1s\"", "session_max_age must not be negative"},
		{"no window", "[hub]\nlogin_failure_window = \"0s\"", "login_failure_window must be positive"},
		{"bad pattern", "[hub]\nregex_user_name = \"[\"", "regex_user_name"},
		{"relative mount", "[worker]\nrunroot_mounts = [\"srv\"]", `runroot_mounts: "srv" is no absolute path`},
		{"bad level", "[log]\nlevel = \"loud\"", `level "loud" is none of`},
		{"unknown fairness", "[scheduler]\nfairness = \"luck\"", `fairness "luck" is none of`},
		{"share of nothing", "[scheduler]\nowner_share = 0.0", "owner_share must be above 0"},
		{"mail without sender", "[mail]\nhost = \"mx\"", "from_addr"},
		{"mail without domain", "[mail]\nhost = \"mx\"\nfrom_addr = \"k@x.org\"", "hub.email_domain is empty"},
		{"bare password", "[hub]\nemail_domain = \"x.org\"\n[mail]\nhost = \"mx\"\nfrom_addr = \"k@x.org\"\nuser = \"k\"\npassword_file = \"p\"", "user needs starttls"},
		{"missing secret", "[database]\ndsn_file = \"/nonexistent/dsn\"", "read secret"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse("t.toml", []byte(c.text))
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestSecretFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "dsn")
	require.NoError(t, os.WriteFile(file, []byte("host=db password=secret\n"), 0o600))
	c, err := Parse("t.toml", []byte("[database]\ndsn_file = '"+file+"'"))
	require.NoError(t, err)
	require.Equal(t, "host=db password=secret", c.Database.DSN)
}

func TestLoadWithoutFile(t *testing.T) {
	c, err := Load("")
	require.NoError(t, err)
	require.Equal(t, Default(), c)
	_, err = Load("/nonexistent/toji.toml")
	require.ErrorContains(t, err, "read configuration")
}
