// Package gateway stands between builders and Temporal. A builder runs other
// people's code, and whoever speaks to Temporal directly may start, signal and
// end any workflow in it. Behind the gateway it can do what its own work needs
// and nothing else:
//
//	builder ── gRPC, TLS with the host's certificate ──> gateway ──> Temporal
//
//	poll for activities          on the queue of its own host
//	heartbeat, complete, fail    activities that it was given itself
//	look at, fail by ID          activities of tasks that are its own
//
// A builder knows an activity by its task token. Temporal's tokens can be made
// up, so the gateway seals each with a key of the installation and the name of
// the host that got it, and takes back nothing else. No state is kept: any hub
// process can answer for any other.
package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"go.temporal.io/api/proxy"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
)

// Hosts tells who may do what.
type Hosts interface {
	// CertificateUser returns the name of the user that the verified certificate
	// of a connection is for. It must not need the database: work goes on while
	// that is away.
	CertificateUser(state *tls.ConnectionState) (string, error)
	// HostOfUser returns the name of the build host that the user is. The error is
	// a koji.Error when it is none, or blocked.
	HostOfUser(ctx context.Context, user string) (string, error)
	// HostHolds tells whether a task is assigned to or opened by that host.
	HostHolds(ctx context.Context, user string, taskID int64) (bool, error)
}

// Options are what a gateway needs; all of them.
type Options struct {
	Address   string // where to listen
	TLS       *tls.Config
	Key       []byte // seals the tokens; the same in all hub processes
	Namespace string
	Temporal  workflowservice.WorkflowServiceClient
	Hosts     Hosts
	Log       *slog.Logger
	// Left, if set, is told when a user's last connection to this process has ended.
	Left func(ctx context.Context, user string) error
}

func (o Options) validate() error {
	switch {
	case o.Address == "" || o.Namespace == "" || o.Temporal == nil || o.Hosts == nil || o.Log == nil:
		return errors.New("gateway: an option is missing")
	case len(o.Key) < 32:
		return errors.New("gateway: the key is shorter than 32 bytes")
	case o.TLS == nil || o.TLS.ClientCAs == nil:
		return errors.New("gateway: listen_builders needs tls_cert, tls_key and client_ca: builders are told apart by their certificates")
	}
	return nil
}

// Gateway is a server for builders.
type Gateway struct {
	opts  Options
	seal  seal
	conns connections
}

// New returns a gateway that listens to nothing yet.
func New(o Options) (*Gateway, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	return &Gateway{opts: o, seal: o.Key, conns: connections{open: map[string]int{}}}, nil
}

// grace is how long calls under way may take to end. Polls take a minute, and
// builders poll again elsewhere.
const grace = time.Second

// When a connection is given up that brings nothing: not before a builder has had
// the time to sit a short outage of the network out.
const (
	silentFor     = 20 * time.Second // then it is asked for a sign
	unansweredFor = 40 * time.Second
)

// Run serves until ctx is done.
func (g *Gateway) Run(ctx context.Context) error {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", g.opts.Address)
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	return g.Serve(ctx, ln)
}

// Serve answers the builders that come in over ln, as Run does, and closes it.
func (g *Gateway) Serve(ctx context.Context, ln net.Listener) error {
	forward, err := proxy.NewWorkflowServiceProxyServer(proxy.WorkflowServiceProxyOptions{
		Client: g.opts.Temporal, DisableHeaderForwarding: true, // no credentials of a builder's choice
	})
	if err != nil {
		return fmt.Errorf("gateway: %w", err)
	}
	secure := g.opts.TLS.Clone()
	secure.ClientAuth = tls.RequireAndVerifyClientCert
	g.conns.left = func(user string) { g.left(ctx, user) }
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(secure)),
		grpc.UnaryInterceptor(g.intercept),
		// Temporal's clients ping every 30 s while they poll.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		// So that a builder whose network died is not polled for.
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: silentFor, Timeout: unansweredFor}),
		grpc.StatsHandler(&g.conns),
	)
	workflowservice.RegisterWorkflowServiceServer(server, forward)
	defer context.AfterFunc(ctx, func() {
		defer time.AfterFunc(grace, server.Stop).Stop()
		server.GracefulStop()
	})()
	return server.Serve(ln)
}

// left tells that a builder has no connection any more, unless we go ourselves.
func (g *Gateway) left(ctx context.Context, user string) {
	if g.opts.Left == nil || ctx.Err() != nil {
		return
	}
	if err := g.opts.Left(ctx, user); err != nil {
		g.opts.Log.WarnContext(ctx, "it is not noted that a builder went away", "user", user, "error", err)
	}
}
