package gateway

import (
	"context"
	"sync"

	"google.golang.org/grpc/stats"
)

// connections notice when a builder has none any more: it ended, or its network did.
type connections struct {
	left func(user string)

	mu   sync.Mutex
	open map[string]int // by user
}

type connectionKey struct{}

// connection is one of a builder's.
type connection struct {
	user string // "" until the first call that passed; guarded by connections.mu
}

// belongs notes whose connection a call came over.
func (c *connections) belongs(ctx context.Context, user string) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if conn.user == "" {
		conn.user = user
		c.open[user]++
	}
}

// TagConn makes the state of a new connection.
func (c *connections) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connectionKey{}, new(connection))
}

// HandleConn tells of the end of a user's last connection.
func (c *connections) HandleConn(ctx context.Context, s stats.ConnStats) {
	conn, ok := ctx.Value(connectionKey{}).(*connection)
	if _, end := s.(*stats.ConnEnd); !ok || !end {
		return
	}
	c.mu.Lock()
	gone := false
	if conn.user != "" {
		c.open[conn.user]--
		if gone = c.open[conn.user] == 0; gone {
			delete(c.open, conn.user)
		}
	}
	c.mu.Unlock()
	if gone {
		c.left(conn.user)
	}
}

// TagRPC completes grpc's stats.Handler.
func (c *connections) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }

// HandleRPC completes grpc's stats.Handler.
func (c *connections) HandleRPC(context.Context, stats.RPCStats) {}
