package hub

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// touchAfter is how stale a session's update_time may get. Koji writes it with
// every call; nothing that reads it needs it finer than this.
const touchAfter = time.Minute

// retryable are the methods that may be run again under a number that was used:
// doing them twice does no harm.
var retryable = []string{
	"host.taskWait", "host.taskUnwait", "host.taskSetWait", "host.updateHost", "host.setBuildRootState",
	"repoExpire", "repoDelete", "repoProblem",
}

// credentials are what a request brings to prove its session.
type credentials struct {
	id      int64 // 0 if the request has no session
	key     string
	callnum *int64
	token   string // an API token, in place of a session
	address string // where the request comes from
	proof   session.Proof
}

// credentialsOf reads the session of a request from its headers or, as clients
// before Koji 1.30 send it, from the URL.
func credentialsOf(r *http.Request, urlSessions bool) (*credentials, error) {
	c := &credentials{token: bearerToken(r.Header)}
	if _, ok := r.Header["Koji-Session-Id"]; ok {
		return c, c.fromHeaders(r.Header)
	}
	if r.URL.RawQuery == "" || !urlSessions || c.token != "" {
		return c, nil
	}
	return c, c.fromQuery(r.URL.RawQuery)
}

// pythonError is a fault that Koji's hub has no exception of its own for.
// Clients do not tell these apart, but scripts print them.
func pythonError(class, format string, args ...any) error {
	return &koji.Error{Fault: faultUnforeseen, Msg: "<class '" + class + "'>: " + fmt.Sprintf(format, args...)}
}

func (c *credentials) fromHeaders(h http.Header) (err error) {
	if c.id, err = sessionNumber(h.Get("Koji-Session-Id")); err != nil {
		return err
	}
	if _, ok := h["Koji-Session-Key"]; !ok {
		return pythonError("KeyError", "'HTTP_KOJI_SESSION_KEY'")
	}
	c.key = h.Get("Koji-Session-Key")
	// Koji: hubs before 1.35 looked for Koji-Callnum by mistake, and some clients send it.
	for _, name := range []string{"Koji-Session-Callnum", "Koji-Callnum"} {
		if v := h.Get(name); v != "" {
			n, err := sessionNumber(v)
			c.callnum = &n
			return err
		}
	}
	return nil
}

func sessionNumber(text string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, pythonError("ValueError", "invalid literal for int() with base 10: %s", xmlrpc.Repr(text))
	}
	return n, nil
}

func (c *credentials) fromQuery(query string) error {
	for field := range strings.SplitSeq(query, "&") {
		if !strings.Contains(field, "=") {
			return pythonError("ValueError", "bad query field: %s", xmlrpc.Repr(field))
		}
	}
	values, err := url.ParseQuery(query)
	if err != nil {
		return pythonError("ValueError", "%v", err)
	}
	for _, name := range []string{"session-id", "session-key"} {
		if values.Get(name) == "" {
			return koji.AuthErrorf("'%s' not specified in session args", name)
		}
	}
	if c.id, err = sessionNumber(values.Get("session-id")); err != nil {
		return err
	}
	c.key = values.Get("session-key")
	if text := values.Get("callnum"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return koji.AuthErrorf("Invalid callnum: %s", xmlrpc.Repr(text))
		}
		c.callnum = &n
	}
	return nil
}

// hostIP is the address that a session is bound to.
func (h *Hub) hostIP(address string) string {
	if !h.Config.CheckClientIP {
		return "-"
	}
	return address
}

// OpenSession returns the session with the id and key for a caller at address,
// for those who keep both in a cookie. The errors are those of a call.
func (h *Hub) OpenSession(ctx context.Context, id int64, key, address string) (*session.Session, error) {
	return h.openSession(ctx, &credentials{id: id, key: key, address: address}, "")
}

// openSession returns the session that credentials stand for, for a call of
// method: anonymous without a session id, an error if it is not good for the call.
func (h *Hub) openSession(ctx context.Context, c *credentials, method string) (*session.Session, error) {
	switch {
	case c.token != "":
		return h.openToken(ctx, c)
	case c.id == 0:
		return h.anonymous(c), nil
	}
	row, err := h.Store.Session(ctx, c.id, c.key, h.hostIP(c.address))
	if errors.Is(err, database.ErrNotFound) {
		return nil, koji.AuthErrorf("Invalid session or bad credentials")
	}
	if err != nil {
		return nil, err
	}
	s := newSession(row, c)
	if h.tooOld(s) {
		return h.retire(ctx, s, c, method)
	}
	if err := h.expire(ctx, s, method); err != nil {
		return nil, err
	}
	if err := checkCallnum(s, s.LastCall, method); err != nil || s.Expired {
		return s, err
	}
	if row.UserStatus != koji.UserActive {
		return nil, koji.AuthErrorf("logins by %s are not allowed", s.UserName)
	}
	if s.Locked && !slices.Contains([]string{"exclusiveSession", "login", "logout"}, method) {
		return nil, koji.Errorf(koji.FaultAuthLock, "User locked by another session")
	}
	if h.Now().Sub(s.Update.Time) > touchAfter {
		return s, h.Store.TouchSession(ctx, s.ID)
	}
	return s, nil
}

// anonymous returns the session of a caller without one.
func (h *Hub) anonymous(c *credentials) *session.Session {
	return &session.Session{HostIP: h.hostIP(c.address), Address: c.address, Proof: c.proof}
}

func newSession(row store.SessionRow, c *credentials) *session.Session {
	s := &session.Session{
		ID: row.ID, Key: c.key, Master: row.Master,
		UserID: row.UserID, UserName: row.UserName, UserType: row.UserType, HostID: row.HostID,
		AuthType: row.AuthType, HostIP: row.HostIP,
		Callnum: c.callnum, LastCall: row.Callnum,
		Exclusive: row.Exclusive, Expired: row.Expired,
		Perms: row.Perms, Groups: row.Groups,
		Start: row.Start, Update: row.Update, Renew: row.Renew,
		Address: c.address, Proof: c.proof,
	}
	if holder := row.ExclusiveID; holder != nil && !row.Exclusive {
		s.Exclusive = row.Master != nil && *holder == *row.Master
		s.Locked = !s.Exclusive
	}
	return s
}

// tooOld says that no login can renew the session any more.
func (h *Hub) tooOld(s *session.Session) bool {
	life := h.Config.SessionMaxAge.Std()
	return life > 0 && h.Now().Sub(s.Start.Time) > life
}

// retire closes a session that is too old. To the client it is one that has
// expired: its login does not renew it, but opens another.
func (h *Hub) retire(ctx context.Context, s *session.Session, c *credentials, method string) (*session.Session, error) {
	if !isLogin(method) {
		return nil, expired(s.ID)
	}
	return h.anonymous(c), h.Store.CloseSession(ctx, s.ID)
}

func isLogin(method string) bool { return method == "login" || method == "sslLogin" }

func expired(id int64) error {
	return koji.Errorf(koji.FaultAuthExpired, "session \"%d\" has expired", id)
}

// expire ends a session whose time is over. An expired session is good for
// logging in again and for nothing else.
func (h *Hub) expire(ctx context.Context, s *session.Session, method string) error {
	life := h.Config.SessionRenewalTimeout.Std()
	since := s.Start
	if !s.Renew.IsZero() {
		since = s.Renew
	}
	if !s.Expired && life > 0 && h.Now().Sub(since.Time) > life {
		if err := h.Store.ExpireSession(ctx, s.ID); err != nil {
			return err
		}
		s.Expired = true
	}
	if s.Expired && !isLogin(method) {
		return expired(s.ID)
	}
	return nil
}

// checkCallnum compares the number of a call with that of the last one that
// changed something. The same number again means that the client did not get
// the answer: what it wanted has happened, and running it again is no retry.
func checkCallnum(s *session.Session, last *int64, method string) error {
	switch {
	case s.Callnum == nil || last == nil || *last < *s.Callnum:
		return nil
	case *last > *s.Callnum:
		return koji.Errorf(koji.FaultSequence, "%d > %d (session %d)", *last, *s.Callnum, s.ID)
	case slices.Contains(retryable, method):
		return nil
	}
	return koji.Errorf(koji.FaultRetry, "unable to retry call %d (method %s) for session %d", *s.Callnum, method, s.ID)
}

// claimCall notes the number of a call that writes, in its transaction, so that
// it stays only if the call succeeds.
func (h *Hub) claimCall(ctx context.Context, method string) error {
	s := session.From(ctx)
	if s.Callnum == nil || !s.LoggedIn() {
		return nil
	}
	last, ok, err := h.Store.ClaimCall(ctx, s.ID, *s.Callnum)
	if err != nil || ok {
		return err
	}
	return checkCallnum(s, last, method)
}
