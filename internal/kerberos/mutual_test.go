package kerberos

import (
	"testing"

	"github.com/jcmturner/gofork/encoding/asn1"
	"github.com/jcmturner/gokrb5/v8/crypto"
	"github.com/jcmturner/gokrb5/v8/gssapi"
	"github.com/jcmturner/gokrb5/v8/iana/flags"
	"github.com/jcmturner/gokrb5/v8/iana/keyusage"
	"github.com/jcmturner/gokrb5/v8/messages"
	"github.com/jcmturner/gokrb5/v8/spnego"
	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
)

// A client that wants to know who the service is gets its own time back, under
// the key that only the service and the KDC know besides.
func TestMutual(t *testing.T) {
	kdc := testenv.Kerberos(t)
	acceptor, err := NewAcceptor(kdc.Keytab(t, "HTTP/hub.example.org"))
	require.NoError(t, err)
	client, err := NewClient(ClientOptions{Config: kdc.Config, CCache: kdc.CCache(t, "ann")})
	require.NoError(t, err)
	defer client.Close()
	ticket, key, err := client.krb.GetServiceTicket("HTTP/hub.example.org")
	require.NoError(t, err)

	for _, c := range []struct {
		name            string
		mutual, wrapped bool
	}{
		{"negotiated, mutual", true, true},
		{"negotiated", false, true},
		{"bare, mutual", true, false},
		{"bare", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var options []int
			if c.mutual {
				options = []int{flags.APOptionMutualRequired}
			}
			inner, err := spnego.NewKRB5TokenAPREQ(client.krb, ticket, key, []int{gssapi.ContextFlagMutual}, options)
			require.NoError(t, err)
			token, err := inner.Marshal()
			require.NoError(t, err)
			if c.wrapped {
				init := spnego.NegTokenInit{MechTypes: []asn1.ObjectIdentifier{gssapi.OIDKRB5.OID()}, MechTokenBytes: token}
				token, err = (&spnego.SPNEGOToken{Init: true, NegTokenInit: init}).Marshal()
				require.NoError(t, err)
			}
			principal, reply, err := acceptor.Accept(token)
			require.NoError(t, err)
			require.Equal(t, "ann@"+testenv.Realm, principal)
			if c.wrapped {
				var resp spnego.NegTokenResp
				require.NoError(t, resp.Unmarshal(reply))
				require.Equal(t, spnego.NegStateAcceptCompleted, resp.State())
				require.True(t, resp.SupportedMech.Equal(gssapi.OIDKRB5.OID()))
				reply = resp.ResponseToken
			}
			if !c.mutual {
				require.Empty(t, reply)
				return
			}
			var answer spnego.KRB5Token
			require.NoError(t, answer.Unmarshal(reply))
			require.True(t, answer.IsAPRep())
			plain, err := crypto.DecryptEncPart(answer.APRep.EncPart, key, keyusage.AP_REP_ENCPART)
			require.NoError(t, err)
			var part messages.EncAPRepPart
			require.NoError(t, part.Unmarshal(plain))
			require.NoError(t, inner.APReq.DecryptAuthenticator(key))
			require.True(t, part.CTime.Equal(inner.APReq.Authenticator.CTime))
			require.Equal(t, inner.APReq.Authenticator.Cusec, part.Cusec)
		})
	}
}
