package client

import (
	"context"
	"encoding/base64"
	"net"
	"net/url"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// session is what the hub knows a logged in client by.
type session struct {
	id        int64
	key       string
	callnum   int64 // of the next call
	exclusive bool  // the hub was asked to keep out other sessions of the user
	login     *login
}

// login is the way a session was opened, for the case that it expires.
type login struct {
	url    string
	method string
	args   []any
	kw     map[string]any
	// proof returns what goes into the Authorization header; nil for nothing.
	proof func(ctx context.Context) (string, error)
}

// sessionInfo is the hub's answer to a login.
type sessionInfo struct {
	ID  int64  `rpc:"session-id"`
	Key string `rpc:"session-key"`
}

// Login opens a session by user name and password.
func (c *Client) Login(ctx context.Context, user, password string) error {
	return c.open(ctx, &login{url: c.opts.Server, method: "login", args: []any{user, password}, kw: map[string]any{"opts": nil}})
}

// LoginCert opens a session by the client certificate of Options.Cert.
func (c *Client) LoginCert(ctx context.Context) error { return c.LoginCertAs(ctx, "") }

// LoginCertAs is LoginCert for a proxy such as the web server, which may open
// sessions of other users. An empty user is the certificate's own.
func (c *Client) LoginCertAs(ctx context.Context, user string) error {
	if c.opts.Cert == "" {
		return koji.AuthErrorf("No client cert provided")
	}
	l, err := c.sslLogin(user)
	if err != nil {
		return err
	}
	return c.open(ctx, l)
}

// LoginKerberosAs opens a session by Kerberos. The function returns a token for
// the service HTTP on a host; it is called for every attempt. The user is as for
// LoginCertAs.
func (c *Client) LoginKerberosAs(ctx context.Context, token func(ctx context.Context, host string) ([]byte, error), user string) error {
	l, err := c.sslLogin(user)
	if err != nil {
		return err
	}
	u, err := url.Parse(l.url)
	if err != nil {
		return err
	}
	l.proof = func(ctx context.Context) (string, error) {
		t, err := token(ctx, u.Hostname())
		return "Negotiate " + base64.StdEncoding.EncodeToString(t), err
	}
	return c.open(ctx, l)
}

// sslLogin is a login by what the connection proves.
func (c *Client) sslLogin(user string) (*login, error) {
	u, err := url.Parse(c.opts.Server)
	if err != nil {
		return nil, err
	}
	u.Scheme = "https" // certificates exist in TLS only, and Koji wants it for Kerberos, too
	kw := map[string]any{"proxyuser": nil}
	if user != "" {
		kw["proxyuser"] = user
	}
	return &login{url: u.String() + "/ssllogin", method: "sslLogin", kw: kw}, nil
}

// LoginToken makes all further calls with an API token of Toji's, which needs no
// session. It is only sent over TLS, or to this machine itself. Calls whose
// connection fails are not repeated: without a session the hub could not tell.
func (c *Client) LoginToken(token string) error {
	if token == "" {
		return koji.AuthErrorf("the token is empty")
	}
	u, err := url.Parse(c.opts.Server)
	if err != nil {
		return err
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && u.Hostname() != "localhost" && !ip.IsLoopback() {
		return koji.AuthErrorf("a token is not sent to %s without TLS", u.Host)
	}
	c.token.Store(token)
	return nil
}

// apiToken returns the token of LoginToken, or "".
func (c *Client) apiToken() string {
	token, _ := c.token.Load().(string)
	return token
}

func (c *Client) open(ctx context.Context, l *login) error {
	c.serial.Lock()
	defer c.serial.Unlock()
	call, err := newCall(l.method, l.url, append(l.args[:len(l.args):len(l.args)], xmlrpc.Keywords(l.kw))...)
	if err != nil {
		return err
	}
	call.login, call.proof = true, l.proof
	return c.begin(ctx, call, l, nil)
}

// renew opens the expired session s again. The hub finds it by the headers, and
// its number stays. The caller holds c.serial.
func (c *Client) renew(ctx context.Context, s *session) error {
	kw := xmlrpc.Keywords(s.login.kw)
	kw["renew"], kw["exclusive"] = true, s.exclusive
	call, err := newCall(s.login.method, s.login.url, append(s.login.args[:len(s.login.args):len(s.login.args)], kw)...)
	if err != nil {
		return err
	}
	call.login, call.proof = true, s.login.proof
	return c.begin(ctx, call, s.login, s)
}

// begin makes a call that returns a session and sets it in c.
func (c *Client) begin(ctx context.Context, call *call, l *login, old *session) error {
	v, err := c.attempts(ctx, call, old.next())
	if err != nil {
		return err
	}
	s, err := newSession(v, l)
	if err != nil {
		return err
	}
	s.exclusive = old != nil && old.exclusive
	c.session.Store(s)
	return nil
}

func newSession(v any, l *login) (*session, error) {
	var info sessionInfo
	if err := rpc.Into(v, &info); err != nil || info.Key == "" {
		return nil, koji.AuthErrorf("unable to obtain a session")
	}
	return &session{id: info.ID, key: info.Key, login: l}, nil
}

// LoggedIn reports whether the client has a session or a token.
func (c *Client) LoggedIn() bool { return c.session.Load() != nil || c.apiToken() != "" }

// Session returns the id and the key of the session, or 0 and "" without one.
// The key is a secret.
func (c *Client) Session() (id int64, key string) {
	if s := c.session.Load(); s != nil {
		return s.id, s.key
	}
	return 0, ""
}

// Resume takes over a session that was opened elsewhere.
func (c *Client) Resume(id int64, key string) {
	c.serial.Lock()
	defer c.serial.Unlock()
	c.session.Store(&session{id: id, key: key})
}

// Subsession opens a session of the same user, for calls beside this one's. The
// hub closes it with the first.
func (c *Client) Subsession(ctx context.Context) (*Client, error) {
	parent := c.session.Load()
	if token := c.apiToken(); token != "" && parent == nil {
		sub := &Client{opts: c.opts, http: c.http}
		return sub, sub.LoginToken(token)
	}
	v, err := c.Call(ctx, "subsession", nil)
	if err != nil {
		return nil, err
	}
	s, err := newSession(v, parent.way())
	if err != nil {
		return nil, err
	}
	sub := &Client{opts: c.opts, http: c.http}
	sub.session.Store(s)
	return sub, nil
}

// way returns how the session was opened, if that is known.
func (s *session) way() *login {
	if s == nil {
		return nil
	}
	return s.login
}

// Exclusive makes the session the only one of its user, so that no second
// builder runs under one name. With force it takes the place of another session.
func (c *Client) Exclusive(ctx context.Context, force bool) error {
	_, err := c.Call(ctx, "exclusiveSession", []any{xmlrpc.Keywords(map[string]any{"force": force})})
	if err != nil {
		return err
	}
	c.serial.Lock()
	defer c.serial.Unlock()
	if s := c.session.Load(); s != nil {
		s.exclusive = true
	}
	return nil
}

// Logout ends the session; without one it does nothing. The client forgets the
// session even when the hub cannot be told.
func (c *Client) Logout(ctx context.Context) error {
	c.serial.Lock()
	defer c.serial.Unlock()
	s := c.session.Swap(nil)
	if s == nil {
		return nil
	}
	call, err := newCall("logout", c.opts.Server, xmlrpc.Keywords(map[string]any{"session_id": nil}))
	if err != nil {
		return err
	}
	call.login = true
	_, err = c.send(ctx, call, s.next())
	if koji.IsFault(err, koji.FaultAuthExpired) {
		return nil // someone forced their way into an exclusive session
	}
	return err
}
