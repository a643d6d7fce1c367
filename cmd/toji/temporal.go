package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"os"

	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/toji-build/toji/internal/config"
)

// dialTemporal returns a client that connects when it is first used, and again
// whenever the connection was lost: Temporal may be down now and later.
func dialTemporal(c config.Temporal, log *slog.Logger) (client.Client, error) {
	secure, err := temporalTLS(c)
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	dialed, err := client.NewLazyClient(client.Options{
		HostPort:          c.Address,
		Namespace:         c.Namespace,
		Logger:            sdklog.NewStructuredLogger(log),
		ConnectionOptions: client.ConnectionOptions{TLS: secure},
	})
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	return dialed, nil
}

// temporalTLS returns nil for a connection without TLS.
func temporalTLS(c config.Temporal) (*tls.Config, error) {
	if c.TLSCert == "" && c.TLSCA == "" {
		return nil, nil
	}
	secure := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLSCert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
		if err != nil {
			return nil, err
		}
		secure.Certificates = []tls.Certificate{pair}
	}
	if c.TLSCA != "" {
		pem, err := os.ReadFile(c.TLSCA)
		if err != nil {
			return nil, err
		}
		secure.RootCAs = x509.NewCertPool()
		if !secure.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("no certificate in %s", c.TLSCA)
		}
	}
	return secure, nil
}
