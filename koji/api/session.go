package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// ArgsParams take whatever comes.
type ArgsParams struct {
	Args []any          `rpc:"*args"`
	Opts map[string]any `rpc:"**opts"`
}

// LoginParams are the parameters of login, behind its *args and **opts.
type LoginParams struct {
	User      string         `rpc:"user"`
	Password  any            `rpc:"password"`
	Opts      map[string]any `rpc:"opts,optional=None"` // hostip: the address to bind the session to
	Renew     bool           `rpc:"renew,optional=False"`
	Exclusive bool           `rpc:"exclusive,optional=False"`
}

// SSLLoginParams are the parameters of sslLogin, behind its *args and **opts.
type SSLLoginParams struct {
	ProxyUser     *string        `rpc:"proxyuser,optional=None"`     // log this user in instead
	ProxyAuthType *koji.AuthType `rpc:"proxyauthtype,optional=None"` // who authenticated that way
	Renew         bool           `rpc:"renew,optional=False"`
	Exclusive     bool           `rpc:"exclusive,optional=None"`
}

// ExclusiveSessionParams are the parameters of exclusiveSession, behind its
// *args and **opts.
type ExclusiveSessionParams struct {
	Force bool `rpc:"force,optional=False"` // close the session that is exclusive now
}

// SessionKey is a new or renewed session.
type SessionKey struct {
	ID         int64  `rpc:"session-id"`
	Key        string `rpc:"session-key"`
	HeaderAuth bool   `rpc:"header-auth"` // the hub takes both as headers
}

// LogoutParams are the parameters of logout.
type LogoutParams struct {
	SessionID *int64 `rpc:"session_id,optional=None"` // another session of the user, for admins any
}

// LogoutChildParams are the parameters of logoutChild.
type LogoutChildParams struct {
	SessionID int64 `rpc:"session_id"`
}

// GetSessionInfoParams are the parameters of getSessionInfo.
type GetSessionInfoParams struct {
	Details bool `rpc:"details,optional=False"` // with id and address
	UserID  any  `rpc:"user_id,optional=None"`  // list this user's sessions
}

// SessionInfo is a session.
type SessionInfo struct {
	AuthType  koji.AuthType `rpc:"authtype"`
	Callnum   *int64        `rpc:"callnum"`
	Exclusive *bool         `rpc:"exclusive"`
	Expired   bool          `rpc:"expired"`
	Master    *int64        `rpc:"master"`
	Renew     koji.Time     `rpc:"renew_time"`
	RenewTS   *float64      `rpc:"renew_ts"`
	StartTime koji.Time     `rpc:"start_time"`
	StartTS   *float64      `rpc:"start_ts"`
	Update    koji.Time     `rpc:"update_time"`
	UpdateTS  *float64      `rpc:"update_ts"`
	UserID    int64         `rpc:"user_id"`
	// ID and HostIP are left out unless details were asked for.
	HostIP *string `rpc:"hostip,omitempty"`
	ID     *int64  `rpc:"id,omitempty"`
}

// The methods for sessions.
var (
	Login = rpc.Define(rpc.Method[ArgsParams, *SessionKey]{
		Name: "login", Access: Anyone, // its transaction begins when the password was checked
		Doc: "Log in with user and password.",
	})
	SSLLogin = rpc.Define(rpc.Method[ArgsParams, *SessionKey]{
		Name: "sslLogin", Access: Anyone, Writes: true,
		Doc: "Log in with what the connection proves: a TLS client certificate or a Kerberos ticket.",
	})
	Logout = rpc.Define(rpc.Method[LogoutParams, rpc.None]{
		Name: "logout", Func: "logout", Access: Anyone, Writes: true,
		Doc: "Close the session, or another one, and those below it.",
	})
	LogoutChild = rpc.Define(rpc.Method[LogoutChildParams, rpc.None]{
		Name: "logoutChild", Func: "logoutChild", Access: Anyone, Writes: true,
		Doc: "Close a subsession of this session.",
	})
	Subsession = rpc.Define(rpc.Method[NoParams, *SessionKey]{
		Name: "subsession", Func: "subsession", Access: Anyone, Writes: true,
		Doc: "Open a session that ends with this one.",
	})
	ExclusiveSession = rpc.Define(rpc.Method[ArgsParams, rpc.None]{
		Name: "exclusiveSession", Access: Anyone, Writes: true,
		Doc: "Keep the user's other sessions from calling anything.",
	})
	SharedSession = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "sharedSession", Func: "sharedSession", Access: Anyone, Writes: true,
		Doc: "Undo exclusiveSession.",
	})
	GetSessionInfo = rpc.Define(rpc.Method[GetSessionInfoParams, any]{
		Name: "getSessionInfo", Access: Anyone,
		Doc: "Return this session, or with user_id the list of a user's open sessions; nil for anonymous callers.",
	})
	ShowSession = rpc.Define(rpc.Method[NoParams, string]{
		Name: "showSession", Access: Anyone,
		Doc: "Return a text about this session, for debugging.",
	})
)
