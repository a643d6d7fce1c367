package hub

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDN(t *testing.T) {
	ann := dn{{"C", "US"}, {"O", "Lab, Inc. + Co"}, {"CN", "ann"}, {"Email", "ann@example.org"}}
	for _, c := range []struct {
		name, text string
		want       dn
	}{
		{"Apache's", `emailAddress=ann@example.org,CN=ann,O=Lab\, Inc. \+ Co,C=US`, ann},
		{"Go's", `1.2.840.113549.1.9.1=#160f616e6e406578616d706c652e6f7267,CN=ann,O=Lab\, Inc. \+ Co,C=US`, ann},
		{"old", `/C=US/O=Lab, Inc. + Co/CN=ann/emailAddress=ann@example.org`, ann},
		{"slash in a value", `/O=a/b/CN=HTTP/web`, dn{{"O", "a/b"}, {"CN", "HTTP/web"}}},
		{"octets", `CN=J\C3\BCrgen`, dn{{"CN", "Jürgen"}}},
		{"several in one", `UID=ann+CN=Ann`, dn{{"CN", "Ann"}, {"UID", "ann"}}},
		{"not a DN", `ann`, nil},
		{"half an escape", `CN=ann\`, nil},
		{"not hex", `CN=#xyz`, nil},
		{"old, not a DN", `/ann`, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseDN(c.text)
			if c.want == nil {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
	require.Equal(t, "ann", ann.part("CN"))
	require.Empty(t, ann.part("UID"))
}
