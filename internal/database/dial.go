package database

import (
	"bufio"
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
	if err != nil {
		return nil, err
	}
	if want, ok := ctx.Value(socketKey{}).(*net.Conn); ok {
		*want = c
	}
	return &buffered{Conn: c, r: bufio.NewReaderSize(c, readBuffer)}, nil
}

// readBuffer is how much is read of a connection at once: lib/pq asks for 4 KiB,
// and an answer may have millions of them.
const readBuffer = 32 << 10

// buffered is a connection that is read in large pieces.
type buffered struct {
	net.Conn
	r *bufio.Reader
}

// Read reads what has been buffered, or what has arrived.
func (b *buffered) Read(p []byte) (int, error) { return b.r.Read(p) }

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
