package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/profile"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// hub is a connection to the hub, with what the profile says about it.
type hub struct {
	*client.Client
	profile *profile.Profile
	trace   io.Writer // --debug-xmlrpc; nil for no trace
}

// Call implements rpc.Caller.
func (h *hub) Call(ctx context.Context, method string, args []any) (any, error) {
	if h.trace == nil {
		return h.Client.Call(ctx, method, args)
	}
	start := time.Now()
	v, err := h.Client.Call(ctx, method, args)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		printf(h.trace, "%s%s failed after %s: %v\n", method, xmlrpc.Repr(args), took, err)
	} else {
		printf(h.trace, "%s%s -> %s (%s)\n", method, xmlrpc.Repr(args), xmlrpc.Repr(v), took)
	}
	return v, err
}

// anonymous returns a connection for what everyone may do. It logs in only if
// the user insists.
func (a *app) anonymous(ctx context.Context) (*hub, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	if h.profile.ForceAuth {
		return a.login(ctx)
	}
	return h, nil
}

// connect returns the connection to the hub. Nothing is sent yet.
func (a *app) connect() (*hub, error) {
	if a.hub != nil {
		return a.hub, nil
	}
	p, err := a.loadProfile()
	if err != nil {
		return nil, err
	}
	level := slog.LevelWarn
	if p.Debug {
		level = slog.LevelDebug
	}
	o := client.Options{
		Server: p.Server, ServerCA: p.ServerCA, Insecure: p.NoSSLVerify,
		Timeout: p.Timeout, AuthTimeout: p.AuthTimeout,
		MaxRetries: p.MaxRetries, RetryInterval: p.RetryInterval, AnonRetry: p.AnonRetry,
		OfflineRetry: p.OfflineRetry, OfflineRetryInterval: p.OfflineRetryInterval,
		UploadBlockSize: p.UploadBlockSize,
		UserAgent:       "toji/" + Version,
		Logger:          slog.New(slog.NewTextHandler(a.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if p.AuthType == "ssl" || isFile(p.Cert) {
		o.Cert = p.Cert
	}
	c, err := client.New(o)
	if err != nil {
		return nil, koji.ConfigurationErrorf("%w", err)
	}
	a.hub = &hub{Client: c, profile: p}
	if p.DebugXMLRPC {
		a.hub.trace = a.Stderr
	}
	return a.hub, nil
}

// disconnect ends the session. That it may fail is no concern of the user's: the
// hub forgets old sessions by itself.
func (a *app) disconnect(ctx context.Context) {
	if a.hub == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = a.hub.Logout(ctx)
	a.hub.Close()
}

// isFault reports whether the hub answered err, as opposed to trouble on the way.
func isFault(err error) bool {
	_, ok := errors.AsType[*koji.Error](err)
	return ok
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

// inBackground reports whether the process does not own the terminal.
func inBackground() bool {
	group, err := unix.IoctlGetInt(int(os.Stdin.Fd()), unix.TIOCGPGRP)
	return err != nil || group != unix.Getpgrp()
}
