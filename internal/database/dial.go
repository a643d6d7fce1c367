package database

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"time"
)

// socketKey is the context key under which Connect asks for the socket.
type socketKey struct{}

// dialer dials for lib/pq and hands the socket to whoever asked in the context.
type dialer struct{ net.Dialer }

// DialContext dials; lib/pq calls it for connections and for cancel requests.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := d.Dialer.DialContext(ctx, network, address)
	if want, ok := ctx.Value(socketKey{}).(*net.Conn); ok && err == nil {
		*want = c
	}
	return c, err
}

// DialTimeout completes lib/pq's Dialer; it prefers DialContext.
func (d *dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	return net.DialTimeout(network, address, timeout)
}

func withURLPath(dsn, name string) (string, error) {
	u, err := url.Parse(dsn)
	if err != nil {
		return "", fmt.Errorf("database: read DSN: %w", err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
