package hub

import (
	"strings"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// asked is a call with parameters in XML.
func asked(method string, values ...string) probeRequest {
	params := ""
	if len(values) > 0 {
		params = "<params>\n<param>\n" + strings.Join(values, "\n</param>\n<param>\n") + "\n</param>\n</params>\n"
	}
	return probeRequest{body: "<?xml version='1.0'?>\n<methodCall>\n<methodName>" + method + "</methodName>\n" + params + "</methodCall>\n"}
}

// echoed is a call that returns a value.
func echoed(value string) probeRequest { return asked("echo", value) }

// called is a call with encoded parameters.
func called(method string, params ...any) probeRequest {
	body, err := xmlrpc.MarshalRequest(method, params...)
	if err != nil {
		panic(err)
	}
	return probeRequest{body: body}
}

// with returns r with headers, or with another request line.
func (r probeRequest) with(lines ...string) probeRequest {
	for _, line := range lines {
		if strings.Contains(line, " HTTP/") {
			r.line = line
		} else {
			r.headers = append(r.headers, line)
		}
	}
	return r
}

// by sends r in a session, with a number of the call if it is given.
func (r probeRequest) by(session string, callnum ...string) probeRequest {
	r.as = session
	r = r.with("Koji-Session-Id: {id}", "Koji-Session-Key: {key}")
	for _, n := range callnum {
		r = r.with("Koji-Session-Callnum: " + n)
	}
	return r
}

// at sends r to an address with the query, filled with the session's.
func (r probeRequest) at(session, query string) probeRequest {
	r.as = session
	return r.with("POST /kojihub?" + query + " HTTP/1.1")
}

// opens keeps the session that the answer opens.
func (r probeRequest) opens(session string) probeRequest {
	r.keep = session
	return r
}

// uploaded is an upload of 130 bytes as kojiadmin.
func uploaded(query string) probeRequest {
	r := probeRequest{body: strings.Repeat("x", 130)}
	r = r.with("POST /kojihub?"+query+" HTTP/1.1", "Content-Type: application/octet-stream")
	return r.by("first")
}

const (
	echoText    = "<?xml version='1.0'?>\n<methodCall>\n<methodName>echo</methodName>\n<params>\n<param>\n<value>x</value>\n</param>\n</params>\n</methodCall>\n"
	keywordsA   = "<value><struct><member><name>a</name><value><int>1</int></value></member><member><name>__starstar</name><value><boolean>"
	keywordsEnd = "</boolean></value></member></struct></value>"
	byURL       = "session-id={id}&session-key={key}"
)

// probeRequests are the requests of the table, but for those that echo a value.
var probeRequests = map[string]probeRequest{
	"get":                       {line: "GET /kojihub HTTP/1.1"},
	"head":                      {line: "HEAD /kojihub HTTP/1.1"},
	"put":                       {line: "PUT /kojihub HTTP/1.1", body: echoText},
	"options":                   {line: "OPTIONS /kojihub HTTP/1.1"},
	"empty-post":                {},
	"malformed-xml":             {body: "<?xml version='1.0'?><methodCall><methodName>echo"},
	"not-xml":                   {body: "hello"},
	"no-methodname":             {body: "<?xml version='1.0'?><methodCall><params></params></methodCall>"},
	"methodresponse-as-request": {body: "<?xml version='1.0'?><methodResponse><params><param><value>x</value></param></params></methodResponse>"},
	"trailing-slash":            {line: "POST /kojihub/ HTTP/1.1", body: echoText},
	"subpath":                   {line: "POST /kojihub/sub/path HTTP/1.1", body: echoText},
	"subpath-rpc":               {line: "POST /kojihub/RPC2 HTTP/1.1", body: echoText},
	"http10":                    {line: "POST /kojihub HTTP/1.0", body: echoText},
	"http10-keepalive":          {line: "POST /kojihub HTTP/1.0", headers: []string{"Connection: keep-alive"}, body: echoText},
	"accept-gzip":               asked("_listapi").with("Accept-Encoding: gzip"),
	"gzip-request":              {headers: []string{"Content-Encoding: gzip"}, body: "\x1f\x8b\x08\x00\x00\x00"},
	"no-content-type":           {body: echoText},
	"ct-json":                   {headers: []string{"Content-Type: application/json"}, body: echoText},
	"ct-charset":                {headers: []string{"Content-Type: text/xml; charset=utf-8"}, body: echoText},
	"chunked":                   {body: echoText, chunked: true},
	"expect-100":                {headers: []string{"Expect: 100-continue"}, body: echoText, waits: true},
	"latin1-decl":               {body: "<?xml version='1.0' encoding='iso-8859-1'?>" + strings.Replace(echoText[21:], ">x<", "><string>\xe9</string><", 1)},
	"doctype-entity":            {body: `<?xml version='1.0'?><!DOCTYPE m [<!ENTITY e "x">]>` + echoText[22:]},

	"no-params":         {body: "<methodCall><methodName>getAPIVersion</methodName></methodCall>"},
	"starstar":          called("getTag", xmlrpc.Keywords(map[string]any{"tagInfo": "probe"})),
	"starstar-extra":    called("getTag", "probe", xmlrpc.Keywords(map[string]any{"nosuch": 1})),
	"starstar-dup":      called("getTag", "probe", xmlrpc.Keywords(map[string]any{"tagInfo": "probe"})),
	"starstar-not-last": asked("echo", keywordsA+"1"+keywordsEnd, "<value>x</value>"),
	"starstar-false":    asked("echo", keywordsA+"0"+keywordsEnd),
	"too-few":           called("getTag"),
	"too-many":          called("getAPIVersion", 1),
	"wrong-type":        called("getTag", []any{}),
	"wrong-type2":       called("getTag", true),
	"private-method":    called("_listapi2"),
	"dunder":            called("__class__"),
	"error":             called("error"),
	"fault":             called("fault"),

	"multicall-mixed":    called("multiCall", []any{sub("getAPIVersion"), sub("nosuch")}),
	"system.multicall":   called("system.multicall", []any{sub("getAPIVersion")}),
	"multicall-bad":      called("multiCall", []any{7}),
	"multicall-empty":    called("multiCall", []any{}),
	"multicall-noparams": called("multiCall", []any{map[string]any{"methodName": "echo"}}),

	"login-bad":     called("login", "kojiadmin", "wrong"),
	"login-nouser":  called("login", "nobody", "x"),
	"login-emptypw": called("login", "kojiadmin", ""),
	"login-noargs":  called("login"),
	"ssllogin":      called("sslLogin"),
	"login-hostip":  called("login", "kojiadmin", "labadmin", map[string]any{"hostip": "192.0.2.7"}),
	"login":         called("login", "kojiadmin", "labadmin").opens("first"),

	"sess-call0":           called("getLoggedInUser").by("first", "0"),
	"sess-call0-again":     called("getLoggedInUser").by("first", "0"),
	"sess-call5":           called("getLoggedInUser").by("first", "5"),
	"sess-call3-old":       called("getLoggedInUser").by("first", "3"),
	"sess-retry-write":     called("grantPermission", "labuser", "repo").by("first", "5"),
	"sess-no-callnum":      called("getLoggedInUser").by("first"),
	"sess-old-callnum-hdr": called("getLoggedInUser").by("first").with("Koji-Callnum: 7"),
	"sess-badkey":          called("getLoggedInUser").at("first", "").with("Koji-Session-Id: {id}", "Koji-Session-Key: wrong"),
	"sess-badid":           called("getLoggedInUser").with("Koji-Session-Id: 999999", "Koji-Session-Key: x"),
	"sess-id-notint":       called("getLoggedInUser").with("Koji-Session-Id: abc", "Koji-Session-Key: x"),
	"sess-nokey":           called("getLoggedInUser").with("Koji-Session-Id: 1"),
	"sess-url":             called("getLoggedInUser").at("first", byURL+"&callnum=20"),
	"sess-url-nokey":       called("getLoggedInUser").at("first", "session-id={id}&callnum=21"),
	"sess-url-nocallnum":   called("getLoggedInUser").at("first", byURL),
	"sess-url-garbage":     called("getLoggedInUser").at("first", "x"),
	"sess-url-other":       called("getLoggedInUser").at("first", "a=b"),
	"sess-login-again":     called("login", "kojiadmin", "labadmin").by("first"),
	"sess-subsession":      called("subsession").by("first"),
	"sess-showsession":     called("showSession").by("first"),
	"sess-anon-write":      called("createTag", "anonymous"),

	"upload-anon":         probeRequest{body: "x"}.with("POST /kojihub?filename=f HTTP/1.1", "Content-Type: application/octet-stream"),
	"upload-ok":           uploaded("filepath=cli/1&filename=f.txt"),
	"upload-append":       uploaded("filepath=cli/1&filename=f.txt&offset=130"),
	"upload-no-overwrite": uploaded("filepath=cli/1&filename=f.txt"),
	"upload-gap":          uploaded("filepath=cli/1&filename=gap.txt&offset=1000"),
	"upload-md5":          uploaded("filepath=cli/1&filename=md5.txt&fileverify=md5"),
	"upload-sha256":       uploaded("filepath=cli/1&filename=sha256.txt&fileverify=sha256"),
	"upload-badverify":    uploaded("filepath=cli/1&filename=bad.txt&fileverify=crc99"),
	"upload-traversal":    uploaded("filepath=../../etc&filename=f.txt"),
	"upload-noname":       uploaded("filepath=cli/1"),
	"upload-neg-offset":   uploaded("filepath=cli/1&filename=f.txt&offset=-1"),
	"checkupload":         called("checkUpload", "cli/1", "f.txt").by("first"),
	"checkupload-none":    called("checkUpload", "cli/1", "nosuch").by("first"),
	"uploadFile-old":      called("uploadFile", "cli/1", "old.txt", 5, "5d41402abc4b2a76b9719d911017c592", 0, "aGVsbG8=").by("first"),
	"uploadFile-badsum":   called("uploadFile", "cli/1", "old.txt", 5, "wrong", 5, "aGVsbG8=").by("first"),

	"exclusive":             called("exclusiveSession").by("first"),
	"login-while-exclusive": called("login", "kojiadmin", "labadmin").opens("second"),
	"sess2-while-exclusive": called("getLoggedInUser").by("second"),
	"sess2-exclusive":       called("exclusiveSession").by("second"),
	"sess2-exclusive-force": called("exclusiveSession", xmlrpc.Keywords(map[string]any{"force": true})).by("second"),
	"sess1-after-force":     called("getLoggedInUser").by("first"),
	"logout":                called("logout").by("second"),
	"sess2-after-logout":    called("getLoggedInUser").by("second"),
	"logout-anon":           called("logout"),
}
