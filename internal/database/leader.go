package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	// leaderPing is how often a leader makes sure that it still is one, and
	// leaderPatience how long it waits for the answer.
	leaderPing     = time.Second
	leaderPatience = 5 * time.Second
	// leaderRetry is how often the others try to become the leader.
	leaderRetry = time.Second
)

// ErrLeadershipLost is the cause of a leader's cancelled context when the
// connection that holds its lock is gone.
var ErrLeadershipLost = errors.New("database: leadership lost with its connection")

// TryLeader tries to take the advisory lock key for this process, on a
// connection of its own. When ok, the caller leads until it calls release, and
// must work under lead, which is cancelled as soon as the connection, and the
// lock with it, turns out to be lost. When another session holds the lock, ok
// is false.
func (db *DB) TryLeader(ctx context.Context, key int64) (lead context.Context, release func(), ok bool, err error) {
	c, err := db.sql.Conn(ctx)
	if err != nil {
		return nil, nil, false, fmt.Errorf("database: connect to lead: %w", err)
	}
	err = c.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&ok)
	if err != nil || !ok {
		c.Close()
		if err != nil {
			err = fmt.Errorf("database: take advisory lock %d: %w", key, err)
		}
		return nil, nil, false, err
	}
	lead, cancel := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { watchLeader(lead, cancel, c) })
	release = sync.OnceFunc(func() {
		cancel(context.Canceled)
		watching.Wait()
		unlock(c, key)
	})
	return lead, release, true, nil
}

// watchLeader pings c until lead is done, and cancels lead when c is lost.
func watchLeader(lead context.Context, cancel context.CancelCauseFunc, c *sql.Conn) {
	tick := time.NewTicker(leaderPing)
	defer tick.Stop()
	for {
		select {
		case <-lead.Done():
			return
		case <-tick.C:
		}
		ctx, done := context.WithTimeout(context.WithoutCancel(lead), leaderPatience)
		err := c.PingContext(ctx)
		done()
		if err != nil {
			cancel(fmt.Errorf("%w: %w", ErrLeadershipLost, err))
			return
		}
	}
}

// unlock gives the lock back, and ends the session in case that failed.
func unlock(c *sql.Conn, key int64) {
	ctx, cancel := context.WithTimeout(context.Background(), leaderPatience)
	defer cancel()
	if _, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, key); err != nil {
		_ = c.Raw(func(any) error { return driver.ErrBadConn })
	}
	c.Close()
}

// Lead runs fn in one process at a time: it waits until it holds the advisory
// lock key, runs fn under a context that ends with the lock, and starts over
// when that was lost. It returns fn's result when fn ends by itself, ctx's
// error when ctx is done.
func (db *DB) Lead(ctx context.Context, key int64, fn func(ctx context.Context) error) error {
	tick := time.NewTicker(leaderRetry)
	defer tick.Stop()
	for {
		lead, release, ok, err := db.TryLeader(ctx, key)
		switch {
		case err != nil && ctx.Err() == nil:
			db.log.WarnContext(ctx, "cannot become the leader", "lock", key, "error", err)
		case ok:
			err := fn(lead)
			lost := errors.Is(context.Cause(lead), ErrLeadershipLost)
			release()
			if !lost {
				return err
			}
			db.log.WarnContext(ctx, "leadership lost", "lock", key, "error", err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
