package hub

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"

	"github.com/toji-build/toji/internal/kerberos"
	"github.com/toji-build/toji/internal/obs"
)

// loginPath is where clients go with certificates and Kerberos tickets.
const loginPath = "/kojihub/ssllogin"

// negotiate finds out by Kerberos who sends a request to loginPath, as Apache's
// mod_auth_gssapi does. It reports whether the request goes on; otherwise it has
// been answered. A client with a certificate, or whom a proxy vouches for, is
// known already.
func (s *Server) negotiate(w http.ResponseWriter, r *http.Request, c *credentials) bool {
	acceptor := s.hub.kerberos
	if acceptor == nil || r.URL.Path != loginPath || c.proof.Principal != "" || c.proof.Verified == certGood {
		return true
	}
	const challenge = "Negotiate"
	scheme, text, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, challenge) {
		w.Header().Set("WWW-Authenticate", challenge)
		plain(w, http.StatusUnauthorized, "Log in by Kerberos or with a client certificate\n")
		return false
	}
	token, err := base64.StdEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		plain(w, http.StatusBadRequest, "Authorization: Negotiate must be followed by base64\n")
		return false
	}
	principal, reply, err := acceptor.Accept(token)
	switch {
	case errors.Is(err, kerberos.ErrToken):
		s.hub.Log.WarnContext(r.Context(), "kerberos login refused", obs.Remote, c.address, obs.Error, err)
		plain(w, http.StatusUnauthorized, "The hub does not accept this Kerberos ticket, its log says why\n")
		return false
	case err != nil:
		s.hub.Log.ErrorContext(r.Context(), "kerberos login failed", obs.Remote, c.address, obs.Error, err)
		plain(w, http.StatusInternalServerError, "Kerberos does not work here, the hub's log says why\n")
		return false
	}
	if reply != nil {
		w.Header().Set("WWW-Authenticate", challenge+" "+base64.StdEncoding.EncodeToString(reply))
	}
	c.proof.Principal = principal
	return true
}
