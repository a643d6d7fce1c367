package client_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log"
	"math/big"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc/client"
)

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	ca := newAuthority(t, dir, "ca")
	hub := newFakeHub(t)
	hub.server.Close()
	hub.server = httptest.NewUnstartedServer(hub)
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	hub.server.TLS = &tls.Config{
		Certificates: []tls.Certificate{ca.pair(t, ca.issue(t, "hub"))},
		ClientCAs:    roots, ClientAuth: tls.VerifyClientCertIfGiven,
	}
	hub.server.Config.ErrorLog = log.New(t.Output(), "", 0)
	hub.server.StartTLS()
	t.Cleanup(hub.server.Close)
	cert := ca.issue(t, "kojiadmin")

	c := hub.client(client.Options{Cert: cert, ServerCA: ca.path})
	require.NoError(t, c.LoginCert(t.Context()))
	require.True(t, c.LoggedIn())
	require.NoError(t, c.LoginCertAs(t.Context(), "someone"))
	calls, _ := hub.made()
	require.Equal(t, []string{"sslLogin []{'proxyuser': None}", "sslLogin []{'proxyuser': 'someone'}"}, calls)

	require.ErrorContains(t, hub.client(client.Options{ServerCA: ca.path}).LoginCert(t.Context()), "No client cert")

	_, err := hub.client(client.Options{AnonRetry: true}).Call(t.Context(), "echo", nil)
	require.ErrorContains(t, err, "certificate signed by unknown authority")
	_, err = hub.client(client.Options{Insecure: true}).Call(t.Context(), "echo", nil)
	require.NoError(t, err)

	stranger := newAuthority(t, dir, "stranger").issue(t, "mallory")
	err = hub.client(client.Options{Cert: stranger, ServerCA: ca.path}).LoginCert(t.Context())
	require.ErrorContains(t, err, "could not verify client")
}

// authority signs certificates for a test.
type authority struct {
	dir, path string
	cert      *x509.Certificate
	key       *ecdsa.PrivateKey
	serial    int64
}

func newAuthority(t *testing.T, dir, name string) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	a := &authority{dir: dir, path: filepath.Join(dir, name+".crt"), cert: cert, key: key, serial: 1}
	require.NoError(t, os.WriteFile(a.path, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	return a
}

// issue writes a certificate and its key to one file, and returns its path.
func (a *authority) issue(t *testing.T, name string) string {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	path := filepath.Join(a.dir, name+".pem")
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return path
}

func (a *authority) pair(t *testing.T, path string) tls.Certificate {
	pair, err := tls.LoadX509KeyPair(path, path)
	require.NoError(t, err)
	return pair
}
