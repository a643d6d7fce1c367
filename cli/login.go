package cli

import (
	"context"
	"os"
	"strings"

	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/profile"
)

// login returns a connection with a session of the user's, if he wants one.
func (a *app) login(ctx context.Context) (*hub, error) {
	h, err := a.connect()
	if err != nil || h.LoggedIn() {
		return h, err
	}
	p := h.profile
	switch {
	case a.global.noauth || p.AuthType == "noauth":
		return h, nil
	case p.AuthType == "token" || p.AuthType == "" && p.Token+p.TokenFile != "":
		err = a.loginToken(h)
	case p.AuthType == "ssl" || p.AuthType == "" && isFile(p.Cert):
		err = h.LoginCertAs(ctx, a.global.runas)
	case p.AuthType == "password" || p.AuthType == "" && p.User != "":
		err = h.Login(ctx, p.User, p.Password)
	case p.AuthType == "kerberos" || p.AuthType == "gssapi" || p.AuthType == "":
		err = a.loginKerberos(ctx, h)
	default:
		err = koji.ConfigurationErrorf("authtype %s is none of noauth, ssl, password, kerberos, token", p.AuthType)
	}
	return h, err
}

func (a *app) loginToken(h *hub) error {
	if a.global.runas != "" {
		return koji.AuthErrorf("--runas does not go with a token")
	}
	token, err := readToken(h.profile)
	if err != nil {
		return koji.ConfigurationErrorf("%w", err)
	}
	return h.LoginToken(token)
}

// readToken returns the token that a profile holds or names a file of.
func readToken(p *profile.Profile) (string, error) {
	if p.Token != "" || p.TokenFile == "" {
		return p.Token, nil
	}
	text, err := os.ReadFile(p.TokenFile)
	return strings.TrimSpace(string(text)), err
}

// loginKerberos logs in by the credentials that kinit left, or by a keytab.
func (a *app) loginKerberos(ctx context.Context, h *hub) error {
	k, err := kerberos.NewClient(kerberos.ClientOptions{Principal: h.profile.Principal, Keytab: h.profile.Keytab})
	if err != nil {
		if h.profile.AuthType == "" {
			return koji.AuthErrorf("Unable to log in, no authentication methods available")
		}
		return koji.AuthErrorf("%w", err)
	}
	// It is kept for as long as the process lives: a session may have to be renewed.
	return h.LoginKerberosAs(ctx, k.Token, a.global.runas)
}
