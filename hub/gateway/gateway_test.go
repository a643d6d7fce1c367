package gateway

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	common "go.temporal.io/api/common/v1"
	namespace "go.temporal.io/api/namespace/v1"
	"go.temporal.io/api/serviceerror"
	taskqueue "go.temporal.io/api/taskqueue/v1"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/toji-build/toji/koji"
)

// motion is a Temporal that has an activity for everyone who asks.
type motion struct {
	workflowservice.UnimplementedWorkflowServiceServer
	tokens []string // of what came through
}

func (m *motion) GetSystemInfo(context.Context, *workflowservice.GetSystemInfoRequest) (*workflowservice.GetSystemInfoResponse, error) {
	return &workflowservice.GetSystemInfoResponse{ServerVersion: "real"}, nil
}

func (m *motion) DescribeNamespace(context.Context, *workflowservice.DescribeNamespaceRequest) (*workflowservice.DescribeNamespaceResponse, error) {
	info := &namespace.NamespaceInfo{Name: "toji", Capabilities: &namespace.NamespaceInfo_Capabilities{WorkerHeartbeats: true}}
	return &workflowservice.DescribeNamespaceResponse{NamespaceInfo: info}, nil
}

func (m *motion) PollActivityTaskQueue(_ context.Context, r *workflowservice.PollActivityTaskQueueRequest) (*workflowservice.PollActivityTaskQueueResponse, error) {
	return &workflowservice.PollActivityTaskQueueResponse{TaskToken: []byte("work of " + r.TaskQueue.Name)}, nil
}

func (m *motion) RecordActivityTaskHeartbeat(_ context.Context, r *workflowservice.RecordActivityTaskHeartbeatRequest) (*workflowservice.RecordActivityTaskHeartbeatResponse, error) {
	m.tokens = append(m.tokens, string(r.TaskToken))
	return &workflowservice.RecordActivityTaskHeartbeatResponse{}, nil
}

func (m *motion) RespondActivityTaskCompleted(_ context.Context, r *workflowservice.RespondActivityTaskCompletedRequest) (*workflowservice.RespondActivityTaskCompletedResponse, error) {
	m.tokens = append(m.tokens, string(r.TaskToken))
	return &workflowservice.RespondActivityTaskCompletedResponse{}, nil
}

func (m *motion) RespondActivityTaskFailedById(_ context.Context, r *workflowservice.RespondActivityTaskFailedByIdRequest) (*workflowservice.RespondActivityTaskFailedByIdResponse, error) {
	if r.ActivityId == "gone" {
		return nil, status.Error(codes.NotFound, "no such activity")
	}
	m.tokens = append(m.tokens, r.WorkflowId)
	return &workflowservice.RespondActivityTaskFailedByIdResponse{}, nil
}

// hosts are b1 and b2; task 7 is b1's. Everyone else is a user.
type hosts struct{}

func (hosts) CertificateUser(state *tls.ConnectionState) (string, error) {
	return state.PeerCertificates[0].Subject.CommonName, nil
}

func (hosts) HostOfUser(_ context.Context, user string) (string, error) {
	switch user {
	case "b1", "b2":
		return user, nil
	case "nobody":
		return "", context.DeadlineExceeded // as when the database is away
	}
	return "", koji.AuthErrorf("%s is no build host, or is blocked", user)
}

func (hosts) HostHolds(_ context.Context, user string, taskID int64) (bool, error) {
	return user == "b1" && taskID == 7, nil
}

func TestRules(t *testing.T) {
	m, connect := serve(t)
	b1, b2, ann, nobody := connect("b1"), connect("b2"), connect("ann"), connect("nobody")
	poll := func(c workflowservice.WorkflowServiceClient, queue string) ([]byte, error) {
		r, err := c.PollActivityTaskQueue(t.Context(), &workflowservice.PollActivityTaskQueueRequest{
			Namespace: "toji", TaskQueue: &taskqueue.TaskQueue{Name: queue}})
		return r.GetTaskToken(), err
	}
	token, err := poll(b1, "host-b1")
	require.NoError(t, err)
	require.NotEqual(t, "work of host-b1", string(token))
	execution := &common.WorkflowExecution{WorkflowId: "task-8"}
	beat := func(c workflowservice.WorkflowServiceClient, token []byte) error {
		_, err := c.RecordActivityTaskHeartbeat(t.Context(), &workflowservice.RecordActivityTaskHeartbeatRequest{Namespace: "toji", TaskToken: token})
		return err
	}
	failByID := func(c workflowservice.WorkflowServiceClient, id string) error {
		_, err := c.RespondActivityTaskFailedById(t.Context(), &workflowservice.RespondActivityTaskFailedByIdRequest{Namespace: "toji", WorkflowId: id})
		return err
	}
	for name, c := range map[string]struct {
		call func() error
		want codes.Code
	}{
		"queue of another host": {func() error { _, err := poll(b2, "host-b1"); return err }, codes.PermissionDenied},
		"the hub's queue":       {func() error { _, err := poll(b1, "toji-system"); return err }, codes.PermissionDenied},
		"a user, no host":       {func() error { _, err := poll(ann, "host-ann"); return err }, codes.PermissionDenied},
		"no database":           {func() error { _, err := poll(nobody, "host-nobody"); return err }, codes.Unavailable},
		"stop of another host": {func() error {
			_, err := b2.ShutdownWorker(t.Context(), &workflowservice.ShutdownWorkerRequest{Namespace: "toji", TaskQueue: "host-b1"})
			return err
		}, codes.PermissionDenied},
		"own token":             {func() error { return beat(b1, token) }, codes.OK},
		"token of another host": {func() error { return beat(b2, token) }, codes.PermissionDenied},
		"token made up":         {func() error { return beat(b1, []byte("work of host-b1")) }, codes.PermissionDenied},
		"token changed":         {func() error { return beat(b1, append(token[:len(token):len(token)], 'x')) }, codes.PermissionDenied},
		"own task":              {func() error { return failByID(b1, "task-7") }, codes.OK},
		"task of another host":  {func() error { return failByID(b2, "task-7") }, codes.NotFound},
		"activity that is gone": {func() error {
			_, err := b1.RespondActivityTaskFailedById(t.Context(), &workflowservice.RespondActivityTaskFailedByIdRequest{
				Namespace: "toji", WorkflowId: "task-7", ActivityId: "gone"})
			return err
		}, codes.NotFound},
		"no task": {func() error { return failByID(b1, "task-7x") }, codes.PermissionDenied},
		"other namespace": {func() error {
			_, err := b1.RecordActivityTaskHeartbeat(t.Context(), &workflowservice.RecordActivityTaskHeartbeatRequest{Namespace: "temporal-system", TaskToken: token})
			return err
		}, codes.PermissionDenied},
		"looking at a workflow": {func() error {
			_, err := b1.DescribeWorkflowExecution(t.Context(), &workflowservice.DescribeWorkflowExecutionRequest{Namespace: "toji", Execution: execution})
			return err
		}, codes.NotFound},
		"signal": {func() error {
			_, err := b1.SignalWorkflowExecution(t.Context(), &workflowservice.SignalWorkflowExecutionRequest{Namespace: "toji", WorkflowExecution: execution})
			return err
		}, codes.PermissionDenied},
		"start": {func() error {
			_, err := b1.StartWorkflowExecution(t.Context(), &workflowservice.StartWorkflowExecutionRequest{Namespace: "toji"})
			return err
		}, codes.PermissionDenied},
		"list": {func() error {
			_, err := b1.ListWorkflowExecutions(t.Context(), &workflowservice.ListWorkflowExecutionsRequest{Namespace: "toji"})
			return err
		}, codes.PermissionDenied},
		"namespace by ID": {func() error {
			_, err := b1.DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "toji", Id: "1234"})
			return err
		}, codes.PermissionDenied},
	} {
		t.Run(name, func(t *testing.T) {
			err := c.call()
			require.Equal(t, c.want, status.Code(err), "%v", err)
		})
	}
	require.ElementsMatch(t, []string{"work of host-b1", "task-7"}, m.tokens, "what reached Temporal")

	ns, err := b1.DescribeNamespace(t.Context(), &workflowservice.DescribeNamespaceRequest{Namespace: "toji"})
	require.NoError(t, err)
	require.False(t, ns.NamespaceInfo.Capabilities.WorkerHeartbeats)
}

func TestStrangers(t *testing.T) {
	_, connect := serve(t)
	for _, name := range []string{"", "stranger"} { // no certificate; one of another authority
		_, err := connect(name).GetSystemInfo(t.Context(), &workflowservice.GetSystemInfoRequest{})
		require.Equal(t, codes.Unavailable, status.Code(err), "%v", err)
	}
}

func TestOptions(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "an option is missing")
}

// serve runs a gateway before a fake Temporal. connect returns a client with a
// certificate for the name; the stranger's is of an authority of its own.
func serve(t *testing.T) (m *motion, connect func(name string) workflowservice.WorkflowServiceClient) {
	m = &motion{}
	behind := grpc.NewServer()
	workflowservice.RegisterWorkflowServiceServer(behind, m)
	ln := listen(t)
	go func() { _ = behind.Serve(ln) }()
	t.Cleanup(behind.Stop)
	// As Temporal's own client does it.
	foreign := func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		return serviceerror.FromStatus(status.Convert(call(ctx, method, req, reply, cc, opts...)))
	}
	conn, err := grpc.NewClient(ln.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUnaryInterceptor(foreign))
	require.NoError(t, err)
	t.Cleanup(func() { conn.Close() })

	ours, theirs := newAuthority(t), newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ours.Leaf)
	g, err := New(Options{
		Address: "unused", Key: make([]byte, 32), Namespace: "toji", Temporal: workflowservice.NewWorkflowServiceClient(conn),
		TLS:   &tls.Config{Certificates: []tls.Certificate{newCertificate(t, ours, "hub")}, ClientCAs: pool},
		Hosts: hosts{}, Log: slog.New(slog.DiscardHandler),
	})
	require.NoError(t, err)
	front := listen(t)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- g.Serve(ctx, front) }()
	t.Cleanup(func() {
		stop()
		require.NoError(t, <-ended)
	})
	return m, func(name string) workflowservice.WorkflowServiceClient {
		c := &tls.Config{RootCAs: pool, ServerName: "hub"}
		switch name {
		case "":
		case "stranger":
			c.Certificates = []tls.Certificate{newCertificate(t, theirs, "b1")}
		default:
			c.Certificates = []tls.Certificate{newCertificate(t, ours, name)}
		}
		conn, err := grpc.NewClient(front.Addr().String(), grpc.WithTransportCredentials(credentials.NewTLS(c)))
		require.NoError(t, err)
		t.Cleanup(func() { conn.Close() })
		return workflowservice.NewWorkflowServiceClient(conn)
	}
}

func listen(t *testing.T) net.Listener {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return ln
}

func newAuthority(t *testing.T) tls.Certificate {
	return newCertificate(t, tls.Certificate{}, "authority")
}

// newCertificate returns a certificate by the issuer, or by itself without one.
func newCertificate(t *testing.T, issuer tls.Certificate, name string) tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), IsCA: issuer.Leaf == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if issuer.Leaf != nil {
		parent, signer = issuer.Leaf, issuer.PrivateKey.(*ecdsa.PrivateKey)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	require.NoError(t, err)
	leaf, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
