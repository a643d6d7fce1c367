package devstack

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func open(t *testing.T, dir string) *directory {
	t.Helper()
	d, err := openDirectory(dir)
	require.NoError(t, err)
	return d
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "dev")
	d := open(t, dir)
	_, err := openDirectory(dir)
	require.EqualError(t, err, fmt.Sprintf("another toji dev (process %d) works in %s; stop it, or choose another directory with --dir", os.Getpid(), dir))
	require.NoError(t, d.close())
	d = open(t, dir)
	require.False(t, d.unclean)
	require.NoError(t, d.lock.Close()) // as when killed
	d = open(t, dir)
	require.True(t, d.unclean)
	require.NoError(t, d.close())
}

func TestDirectoryOfAnotherVersion(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{fmt.Sprintf(`{"version": %d}`, layoutVersion+1), "was made by a newer toji"},
		{fmt.Sprintf(`{"version": %d}`, layoutVersion-1), "was made by an older toji"},
		{"{", "choose another directory with --dir"},
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "dev.json"), []byte(c.text), 0o644))
		_, err := openDirectory(dir)
		require.ErrorContains(t, err, c.want)
	}
}

func TestPortsAreKept(t *testing.T) {
	dir := t.TempDir()
	d := open(t, dir)
	private, err := d.private("postgres", "127.0.0.1")
	require.NoError(t, err)
	given, err := d.claim("listen", "127.0.0.1:0")
	require.NoError(t, err)
	require.NotEqual(t, private, given)
	require.NoError(t, d.close())

	d = open(t, dir)
	again, err := d.claim("listen", "127.0.0.1:0")
	require.NoError(t, err)
	require.Equal(t, given, again)
	// What is in use by others is not waited for.
	l, err := net.Listen("tcp", private)
	require.NoError(t, err)
	defer l.Close()
	other, err := d.private("postgres", "127.0.0.1")
	require.NoError(t, err)
	require.NotEqual(t, private, other)
	require.NoError(t, d.close())
}

func TestClaim(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	d := open(t, t.TempDir())
	t.Cleanup(func() { d.close() })
	for _, c := range []struct{ address, want string }{
		{l.Addr().String(), "is in use by another program; stop that, or choose another address, such as --listen 127.0.0.1:"},
		{"8080", `--listen "8080": want HOST:PORT`},
		{"192.0.2.1:8080", "choose another address with --listen"}, // nobody's
	} {
		_, err := d.claim("listen", c.address)
		require.ErrorContains(t, err, c.want)
	}
}

func TestReachable(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:80": "127.0.0.1:80", ":80": "127.0.0.1:80", "0.0.0.0:80": "127.0.0.1:80",
		"[::]:80": "127.0.0.1:80", "10.0.0.1:80": "10.0.0.1:80", "build.example.org:80": "build.example.org:80",
	} {
		require.Equal(t, want, reachable(address))
	}
}
