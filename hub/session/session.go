// Package session knows who is calling.
//
// The dispatcher loads the caller's session once per call and puts it into the
// context; everything below asks From(ctx). A call without a session has an
// anonymous one, so that From never returns nil.
package session

import (
	"context"
	"path"
	"slices"

	"github.com/toji-build/toji/koji"
)

// Session is the caller of one request.
type Session struct {
	ID        int64  // 0 for anonymous callers
	Key       string // proves the ID; never logged
	Master    *int64 // the session that this one is a subsession of
	UserID    int64
	UserName  string
	UserType  koji.UserType
	HostID    *int64 // the build host that the user is, if it is one
	AuthType  koji.AuthType
	HostIP    string
	Callnum   *int64 // number of this call, if the client counts
	LastCall  *int64 // number of the last call that wrote something
	Exclusive bool   // this session, or its master, has the user for itself
	Locked    bool   // another session has the user for itself
	Expired   bool   // good for being renewed by a login and for nothing else
	Perms     []string
	Groups    []int64 // ids of the user's groups
	Start     koji.Time
	Update    koji.Time
	Renew     koji.Time

	Address string // where the request comes from

	// Proof is who the request comes from, whether or not it has a session.
	Proof Proof
	// Token is the API token that stands in for a session; ID is 0 then.
	Token *Token
}

// Proof is what a request itself proves about who sent it.
type Proof struct {
	// Verified is what became of the TLS client certificate, in Apache's words:
	// SUCCESS if it is good, "" if there was none.
	Verified  string
	DN        string // the certificate's subject in the form of RFC 2253, as Apache prints it
	UserName  string // its component that holds user names, usually CN
	Principal string // Kerberos principal, such as ann@EXAMPLE.ORG; "" without one
}

// Token is an API token in use. What it allows, a session of its user would, too.
type Token struct {
	ID       int64
	Name     string
	Methods  []string // patterns of the methods that it is good for
	ReadOnly bool     // of these, only the ones that change nothing
}

// Allows returns an ActionNotAllowed error unless the token is good for the
// method; writes tells whether that changes anything.
func (t *Token) Allows(method string, writes bool) error {
	matches := func(pattern string) bool {
		ok, err := path.Match(pattern, method)
		return ok && err == nil
	}
	switch {
	case !slices.ContainsFunc(t.Methods, matches):
		return koji.ActionNotAllowedf("token %s is not good for %s", t.Name, method)
	case writes && t.ReadOnly:
		return koji.ActionNotAllowedf("token %s is not good for %s, it is for reading only", t.Name, method)
	}
	return nil
}

type contextKey struct{}

// With returns a context in which s is the caller.
func With(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, contextKey{}, s)
}

// From returns the caller. Without one it returns an anonymous session.
func From(ctx context.Context) *Session {
	if s, ok := ctx.Value(contextKey{}).(*Session); ok {
		return s
	}
	return &Session{}
}

// LoggedIn reports whether the caller has a session, or a token in its place.
func (s *Session) LoggedIn() bool { return s.ID != 0 && !s.Expired || s.Token != nil }

// HasPerm reports whether the caller holds the permission, by itself or by one
// of its groups. Unlike AssertPerm it does not let admin stand for every other.
func (s *Session) HasPerm(name string) bool {
	return s.LoggedIn() && slices.Contains(s.Perms, name)
}

// IsUser reports whether the caller is the user or a member of the group.
func (s *Session) IsUser(id int64) bool {
	return s.LoggedIn() && (s.UserID == id || slices.Contains(s.Groups, id))
}

// AssertLogin returns an ActionNotAllowed error for anonymous callers.
func (s *Session) AssertLogin() error {
	if !s.LoggedIn() {
		return koji.ActionNotAllowedf("you must be logged in for this operation")
	}
	return nil
}

// AssertPerm returns an ActionNotAllowed error unless the caller holds one of
// the permissions or is an admin. The error names the first.
func (s *Session) AssertPerm(names ...string) error {
	if s.HasPerm("admin") || slices.ContainsFunc(names, s.HasPerm) {
		return nil
	}
	if !s.LoggedIn() {
		return koji.ActionNotAllowedf("%s permission required (user not logged in)", names[0])
	}
	return koji.ActionNotAllowedf("%s permission required (logged in as %s)", names[0], s.UserName)
}

// AssertUser returns an ActionNotAllowed error unless the caller is the user, a
// member of the group, or an admin.
func (s *Session) AssertUser(id int64) error {
	if !s.IsUser(id) && !s.HasPerm("admin") {
		return koji.ActionNotAllowedf("not owner")
	}
	return nil
}

// Host returns the id of the build host that the caller is, or an AuthError.
func (s *Session) Host() (int64, error) {
	switch {
	case !s.LoggedIn():
		return 0, koji.AuthErrorf("Not logged-in")
	case s.HostID == nil:
		return 0, koji.AuthErrorf("User %d is not a host", s.UserID)
	}
	return *s.HostID, nil
}

// AssertHost is Host for methods that change things, for which the host must
// have itself by an exclusive session: no two daemons act as one host.
func (s *Session) AssertHost() (int64, error) {
	id, err := s.Host()
	if err == nil && !s.Exclusive {
		return 0, koji.AuthErrorf("This method requires an exclusive session")
	}
	return id, err
}
