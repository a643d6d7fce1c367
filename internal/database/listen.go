package database

import (
	"context"
	"fmt"
	"time"

	"github.com/lib/pq"
)

const (
	reconnectMin = 100 * time.Millisecond
	reconnectMax = 5 * time.Second
	// listenPing is how often an idle listener makes sure that its connection
	// is not a dead one, which TCP alone would find out only after minutes.
	listenPing = time.Minute
)

// Listen calls fn for every notification on the channels, one at a time, until
// ctx is done; it then returns ctx's error. It calls fn("", "") after each
// (re)connect, the first included: what was sent before may be lost, so sweep.
// A lost connection is opened again for as long as it takes.
func (db *DB) Listen(ctx context.Context, fn func(channel, payload string), channels ...string) error {
	listener := pq.NewListener(db.dsn, reconnectMin, reconnectMax, func(event pq.ListenerEventType, err error) {
		switch event {
		case pq.ListenerEventDisconnected, pq.ListenerEventConnectionAttemptFailed:
			db.log.WarnContext(ctx, "listener has no connection", "channels", channels, "error", err)
		case pq.ListenerEventReconnected:
			db.log.InfoContext(ctx, "listener connected again", "channels", channels)
		}
	})
	// Close also ends a Listen call that waits for a connection.
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer func() {
		if stop() {
			listener.Close()
		}
		// Its goroutine may wait to hand over one more notification.
		go func() {
			for range listener.Notify {
			}
		}()
	}()
	for _, channel := range channels {
		if err := listener.Listen(channel); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("database: listen on %s: %w", channel, err)
		}
	}
	fn("", "")
	return dispatch(ctx, listener, fn)
}

func dispatch(ctx context.Context, listener *pq.Listener, fn func(channel, payload string)) error {
	ping := time.NewTicker(listenPing)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ping.C:
			// Ping may block on a dead connection; the listener reports the loss.
			go listener.Ping()
		case n, ok := <-listener.Notify:
			switch {
			case !ok:
				return context.Cause(ctx)
			case n == nil:
				fn("", "")
			default:
				fn(n.Channel, n.Extra)
			}
		}
	}
}
