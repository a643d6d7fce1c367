package web

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/html"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// Nothing is forgotten: every page has its template and an address to try it
// with, and there is no template without a page.
func TestPagesAreComplete(t *testing.T) {
	files, err := filepath.Glob("templates/*.html")
	require.NoError(t, err)
	var names []string
	for _, file := range files {
		names = append(names, strings.TrimSuffix(filepath.Base(file), ".html"))
	}
	want := append(templateNames(), "layout", "parts")
	require.ElementsMatch(t, want, names)
	for _, p := range pages {
		require.Contains(t, samples, p.path, "add an address to samples")
	}
	require.Len(t, samples, len(pages))
}

func TestPagesAreSound(t *testing.T) {
	hub := newFakeHub()
	_, server := newSite(t, hub)
	for route, path := range samples {
		t.Run(route, func(t *testing.T) {
			status, header, text := get(t, server, path)
			require.Equal(t, http.StatusOK, status, text)
			require.Equal(t, "text/html; charset=utf-8", header.Get("Content-Type"))
			require.Contains(t, header.Get("Content-Security-Policy"), "default-src 'none'; style-src 'self'; script-src 'self'")
			require.Equal(t, "nosniff", header.Get("X-Content-Type-Options"))
			checkHTML(t, server.URL, text)

			status, _, text = request(t, server, http.MethodHead, path)
			require.Equal(t, http.StatusOK, status)
			require.Empty(t, text)
		})
	}
	t.Run("error", func(t *testing.T) {
		_, _, text := get(t, server, "/nowhere")
		checkHTML(t, server.URL, text)
	})
}

// checkHTML asserts what holds for every page.
func checkHTML(t *testing.T, base, text string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(text))
	require.NoError(t, err)
	ids, count := map[string]bool{}, map[string]int{}
	var refs []string
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		count[n.Data]++
		for _, a := range n.Attr {
			switch {
			case a.Key == "id":
				require.False(t, ids[a.Val], "two elements have the id %s", a.Val)
				ids[a.Val] = true
			case a.Key == "aria-labelledby":
				refs = append(refs, a.Val)
			case a.Key == "style" || strings.HasPrefix(a.Key, "on"):
				t.Errorf("<%s> has %s, which the policy forbids", n.Data, a.Key)
			case a.Key == "href" || a.Key == "src" || a.Key == "action":
				own := strings.HasPrefix(a.Val, "/") || strings.HasPrefix(a.Val, "#") || strings.HasPrefix(a.Val, "?")
				require.True(t, own && !strings.HasPrefix(a.Val, "//") || strings.HasPrefix(a.Val, "https://temporal.example.org/"), "%s leads elsewhere", a.Val)
				require.NotContains(t, a.Val, "ZgotmplZ")
			}
		}
		checkElement(t, n)
	}
	for _, name := range []string{"html", "title", "h1", "main", "nav"} {
		require.NotZero(t, count[name], "there is no <%s>", name)
	}
	require.Equal(t, 1, count["h1"])
	require.Zero(t, count["style"])
	for _, ref := range refs {
		require.True(t, ids[ref], "no element has the id %s", ref)
	}
}

func checkElement(t *testing.T, n *html.Node) {
	t.Helper()
	attr := map[string]string{}
	for _, a := range n.Attr {
		attr[a.Key] = a.Val
	}
	switch n.Data {
	case "html":
		require.Equal(t, "en", attr["lang"])
	case "script":
		require.Nil(t, n.FirstChild, "a script in the page")
		require.NotEmpty(t, attr["src"])
	case "th":
		require.Equal(t, "col", attr["scope"])
	case "img":
		require.Contains(t, attr, "alt")
	case "input", "select":
		labelled := attr["aria-label"] != "" || attr["type"] == "hidden" || n.Parent.Data == "label"
		require.True(t, labelled, "<%s name=%q> has no label", n.Data, attr["name"])
	}
}

// Every address that a page has for another leads somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	hub := newFakeHub()
	_, server := newSite(t, hub)
	seen := map[string]bool{}
	for _, path := range samples {
		doc, err := html.Parse(strings.NewReader(page200(t, server, path)))
		require.NoError(t, err)
		for n := range doc.Descendants() {
			for _, a := range n.Attr {
				local := strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "/kojifiles/")
				if (a.Key != "href" && a.Key != "src") || !local || seen[a.Val] {
					continue
				}
				seen[a.Val] = true
				if strings.HasPrefix(a.Val, "/tasks/") && a.Val != "/tasks/7" {
					continue // there is one task only
				}
				status, _, text := get(t, server, a.Val)
				require.Equal(t, http.StatusOK, status, "%s on %s: %s", a.Val, path, text)
			}
		}
	}
	require.Greater(t, len(seen), 15)
}

func TestErrors(t *testing.T) {
	hub := newFakeHub()
	_, server := newSite(t, hub)
	for _, method := range []string{"getBuild", "getHost", "getTag", "getUser", "getPackage"} {
		hub.set(method, nil)
	}
	for path, want := range map[string]struct {
		status int
		text   string
	}{
		"/tasks/8":                             {404, "There is no task 8."},
		"/tasks/x":                             {400, "&#34;x&#34; is not the id of a task."},
		"/tasks/0":                             {400, "is not the id of a task."},
		"/tasks/99999999999999":                {400, "is not the id of a task."},
		"/tasks/7?log=x.log":                   {404, "Task 7 has no log x.log."},
		"/tasks/8/events":                      {404, "There is no task 8."},
		"/tasks/7/events?log=../../secret.log": {400, "is not a log."},
		"/tasks/7/events?offset=-1":            {400, "is not an offset."},
		"/builds/8":                            {404, "There is no build 8."},
		"/builds/-8":                           {400, "is not the id of a build."},
		"/builds/bash":                         {400, "does not name a build."},
		"/builds/bash-1-1":                     {404, "There is no build bash-1-1."},
		"/builds?owner=nobody":                 {404, "There is no user nobody."},
		"/builds?package=no":                   {404, "There is no package no."},
		"/builds?state=x":                      {400, "Builds have no state &#34;x&#34;."},
		"/tasks?owner=nobody":                  {404, "There is no user nobody."},
		"/tasks?host=nowhere":                  {404, "There is no host nowhere."},
		"/tasks?state=x":                       {400, "Tasks have no state &#34;x&#34;."},
		"/tasks?page=0":                        {400, "There is no page &#34;0&#34;."},
		"/tasks?order=secret":                  {400, "The list cannot be sorted by &#34;secret&#34;."},
		"/hosts/nowhere":                       {404, "There is no host nowhere."},
		"/tags/none":                           {404, "There is no tag none."},
		"/tags/":                               {400, "does not say which tag"},
		"/nowhere":                             {404, "There is no page /nowhere."},
		"/static/none.css":                     {404, "There is no page /static/none.css."},
		"/taskinfo":                            {400, "does not say which one to show."},
	} {
		status, _, text := get(t, server, path)
		require.Equal(t, want.status, status, path)
		require.Contains(t, text, want.text, path)
		require.Contains(t, text, "<h1>"+http.StatusText(status)+"</h1>", path)
	}
	status, header, _ := request(t, server, http.MethodPost, "/tasks")
	require.Equal(t, http.StatusMethodNotAllowed, status)
	require.Equal(t, "GET, HEAD", header.Get("Allow"))
}

func TestErrorsOfTheHub(t *testing.T) {
	hub := newFakeHub()
	_, server := newSite(t, hub)
	for _, c := range []struct {
		err    error
		status int
		text   string
	}{
		{koji.ServerOfflinef("back at noon"), 503, "back at noon"},
		{koji.ParameterErrorf("Invalid order term: x"), 400, "Invalid order term: x"},
		{koji.GenericErrorf("pq: password of the database"), 500, "The hub could not answer."},
	} {
		hub.set("listTags", c.err)
		status, _, text := get(t, server, "/tags")
		require.Equal(t, c.status, status)
		require.Contains(t, text, c.text)
		require.NotContains(t, text, "password")
	}
}

// Text stays text, wherever it comes from.
func TestEscaping(t *testing.T) {
	const attack = `"><script>alert(1)</script>`
	hub := newFakeHub()
	site, server := newSite(t, hub)
	build := api.BuildInfo{BuildID: 3, NVR: "x" + attack, Name: attack, Version: attack, Release: attack, OwnerName: attack, State: koji.BuildComplete}
	task := api.Task{ID: 7, Method: attack, Arch: attack, State: int(koji.TaskFailed)}
	hub.set("listBuilds", []api.ListedBuild{{BuildInfo: build}})
	hub.set("getBuild", api.Build{BuildInfo: build, ID: 3, BuildTimes: api.BuildTimes{Source: ptr(attack), Extra: api.DocumentOf(map[string]any{attack: attack})}})
	hub.set("listRPMs", []api.ListedRPM{{RPM: api.RPM{Name: attack, Version: attack, Release: attack, Arch: attack}, NVR: attack}})
	hub.set("getBuildLogs", []api.BuildLog{{Name: attack, Dir: attack, Path: attack}})
	hub.set("getTaskInfo", api.TaskInfo{Task: task, Request: []any{attack, map[string]any{attack: attack}}})
	hub.set("listTasks", []api.ListedTask{{Task: task, OwnerName: ptr(attack)}})
	hub.set("getTaskResult", api.TaskFault{Code: 1005, String: attack})
	hub.set("toji.taskStatus", api.TaskStatus{
		WorkflowID: attack, Wait: &api.TaskWait{Reason: attack}, Failures: []api.TaskFailure{{Message: attack, Class: attack}},
	})
	hub.set("toji.hostStatus", []api.HostStatus{{ID: 1, Name: attack, Reason: ptr(attack), Note: ptr(attack), QuarantinedAt: ptr(minutesAgo(1))}})
	types := siteTypes()
	types[1].Title, types[1].Params[0].Doc, types[1].Hosts = attack, attack, []string{attack}
	hub.set("toji.listTaskTypes", types)
	hub.set("listTags", []api.ListedTag{{Name: attack, Arches: ptr(attack)}})
	hub.set("listTaskOutput", map[string]api.FileStat{"build.log": {Size: "10"}, attack: {Size: "10"}})
	writeLog(t, site.opts.TopDir, 7, "build.log", attack)

	for _, path := range samples {
		if path == "/tags/f43-build" || path == "/targets" {
			continue // of what they show nothing was changed
		}
		_, _, text := get(t, server, path)
		require.NotContains(t, text, "<script>alert", path)
		require.Contains(t, text, "&gt;&lt;script&gt;alert(1)", path)
		checkHTML(t, server.URL, text)
	}
	for _, path := range []string{"/tasks?owner=" + "%22%3E%3Cscript%3Ealert(1)", "/builds?q=%22%3E%3Cscript%3Ealert(1)", "/%22%3E%3Cscript%3Ealert(1)"} {
		_, _, text := get(t, server, path)
		require.NotContains(t, text, "<script>alert", path)
	}
}

func TestRedirects(t *testing.T) {
	_, server := newSite(t, newFakeHub())
	for from, to := range map[string]string{
		"/taskinfo?taskID=12":            "/tasks/12",
		"/buildinfo?buildID=12":          "/builds/12",
		"/taginfo?tagID=f43-build":       "/tags/f43-build",
		"/hostinfo?hostID=3":             "/hosts/3",
		"/packageinfo?packageID=bash":    "/builds?package=bash",
		"/userinfo?userID=4":             "/tasks?owner=4",
		"/buildtargetinfo?name=f43":      "/targets#f43",
		"/taskinfo?taskID=//example.org": "/tasks/%2F%2Fexample.org",
		"/search?q=+12+":                 "/tasks/12",
		"/search?q=bash-5":               "/builds?q=bash-5",
		"/search":                        "/builds?q=",
	} {
		status, header, _ := get(t, server, from)
		require.Equal(t, http.StatusFound, status, from)
		require.Equal(t, to, header.Get("Location"), from)
	}
}

func TestAssets(t *testing.T) {
	site, server := newSite(t, newFakeHub())
	for name, contentType := range map[string]string{
		"toji.css": "text/css; charset=utf-8", "toji.js": "text/javascript; charset=utf-8", "toji.svg": "image/svg+xml",
	} {
		url, err := site.assets.url(name)
		require.NoError(t, err)
		_, header, text := get(t, server, url)
		require.Equal(t, contentType, header.Get("Content-Type"))
		require.Contains(t, header.Get("Cache-Control"), "immutable")
		file, err := os.ReadFile("static/" + name)
		require.NoError(t, err)
		require.Equal(t, string(file), text)
		_, header, _ = get(t, server, "/static/"+name+"?v=old")
		require.Equal(t, "no-cache", header.Get("Cache-Control"))
	}
	_, err := site.assets.url("none.css")
	require.Error(t, err)
}

// What a page costs does not grow with what it shows.
func TestCallsDoNotGrow(t *testing.T) {
	cost := func(path string, n int) int {
		hub := newFakeHub()
		hub.set("listTasks", func(args []any) any {
			if _, below := args[0].(map[string]any)["parent"].([]any); below {
				return []any{}
			}
			return manyTasks(n)
		})
		_, server := newSite(t, hub)
		page200(t, server, path)
		return hub.calls
	}
	for _, path := range []string{"/", "/tasks", "/tasks?view=flat", "/hosts/builder-01"} {
		one, many := cost(path, 1), cost(path, 50)
		require.Equal(t, one, many, path)
		require.LessOrEqual(t, many, 4, path)
	}
}

func TestNavigation(t *testing.T) {
	current := func(path string) (texts []string) {
		for _, l := range navigation(path) {
			if l.Current {
				texts = append(texts, l.Text)
			}
		}
		return texts
	}
	require.Equal(t, []string{"Overview"}, current("/"))
	require.Equal(t, []string{"Tasks"}, current("/tasks/7"))
	require.Equal(t, []string{"Tags"}, current("/tags/epel/10"))
	require.Empty(t, current("/tasksandmore"))
}

func TestOptions(t *testing.T) {
	_, err := New(Options{})
	require.ErrorContains(t, err, "Caller is missing")
	_, err = New(Options{Caller: newFakeHub(), TopDir: "relative"})
	require.ErrorContains(t, err, "not an absolute path")
	site, err := New(Options{Caller: newFakeHub()})
	require.NoError(t, err)
	require.Equal(t, "/kojifiles", site.opts.FilesURL)
	require.Equal(t, koji.DefaultTopDir, site.opts.TopDir)
}
