// Package kerberos proves identities by Kerberos over HTTP: SPNEGO (RFC 4178)
// in the headers of RFC 4559, as Apache's mod_auth_gssapi and Python's
// requests_gssapi speak it.
//
//	client                                      service
//	POST /kojihub/ssllogin             ->
//	                                   <-       401 WWW-Authenticate: Negotiate
//	Authorization: Negotiate AP-REQ    ->       Acceptor.Accept
//	                                   <-       200 WWW-Authenticate: Negotiate AP-REP
//
// The AP-REP proves to the client that the service holds its key. Clients built
// on MIT's library insist on it.
package kerberos

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/keytab"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"
)

// maxSkew is how far the clocks of client and service may be apart; MIT's default.
const maxSkew = 5 * time.Minute

// ErrToken is what all errors of [Acceptor.Accept] are that are the client's fault.
var ErrToken = errors.New("kerberos: token not accepted")

// Acceptor is the service's side. It is safe for concurrent use.
type Acceptor struct {
	keytab string
	seen   replays
}

// NewAcceptor returns an acceptor for the principals whose keys are in the
// keytab file. The file is read anew for every token, so that keys can be
// changed while the service runs.
func NewAcceptor(keytabFile string) (*Acceptor, error) {
	if _, err := keytab.Load(keytabFile); err != nil {
		return nil, fmt.Errorf("kerberos: load keytab %s: %w", keytabFile, err)
	}
	return &Acceptor{keytab: keytabFile}, nil
}

// Accept checks a client's token and returns who the client is, such as
// ann@EXAMPLE.ORG, and the token to answer with.
func (a *Acceptor) Accept(token []byte) (principal string, reply []byte, err error) {
	// gokrb5 indexes into what it was sent without looking.
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: malformed: %v", ErrToken, p)
		}
	}()
	mech, req, err := parseToken(token)
	if err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	keys, err := keytab.Load(a.keytab)
	if err != nil {
		return "", nil, fmt.Errorf("kerberos: load keytab: %w", err)
	}
	if err := a.verify(req, keys); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrToken, err)
	}
	if reply, err = newReply(mech, req); err != nil {
		return "", nil, err
	}
	// The authenticator has a realm, too, but the client wrote that one.
	ticket := req.Ticket.DecryptedEncPart
	return ticket.CName.PrincipalNameString() + "@" + ticket.CRealm, reply, nil
}

// parseToken takes the AP-REQ out of a client's first token. The mechanism is
// the name by which the client calls Kerberos, nil if there is no negotiation:
// old clients, such as Python's requests_kerberos, begin with Kerberos at once.
func parseToken(token []byte) (mech asn1.ObjectIdentifier, req *messages.APReq, err error) {
	if req, err := parseAPReq(token); err == nil {
		return nil, req, nil
	}
	var negotiation spnego.SPNEGOToken
	if err := negotiation.Unmarshal(token); err != nil {
		return nil, nil, err
	}
	if !negotiation.Init || len(negotiation.NegTokenInit.MechTypes) == 0 {
		return nil, nil, errors.New("not the first token of a negotiation")
	}
	// The token that comes along is for the mechanism that the client likes best.
	mech = negotiation.NegTokenInit.MechTypes[0]
	known := []asn1.ObjectIdentifier{gssapi.OIDKRB5.OID(), gssapi.OIDMSLegacyKRB5.OID()}
	if !slices.ContainsFunc(known, mech.Equal) {
		return nil, nil, fmt.Errorf("mechanism %s is not Kerberos", mech)
	}
	req, err = parseAPReq(negotiation.NegTokenInit.MechTokenBytes)
	return mech, req, err
}

// parseAPReq reads an AP-REQ in the frame of RFC 4121, section 4.1.
func parseAPReq(token []byte) (*messages.APReq, error) {
	var inner spnego.KRB5Token
	if err := inner.Unmarshal(token); err != nil {
		return nil, err
	}
	if !inner.IsAPReq() {
		return nil, errors.New("not an AP-REQ")
	}
	return &inner.APReq, nil
}

func (a *Acceptor) verify(req *messages.APReq, keys *keytab.Keytab) error {
	ok, err := req.Verify(keys, maxSkew, types.HostAddress{}, nil)
	if err != nil {
		return err
	}
	if !ok {
		return errors.New("ticket is not valid")
	}
	ticket := req.Ticket.DecryptedEncPart
	if ticket.CRealm != req.Ticket.Realm && !types.IsFlagSet(&ticket.Flags, flags.TransitedPolicyChecked) {
		return fmt.Errorf("the realms between %s and %s were not checked", ticket.CRealm, req.Ticket.Realm)
	}
	if strings.Contains(ticket.CRealm, "@") || strings.Contains(ticket.CName.PrincipalNameString(), "@") {
		// ann\@A@B must not pass for ann@A.
		return errors.New("principal with an @ in a component")
	}
	if a.seen.before(req.EncryptedAuthenticator.Cipher, time.Now()) {
		return errors.New("replay")
	}
	return nil
}

// Serves tells whether a principal is of a realm that there are keys for.
func (a *Acceptor) Serves(principal string) bool {
	keys, err := keytab.Load(a.keytab)
	if err != nil {
		return false
	}
	_, realm, _ := strings.Cut(principal, "@")
	for _, e := range keys.Entries {
		if e.Principal.Realm == realm {
			return true
		}
	}
	return false
}
