package hub

import (
	"context"
	"crypto/tls"

	"github.com/toji-build/toji/koji"
)

// CertificateUser returns the name of the user that the verified certificate of
// a connection is for.
func (h *Hub) CertificateUser(state *tls.ConnectionState) (string, error) {
	proof, err := h.certificate(state)
	if err != nil {
		return "", err
	}
	if proof.UserName == "" {
		return "", koji.AuthErrorf("unable to get user information (%s) from client certificate", h.Config.DNUsernameComponent)
	}
	return proof.UserName, nil
}

// HostOfUser returns the name of the build host that a user is, or an auth error
// if it is none or blocked.
func (h *Hub) HostOfUser(ctx context.Context, user string) (string, error) {
	name, err := h.Store.HostOfUser(ctx, user)
	if err == nil && name == "" {
		err = koji.AuthErrorf("%s is no build host, or is blocked", user)
	}
	return name, err
}

// HostHolds tells whether a task is assigned to the host that a user is, or
// opened by it.
func (h *Hub) HostHolds(ctx context.Context, user string, taskID int64) (bool, error) {
	return h.Store.HostHolds(ctx, user, taskID)
}
