package stack

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/toji-build/toji/internal/rpc/client"
)

// Login returns a client of a user, which the hub makes if it is new. Options
// need no server and no certificates.
func (s *Stack) Login(ctx context.Context, user string, o client.Options) (*client.Client, error) {
	var err error
	if o.Cert, err = s.Certificate(user); err != nil {
		return nil, err
	}
	o.Server, o.ServerCA = s.Env["TOJI_TLS_URL"]+"/kojihub", filepath.Join(s.Dir, "tls", "ca.pem")
	c, err := client.New(o)
	if err != nil {
		return nil, err
	}
	return c, c.LoginCert(ctx)
}

// Certificate writes a user's certificate and key, signed by the stack's own
// authority, into one file and returns its path. The name may be an address, of a
// server.
func (s *Stack) Certificate(user string) (string, error) {
	ca, err := tls.LoadX509KeyPair(filepath.Join(s.Dir, "tls", "ca.pem"), filepath.Join(s.Dir, "tls", "ca.key"))
	if err != nil {
		return "", err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	now := time.Now()
	var addresses []net.IP
	if ip := net.ParseIP(user); ip != nil {
		addresses = append(addresses, ip)
	}
	cert, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: user},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: addresses,
	}, ca.Leaf, key.Public(), ca.PrivateKey)
	if err != nil {
		return "", err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", err
	}
	text := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	file := filepath.Join(s.Dir, "tls", "user-"+user+".pem")
	return file, os.WriteFile(file, text, 0o600)
}
