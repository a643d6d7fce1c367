package web

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// patience is how long a test waits for an event that does come.
const patience = 20 * time.Second

// writeLog adds text to a task's log.
func writeLog(t *testing.T, top string, task int64, name, text string) {
	t.Helper()
	path := filepath.Join(koji.PathInfo{TopDir: top}.Task("", task), name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
	require.NoError(t, err)
	_, err = f.WriteString(text)
	require.NoError(t, err)
	require.NoError(t, f.Close())
}

// event is a server-sent event.
type event struct {
	name, id, data string
}

// text is the event's data, a text.
func (e event) text(t *testing.T) (s string) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(e.data), &s), e.data)
	return s
}

// reader reads the events of a stream.
type reader struct {
	t     *testing.T
	lines *bufio.Scanner
	close context.CancelFunc
}

func listen(t *testing.T, server *httptest.Server, path, lastID string) *reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+path, nil)
	require.NoError(t, err)
	if lastID != "" {
		req.Header.Set("Last-Event-ID", lastID)
	}
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	t.Cleanup(func() { resp.Body.Close() })
	require.Equal(t, http.StatusOK, resp.StatusCode)
	require.Equal(t, "text/event-stream", resp.Header.Get("Content-Type"))
	r := &reader{t, bufio.NewScanner(resp.Body), cancel}
	r.lines.Buffer(nil, 8*chunkSize)
	require.True(t, r.lines.Scan())
	require.Equal(t, "retry: 3000", r.lines.Text())
	return r
}

// next returns the next event; false at the end of the stream.
func (r *reader) next() (e event, ok bool) {
	r.t.Helper()
	for r.lines.Scan() {
		name, value, _ := strings.Cut(r.lines.Text(), ": ")
		switch name {
		case "event":
			e.name = value
		case "id":
			e.id = value
		case "data":
			e.data = value
		case "":
			if e.name != "" {
				return e, true
			}
		}
	}
	return event{}, false
}

// want reads events until one with the name comes.
func (r *reader) want(name string) event {
	r.t.Helper()
	for {
		e, ok := r.next()
		require.True(r.t, ok, "the stream ended without %s: %v", name, r.lines.Err())
		if e.name == name {
			return e
		}
	}
}

// state changes the state of task 7 and says so.
func (h *fakeHub) state(site *Site, state koji.TaskState) {
	h.set("getTaskInfo", api.TaskInfo{Task: api.Task{ID: 7, State: int(state)}})
	site.changes.ring()
}

// A log is streamed while it grows, and the stream ends when the task has.
func TestLogGrows(t *testing.T) {
	hub := newFakeHub()
	site, server := newSite(t, hub)
	writeLog(t, site.opts.TopDir, 7, "build.log", "seen\nold\n")
	r := listen(t, server, "/tasks/7/events?log=build.log&offset=5", "")
	e := r.want("log")
	require.Equal(t, "old\n", e.text(t))
	require.Equal(t, "9", e.id)

	writeLog(t, site.opts.TopDir, 7, "build.log", "<b>new</b>\r\nwithout end")
	require.Equal(t, "<b>new</b>\nwithout end", r.want("log").text(t))
	writeLog(t, site.opts.TopDir, 7, "build.log", ", now with\n")
	require.Equal(t, ", now with\n", r.want("log").text(t))

	writeLog(t, site.opts.TopDir, 7, "other.log", "x")
	r.want("change")

	writeLog(t, site.opts.TopDir, 7, "build.log", "the last words\n")
	hub.state(site, koji.TaskFailed)
	require.Equal(t, "the last words\n", r.want("log").text(t))
	r.want("end")
	_, more := r.next()
	require.False(t, more)
	require.NoError(t, r.lines.Err())
}

// A browser that lost the connection goes on where it was.
func TestLogGoesOn(t *testing.T) {
	site, server := newSite(t, newFakeHub())
	writeLog(t, site.opts.TopDir, 7, "build.log", "one\ntwo\nthree\n")
	r := listen(t, server, "/tasks/7/events?log=build.log&offset=0", "8")
	require.Equal(t, "three\n", r.want("log").text(t))
}

// A builder that starts again writes its log from the beginning.
func TestLogBeginsAgain(t *testing.T) {
	site, server := newSite(t, newFakeHub())
	writeLog(t, site.opts.TopDir, 7, "build.log", "first attempt\n")
	r := listen(t, server, "/tasks/7/events?log=build.log", "")
	require.Equal(t, "first attempt\n", r.want("log").text(t))
	path := filepath.Join(koji.PathInfo{TopDir: site.opts.TopDir}.Task("", 7), "build.log")
	require.NoError(t, os.WriteFile(path, []byte("second\n"), 0o644))
	r.want("restart")
	require.Equal(t, "second\n", r.want("log").text(t))
}

// A log is found when it, its directory and those above it come into being.
func TestLogComesLater(t *testing.T) {
	site, server := newSite(t, newFakeHub())
	r := listen(t, server, "/tasks/7/events?log=build.log", "")
	writeLog(t, site.opts.TopDir, 7, "build.log", "here\n")
	require.Equal(t, "here\n", r.want("log").text(t))
}

func TestLongLogs(t *testing.T) {
	site, server := newSite(t, newFakeHub())
	line := strings.Repeat("ä", 100) + "\n"
	whole := strings.Repeat(line, 2000)
	writeLog(t, site.opts.TopDir, 7, "build.log", whole)
	r := listen(t, server, "/tasks/7/events?log=build.log", "")
	var got strings.Builder
	for got.Len() < len(whole) {
		e := r.want("log")
		got.WriteString(e.text(t))
		require.Equal(t, strconv.Itoa(got.Len()), e.id)
	}
	require.True(t, whole == got.String(), "characters were cut at the chunks' ends")

	tail, err := readTail(site.opts.TopDir, 7, "build.log")
	require.NoError(t, err)
	require.Equal(t, int64(len(whole)), tail.End)
	require.True(t, strings.HasPrefix(tail.Text, line), "the tail begins with a whole line")
	require.Equal(t, whole[tail.Begin:], tail.Text)
}

// Builders are not trusted: links lead nowhere outside, pipes are not read.
func TestLogsOfOthers(t *testing.T) {
	top := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.log")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o644))
	writeLog(t, top, 7, "real.log", "real")
	dir := koji.PathInfo{TopDir: top}.Task("", 7)
	require.NoError(t, os.Symlink(secret, filepath.Join(dir, "link.log")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "dir.log"), 0o755))
	_, err := readTail(top, 7, "link.log")
	require.Error(t, err)
	for _, name := range []string{"dir.log", "none.log", "../7/real.log", "real"} {
		tail, err := readTail(top, 7, name)
		require.NoError(t, err)
		require.Empty(t, tail.Text)
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"a\r\nb":       "a\nb",
		"50%\r100%\n":  "50%\n100%\n",
		"\xff\xfe!":    "\uFFFD!",
		"nul\x00 byte": "nul byte",
	} {
		require.Equal(t, want, clean([]byte(in)))
	}
	for in, want := range map[string]string{"": "", "abc": "abc", "ab\xc3": "ab", "ab\xc3\xa4": "ab\xc3\xa4", "\xe2\x82": "", "a\xff": "a\xff"} {
		require.Equal(t, want, string(wholeRunes([]byte(in))))
	}
}

// The state of a task is told when it looks different, not when others change.
func TestTaskChanges(t *testing.T) {
	hub := newFakeHub()
	site, server := newSite(t, hub)
	hub.state(site, koji.TaskFree)
	r := listen(t, server, "/tasks/7/events", "")
	hub.state(site, koji.TaskAssigned)
	r.want("change")
	site.changes.ring()
	hub.set("toji.taskStatus", api.TaskStatus{Wait: &api.TaskWait{Reason: "all hosts are full"}})
	hub.set("getTaskDescendents", map[string][]api.TaskInfo{"7": {{Task: api.Task{ID: 8}}}})
	site.changes.ring()
	r.want("change")
	hub.state(site, koji.TaskCanceled)
	e, ok := r.next()
	require.True(t, ok)
	require.Equal(t, "end", e.name, "one change was told once")
}

// Run hands on what the hub says, and ends the streams when it ends.
func TestRun(t *testing.T) {
	ring := make(chan struct{})
	site, server := newSite(t, newFakeHub(), func(o *Options) {
		o.Changes = func(ctx context.Context, changed func()) error {
			for {
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-ring:
					changed()
				}
			}
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- site.Run(ctx) }()
	lists, task := listen(t, server, "/events", ""), listen(t, server, "/tasks/7/events", "")
	ring <- struct{}{}
	lists.want("change")
	cancel()
	require.NoError(t, <-done)
	for _, r := range []*reader{lists, task} {
		_, more := r.next()
		require.False(t, more)
		require.NoError(t, r.lines.Err(), "the stream was ended, not cut")
	}
}

func TestRunFails(t *testing.T) {
	site, _ := newSite(t, newFakeHub(), func(o *Options) {
		o.Changes = func(context.Context, func()) error { return koji.GenericErrorf("no database") }
	})
	require.ErrorContains(t, site.Run(t.Context()), "web: no database")
}

// The kernel's watch is there only while somebody looks.
func TestWatcherLetsGo(t *testing.T) {
	var w watcher
	dir := t.TempDir()
	rings, stop, err := w.watch(dir)
	require.NoError(t, err)
	_, stop2, err := w.watch(dir)
	require.NoError(t, err)
	stop2()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "x"), nil, 0o644))
	select {
	case <-rings:
	case <-time.After(patience):
		t.Fatal("nobody rang")
	}
	stop()
	require.Nil(t, w.notify)
	require.Empty(t, w.dirs)

	_, _, err = w.watch(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
	require.Nil(t, w.notify)
	watched, _, stop, err := w.watchNearest(filepath.Join(dir, "none", "at", "all"))
	require.NoError(t, err)
	require.Equal(t, dir, watched)
	stop()
}
