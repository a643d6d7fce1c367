// Package motion connects processes to Temporal: hubs directly, builders and
// workers of sites through the hub's gateway.
package motion

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"

	"github.com/toji-build/toji/internal/config"
)

// reconnect is how often a Temporal that is away is looked for: all tasks wait
// until it is found.
var reconnect = backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second}

// OfBuilder returns the Temporal that a builder speaks to: the hub's gateway, where
// it has one.
func OfBuilder(c *config.Config) config.Temporal {
	t := c.Temporal
	if w := c.Worker; w.Gateway != "" {
		t.Address, t.TLSCert, t.TLSKey, t.TLSCA = w.Gateway, w.Cert, w.Cert, w.ServerCA
	}
	return t
}

// Dial returns a client that connects when it is first used, and again
// whenever the connection was lost: Temporal may be down now and later.
func Dial(c config.Temporal, log *slog.Logger) (client.Client, error) {
	secure, err := temporalTLS(c)
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	dialed, err := client.NewLazyClient(client.Options{
		HostPort:  c.Address,
		Namespace: c.Namespace,
		Logger:    sdklog.NewStructuredLogger(log),
		ConnectionOptions: client.ConnectionOptions{TLS: secure, DialOptions: []grpc.DialOption{
			grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 5 * time.Second}),
		}},
	})
	if err != nil {
		return nil, fmt.Errorf("temporal: %w", err)
	}
	return dialed, nil
}

// IfThere takes the answer that there is no such workflow or schedule for a success.
func IfThere(err error) error {
	if _, notFound := errors.AsType[*serviceerror.NotFound](err); notFound {
		return nil
	}
	return err
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
