package hub

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindTokens(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.CreateToken, h.createToken)
	rpc.Bind(r, api.ListTokens, h.listTokens)
	rpc.Bind(r, api.RevokeToken, h.revokeToken)
}

// tokenPrefix tells tokens apart from other secrets, for people and for programs
// that look for secrets where none should be.
const tokenPrefix = "toji_"

// sessionsOnly are the methods that no token is good for: it makes neither
// sessions nor tokens.
var sessionsOnly = []string{
	"login", "sslLogin", "logout", "logoutChild", "subsession", "exclusiveSession", "sharedSession",
	"toji.createToken", "toji.listTokens", "toji.revokeToken",
}

// bearerToken returns the token in a request's Authorization header, or "".
func bearerToken(h http.Header) string {
	scheme, token, _ := strings.Cut(h.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// openToken returns a session that is as good as the token of the credentials.
func (h *Hub) openToken(ctx context.Context, c *credentials) (*session.Session, error) {
	if c.id != 0 {
		return nil, koji.AuthErrorf("a request has a session or a token, not both")
	}
	hash := sha256.Sum256([]byte(c.token))
	row, err := h.Store.TokenInUse(ctx, hash[:])
	if errors.Is(err, database.ErrNotFound) {
		return nil, koji.AuthErrorf("invalid token")
	}
	if err != nil {
		return nil, err
	}
	now := h.Now()
	if row.Expires != nil && now.After(row.Expires.Time) {
		return nil, koji.AuthErrorf("token %s has expired", row.Name)
	}
	if err := h.mayLogIn(store.Login{Name: row.UserName, Status: row.UserStatus, Type: row.UserType}); err != nil {
		return nil, err
	}
	if row.Used == nil || now.Sub(row.Used.Time) > touchAfter {
		if err := h.Store.TouchToken(ctx, row.ID, now); err != nil {
			return nil, err
		}
	}
	s := h.anonymous(c)
	s.Token = &session.Token{ID: row.ID, Name: row.Name, Methods: row.Methods, ReadOnly: row.ReadOnly}
	s.UserID, s.UserName, s.UserType = row.UserID, row.UserName, row.UserType
	s.Groups, s.Perms = row.Groups, row.Perms
	s.Start = row.Created
	return s, nil
}

// checkToken returns an ActionNotAllowed error if the caller has a token that is
// not good for the method.
func checkToken(s *session.Session, method string, writes bool) error {
	if s.Token == nil {
		return nil
	}
	if slices.Contains(sessionsOnly, method) {
		return koji.ActionNotAllowedf("%s cannot be called with a token", method)
	}
	return s.Token.Allows(method, writes)
}

func (h *Hub) createToken(ctx context.Context, p api.CreateTokenParams) (api.NewToken, error) {
	t := store.NewToken{
		UserID: session.From(ctx).UserID, Name: p.Name, ReadOnly: p.ReadOnly, Now: h.Now(),
		Methods: p.Methods, Permissions: append([]string{}, p.Permissions...),
	}
	if len(t.Methods) == 0 {
		t.Methods = []string{"*"}
	}
	var err error
	if t.Expires, err = h.tokenEnd(p.Lifetime); err != nil {
		return api.NewToken{}, err
	}
	if err := h.checkNewToken(ctx, t); err != nil {
		return api.NewToken{}, err
	}
	secret := tokenPrefix + rand.Text()
	hash := sha256.Sum256([]byte(secret))
	t.Hash = hash[:]
	token, err := h.Store.AddToken(ctx, t)
	return api.NewToken{Token: token, Secret: secret}, err
}

// tokenEnd returns when a token with that many seconds to live ends, nil for never.
func (h *Hub) tokenEnd(seconds *int64) (*time.Time, error) {
	life, most := h.Config.MaxTokenLifetime.Std(), h.Config.MaxTokenLifetime.Std()
	if seconds != nil {
		const limit = int64(1 << 33) // seconds that a Duration can hold
		if *seconds <= 0 || *seconds > limit {
			return nil, koji.ParameterErrorf("lifetime must be a positive number of seconds")
		}
		life = time.Duration(*seconds) * time.Second
	}
	if most > 0 && life > most {
		return nil, koji.ParameterErrorf("lifetime must be %d seconds at most", int64(most/time.Second))
	}
	if life == 0 {
		return nil, nil
	}
	end := h.Now().Add(life)
	return &end, nil
}

var tokenName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$`)

func (h *Hub) checkNewToken(ctx context.Context, t store.NewToken) error {
	if !tokenName.MatchString(t.Name) {
		return koji.ParameterErrorf("a token's name has up to 64 letters, digits and _.@-")
	}
	others, err := h.Store.Tokens(ctx, t.UserID)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(others, func(o api.Token) bool { return o.Name == t.Name }) {
		return koji.GenericErrorf("token already exists: %s", t.Name)
	}
	for _, pattern := range t.Methods {
		if !h.matchesMethod(pattern) {
			return koji.ParameterErrorf("no method is called %s", pattern)
		}
	}
	held, err := h.UserPerms(ctx, t.UserID, true)
	if err != nil {
		return err
	}
	for _, perm := range t.Permissions {
		if perm == "*" {
			continue
		}
		if !slices.Contains(held, perm) && !slices.Contains(held, "admin") {
			return koji.ActionNotAllowedf("a token cannot have permission %s, which you have not", perm)
		}
		if _, err := h.Lookup(ctx, store.Permissions, perm, true); err != nil {
			return err
		}
	}
	return nil
}

// matchesMethod tells whether a pattern is one, and stands for any method.
func (h *Hub) matchesMethod(pattern string) bool {
	for _, d := range rpc.Declared() {
		if ok, err := path.Match(pattern, d.Name); ok || err != nil {
			return err == nil
		}
	}
	return false
}

func (h *Hub) listTokens(ctx context.Context, p api.ListTokensParams) ([]api.Token, error) {
	userID, err := h.tokenOwner(ctx, p.User)
	if err != nil {
		return nil, err
	}
	tokens, err := h.Store.Tokens(ctx, userID)
	return append([]api.Token{}, tokens...), err
}

func (h *Hub) revokeToken(ctx context.Context, p api.RevokeTokenParams) (rpc.None, error) {
	userID, err := h.tokenOwner(ctx, p.User)
	if err != nil {
		return rpc.None{}, err
	}
	id, name := int64(0), ""
	switch v := p.Token.(type) {
	case int64:
		id = v
	case string:
		name = v
	default:
		return rpc.None{}, koji.ParameterErrorf("a token is named by its id or name, not by a value of type %s", xmlrpc.TypeName(v))
	}
	found, err := h.Store.RevokeToken(ctx, userID, id, name, session.From(ctx).UserID, h.Now())
	if err == nil && !found {
		err = koji.GenericErrorf("No such token: %s", xmlrpc.Repr(p.Token))
	}
	return rpc.None{}, err
}

// tokenOwner returns the id of the user whose tokens the caller means, which are
// its own unless it is an admin.
func (h *Hub) tokenOwner(ctx context.Context, info any) (int64, error) {
	s := session.From(ctx)
	if info == nil {
		return s.UserID, nil
	}
	user, err := h.User(ctx, info, true)
	if err != nil {
		return 0, err
	}
	if user.ID != s.UserID && !s.HasPerm("admin") {
		return 0, koji.ActionNotAllowedf("only admins may see the tokens of others")
	}
	return user.ID, nil
}
