package devstack

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const (
	authorityLife   = 10 * 365 * 24 * time.Hour
	certificateLife = 365 * 24 * time.Hour
	// renewBefore is how long before its end a certificate is made anew, at a start.
	renewBefore = 30 * 24 * time.Hour
	// clockSkew lets a certificate be good on machines whose clocks are behind.
	clockSkew = time.Hour
)

// authority is a certificate authority of the stack's own: it signs the hub's
// certificate and those by which users and builders log in.
type authority struct {
	dir  string // of all certificates
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  time.Time
}

// openAuthority reads the authority in dir, or makes one.
func openAuthority(dir string, now time.Time) (*authority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	a := &authority{dir: dir, now: now}
	var err error
	a.cert, a.key, err = readPair(a.path("ca.pem"), a.path("ca.key"))
	if errors.Is(err, fs.ErrNotExist) || err == nil && now.After(a.cert.NotAfter.Add(-renewBefore)) {
		err = a.create()
	}
	if err != nil {
		return nil, fmt.Errorf("certificates: %w; remove %s to have them made anew", err, dir)
	}
	return a, nil
}

func (a *authority) path(name string) string { return filepath.Join(a.dir, name) }

func (a *authority) create() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := a.template("Toji development CA", authorityLife)
	template.IsCA = true
	template.BasicConstraintsValid = true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	a.key = key
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	// The certificate last: it tells that both are there.
	if err := writeKey(a.path("ca.key"), nil, key); err != nil {
		return err
	}
	return replaceFile(a.path("ca.pem"), certBlock(der), 0o644)
}

func (a *authority) template(name string, life time.Duration) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: name, Organization: []string{"Toji"}},
		NotBefore:    a.now.Add(-clockSkew),
		NotAfter:     a.now.Add(life),
	}
}

// server makes sure that DIR/FILE.pem and FILE.key are a server's certificate
// for all hosts, names or addresses.
func (a *authority) server(file string, hosts []string) error {
	template := a.template(hosts[0], certificateLife)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	return a.issue(a.path(file+".pem"), a.path(file+".key"), template)
}

// client makes sure that the file, certificate and key in one as Koji's clients
// want it, logs in the user.
func (a *authority) client(file, user string) error {
	template := a.template(user, certificateLife)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	return a.issue(a.path(file), a.path(file), template)
}

// issue writes a certificate like template, unless there is one that will do.
func (a *authority) issue(certFile, keyFile string, template *x509.Certificate) error {
	if cert, _, err := readPair(certFile, keyFile); err == nil && a.serves(cert, template) {
		return nil
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	if certFile == keyFile {
		err = writeKey(keyFile, certBlock(der), key)
	} else if err = writeKey(keyFile, nil, key); err == nil {
		err = replaceFile(certFile, certBlock(der), 0o644)
	}
	if err != nil {
		return fmt.Errorf("certificates: %w", err)
	}
	return nil
}

// serves tells whether cert is ours, will last, and is for what template is.
func (a *authority) serves(cert, template *x509.Certificate) bool {
	return cert.CheckSignatureFrom(a.cert) == nil &&
		a.now.Before(cert.NotAfter.Add(-renewBefore)) &&
		cert.Subject.CommonName == template.Subject.CommonName &&
		slices.Equal(cert.DNSNames, template.DNSNames) &&
		slices.EqualFunc(cert.IPAddresses, template.IPAddresses, net.IP.Equal)
}

// readPair reads a certificate and its key; both may be in one file.
func readPair(certFile, keyFile string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	certDER, err := readBlock(certFile, "CERTIFICATE")
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := readBlock(keyFile, "PRIVATE KEY")
	if err != nil {
		return nil, nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", certFile, err)
	}
	any, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", keyFile, err)
	}
	key, ok := any.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, fmt.Errorf("%s is not the key of %s", keyFile, certFile)
	}
	return cert, key, nil
}

func readBlock(file, kind string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			return nil, fmt.Errorf("%s holds no %s", file, kind)
		}
		if block.Type == kind {
			return block.Bytes, nil
		}
	}
}

func certBlock(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// writeKey writes a key, after what has to stand before it in the file.
func writeKey(file string, before []byte, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
	return replaceFile(file, bytes.Join([][]byte{before, text}, nil), 0o600)
}
