// Package client calls a Koji hub over HTTP.
//
// A Client is one session with the hub, or none. The hub wants the calls of a
// session one after the other and numbered, so that it can tell a repeated call
// from a new one: when a connection breaks, the client repeats the call with the
// number it had, and a call whose first attempt went through is answered by the
// hub with a RetryError (1009) instead of being done twice. A builder, whose calls
// can all be repeated, then makes the call anew (Options.Repeat). Calls of one Client
// therefore wait for each other; Subsession makes another Client for the same
// user. Without a session calls run side by side.
//
// Faults of the hub are returned as *koji.Error. Everything else is trouble on
// the way, which was retried as Options tell.
package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// Options tell where the hub is and how patient the client is. Only Server is
// needed; the defaults are those of Koji's client.
type Options struct {
	Server   string // URL of the hub, such as https://koji.example.org/kojihub
	Cert     string // PEM file with the client certificate and its key, for LoginCert
	ServerCA string // PEM file with who signs the hub's certificate; the system's authorities if empty
	Insecure bool   // do not verify the hub's certificate

	Timeout     time.Duration // of one attempt of a call; 12 h
	AuthTimeout time.Duration // of one attempt to log in; 60 s

	MaxRetries           int           // after a failed attempt; 30, none if negative
	RetryInterval        time.Duration // between attempts, from the second retry on; 20 s
	AnonRetry            bool          // retry without a session, too
	Repeat               bool          // make a call anew that went through but for its answer: all calls can be repeated
	OfflineRetry         bool          // wait while the hub is offline for maintenance
	OfflineRetryInterval time.Duration // RetryInterval if zero

	UploadBlockSize int          // bytes of an uploaded chunk; 1 MiB
	UserAgent       string       // toji/1
	Logger          *slog.Logger // retries are logged at level Info; slog.Default()
}

func (o Options) withDefaults() Options {
	o.Server = strings.TrimRight(o.Server, "/")
	o.Timeout = cmp.Or(o.Timeout, 12*time.Hour)
	o.AuthTimeout = cmp.Or(o.AuthTimeout, time.Minute)
	o.MaxRetries = cmp.Or(o.MaxRetries, 30)
	o.RetryInterval = cmp.Or(o.RetryInterval, 20*time.Second)
	o.OfflineRetryInterval = cmp.Or(o.OfflineRetryInterval, o.RetryInterval)
	o.UploadBlockSize = cmp.Or(o.UploadBlockSize, 1<<20)
	o.UserAgent = cmp.Or(o.UserAgent, "toji/1")
	o.Logger = cmp.Or(o.Logger, slog.Default())
	return o
}

func (o Options) validate() error {
	u, err := url.Parse(o.Server)
	if err != nil {
		return fmt.Errorf("hub URL: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("hub URL %q: want http://host/path or https://host/path", o.Server)
	}
	if o.UploadBlockSize < 0 {
		return fmt.Errorf("upload block size %d is negative", o.UploadBlockSize)
	}
	return nil
}

// Client is one session with a hub; see the package comment. It is safe for
// concurrent use.
type Client struct {
	opts    Options
	http    *http.Client
	version atomic.Value // string, of the hub
	token   atomic.Value // string, see LoginToken

	serial  sync.Mutex              // held for the length of a call within a session
	session atomic.Pointer[session] // its fields are guarded by serial
}

// New returns a client without a session. It does not connect.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	transport, err := newTransport(o)
	if err != nil {
		return nil, err
	}
	return &Client{opts: o, http: &http.Client{Transport: transport}}, nil
}

// Server returns the URL of the hub.
func (c *Client) Server() string { return c.opts.Server }

// HubVersion returns the version that the hub named in its last answer, or "".
func (c *Client) HubVersion() string {
	v, _ := c.version.Load().(string)
	return v
}

// Close drops idle connections. It does not end the session; see Logout.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call calls a method with positional arguments, the last of which may be
// xmlrpc.Keywords, and returns the decoded result. It implements rpc.Caller.
func (c *Client) Call(ctx context.Context, method string, args []any) (any, error) {
	call, err := newCall(method, c.opts.Server, args...)
	if err != nil {
		return nil, err
	}
	return c.do(ctx, call)
}

// MultiCall makes several calls in one request and returns their outcomes in
// order. A call is a method and its arguments as for Call. The error is that of
// the whole; the faults of single calls are in their results.
func (c *Client) MultiCall(ctx context.Context, calls []MultiCall) ([]rpc.Result[any], error) {
	list := make([]any, len(calls))
	for i, call := range calls {
		list[i] = map[string]any{"methodName": call.Method, "params": append([]any{}, call.Args...)}
	}
	v, err := c.Call(ctx, "multiCall", []any{list})
	if err != nil {
		return nil, err
	}
	return rpc.Outcomes(v, len(calls))
}

// MultiCall is one call of many.
type MultiCall struct {
	Method string
	Args   []any
}

// do makes a call within the session, if there is one, and logs in again when
// that has expired.
func (c *Client) do(ctx context.Context, call *call) (any, error) {
	if c.session.Load() == nil {
		return c.attempts(ctx, call, nil)
	}
	c.serial.Lock()
	defer c.serial.Unlock()
	s := c.session.Load() // a logout may have come first
	v, err := c.attempts(ctx, call, s.next())
	for c.opts.Repeat && koji.FaultOf(err) == koji.FaultRetry {
		v, err = c.attempts(ctx, call, s.next())
	}
	if s.way() == nil || koji.FaultOf(err) != koji.FaultAuthExpired {
		return v, err
	}
	c.opts.Logger.InfoContext(ctx, "session expired, logging in again", "session", s.id)
	if err := c.renew(ctx, s); err != nil {
		return nil, err
	}
	return c.attempts(ctx, call, c.session.Load().next())
}

// ticket is the number that a call keeps through its attempts.
type ticket struct {
	id, callnum int64
	key         string
}

func (s *session) next() *ticket {
	if s == nil {
		return nil
	}
	t := &ticket{s.id, s.callnum, s.key}
	s.callnum++
	return t
}

// attempts sends a call until it is answered, as often as the options allow.
func (c *Client) attempts(ctx context.Context, call *call, t *ticket) (any, error) {
	for try := 1; ; try++ {
		v, err := c.send(ctx, call, t)
		fault, answered := errors.AsType[*koji.Error](err)
		switch {
		case err == nil:
			return v, nil
		case answered && fault.Fault == koji.FaultServerOffline && c.opts.OfflineRetry:
			c.opts.Logger.InfoContext(ctx, "hub is offline", "method", call.name)
			if err := sleep(ctx, c.opts.OfflineRetryInterval); err != nil {
				return nil, err
			}
			try = 0 // a server that reports an outage is not a failing one
			continue
		case answered:
			return nil, err
		case ctx.Err() != nil || !c.again(err, try, t != nil):
			return nil, fmt.Errorf("call %s: %w", call.name, err)
		}
		call.retried = true
		c.opts.Logger.InfoContext(ctx, "call failed, trying again", "method", call.name, "try", try, "error", err)
		c.http.CloseIdleConnections()
		if try == 1 {
			continue // the connection may just have grown old
		}
		if err := sleep(ctx, c.opts.RetryInterval); err != nil {
			return nil, err
		}
	}
}

// again reports whether a call is worth another attempt after the given number
// of them. Without a session only a connection that had grown old is replaced.
func (c *Client) again(err error, tries int, session bool) bool {
	if !retryable(err) || tries > c.opts.MaxRetries {
		return false
	}
	return session || c.opts.AnonRetry || tries == 1 && dropped(err) && c.apiToken() == ""
}

// sleep waits for d or until ctx ends, and returns why it ended.
func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
