package web

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// now is the time in these tests.
var now = time.Date(2026, 11, 23, 17, 0, 0, 0, time.UTC)

func minutesAgo(n int) koji.Time { return koji.NewTime(now.Add(-time.Duration(n) * time.Minute)) }

func ptr[T any](v T) *T { return &v }

// fakeHub answers calls with what a test has put there: a value, an error, or a
// function of the arguments. Values go through the codec's plain form, as those
// of a hub elsewhere would.
type fakeHub struct {
	mu      sync.Mutex
	answers map[string]any
	calls   int // over the wire, a multiCall being one
}

func (h *fakeHub) set(method string, answer any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[method] = answer
}

// Call implements rpc.Caller.
func (h *fakeHub) Call(_ context.Context, method string, args []any) (any, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls++
	if method != "multiCall" {
		return h.answer(method, args)
	}
	results := []any{}
	for _, call := range args[0].([]any) {
		m := call.(map[string]any)
		v, err := h.answer(m["methodName"].(string), m["params"].([]any))
		if err != nil {
			results = append(results, map[string]any{"faultCode": int64(koji.FaultOf(err)), "faultString": err.Error()})
			continue
		}
		results = append(results, []any{v})
	}
	return results, nil
}

func (h *fakeHub) answer(method string, args []any) (any, error) {
	v, ok := h.answers[method]
	if !ok {
		return nil, koji.GenericErrorf("Invalid method: %s", method)
	}
	if f, ok := v.(func(args []any) any); ok {
		v = f(args)
	}
	if err, ok := v.(error); ok {
		return nil, err
	}
	return xmlrpc.Plain(v)
}

// newFakeHub returns a hub with one task (7, open on builder-01), one build (3),
// one host, one tag and one target. All else is empty.
func newFakeHub() *fakeHub {
	task := api.Task{
		ID: 7, State: int(koji.TaskOpen), Method: "buildArch", Owner: 2, ChannelID: 1, HostID: ptr(int64(1)), Arch: "x86_64",
		Priority: ptr(int64(20)), Weight: 1.5, CreateTime: minutesAgo(6), StartTime: ptr(minutesAgo(5)),
	}
	request := []any{"tasks/6/6/bash-5.3-1.src.rpm", int64(4), "x86_64", true, map[string]any{"repo_id": int64(17)}}
	build := api.BuildInfo{
		BuildID: 3, Name: "bash", PackageName: "bash", Version: "5.3", Release: "1", NVR: "bash-5.3-1", State: koji.BuildComplete,
		OwnerName: "mikaela", TaskID: ptr(int64(6)), VolumeName: "DEFAULT", StartTime: minutesAgo(60), CompletionTime: minutesAgo(50),
	}
	host := api.Host{ID: 1, Name: "builder-01", Arches: ptr("x86_64 i686"), Capacity: 4, Enabled: true, Ready: true}
	target := api.BuildTarget{ID: 1, Name: "f43", BuildTag: 4, BuildTagName: "f43-build", DestTag: 5, DestTagName: "f43"}
	none := []any{}
	return &fakeHub{answers: map[string]any{
		"getTaskInfo": func(args []any) any {
			if args[0] != int64(7) {
				return nil
			}
			return api.TaskInfo{Task: task, Request: request}
		},
		"getTaskDescendents": map[string]any{"7": none},
		"getTaskResult":      koji.GenericErrorf("Task 7 is not finished"),
		"toji.taskStatus":    api.TaskStatus{TaskID: 7, WorkflowID: "task-7"},
		"toji.taskWaits":     none,
		"toji.why":           api.Why{TaskID: 7},
		"toji.listTaskTypes": siteTypes(),
		"listTaskOutput":     map[string]any{},
		"listTasks": func(args []any) any {
			if _, below := args[0].(map[string]any)["parent"].([]any); below {
				return none
			}
			return []api.ListedTask{{Task: task, Request: request, OwnerName: ptr("mikaela")}}
		},
		"getUser":      api.User{ID: 2, Name: "mikaela"},
		"getChannel":   api.Channel{ID: 1, Name: "default", Enabled: true},
		"listChannels": []api.Channel{{ID: 1, Name: "default", Enabled: true}},
		"getPackage":   api.IDName{ID: 9, Name: "bash"},
		"listBuilds":   []api.ListedBuild{{BuildInfo: build}},
		"getBuild":     api.Build{BuildInfo: build, ID: 3},
		"getBuildType": map[string]any{"rpm": nil},
		"getBuildLogs": []api.BuildLog{{Name: "build.log", Dir: "x86_64", Path: "packages/bash/5.3/1/data/logs/x86_64/build.log"}},
		"listRPMs":     []api.ListedRPM{listedRPM("bash", "x86_64"), listedRPM("bash", "src"), listedRPM("bash-debuginfo", "x86_64")},
		"listArchives": none,
		"toji.hostStatus": []api.HostStatus{{
			ID: 1, Name: "builder-01", Enabled: true, Ready: true, Capacity: 4, Load: 1.5, Tasks: 1, UpdateTime: ptr(minutesAgo(0)),
		}},
		"listHosts":          []api.Host{host},
		"getHost":            host,
		"getAllArches":       []string{"i686", "x86_64"},
		"listTags":           []api.ListedTag{{ID: 4, Name: "f43-build", Arches: ptr("x86_64")}},
		"getTag":             api.Tag{ID: 4, Name: "f43-build", Extra: api.Extra{"mock.new_chroot": int64(0)}},
		"getFullInheritance": []api.InheritanceLink{{InheritanceRule: api.InheritanceRule{Name: "f43", ParentID: 5}, CurrDepth: 1}},
		"getBuildTargets":    []api.BuildTarget{target},
		"countAndFilterResults": []any{
			int64(1), []api.TaggedBuild{{BuildInfo: build, TagID: 5, TagName: "f43"}},
		},
		"getChangelogEntries": []api.ChangelogEntry{{Date: "2026-11-20 12:00:00", Author: "Mikaela <m@example.org> - 5.3-1", Text: "- New version"}},
	}}
}

func listedRPM(name, arch string) api.ListedRPM {
	return api.ListedRPM{
		RPM: api.RPM{Name: name, Version: "5.3", Release: "1", Arch: arch, Size: 1234567, BuildID: ptr(int64(3))},
		NVR: name + "-5.3-1",
	}
}

// newSite returns a running server of a site over hub. Options change it before
// it is made.
func newSite(t *testing.T, hub rpc.Caller, options ...func(*Options)) (*Site, *httptest.Server) {
	t.Helper()
	o := Options{
		Caller: hub, TopDir: t.TempDir(), TemporalUI: "https://temporal.example.org/",
		Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return now },
	}
	for _, option := range options {
		option(&o)
	}
	site, err := New(o)
	require.NoError(t, err)
	server := httptest.NewServer(site)
	t.Cleanup(server.Close)
	return site, server
}

// get returns the status, headers and text of a page. Redirects are not followed.
func get(t *testing.T, server *httptest.Server, path string) (int, http.Header, string) {
	t.Helper()
	return request(t, server, http.MethodGet, path)
}

func request(t *testing.T, server *httptest.Server, method, path string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, nil)
	require.NoError(t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, resp.Header, string(text)
}

// page returns the text of a page that there is, in one line.
func page200(t *testing.T, server *httptest.Server, path string) string {
	t.Helper()
	status, _, text := get(t, server, path)
	require.Equal(t, http.StatusOK, status, text)
	return strings.ReplaceAll(text, "\n", "")
}

// siteTypes are a type of Toji's own and one that a site has added.
func siteTypes() []api.TaskType {
	type params struct {
		Path string `rpc:"path" doc:"of the file"`
		Max  int64  `rpc:"max,optional=10"`
	}
	type result struct {
		Total int64 `rpc:"total" doc:"how many there are"`
		Blank int64 `rpc:"blank"`
	}
	count := task.SpecOf[params, result]("countLines")
	count.Version, count.Title, count.Permission, count.Label = 1, "Count the lines of a file", task.AnyUser, []string{"path"}
	own, _ := task.Lookup("build")
	return []api.TaskType{{Spec: own.Spec(), InHub: true}, {Spec: count, Site: true, Hosts: []string{"builder-01"}}}
}

// samples are an address for each page, by its route.
var samples = map[string]string{
	"/":            "/",
	"/tasks":       "/tasks",
	"/tasks/:id":   "/tasks/7",
	"/task-types":  "/task-types",
	"/builds":      "/builds",
	"/builds/:id":  "/builds/3",
	"/hosts":       "/hosts",
	"/hosts/:name": "/hosts/builder-01",
	"/tags":        "/tags",
	"/tags/*name":  "/tags/f43-build",
	"/targets":     "/targets",
}

func manyTasks(n int) []api.ListedTask {
	list := make([]api.ListedTask, n)
	for i := range list {
		list[i] = api.ListedTask{
			Task:      api.Task{ID: int64(1000 + i), Method: "sleep", Arch: "noarch", State: int(koji.TaskFree), CreateTime: minutesAgo(i)},
			Request:   []any{int64(i)},
			OwnerName: ptr(fmt.Sprintf("user%d", i)),
		}
	}
	return list
}
