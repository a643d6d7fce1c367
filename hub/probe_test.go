package hub

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// probe is a line of testdata/http-probe.tsv.
type probe struct{ name, status, text, value string }

func probes(t *testing.T) []probe {
	content, err := os.ReadFile("testdata/http-probe.tsv")
	require.NoError(t, err)
	var list []probe
	for line := range strings.Lines(string(content)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := append(strings.Split(strings.TrimSuffix(line, "\n"), "\t"), "", "")
		value := strings.NewReplacer(`\n`, "\n", `\r`, "\r", `\x01`, "\x01").Replace(f[3])
		list = append(list, probe{f[0], f[1], f[2], value})
	}
	return list
}

// probeDifferences are the answers in which a Toji hub differs on purpose.
var probeDifferences = map[string]struct{ text, why string }{
	"accept-gzip":       {"<string>CGImport</string>", "the list is sorted"},
	"chunked":           {"Length Required", "the page is Apache's"},
	"expect-100":        {"<string>x</string>", "the headers are Apache's"},
	"starstar-not-last": {"<name>__starstar</name> <value><boolean>1</boolean>", "members of structs are sorted"},
	"starstar-false":    {"<name>__starstar</name> <value><boolean>0</boolean>", "members of structs are sorted"},
	"wrong-type2":       {"fault 1019: Invalid name or id value: True", "Koji shows an error of SQL"},
	"sess-showsession":  {"user kojiadmin (1), authenticated by NORMAL", "Koji shows the session's key"},
}

// A real hub's answers to odd requests are Toji's.
func TestProbes(t *testing.T) {
	h := newTestHub(t)
	p := &prober{t: t, hub: h, server: newTestServer(t, h), sessions: map[string]*strings.Replacer{}}
	admin := newCaller(t, p.server)
	admin.login("kojiadmin", "labadmin")
	admin.must("createTag", "probe", xmlrpc.Keywords(map[string]any{"arches": "x86_64"}))
	list := probes(t)
	for _, c := range list {
		t.Run(c.name, func(t *testing.T) {
			request, ok := probeRequests[c.name]
			if c.value != "" {
				request, ok = echoed(c.value), true
			}
			require.True(t, ok, "no request")
			p.t = t
			status, text := p.send(request)
			require.Equal(t, c.status, status, text)
			difference, differs := probeDifferences[c.name]
			switch {
			case differs:
				require.NotEqual(t, c.text, text)
				require.Contains(t, text, difference.text)
			case len(c.text) < 100 || strings.HasSuffix(c.text, "</methodResponse>"):
				require.Equal(t, c.text, text)
			default: // was cut off
				want := probeID.ReplaceAllString(c.text, "${1}0")
				require.Equal(t, want, text[:min(len(text), len(want))])
			}
		})
	}
	t.Logf("%d requests answered, %d of them on purpose in another way than by Koji's hub", len(list), len(probeDifferences))
}

// probeRequest is an HTTP request. In line, headers and body {id} and {key} stand
// for those of the session called as.
type probeRequest struct {
	line    string // "POST /kojihub HTTP/1.1" if empty
	headers []string
	body    string
	chunked bool
	waits   bool // for "100 Continue" before the body

	as   string // the session, "" for none
	keep string // what to call the session of the answer
}

// prober sends requests as they are, without a client that would mend them.
type prober struct {
	t        *testing.T
	hub      *Hub
	server   *httptest.Server
	sessions map[string]*strings.Replacer
}

// send returns the status line and the text of the answer as the table has them.
func (p *prober) send(r probeRequest) (status, text string) {
	conn, err := net.Dial("tcp", p.server.Listener.Addr().String())
	require.NoError(p.t, err)
	defer conn.Close()
	answers := bufio.NewReader(conn)
	head, body := p.render(r)
	_, err = io.WriteString(conn, head)
	require.NoError(p.t, err)
	method, _, _ := strings.Cut(r.line, " ")
	if r.waits {
		resp, err := http.ReadResponse(answers, nil)
		require.NoError(p.t, err)
		status = resp.Status
	}
	_, err = io.WriteString(conn, body)
	require.NoError(p.t, err)
	resp, err := http.ReadResponse(answers, &http.Request{Method: cmp.Or(method, "POST")})
	require.NoError(p.t, err)
	var answer io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		answer, err = gzip.NewReader(resp.Body)
		require.NoError(p.t, err)
	}
	content, err := io.ReadAll(answer)
	require.NoError(p.t, err)
	if r.keep != "" {
		key := probeKey.FindStringSubmatch(string(content))
		require.NotNil(p.t, key, string(content))
		p.sessions[r.keep] = strings.NewReplacer("{id}", key[1], "{key}", key[2])
	}
	return cmp.Or(status, resp.Status), p.normal(string(content))
}

func (p *prober) render(r probeRequest) (head, body string) {
	body = r.body
	length := fmt.Sprintf("Content-Length: %d", len(body))
	if r.chunked {
		length = "Transfer-Encoding: chunked"
		body = fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	}
	lines := append([]string{cmp.Or(r.line, "POST /kojihub HTTP/1.1"), "Host: hub", length}, r.headers...)
	head = strings.Join(lines, "\r\n") + "\r\n\r\n"
	if r.as != "" {
		head, body = p.sessions[r.as].Replace(head), p.sessions[r.as].Replace(body)
	}
	return head, body
}

var (
	probeKey   = regexp.MustCompile(`(?s)<name>session-id</name>\s*<value><int>(\d+)</int>.*<name>session-key</name>\s*<value><string>([^<]+)<`)
	probeFault = regexp.MustCompile(`(?s)<name>faultCode</name>\s*<value><int>(\d+)</int></value>.*?<name>faultString</name>\s*<value><string>(.*?)</string>`)
	probeID    = regexp.MustCompile(`(session-id</name> <value><int>)\d+`)
)

// normal brings an answer into the form of the table.
func (p *prober) normal(text string) string {
	if fault := probeFault.FindStringSubmatch(text); fault != nil {
		text = "fault " + fault[1] + ": " + fault[2]
	}
	text = strings.ReplaceAll(text, p.hub.Paths.TopDir+"/work/cli/", "{TOPDIR}")
	return probeID.ReplaceAllString(strings.Join(strings.Fields(text), " "), "${1}0")
}
