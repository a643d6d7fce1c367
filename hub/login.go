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
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

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
	switch {
	case given == "":
		return nil, errWrongPassword
	case s.LoggedIn():
		return nil, koji.AuthErrorf("Already logged in")
	}
	user, err := h.userByPassword(ctx, p.User, given)
	if err != nil {
		return nil, err
	}
	hostIP := s.HostIP
	if ip, ok := p.Opts["hostip"].(string); ok && h.Config.CheckClientIP {
		hostIP = ip
	}
	return h.letIn(ctx, user, koji.AuthNormal, hostIP, p.Renew, p.Exclusive)
}

// identity is who a request proves to come from, or whom a proxy vouches for.
type identity struct {
	name     string // a user's name, or a Kerberos principal
	authType koji.AuthType
}

// principal tells whether the name is a Kerberos principal.
func (id identity) principal() bool {
	return id.authType == koji.AuthGSSAPI && strings.Contains(id.name, "@")
}

func (h *Hub) sslLogin(ctx context.Context, args api.ArgsParams) (*api.SessionKey, error) {
	var p api.SSLLoginParams
	if err := decodeArgs("Session.sslLogin", args, &p); err != nil {
		return nil, err
	}
	s := session.From(ctx)
	if s.LoggedIn() {
		return nil, koji.AuthErrorf("Already logged in")
	}
	who, err := h.proven(s.Proof)
	if err != nil {
		return nil, err
	}
	if p.ProxyUser != nil && *p.ProxyUser != "" {
		if who, err = h.actAs(who, s.Proof, *p.ProxyUser, p.ProxyAuthType); err != nil {
			return nil, err
		}
	}
	user, err := h.provenUser(ctx, who)
	if err != nil {
		return nil, err
	}
	return h.letIn(ctx, user, who.authType, s.HostIP, p.Renew, p.Exclusive)
}

// proven returns who the connection proves to come from. Kerberos counts first,
// as a server only asks for it where it is wanted.
func (h *Hub) proven(proof session.Proof) (identity, error) {
	switch {
	case proof.Principal != "":
		return identity{proof.Principal, koji.AuthGSSAPI}, nil
	case proof.Verified == "":
		return identity{}, koji.AuthErrorf("could not verify client: None")
	case proof.Verified != certGood:
		return identity{}, koji.AuthErrorf("could not verify client: %s", proof.Verified)
	case proof.UserName == "":
		return identity{}, koji.AuthErrorf("unable to get user information (%s) from client certificate", h.Config.DNUsernameComponent)
	}
	return identity{proof.UserName, koji.AuthSSL}, nil
}

// actAs lets a proxy, such as the web pages of an installation, log in a user
// whom it has identified in its own way.
func (h *Hub) actAs(who identity, proof session.Proof, user string, authType *koji.AuthType) (identity, error) {
	name, allowed := proof.DN, h.isProxyDN(proof.DN)
	if who.authType == koji.AuthGSSAPI {
		name, allowed = who.name, slices.Contains(h.Config.ProxyPrincipals, who.name)
	}
	as := identity{user, who.authType}
	if !allowed {
		return as, koji.AuthErrorf("%s is not authorized to login other users", name)
	}
	if authType == nil {
		return as, nil
	}
	if *authType != who.authType && !h.Config.AllowProxyAuthType {
		return as, koji.AuthErrorf("Proxy must use same auth mechanism as hub (behaviour can be overriden via AllowProxyAuthType hub option)")
	}
	if *authType != koji.AuthSSL && *authType != koji.AuthGSSAPI {
		return as, koji.AuthErrorf("Proxied authtype %d is not valid for sslLogin", int(*authType))
	}
	as.authType = *authType
	return as, nil
}

// isProxyDN tells whether a subject is one of the configured ones, in whichever
// form these are.
func (h *Hub) isProxyDN(text string) bool {
	subject, err := parseDN(text)
	same := func(d dn) bool { return slices.Equal(d, subject) }
	return err == nil && slices.ContainsFunc(h.proxyDNs, same)
}

// provenUser returns the user that an identity belongs to, and adds it if it is
// new and the hub is configured so.
func (h *Hub) provenUser(ctx context.Context, who identity) (store.Login, error) {
	find := h.Store.LoginByName
	if who.principal() {
		if err := h.checkRealm(who.name); err != nil {
			return store.Login{}, err
		}
		find = h.Store.LoginByPrincipal
	}
	user, err := find(ctx, who.name)
	switch {
	case !errors.Is(err, database.ErrNotFound):
		return user, err
	case !h.Config.LoginCreatesUser:
		return user, koji.AuthErrorf("Unknown user: %s", who.name)
	case who.principal():
		return h.adopt(ctx, who.name)
	}
	return h.newUser(ctx, who.name, "")
}

// adopt returns the user for a principal that is nobody's yet: the one of the
// same name, or a new one.
func (h *Hub) adopt(ctx context.Context, principal string) (store.Login, error) {
	name, _, _ := strings.Cut(principal, "@")
	user, err := h.Store.LoginByName(ctx, name)
	if errors.Is(err, database.ErrNotFound) {
		return h.newUser(ctx, name, principal)
	}
	if err != nil {
		return user, err
	}
	if err := h.mayLogIn(user); err != nil {
		return user, err
	}
	// Koji: where every realm is allowed, ann of any realm that ours trusts becomes our ann.
	if h.Config.AllowedKrbRealms == "*" && h.kerberos != nil && !h.kerberos.Serves(principal) {
		return user, koji.AuthErrorf("%s is not known as a principal of user %s, and its realm is not named in allowed_krb_realms", principal, name)
	}
	return user, h.Store.AddKrbPrincipal(ctx, user.UserID, principal)
}

func (h *Hub) newUser(ctx context.Context, name, principal string) (store.Login, error) {
	if err := h.Names.CheckUser(name); err != nil {
		return store.Login{}, err
	}
	id, err := h.Store.CreateUser(ctx, name, koji.UserNormal, koji.UserActive, principal)
	return store.Login{UserID: id, Name: name}, err
}

// mayLogIn refuses users that are blocked, and groups, which are users only in
// the database. Koji: its hub lets in who has a certificate for a group's name.
func (h *Hub) mayLogIn(user store.Login) error {
	if user.Status != koji.UserActive || user.Type == koji.UserGroup {
		return koji.AuthErrorf("logins by %s are not allowed", user.Name)
	}
	return nil
}

// letIn opens a session for a user whose identity is proven, or renews the
// expired session that the call came with.
func (h *Hub) letIn(ctx context.Context, user store.Login, authType koji.AuthType, hostIP string, renew, exclusive bool) (*api.SessionKey, error) {
	if err := h.mayLogIn(user); err != nil {
		return nil, err
	}
	s := session.From(ctx)
	key := &api.SessionKey{ID: s.ID, Key: newKey(user.UserID), HeaderAuth: true}
	err := h.Store.InTx(ctx, func(ctx context.Context) (err error) {
		if renew && s.ID != 0 {
			err = h.renew(ctx, s, user, key)
		} else {
			key.ID, err = h.Store.CreateSession(ctx, store.NewSession{
				UserID: user.UserID, Key: key.Key, HostIP: hostIP, AuthType: authType,
			})
		}
		if err == nil && exclusive {
			err = h.exclude(ctx, key.ID, user.UserID, false)
		}
		return err
	})
	if errors.Is(err, errMasterClosed) {
		return nil, nil // Koji: no fault, but no session either
	}
	return key, err
}

var errMasterClosed = errors.New("the session that this one belongs to was closed")

func (h *Hub) renew(ctx context.Context, s *session.Session, user store.Login, key *api.SessionKey) error {
	// Koji: its hub renews it, and the session stays with whom it was.
	if s.UserID != user.UserID {
		return koji.AuthErrorf("session %d is not of user %s", s.ID, user.Name)
	}
	ok, err := h.Store.RenewSession(ctx, s.ID, key.Key)
	if err == nil && !ok {
		err = errMasterClosed
	}
	return err
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
