package api

import (
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
)

// CreateTokenParams are the parameters of toji.createToken.
type CreateTokenParams struct {
	Name string `rpc:"name"` // unique among the user's tokens that are not revoked
	// Methods are patterns of the methods that the token is good for, such as
	// "build" or "repo.*"; uploads go by the name uploadFile. None means "*".
	Methods []string `rpc:"methods,optional=None"`
	// Permissions are those of the user that count when the token is used; "*"
	// stands for all that the user holds at that time. None means none.
	Permissions []string `rpc:"permissions,optional=None"`
	ReadOnly    bool     `rpc:"read_only,optional=False"` // only methods that change nothing
	Lifetime    *int64   `rpc:"lifetime,optional=None"`   // in seconds; None for as long as the hub allows
}

// NewToken is what toji.createToken returns.
type NewToken struct {
	Token
	Secret string `rpc:"token"` // nobody will see it again
}

// Token is an API token without its secret.
type Token struct {
	ID          int64      `rpc:"id"`
	UserID      int64      `rpc:"user_id"`
	UserName    string     `rpc:"user_name"`
	Name        string     `rpc:"name"`
	Methods     []string   `rpc:"methods"`
	Permissions []string   `rpc:"permissions"`
	ReadOnly    bool       `rpc:"read_only"`
	Created     koji.Time  `rpc:"created"`
	Expires     *koji.Time `rpc:"expires"`
	Used        *koji.Time `rpc:"used"` // within some minutes
}

// ListTokensParams are the parameters of toji.listTokens.
type ListTokensParams struct {
	User any `rpc:"user,optional=None"` // whose; admins may ask for those of others
}

// RevokeTokenParams are the parameters of toji.revokeToken.
type RevokeTokenParams struct {
	Token any `rpc:"token"`              // its name or id
	User  any `rpc:"user,optional=None"` // whose; admins may revoke those of others
}

// The methods for API tokens. None of them can be called with a token.
var (
	CreateToken = rpc.Define(rpc.Method[CreateTokenParams, NewToken]{
		Name: "toji.createToken", Access: NeedLogin, Writes: true,
		Doc: "Make a token by which a program acts as the calling user, within limits.",
	})
	ListTokens = rpc.Define(rpc.Method[ListTokensParams, []Token]{
		Name: "toji.listTokens", Access: NeedLogin,
		Doc: "List a user's tokens that are not revoked.",
	})
	RevokeToken = rpc.Define(rpc.Method[RevokeTokenParams, rpc.None]{
		Name: "toji.revokeToken", Access: NeedLogin, Writes: true,
		Doc: "End a token.",
	})
)
