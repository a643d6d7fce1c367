package xmlrpc_test

import (
	"bytes"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

const (
	callHead = "<?xml version='1.0'?>\n<methodCall>\n<methodName>echo</methodName>\n<params>\n<param>\n"
	callTail = "\n</param>\n</params>\n</methodCall>\n"
	respHead = "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n"
	respTail = "</param>\n</params>\n</methodResponse>\n"
)

// unescape makes control characters of their stand-ins in testdata.
var unescape = strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\x01`, "\x01", `\xe9`, "\xe9").Replace

func TestProbeValues(t *testing.T) {
	table, err := os.ReadFile("testdata/probe.tsv")
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		t.Run(fields[0], func(t *testing.T) {
			method, params, err := xmlrpc.DecodeRequest(strings.NewReader(callHead + unescape(fields[1]) + callTail))
			fault, isFault := errors.AsType[*xmlrpc.Fault](err)
			switch fields[2] {
			case "400":
				require.EqualError(t, err, fields[3])
				require.False(t, isFault)
				return
			case "fault":
				require.True(t, isFault, "%v", err)
				require.Equal(t, &xmlrpc.Fault{Code: 1, String: fields[3]}, fault)
				return
			}
			require.NoError(t, err)
			require.Equal(t, "echo", method)
			require.Len(t, params, 1)
			var b bytes.Buffer
			require.NoError(t, xmlrpc.EncodeResponse(&b, params[0]))
			require.Equal(t, respHead+unescape(fields[2])+respTail, b.String())
		})
	}
}

// The texts are what a Koji hub answers with after "Invalid request: ".
func TestProbeDocuments(t *testing.T) {
	for _, c := range []struct{ name, document, want string }{
		{"empty-post", "", "Empty request"},
		{"malformed-xml", "<?xml version='1.0'?><methodCall><methodName>echo", "no element found: line 1, column 49"},
		{"not-xml", "hello", "syntax error: line 1, column 0"},
		{"gzip-request", "\x1f\x8b\x08\x00", "not well-formed (invalid token): line 1, column 0"},
		{"doctype-entity", `<?xml version='1.0'?><!DOCTYPE m [<!ENTITY e "x">]><methodCall/>`,
			"EntitiesForbidden(name='e', system_id=None, public_id=None)"},
		{"no-value", "<methodCall></methodCall>", "ResponseError()"},
		{"two-roots", callHead + callTail + "<x/>", "junk after document element: line 10, column 0"},
		{"text-behind", callHead + callTail + "x", "junk after document element: line 10, column 0"},
		{"unclosed-tag", "<methodCall", "unclosed token: line 1, column 0"},
		{"unknown-encoding", "<?xml version='1.0' encoding='klingon'?><a/>", "unknown encoding: klingon"},
		{"fault-as-request", faultText, "<Fault 1000: 'no'>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := xmlrpc.DecodeRequest(strings.NewReader(c.document))
			require.EqualError(t, err, c.want)
		})
	}
}

const faultText = `<?xml version='1.0'?>
<methodResponse>
<fault>
<value><struct>
<member>
<name>faultCode</name>
<value><int>1000</int></value>
</member>
<member>
<name>faultString</name>
<value><string>no</string></value>
</member>
</struct></value>
</fault>
</methodResponse>
`

func TestDocumentsThatKojiAccepts(t *testing.T) {
	for _, c := range []struct {
		name, document, method string
		params                 []any
	}{
		{"no-methodname", strings.Replace(callHead, "<methodName>echo</methodName>\n", "", 1) + "<value>x</value>" + callTail, "", []any{"x"}},
		{"no-params", "<methodCall><methodName>getAPIVersion</methodName></methodCall>", "getAPIVersion", nil},
		{"methodresponse-as-request", respHead + "<value>x</value>" + respTail, "", []any{"x"}},
		{"latin1-decl", strings.Replace(callHead, "'1.0'", "'1.0' encoding='iso-8859-1'", 1) + "<value>\xe9</value>" + callTail, "echo", []any{"é"}},
		{"byte-order-mark", "\xef\xbb\xbf" + callHead + "<value>x</value>" + callTail, "echo", []any{"x"}},
		{"attributes", callHead + `<value a="1>2" b='"'><int x="">1</int ></value>` + callTail, "echo", []any{int64(1)}},
		{"comments", "<!-- a --><?pi x?>" + callHead[22:] + "<!-- <b> --><value>x</value>" + callTail + "<!-- c -->\n", "echo", []any{"x"}},
		{"doctype", "<!DOCTYPE methodCall>" + callHead[22:] + "<value>x</value>" + callTail, "echo", []any{"x"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			method, params, err := xmlrpc.DecodeRequest(strings.NewReader(c.document))
			require.NoError(t, err)
			require.Equal(t, c.method, method)
			require.Equal(t, c.params, params)
		})
	}
}
