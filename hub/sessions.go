package hub

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindSession(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.Login, h.login)
	rpc.Bind(r, api.SSLLogin, h.sslLogin)
	rpc.Bind(r, api.Logout, h.logout)
	rpc.Bind(r, api.LogoutChild, h.logoutChild)
	rpc.Bind(r, api.Subsession, h.subsession)
	rpc.Bind(r, api.ExclusiveSession, h.exclusiveSession)
	rpc.Bind(r, api.SharedSession, h.sharedSession)
	rpc.Bind(r, api.GetSessionInfo, h.getSessionInfo)
	rpc.Bind(r, api.ShowSession, h.showSession)
}

func (h *Hub) logout(ctx context.Context, p api.LogoutParams) (rpc.None, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return rpc.None{}, koji.AuthErrorf("Not logged in")
	}
	if p.SessionID == nil || *p.SessionID == 0 {
		return rpc.None{}, h.Store.CloseSession(ctx, s.ID)
	}
	if !s.HasPerm("admin") {
		owns, err := h.Store.OwnsSession(ctx, *p.SessionID, s.UserID)
		if err != nil {
			return rpc.None{}, err
		}
		if !owns {
			return rpc.None{}, koji.ActionNotAllowedf("only admins or owner may logout other session")
		}
	}
	return rpc.None{}, h.Store.CloseSession(ctx, *p.SessionID)
}

func (h *Hub) logoutChild(ctx context.Context, p api.LogoutChildParams) (rpc.None, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return rpc.None{}, koji.AuthErrorf("Not logged in")
	}
	return rpc.None{}, h.Store.CloseSubsession(ctx, p.SessionID, s.ID)
}

func (h *Hub) subsession(ctx context.Context, _ api.NoParams) (*api.SessionKey, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, koji.AuthErrorf("Not logged in")
	}
	master := s.Master
	if master == nil {
		master = &s.ID
	}
	key := &api.SessionKey{Key: newKey(s.UserID), HeaderAuth: true}
	var err error
	key.ID, err = h.Store.CreateSession(ctx, store.NewSession{
		UserID: s.UserID, Key: key.Key, HostIP: s.HostIP, AuthType: s.AuthType, Master: master,
	})
	return key, err
}

func (h *Hub) exclusiveSession(ctx context.Context, args api.ArgsParams) (rpc.None, error) {
	var p api.ExclusiveSessionParams
	if err := decodeArgs("Session.makeExclusive", args, &p); err != nil {
		return rpc.None{}, err
	}
	s := session.From(ctx)
	switch {
	case !s.LoggedIn():
		return rpc.None{}, koji.AuthErrorf("Not logged in")
	case s.Master != nil:
		return rpc.None{}, koji.GenericErrorf("subsessions cannot become exclusive")
	case s.Exclusive:
		return rpc.None{}, koji.GenericErrorf("session is already exclusive")
	}
	return rpc.None{}, h.exclude(ctx, s.ID, s.UserID, p.Force)
}

func (h *Hub) sharedSession(ctx context.Context, _ api.NoParams) (rpc.None, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return rpc.None{}, koji.AuthErrorf("Not logged in")
	}
	return rpc.None{}, h.Store.MakeShared(ctx, s.ID)
}

func (h *Hub) getSessionInfo(ctx context.Context, p api.GetSessionInfoParams) (any, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, nil
	}
	if p.UserID == nil && s.Token != nil {
		return api.SessionInfo{UserID: s.UserID, AuthType: s.AuthType, StartTime: s.Start, Update: s.Start, Renew: s.Renew}, nil
	}
	if p.UserID == nil {
		return h.Store.SessionInfo(ctx, s.ID, p.Details)
	}
	user, err := h.Lookups.User(ctx, p.UserID)
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, koji.GenericErrorf("No such user: %v", p.UserID)
	}
	if !s.HasPerm("admin") && user.ID != s.UserID {
		return nil, koji.ActionNotAllowedf("only admins or owners may see all active sessions")
	}
	return h.Store.UserSessions(ctx, user.ID, p.Details)
}

func (h *Hub) showSession(ctx context.Context, _ api.NoParams) (string, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return "session: not logged in", nil
	}
	if s.Token != nil {
		return fmt.Sprintf("token %s of user %s (%d)", s.Token.Name, s.UserName, s.UserID), nil
	}
	return fmt.Sprintf("session %d: user %s (%d), authenticated by %s, exclusive: %t", s.ID, s.UserName, s.UserID, s.AuthType, s.Exclusive), nil
}
