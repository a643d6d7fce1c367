package devstack

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func readCert(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	der, err := readBlock(path, "CERTIFICATE")
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return cert
}

func TestCertificates(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	a, err := openAuthority(dir, time.Now())
	require.NoError(t, err)
	require.NoError(t, a.server("hub", []string{"localhost", "127.0.0.1", "::1", "build.example.org"}))
	require.NoError(t, a.client("admin.pem", "kojiadmin"))

	pool := x509.NewCertPool()
	pool.AddCert(readCert(t, filepath.Join(dir, "ca.pem")))
	hub := readCert(t, filepath.Join(dir, "hub.pem"))
	for _, name := range []string{"localhost", "127.0.0.1", "::1", "build.example.org"} {
		_, err := hub.Verify(x509.VerifyOptions{Roots: pool, DNSName: name})
		require.NoError(t, err, name)
	}
	_, err = hub.Verify(x509.VerifyOptions{Roots: pool, DNSName: "example.org"})
	require.Error(t, err)

	admin := readCert(t, filepath.Join(dir, "admin.pem"))
	require.Equal(t, "kojiadmin", admin.Subject.CommonName)
	_, err = admin.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	require.NoError(t, err)
	_, err = admin.Verify(x509.VerifyOptions{Roots: pool})
	require.Error(t, err, "a user's certificate must not pass for a server's")

	_, err = tls.LoadX509KeyPair(filepath.Join(dir, "hub.pem"), filepath.Join(dir, "hub.key"))
	require.NoError(t, err)
	_, err = tls.LoadX509KeyPair(filepath.Join(dir, "admin.pem"), filepath.Join(dir, "admin.pem"))
	require.NoError(t, err)
	for _, secret := range []string{"ca.key", "hub.key", "admin.pem"} {
		info, err := os.Stat(filepath.Join(dir, secret))
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode(), secret)
	}
}

func TestCertificatesAreKept(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	issue := func(now time.Time, user string, hosts ...string) (ca, hub, client string) {
		a, err := openAuthority(dir, now)
		require.NoError(t, err)
		require.NoError(t, a.server("hub", hosts))
		require.NoError(t, a.client("admin.pem", user))
		serial := func(file string) string { return readCert(t, filepath.Join(dir, file)).SerialNumber.String() }
		return serial("ca.pem"), serial("hub.pem"), serial("admin.pem")
	}
	ca, hub, client := issue(now, "admin", "localhost", "127.0.0.1")
	for _, c := range []struct {
		name               string
		now                time.Time
		user               string
		hosts              []string
		newCA, newHub, new bool
	}{
		{"the same", now, "admin", []string{"localhost", "127.0.0.1"}, false, false, false},
		{"another name", now, "admin", []string{"localhost", "10.0.0.1"}, false, true, false},
		{"another user", now, "alice", []string{"localhost", "10.0.0.1"}, false, false, true},
		{"close to the end", now.Add(certificateLife - time.Hour), "alice", []string{"localhost", "10.0.0.1"}, false, true, true},
		{"years later", now.Add(authorityLife), "alice", []string{"localhost", "10.0.0.1"}, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			ca2, hub2, client2 := issue(c.now, c.user, c.hosts...)
			require.Equal(t, c.newCA, ca != ca2, "authority")
			require.Equal(t, c.newHub, hub != hub2, "server")
			require.Equal(t, c.new, client != client2, "client")
			ca, hub, client = ca2, hub2, client2
		})
	}
}

func TestBrokenAuthority(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "ca.pem"), []byte("nonsense"), 0o600))
	_, err := openAuthority(dir, time.Now())
	require.ErrorContains(t, err, "remove "+dir)
}
