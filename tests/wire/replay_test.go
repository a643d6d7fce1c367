package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// newHub returns a server for a hub with the two users of the recordings.
func newHub(t *testing.T) *httptest.Server {
	t.Helper()
	db := testenv.Database(t)
	addUsers(t, db)
	cfg := config.Default()
	cfg.Hub.TopDir = t.TempDir()
	// The operator makes a volume's directory before step 620 adds it.
	require.NoError(t, os.MkdirAll(filepath.Join(cfg.Hub.TopDir, "vol/archive"), 0o755))
	h, err := hub.New(hub.Options{DB: db, Config: cfg, Log: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	s, err := hub.NewServer(h, hub.ServerOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return server
}

func addUsers(t *testing.T, db *database.DB) {
	t.Helper()
	_, err := db.Exec(t.Context(), `
		INSERT INTO users (id, name, password, status, usertype)
		VALUES (1, 'kojiadmin', 'labadmin', 0, 0), (2, 'labuser', 'labuser', 0, 0);
		SELECT setval('users_id_seq', 2);
		INSERT INTO user_perms (user_id, perm_id, creator_id) SELECT 1, id, 1 FROM permissions WHERE name = 'admin'`)
	require.NoError(t, err)
}

// session is what the hub gave out in place of a recorded session.
type session struct{ id, key string }

// replay sends recorded requests to a hub.
type replay struct {
	t        *testing.T
	server   *httptest.Server
	sessions map[string]session // by recorded id
}

// run sends a step's requests and lists how the answers differ.
func (r *replay) run(s step) []string {
	var out []string
	for i, c := range s.Calls {
		want, wantErr := decode(r.t, c, c.Response)
		status, body := r.send(c)
		place := fmt.Sprintf("call %d, %s", i+1, c.Method)
		if wantStatus := strings.TrimPrefix(c.Status, "HTTP/1.1 "); !strings.HasPrefix(wantStatus, strconv.Itoa(status)) {
			out = append(out, fmt.Sprintf("%s: want status %s, got %d: %.200s", place, wantStatus, status, body))
			continue
		}
		got, err := decode(r.t, c, body)
		r.learn(want, got)
		out = append(out, compare(place, c, want, got, wantErr, err)...)
		if w, g := extraNames(c.Response), extraNames(body); !slices.Equal(w, g) && c.Method != "getTag" && c.Method != "getBuildConfig" {
			out = append(out, fmt.Sprintf("%s: want members of extra in the order %v, got %v", place, w, g))
		}
	}
	return out
}

var memberName = regexp.MustCompile(`<name>(.*?)</name>|<struct>|</struct>`)

// extraNames lists the names of members in the order in which an answer has them,
// for the structs named extra: Koji shows those as they were sent. Those of tags
// are made of rows and have no order.
func extraNames(body string) []string {
	var names []string
	for _, extra := range strings.Split(body, "<name>extra</name>\n<value><struct>")[1:] {
		depth := 1
		for _, m := range memberName.FindAllStringSubmatch(extra, -1) {
			switch {
			case depth == 0: // behind it
			case m[0] == "<struct>":
				depth++
			case m[0] == "</struct>":
				depth--
			default:
				names = append(names, m[1])
			}
		}
	}
	return names
}

func compare(place string, c call, want, got any, wantErr, err error) []string {
	if wantErr != nil || err != nil {
		w, g := fmt.Sprint(mask(fmt.Sprint(wantErr))), fmt.Sprint(mask(fmt.Sprint(err)))
		// The recorded hub's words about errors of its database are not ours.
		if w == g || err != nil && strings.Contains(w, "<class \\'psycopg2.errors") {
			return nil
		}
		if err == nil {
			g = short(got)
		}
		return []string{fmt.Sprintf("%s: want error %s, got %s", place, w, g)}
	}
	return differences(place, masked(c, want), masked(c, got))
}

// decode returns the result of an answer, or its fault as an error. Of files
// the ASCII is compared, and ends of lines as such, which is what the recordings
// kept of them.
func decode(t *testing.T, c call, body string) (any, error) {
	if !strings.HasPrefix(c.Request, "POST") {
		text := strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(body)
		return strings.Map(func(r rune) rune {
			if r >= utf8.RuneSelf {
				return -1
			}
			return r
		}, text), nil
	}
	v, err := xmlrpc.DecodeResponse(strings.NewReader(body))
	if _, isFault := errors.AsType[*xmlrpc.Fault](err); err != nil && !isFault {
		t.Logf("%s: unreadable answer: %v: %.300s", c.Method, err, body)
	}
	return v, err
}

// learn notes the session that an answer brings.
func (r *replay) learn(want, got any) {
	w, _ := want.(map[string]any)
	g, _ := got.(map[string]any)
	if w["session-id"] == nil || g["session-id"] == nil {
		return
	}
	r.sessions[fmt.Sprint(w["session-id"])] = session{fmt.Sprint(g["session-id"]), fmt.Sprint(g["session-key"])}
}

func (r *replay) send(c call) (status int, body string) {
	line := strings.Fields(c.Request)
	target, err := url.Parse(line[1])
	require.NoError(r.t, err)
	content := c.body(r.t)
	req, err := http.NewRequestWithContext(context.Background(), line[0], r.server.URL+target.String(), strings.NewReader(content))
	require.NoError(r.t, err)
	for _, h := range c.Headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	if id := c.header("Koji-Session-Id"); id != "" {
		s, ok := r.sessions[id]
		if !ok { // a session that the recorded hub opened and this one did not
			s = session{"1", "unknown"}
		}
		req.Header.Set("Koji-Session-Id", s.id)
		req.Header.Set("Koji-Session-Key", s.key)
	}
	resp, err := r.server.Client().Do(req)
	require.NoError(r.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(r.t, err)
	return resp.StatusCode, string(text)
}
