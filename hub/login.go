package hub

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/password"
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

// decodeArgs reads the parameters of methods that show *args, **opts to clients.
func decodeArgs(function string, p api.ArgsParams, dst any) error {
	err := rpc.Decode(p.Args, p.Opts, dst)
	if rest, ok := strings.CutPrefix(fmt.Sprint(err), "handler()"); ok {
		return pythonError("TypeError", "%s()%s", function, rest)
	}
	return err
}

func (h *Hub) login(ctx context.Context, args api.ArgsParams) (*api.SessionKey, error) {
	var p api.LoginParams
	if err := decodeArgs("Session.login", args, &p); err != nil {
		return nil, err
	}
	s := session.From(ctx)
	given, _ := p.Password.(string)
	wrong := koji.AuthErrorf("invalid username or password")
	switch {
	case given == "":
		return nil, wrong
	case s.LoggedIn():
		return nil, koji.AuthErrorf("Already logged in")
	}
	user, err := h.Store.LoginByName(ctx, p.User)
	if errors.Is(err, database.ErrNotFound) {
		return nil, wrong
	}
	if err != nil {
		return nil, err
	}
	if user.Password == nil || !password.Check(*user.Password, given) {
		return nil, wrong
	}
	hostIP := s.HostIP
	if ip, ok := p.Opts["hostip"].(string); ok && h.Config.CheckClientIP {
		hostIP = ip
	}
	return h.letIn(ctx, user, koji.AuthNormal, hostIP, p.Renew, p.Exclusive)
}

func (h *Hub) sslLogin(ctx context.Context, args api.ArgsParams) (*api.SessionKey, error) {
	var p api.SSLLoginParams
	if err := decodeArgs("Session.sslLogin", args, &p); err != nil {
		return nil, err
	}
	s := session.From(ctx)
	cert := s.Certificate
	switch {
	case s.LoggedIn():
		return nil, koji.AuthErrorf("Already logged in")
	case cert == nil:
		return nil, koji.AuthErrorf("could not verify client: None")
	case cert.UserName == "":
		return nil, koji.AuthErrorf("unable to get user information (%s) from client certificate", h.Config.DNUsernameComponent)
	}
	name, authType := cert.UserName, koji.AuthSSL
	if p.ProxyUser != nil && *p.ProxyUser != "" {
		if err := h.checkProxy(cert, p.ProxyAuthType); err != nil {
			return nil, err
		}
		name = *p.ProxyUser
		if p.ProxyAuthType != nil {
			authType = *p.ProxyAuthType
		}
	}
	user, err := h.certUser(ctx, name)
	if err != nil {
		return nil, err
	}
	return h.letIn(ctx, user, authType, s.HostIP, p.Renew, p.Exclusive)
}

// checkProxy lets the web pages of an installation log in their users.
func (h *Hub) checkProxy(cert *session.Certificate, authType *koji.AuthType) error {
	switch {
	case !slices.Contains(h.Config.ProxyDNs, cert.DN):
		return koji.AuthErrorf("%s is not authorized to login other users", cert.DN)
	case authType == nil:
		return nil
	case *authType != koji.AuthSSL && !h.Config.AllowProxyAuthType:
		return koji.AuthErrorf("Proxy must use same auth mechanism as hub (behaviour can be overriden via AllowProxyAuthType hub option)")
	case *authType != koji.AuthSSL && *authType != koji.AuthGSSAPI:
		return koji.AuthErrorf("Proxied authtype %d is not valid for sslLogin", int(*authType))
	}
	return nil
}

// certUser returns the user that a certificate names, and adds it if it is new
// and the hub is configured so.
func (h *Hub) certUser(ctx context.Context, name string) (store.Login, error) {
	user, err := h.Store.LoginByName(ctx, name)
	if !errors.Is(err, database.ErrNotFound) {
		return user, err
	}
	if !h.Config.LoginCreatesUser {
		return user, koji.AuthErrorf("Unknown user: %s", name)
	}
	if err := h.Names.CheckUser(name); err != nil {
		return user, err
	}
	id, err := h.Store.AddLogin(ctx, name)
	return store.Login{UserID: id, Name: name}, err
}

// letIn opens a session for a user whose identity is proven, or renews the
// expired session that the call came with.
func (h *Hub) letIn(ctx context.Context, user store.Login, authType koji.AuthType, hostIP string, renew, exclusive bool) (*api.SessionKey, error) {
	if user.Status != koji.UserActive {
		return nil, koji.AuthErrorf("logins by %s are not allowed", user.Name)
	}
	s := session.From(ctx)
	key := &api.SessionKey{ID: s.ID, Key: newKey(user.UserID), HeaderAuth: true}
	var err error
	if renew && s.ID != 0 {
		if s.UserID != user.UserID {
			return nil, koji.AuthErrorf("session %d is not of user %s", s.ID, user.Name)
		}
		ok, err := h.Store.RenewSession(ctx, s.ID, key.Key)
		if err != nil || !ok {
			return nil, err
		}
	} else {
		key.ID, err = h.Store.CreateSession(ctx, store.NewSession{
			UserID: user.UserID, Key: key.Key, HostIP: hostIP, AuthType: authType,
		})
		if err != nil {
			return nil, err
		}
	}
	if exclusive {
		return key, h.exclude(ctx, key.ID, user.UserID, false)
	}
	return key, nil
}

// newKey makes a secret that cannot be guessed. Koji: it begins with the user's id.
func newKey(userID int64) string { return fmt.Sprintf("%d-%s", userID, rand.Text()) }

func (h *Hub) exclude(ctx context.Context, id, userID int64, force bool) error {
	ok, err := h.Store.MakeExclusive(ctx, id, userID, force)
	if err == nil && !ok {
		return koji.Errorf(koji.FaultAuthLock, "Cannot get exclusive session")
	}
	return err
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
	return fmt.Sprintf("session %d: user %s (%d), authenticated by %s, exclusive: %t", s.ID, s.UserName, s.UserID, s.AuthType, s.Exclusive), nil
}
