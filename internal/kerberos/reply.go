package kerberos

import (
	"fmt"
	"time"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/asn1tools"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana"
	"github.com/jcmturner/gokrb5/v8/iana/asnAppTag"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/iana/msgtype"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/jcmturner/gokrb5/v8/types"
)

// encAPRepPart is EncAPRepPart of RFC 4120, section 5.5.2, without its optional
// parts: the context that it sets up is used for nothing further.
type encAPRepPart struct {
	CTime time.Time `asn1:"generalized,explicit,tag:0"`
	Cusec int       `asn1:"explicit,tag:1"`
}

// newReply returns the token that ends the negotiation, with an AP-REP in it if
// the client wants to know who we are. Without a negotiation it is that alone.
func newReply(mech asn1.ObjectIdentifier, req *messages.APReq) (reply []byte, err error) {
	var inner []byte
	if types.IsFlagSet(&req.APOptions, flags.APOptionMutualRequired) {
		if inner, err = newAPRep(req); err != nil {
			return nil, fmt.Errorf("kerberos: make AP-REP: %w", err)
		}
	}
	if mech == nil {
		return inner, nil
	}
	resp := spnego.NegTokenResp{
		NegState: asn1.Enumerated(spnego.NegStateAcceptCompleted), SupportedMech: mech, ResponseToken: inner,
	}
	reply, err = resp.Marshal()
	if err != nil {
		return nil, fmt.Errorf("kerberos: make reply: %w", err)
	}
	return reply, nil
}

// newAPRep returns an AP-REP, which sends the client's time back under the key
// of the ticket, in the frame of RFC 4121, section 4.1. gokrb5 has none.
func newAPRep(req *messages.APReq) ([]byte, error) {
	plain, err := asn1.Marshal(encAPRepPart{CTime: req.Authenticator.CTime.UTC(), Cusec: req.Authenticator.Cusec})
	if err != nil {
		return nil, err
	}
	plain = asn1tools.AddASNAppTag(plain, asnAppTag.EncAPRepPart)
	key := req.Ticket.DecryptedEncPart.Key
	sealed, err := crypto.GetEncryptedData(plain, key, keyusage.AP_REP_ENCPART, 0)
	if err != nil {
		return nil, err
	}
	rep, err := asn1.Marshal(messages.APRep{PVNO: iana.PVNO, MsgType: msgtype.KRB_AP_REP, EncPart: sealed})
	if err != nil {
		return nil, err
	}
	frame, err := asn1.Marshal(gssapi.OIDKRB5.OID())
	if err != nil {
		return nil, err
	}
	frame = append(frame, 0x02, 0x00) // "an AP-REP follows"
	frame = append(frame, asn1tools.AddASNAppTag(rep, asnAppTag.APREP)...)
	return asn1tools.AddASNAppTag(frame, 0), nil
}
