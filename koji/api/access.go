package api

import "github.com/toji-build/toji/internal/rpc"

// Who may call a method; see NeedPerm for permissions.
var (
	// Anyone may call; no session is needed.
	Anyone = &rpc.Access{}
	// NeedLogin lets in anyone who is logged in.
	NeedLogin = &rpc.Access{Login: true}
	// NeedHost lets in build hosts, by the user that they log in as.
	NeedHost = &rpc.Access{Login: true, Host: true}
)

// NeedPerm lets in users with one of the named permissions. admin includes all others.
func NeedPerm(names ...string) *rpc.Access {
	return &rpc.Access{Login: true, Perms: names}
}
