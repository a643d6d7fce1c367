package devstack

import (
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji/profile"
)

// newStack returns a stack that has its addresses but runs nothing.
func newStack(t *testing.T) *Stack {
	t.Helper()
	s, err := New(Options{Dir: filepath.Join(t.TempDir(), "it's mine"), Toji: "toji", Output: io.Discard})
	require.NoError(t, err)
	s.dir = open(t, s.opts.Dir)
	t.Cleanup(func() { s.dir.close() })
	s.listen, s.secure, s.ui, s.gateway = "0.0.0.0:8080", "127.0.0.1:8443", "127.0.0.1:8233", "127.0.0.1:7243"
	return s
}

func TestConfiguration(t *testing.T) {
	s := newStack(t)
	const dsn, temporal = "host='/srv/a b' password='x''y' dbname='koji'", "127.0.0.1:7299"
	require.NoError(t, s.writeConfig(dsn, temporal))

	hub, err := config.Load(s.dir.file("hub.toml"))
	require.NoError(t, err)
	require.Equal(t, dsn, hub.Database.DSN)
	require.Equal(t, "0.0.0.0:8080", hub.Hub.Listen)
	require.Equal(t, "http://127.0.0.1:8080", hub.Hub.WebURL)
	require.Equal(t, s.dir.file("topdir"), hub.Hub.TopDir)

	worker, err := config.Load(s.dir.file("worker.toml"))
	require.NoError(t, err)
	require.Equal(t, "https://127.0.0.1:8443/kojihub", worker.Worker.HubURL)
	require.Equal(t, hub.Hub.ListenBuilders, worker.Worker.Gateway)
	require.NotEqual(t, temporal, worker.Temporal.Address, "a builder must not reach Temporal itself")
	text, err := os.ReadFile(s.dir.file("worker.toml"))
	require.NoError(t, err)
	require.NotContains(t, string(text), "password", "a builder must not have the database's DSN")

	p, err := profile.Load(profile.Options{Config: s.dir.file("koji.conf"), Profile: "toji", Etc: t.TempDir(), Home: t.TempDir()})
	require.NoError(t, err)
	require.Equal(t, "https://127.0.0.1:8443/kojihub", p.Server)
	require.Equal(t, "ssl", p.AuthType)
	require.Equal(t, s.dir.file("tls", "admin.pem"), p.Cert)

	out, err := exec.Command("sh", "-c", `. "$1" && printf '%s\n' "$TOJI_URL" "$TOJI_TLS_URL" "$TOJI_DATABASE" "$TOJI_TEMPORAL" "$TOJI_TEMPORAL_UI" "$TOJI_TOPDIR"`,
		"sh", s.dir.file("env")).Output()
	require.NoError(t, err)
	require.Equal(t, []string{"http://127.0.0.1:8080", "https://127.0.0.1:8443", dsn, temporal, "http://127.0.0.1:8233", s.dir.file("topdir")},
		strings.Split(strings.TrimSpace(string(out)), "\n"))
}

// What is wrong is said before anything runs.
func TestBadStarts(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	empty := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for _, c := range []struct {
		name string
		o    Options
		want string
	}{
		{"no directory", Options{Dir: ""}, "--dir"},
		{"bad user", Options{Admin: "a b"}, `--admin "a b" is no user name`},
		{"no password file", Options{PasswordFile: "/nonexistent"}, "--admin-password-file: open /nonexistent"},
		{"empty password", Options{PasswordFile: empty}, "is empty"},
		{"no Temporal", Options{TemporalServer: "/nonexistent/temporal-server"}, "build it with `make build`"},
		{"port in use", Options{Listen: l.Addr().String(), Temporal: "127.0.0.1:1"}, "such as --listen "},
		{"TLS port in use", Options{Listen: "127.0.0.1:0", TLSListen: l.Addr().String(), Temporal: "127.0.0.1:1"}, "such as --tls-listen "},
		{"socket", Options{Listen: "127.0.0.1:0", TLSListen: "127.0.0.1:0", TemporalUI: "127.0.0.1:0", TemporalServer: "/bin/true", Database: "host=/run/postgresql"}, "give the server's TCP address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			if c.name != "no directory" {
				c.o.Dir = filepath.Join(dir, "dev")
			}
			c.o.Toji, c.o.Output = "/nonexistent/toji", io.Discard
			s, err := New(c.o)
			if err == nil {
				err = s.Run(t.Context())
			}
			require.ErrorContains(t, err, c.want)
			require.NoFileExists(t, filepath.Join(dir, "dev", "ready"))
		})
	}
}
