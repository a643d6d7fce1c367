package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// conversation is what Koji's client did for one command line against a real hub.
type conversation struct {
	Step   int      `json:"step"`
	Argv   []string `json:"argv"`
	User   *string  `json:"user"` // nil: not logged in
	Exit   int      `json:"exit"`
	Stdout string   `json:"stdout"`
	Stderr string   `json:"stderr"` // the last line
	Calls  []struct {
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Fault  []any           `json:"fault"` // code and text
	} `json:"calls"`
}

// recordedServer is the hub that the conversations were held with.
const recordedServer = "http://127.0.0.1:8083/kojihub"

// topDir is as long as the one of the recordings was at least: columns depend on it.
const topDir = "/srv/a/directory/of/many/letters"

// different are conversations that Toji holds in another way, and why.
var different = map[int]string{
	548: untagDiffers, 550: untagDiffers, 553: untagDiffers, 555: untagDiffers,
	675: "the names in a dictionary are sorted",
	749: "the text is not Python's",
	960: downloadDiffers, 962: downloadDiffers, 964: downloadDiffers, 966: downloadDiffers,
	994: sessionDiffers, 995: sessionDiffers,
}

const (
	untagDiffers    = "asks listTags for single builds, and the history for less; see TestUntagBuild"
	downloadDiffers = "the recording lacks the files; see TestDownloadBuild"
	sessionDiffers  = "in Koji's client a method of the session, which answers with an object"
)

// TestConversations runs recorded command lines against a hub that answers as
// recorded: the calls have to mean the same, and the standard output and the exit
// status have to be the same.
func TestConversations(t *testing.T) {
	for _, c := range readConversations(t) {
		t.Run(fmt.Sprintf("%04d %s", c.Step, strings.Join(c.Argv, " ")), func(t *testing.T) {
			if why := different[c.Step]; why != "" {
				t.Skip(why)
			}
			hub := newFakeHub(t, c.calls(t)...)
			run := hub.run(t, c.User, c.args(t)...)
			require.NoError(t, hub.check())
			require.Equal(t, c.stdout(run), run.stdout, "standard error: %s", run.stderr)
			require.Equal(t, c.Exit, run.exit, "standard error: %s", run.stderr)
			require.Contains(t, run.stderr, c.complaint())
		})
	}
}

func readConversations(t *testing.T) []conversation {
	f, err := os.Open("testdata/conversations.jsonl")
	require.NoError(t, err)
	defer f.Close()
	var list []conversation
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var c conversation
		require.NoError(t, json.Unmarshal(lines.Bytes(), &c))
		list = append(list, c)
	}
	require.NoError(t, lines.Err())
	require.NotEmpty(t, list)
	return list
}

func (c *conversation) calls(t *testing.T) []exchange {
	var list []exchange
	for _, call := range c.Calls {
		e := exchange{method: call.Method}
		params, err := api.ParseJSON(string(call.Params))
		require.NoError(t, err)
		e.params = params.([]any)
		if call.Fault != nil {
			e.fault = &reply{int(call.Fault[0].(float64)), call.Fault[1].(string)}
		} else {
			e.result, err = api.ParseJSON(string(call.Result))
			require.NoError(t, err)
		}
		list = append(list, e)
	}
	return list
}

// args returns the arguments with the files that they name in place.
func (c *conversation) args(t *testing.T) []string {
	args := make([]string, len(c.Argv))
	for i, arg := range c.Argv {
		args[i] = arg
		if name, ok := strings.CutPrefix(arg, "{F}/"); ok {
			args[i] = filepath.Join(t.TempDir(), filepath.Base(name))
			require.NoError(t, os.WriteFile(args[i], []byte("an SRPM"), 0o600))
		}
	}
	return args
}

// stdout returns the recorded output as it has to be in another place.
func (c *conversation) stdout(r result) string {
	out := strings.ReplaceAll(c.Stdout, recordedServer, r.server)
	out = strings.ReplaceAll(out, "{TOPDIR}", topDir)
	for i, arg := range c.Argv {
		if strings.HasPrefix(arg, "{F}/") {
			out = strings.ReplaceAll(out, arg, r.args[i])
		}
	}
	if c.Argv[0] == "moshimoshi" {
		greeting, _, _ := strings.Cut(strings.TrimPrefix(r.stdout, "Not authenticated\n"), ", ")
		out = greetingPattern.ReplaceAllString(out, "${1}"+greeting+", ")
	}
	return out
}

var greetingPattern = regexp.MustCompile(`^((?:Not authenticated\n)?)[^,]+, `)

// complaint returns the text of the last line on the recorded standard error.
func (c *conversation) complaint() string {
	return complaintPrefix.ReplaceAllString(c.Stderr, "")
}

var complaintPrefix = regexp.MustCompile(`^(koji: error: |.*\[ERROR\] koji: )`)

// result is how a run of the command line ended.
type result struct {
	args           []string
	server         string
	exit           int
	stdout, stderr string
}

// run runs the command line against the hub, as a user or as nobody.
func (h *fakeHub) run(t *testing.T, user *string, args ...string) result {
	t.Helper()
	env := h.env(t, user, args...)
	var stdout, stderr bytes.Buffer
	env.Stdout, env.Stderr = &stdout, &stderr
	exit := Run(context.Background(), env)
	return result{args, h.url, exit, stdout.String(), stderr.String()}
}

// env is the world of a user who has the hub in his configuration.
func (h *fakeHub) env(t *testing.T, user *string, args ...string) Env {
	t.Helper()
	home := t.TempDir()
	config := fmt.Sprintf("[koji]\nserver = %s\nweburl = http://127.0.0.1:8083/koji\ntopurl = %s\ntopdir = %s\n"+
		"poll_interval = 0\nmax_retries = 1\nanon_retry = no\n", h.url, h.files, topDir)
	require.NoError(t, os.WriteFile(home+"/koji.conf", []byte(config), 0o600))
	global := []string{"-c", home + "/koji.conf", "--noauth"}
	if user != nil {
		global = []string{"-c", home + "/koji.conf", "--user=" + *user, "--password=secret", "--authtype=password"}
	}
	return Env{
		Args: append(global, args...), Stdout: io.Discard, Stderr: io.Discard, Etc: home, Home: home,
		Zone: time.UTC, Now: h.now, Background: func() bool { return !h.watched },
	}
}
