package gateway

import (
	"context"
	"errors"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// intercept lets a call pass that its caller may make.
func (g *Gateway) intercept(ctx context.Context, req any, info *grpc.UnaryServerInfo, pass grpc.UnaryHandler) (any, error) {
	user, err := g.user(ctx)
	if err != nil {
		g.opts.Log.WarnContext(ctx, "a builder was refused", "error", err)
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	if err := g.check(ctx, user, req); err != nil {
		g.opts.Log.WarnContext(ctx, "a call of a builder was refused", "user", user, "method", info.FullMethod, "error", err)
		return nil, err
	}
	g.conns.belongs(ctx, user)
	reply, err := pass(ctx, req)
	if err != nil {
		// The client's errors are not gRPC's: without this each would arrive as an
		// unknown one, which builders try again and again.
		return nil, serviceerror.ToStatus(err).Err()
	}
	switch reply := reply.(type) {
	case *workflowservice.PollActivityTaskQueueResponse:
		if len(reply.GetTaskToken()) > 0 { // none: nothing to do
			reply.TaskToken = g.seal.close(user, reply.GetTaskToken())
		}
	case *workflowservice.DescribeNamespaceResponse:
		// What Temporal can do but the gateway does not let pass.
		if c := reply.GetNamespaceInfo().GetCapabilities(); c != nil {
			c.WorkerHeartbeats = false
		}
	}
	return reply, nil
}

// user returns the name in the certificate of the connection.
func (g *Gateway) user(ctx context.Context) (string, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return "", errors.New("the connection has no peer")
	}
	secure, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(secure.State.VerifiedChains) == 0 {
		return "", errors.New("the connection has no verified certificate")
	}
	return g.opts.Hosts.CertificateUser(&secure.State)
}

// check tells whether a user may make a call, and opens the seal of its token.
func (g *Gateway) check(ctx context.Context, user string, req any) error {
	if r, ok := req.(interface{ GetNamespace() string }); ok && r.GetNamespace() != g.opts.Namespace {
		return status.Errorf(codes.PermissionDenied, "builders work in the namespace %s", g.opts.Namespace)
	}
	switch r := req.(type) {
	case *workflowservice.GetSystemInfoRequest:
		return nil
	case *workflowservice.DescribeNamespaceRequest:
		if r.GetId() != "" {
			return status.Error(codes.PermissionDenied, "namespaces go by their names here")
		}
		return nil
	case *workflowservice.PollActivityTaskQueueRequest:
		return g.ownQueue(ctx, user, r.GetTaskQueue().GetName())
	case *workflowservice.ShutdownWorkerRequest:
		// Builders run no workflows: a queue that those stick to is somebody else's.
		r.StickyTaskQueue = ""
		return g.ownQueue(ctx, user, r.GetTaskQueue())
	case *workflowservice.RecordActivityTaskHeartbeatRequest:
		return g.ownToken(user, &r.TaskToken)
	case *workflowservice.RespondActivityTaskCompletedRequest:
		return g.ownToken(user, &r.TaskToken)
	case *workflowservice.RespondActivityTaskFailedRequest:
		return g.ownToken(user, &r.TaskToken)
	case *workflowservice.RespondActivityTaskCanceledRequest:
		return g.ownToken(user, &r.TaskToken)
	case *workflowservice.RespondActivityTaskFailedByIdRequest:
		return g.ownTask(ctx, user, r.GetWorkflowId())
	case *workflowservice.DescribeWorkflowExecutionRequest:
		return g.ownTask(ctx, user, r.GetExecution().GetWorkflowId())
	}
	return status.Error(codes.PermissionDenied, "this is not for builders")
}

func (g *Gateway) ownQueue(ctx context.Context, user, queue string) error {
	host, err := g.opts.Hosts.HostOfUser(ctx, user)
	if err != nil {
		return refusal(err)
	}
	if queue != task.HostQueue(host) {
		return status.Errorf(codes.PermissionDenied, "host %s may poll the queue %s only", host, task.HostQueue(host))
	}
	return nil
}

func (g *Gateway) ownToken(user string, token *[]byte) error {
	open, ok := g.seal.open(user, *token)
	if !ok {
		return status.Error(codes.PermissionDenied, "this task token was not given to this host")
	}
	*token = open
	return nil
}

func (g *Gateway) ownTask(ctx context.Context, user, workflowID string) error {
	id, isTask := task.OfWorkflow(workflowID)
	if !isTask {
		return status.Error(codes.PermissionDenied, "builders may touch workflows of tasks only")
	}
	holds, err := g.opts.Hosts.HostHolds(ctx, user, id)
	if err != nil {
		return refusal(err)
	}
	if !holds {
		// As Temporal says of what has ended: the builder lets go of its work.
		return status.Errorf(codes.NotFound, "task %d is not a task of this host", id)
	}
	return nil
}

// refusal keeps a word of ours and turns anything else, such as a database that
// is away, into what clients of Temporal try again.
func refusal(err error) error {
	if e, ok := errors.AsType[*koji.Error](err); ok {
		return status.Error(codes.PermissionDenied, e.Msg)
	}
	return status.Error(codes.Unavailable, "the hub cannot tell whose this is; try again")
}
