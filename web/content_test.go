package web

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestTaskPage(t *testing.T) {
	hub := newFakeHub()
	site, server := newSite(t, hub)
	text := page200(t, server, "/tasks/7")
	for _, want := range []string{
		`<title>Task 7: buildArch (bash-5.3-1.src.rpm, x86_64) · Toji</title>`,
		`<h1>buildArch (bash-5.3-1.src.rpm, x86_64) <span class="state busy">open</span></h1>`,
		`<p class="lead">Build an SRPM for one arch</p>`,
		`<dt>Owner</dt><dd><a href="/tasks?owner=mikaela">mikaela</a></dd>`,
		`<dt>Host</dt><dd><a href="/hosts/builder-01">builder-01</a></dd>`,
		`<dt>Channel</dt><dd>default</dd>`,
		`<time datetime="2026-11-23T16:54:00Z" title="2026-11-23 16:54:00 UTC">2026-11-23 16:54:00 UTC</time>`,
		`<dt>Took</dt><dd><span class="num" data-since="2026-11-23T16:55:00Z">5:00</span></dd>`,
		`<dt>Build</dt><dd><a href="/builds/3">bash-5.3-1</a> <span class="state good">complete</span></dd>`,
		`<a href="https://temporal.example.org/namespaces/toji/workflows/task-7">History in Temporal</a>`,
		// Parameters by their names, in their order; options among them.
		`<dt>pkg</dt><dd><span class="value">tasks/6/6/bash-5.3-1.src.rpm</span></dd></div><div><dt>root</dt><dd><a href="/tags/4">4</a></dd></div>` +
			`<div><dt>arch</dt><dd><span class="value">x86_64</span></dd></div><div><dt>keep_srpm</dt><dd><span class="value">yes</span></dd></div>` +
			`<div><dt>repo_id</dt><dd><span class="value">17</span></dd></div>`,
		`<body data-live="/tasks/7/events">`,
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, `id="logbox"`)

	hub.set("listTaskOutput", map[string]api.FileStat{
		"root.log": {Size: "5"}, "build.log": {Size: "12"}, "bash.rpm": {Size: "2345678"}, "data/x.log": {Size: "1"},
	})
	writeLog(t, site.opts.TopDir, 7, "build.log", "one\ntwo\n")
	writeLog(t, site.opts.TopDir, 7, "root.log", "installing\n")
	text = page200(t, server, "/tasks/7")
	require.Contains(t, text, `<body data-live="/tasks/7/events?log=build.log&amp;offset=8">`)
	require.Contains(t, text, `<a href="?log=build.log#log" aria-current="true">build.log <span class="soft">12 B</span></a>`)
	require.Contains(t, text, `aria-label="build.log">onetwo</pre>`)
	require.Contains(t, text, `<a href="/kojifiles/work/tasks/7/7/build.log">Whole file</a>`)
	require.Contains(t, text, `<a href="/kojifiles/work/tasks/7/7/bash.rpm">bash.rpm</a></td><td class="r">2.3 MB</td>`)
	require.Contains(t, page200(t, server, "/tasks/7?log=root.log"), `aria-label="root.log">installing</pre>`)
}

func TestTaskThatWaits(t *testing.T) {
	hub := newFakeHub()
	hub.set("toji.taskStatus", api.TaskStatus{TaskID: 7, Wait: &api.TaskWait{Code: "no-capacity", Reason: "all hosts are full", Since: minutesAgo(4)}})
	_, server := newSite(t, hub)
	require.Contains(t, page200(t, server, "/tasks/7"), `<strong>Waits:</strong> all hosts are full <span class="soft">since <time datetime="2026-11-23T16:56:00Z" title="2026-11-23 16:56:00 UTC" data-ago>4 min ago</time></span>`)
}

func TestTaskThatFailed(t *testing.T) {
	hub := newFakeHub()
	hub.set("getTaskInfo", api.TaskInfo{Task: api.Task{ID: 7, Method: "sleep", State: int(koji.TaskFailed)}, Request: []any{}})
	hub.set("getTaskResult", api.TaskFault{Code: koji.FaultBuild, String: "see root.log for more"})
	hub.set("toji.taskStatus", api.TaskStatus{
		Attempts: []api.TaskAttempt{{Attempt: 1, Host: ptr("builder-01"), Started: minutesAgo(9), Ended: ptr(minutesAgo(8)), Outcome: ptr("failed")}},
		Failures: []api.TaskFailure{{Time: minutesAgo(8), Class: koji.KindPackage, Host: ptr("builder-01"), Message: "see root.log for more"}},
	})
	hub.set("listTaskOutput", map[string]api.FileStat{"build.log": {Size: "1"}, "root.log": {Size: "1"}})
	_, server := newSite(t, hub)
	text := page200(t, server, "/tasks/7")
	require.Contains(t, text, `<h2 id="fault">BuildError <span class="class">package failure</span></h2><pre>see root.log for more</pre>`)
	require.Contains(t, text, `<tr><td>1</td><td><a href="/hosts/builder-01">builder-01</a></td>`)
	require.Contains(t, text, `<td class="text">see root.log for more</td>`)
	require.Contains(t, text, `<a href="?log=root.log#log" aria-current="true">`, "the log that the fault names is shown")
	require.NotContains(t, text, "data-live", "nothing changes any more")
}

func TestTaskResult(t *testing.T) {
	hub := newFakeHub()
	hub.set("getTaskInfo", api.TaskInfo{Task: api.Task{ID: 7, Method: "buildArch", State: int(koji.TaskClosed)}, Request: []any{"not", "a", "request", "of", "this", "type"}})
	hub.set("getTaskResult", map[string]any{"rpms": []any{"a.rpm", "b.rpm"}, "build_id": int64(3)})
	_, server := newSite(t, hub)
	text := page200(t, server, "/tasks/7")
	require.Contains(t, text, `<dt>build_id</dt><dd><a href="/builds/3">3</a></dd>`)
	require.Contains(t, text, `<dt>rpms</dt><dd><ul class="values"><li><span class="value">a.rpm</span></li><li><span class="value">b.rpm</span></li></ul></dd>`)
	require.Contains(t, text, `<dt>6</dt><dd><span class="value">type</span></dd>`, "a request that does not fit is shown as it is")
}

func TestTaskTree(t *testing.T) {
	hub := newFakeHub()
	task := func(id int64, parent *int64, host *int64) api.TaskInfo {
		return api.TaskInfo{Task: api.Task{ID: id, Parent: parent, HostID: host, Method: "sleep", Arch: "noarch", State: int(koji.TaskOpen)}, Request: []any{}}
	}
	hub.set("getTaskInfo", func(args []any) any {
		if args[0] == int64(6) {
			return task(6, nil, nil)
		}
		return task(7, ptr(int64(6)), ptr(int64(1)))
	})
	hub.set("getTaskDescendents", func(args []any) any {
		require.Contains(t, []any{int64(6), int64(7)}, args[0])
		return map[string][]api.TaskInfo{
			"6": {task(7, ptr(int64(6)), nil), task(8, ptr(int64(6)), nil)}, "7": {task(9, ptr(int64(7)), ptr(int64(1)))}, "8": {}, "9": {},
		}
	})
	_, server := newSite(t, hub)
	require.Regexp(t, `d0"><a href="/tasks/6">.*<tr class="current" aria-current="true"><td class="main d1"><a href="/tasks/7">.*d2"><a href="/tasks/9">.*builder-01.*d1"><a href="/tasks/8">`,
		page200(t, server, "/tasks/7"))
}

func TestTaskList(t *testing.T) {
	hub := newFakeHub()
	var opts []map[string]any
	var query map[string]any
	hub.set("listTasks", func(args []any) any {
		opts = append(opts, args[0].(map[string]any))
		if len(opts) == 1 {
			query = args[1].(map[string]any)
			return manyTasks(pageSize + 1)
		}
		return []any{}
	})
	hub.set("toji.taskWaits", []api.WaitingTask{{TaskID: 1000, TaskWait: api.TaskWait{Reason: "no host is ready"}}})
	_, server := newSite(t, hub)
	text := page200(t, server, "/tasks?state=active&method=sleep&owner=mikaela&host=builder-01&order=-create_time&page=3")
	require.Equal(t, map[string]any{"order": "-create_time,-id", "limit": int64(51), "offset": int64(100)}, query)
	require.Equal(t, map[string]any{
		"state": []any{int64(0), int64(4), int64(1)}, "method": "sleep", "owner": int64(2), "host_id": int64(1), "parent": nil, "decode": true,
	}, opts[0])
	for _, want := range []string{
		`<td class="main d0"><a href="/tasks/1000"><span class="id">1000</span> sleep (noarch)</a><br><span class="wait">no host is ready</span></td>`,
		`<td><span class="state idle">free</span></td>`,
		`<option value="active" selected>active</option>`, `<option value="builder-01" selected>`, `<input name="owner" value="mikaela"`,
		`<th scope="col" aria-sort="descending"><a href="?host=builder-01&amp;method=sleep&amp;order=create_time&amp;owner=mikaela&amp;state=active">Created</a></th>`,
		`rel="prev">← Previous</a><span>Page 3</span>`, `page=4&amp;state=active" rel="next">`,
	} {
		require.Contains(t, text, want)
	}
	require.NotContains(t, text, "/tasks/1050", "the row that is one too many")

	opts = nil
	page200(t, server, "/tasks?view=flat")
	require.Len(t, opts, 1)
	require.NotContains(t, opts[0], "parent")
}

func TestTaskListAsTree(t *testing.T) {
	hub := newFakeHub()
	generations := map[int64][]int64{1: {2, 3}, 2: {4}}
	hub.set("listTasks", func(args []any) any {
		parents, below := args[0].(map[string]any)["parent"].([]any)
		if !below {
			return []api.ListedTask{{Task: api.Task{ID: 1, Method: "m"}}, {Task: api.Task{ID: 5, Method: "m"}}}
		}
		list := []api.ListedTask{}
		for _, parent := range parents {
			for _, id := range generations[parent.(int64)] {
				list = append(list, api.ListedTask{Task: api.Task{ID: id, Parent: ptr(parent.(int64)), Method: "m"}})
			}
		}
		return list
	})
	_, server := newSite(t, hub)
	require.Regexp(t, `d0"><a href="/tasks/1">.*d1"><a href="/tasks/2">.*d2"><a href="/tasks/4">.*d1"><a href="/tasks/3">.*d0"><a href="/tasks/5">`,
		page200(t, server, "/tasks"))
}

func TestBuildPage(t *testing.T) {
	hub := newFakeHub()
	_, server := newSite(t, hub)
	text := page200(t, server, "/builds/bash-5.3-1")
	for _, want := range []string{
		`<h1>bash-5.3-1 <span class="state good">complete</span></h1>`,
		`<dt>Task</dt><dd><a href="/tasks/6">6</a></dd>`,
		`<dt>Epoch</dt><dd>none</dd>`,
		`<a class="tagged" href="/tags/f43-build">f43-build</a>`,
		`<h3>src <span class="soft">1.2 MB</span></h3><ul class="files"><li><a href="/kojifiles/packages/bash/5.3/1/src/bash-5.3-1.src.rpm">bash-5.3-1.src.rpm</a>`,
		`<details><summary>Debug information (1)</summary><ul class="files"><li><a href="/kojifiles/packages/bash/5.3/1/x86_64/bash-debuginfo-5.3-1.x86_64.rpm">`,
		`<h3>x86_64</h3><ul class="files inline"><li><a href="/kojifiles/packages/bash/5.3/1/data/logs/x86_64/build.log">build.log</a></li></ul>`,
		`<h3>Mikaela &lt;m@example.org&gt; - 5.3-1 <span class="soft">2026-11-20</span></h3><pre class="plain">- New version</pre>`,
	} {
		require.Contains(t, text, want)
	}

	// Files may be gone; the rest is shown.
	hub.set("getBuildLogs", koji.GenericErrorf("no logs"))
	hub.set("getChangelogEntries", koji.GenericErrorf("no source"))
	require.NotContains(t, page200(t, server, "/builds/3"), "Changelog")
}

func TestBuildList(t *testing.T) {
	hub := newFakeHub()
	var args []any
	builds := hub.answers["listBuilds"]
	hub.set("listBuilds", func(a []any) any {
		args = a
		return builds
	})
	_, server := newSite(t, hub)
	text := page200(t, server, "/builds?q=bash&state=complete&package=bash&owner=mikaela")
	require.Contains(t, text, `<td class="main"><a href="/builds/3">bash-5.3-1</a></td><td><span class="state good">complete</span></td>`)
	require.Equal(t, int64(9), args[0], "package")
	require.Equal(t, int64(2), args[1], "owner")
	require.Equal(t, int64(1), args[4], "state")
	require.Equal(t, "bash*", args[14], "pattern")
}

func TestHosts(t *testing.T) {
	hub := newFakeHub()
	hub.set("toji.hostStatus", []api.HostStatus{
		{ID: 1, Name: "builder-01", Enabled: true, Ready: true, Capacity: 4, Load: 1.5, Tasks: 2, Report: api.HostReport{DiskFree: 412e9}, UpdateTime: ptr(minutesAgo(2))},
		{ID: 2, Name: "builder-02", Enabled: true, Ready: true, QuarantinedAt: ptr(minutesAgo(1)), Reason: ptr("3 troubles in a row")},
		{ID: 6, Name: "builder-06", Enabled: false, Tasks: 1}, {ID: 7, Name: "builder-07", Enabled: true, QuarantinedAt: ptr(minutesAgo(1)), Probe: ptr(int64(8))},
		{ID: 8, Name: "builder-08", Enabled: true, Maintenance: &api.Maintenance{Starts: minutesAgo(9), Ends: minutesAgo(-9), Reason: "new disks", Creator: "mikaela"}},
		{ID: 3, Name: "builder-03", Enabled: false}, {ID: 4, Name: "builder-04", Enabled: true}, {ID: 5, Name: "builder-05", Enabled: true, Ready: true},
	})
	_, server := newSite(t, hub)
	text := page200(t, server, "/hosts")
	require.Contains(t, text, `<tr><td class="main"><a href="/hosts/builder-01">builder-01</a></td><td><span class="state busy">busy</span></td><td>x86_64 i686</td>`+
		`<td><meter min="0" max="4" value="1.5" aria-label="Load of builder-01"></meter> <span class="num">1.5<span class="of"> / 4.0</span></span></td>`+
		`<td class="r">2</td><td class="r">412 GB</td>`)
	for _, want := range []string{"bad\">quarantined", "done\">disabled", "idle\">not ready", "good\">ready", "3 troubles in a row.",
		"done\">draining", "bad\">on probation", "idle\">maintenance"} {
		require.Contains(t, text, want)
	}
	for query, names := range map[string][2]string{
		"?state=quarantined": {"builder-02", "builder-01"},
		"?arch=i686":         {"builder-01", "builder-02"},
	} {
		text := page200(t, server, "/hosts"+query)
		require.Contains(t, text, "/hosts/"+names[0])
		require.NotContains(t, text, "/hosts/"+names[1])
	}
	require.Contains(t, page200(t, server, "/hosts/builder-01"), `<dt>Channels</dt><dd>default</dd>`)

	hub.set("toji.hostStatus", []api.HostStatus{{
		ID: 1, Name: "builder-01", Enabled: true, QuarantinedAt: ptr(minutesAgo(1)), Reason: ptr("no mock"), Until: ptr(minutesAgo(-9)),
		Report:      api.HostReport{NotReady: "the disk is full", MemoryFree: 3e9, MemoryTotal: 16e9, LoadAverage: 0.5, CPUs: 8, Versions: map[string]string{"toji": "0.2", "rpm": "6.0"}},
		Maintenance: &api.Maintenance{Starts: minutesAgo(-60), Ends: minutesAgo(-90), Reason: "new disks", Creator: "mikaela"},
	}})
	text = page200(t, server, "/hosts/builder-01")
	for _, want := range []string{"the disk is full", "3.0 GB of 16 GB", "0.50 on 8 CPUs", "rpm 6.0, toji 0.2", "new disks", "planned by mikaela", "toji enable-host builder-01"} {
		require.Contains(t, text, want)
	}
}

// The page of a free task says what keeps it from each host.
func TestFreeTask(t *testing.T) {
	hub := newFakeHub()
	hub.set("getTaskInfo", api.TaskInfo{Task: api.Task{ID: 7, Method: "buildArch", Owner: 2, ChannelID: 1, Arch: "x86_64", CreateTime: minutesAgo(6)}, Request: []any{}})
	hub.set("toji.taskStatus", api.TaskStatus{TaskID: 7, Takes: ptr(185.0), Wait: &api.TaskWait{
		Code: "no-capacity", Reason: "all is full", Since: minutesAgo(5), ETA: ptr(minutesAgo(-10)),
	}})
	hub.set("toji.why", api.Why{TaskID: 7, Hosts: []api.HostVerdict{{Host: "builder-01", Code: "full", Detail: "load 4.00 of 4.00, 3 tasks"}}})
	_, server := newSite(t, hub)
	text := page200(t, server, "/tasks/7")
	require.Contains(t, text, "all is full")
	require.Contains(t, text, "probably until")
	require.Contains(t, text, `<dt>Usually takes</dt><dd>3:05</dd>`)
	require.Contains(t, text, `<a href="/hosts/builder-01">builder-01</a></td><td>full</td><td class="text">load 4.00 of 4.00, 3 tasks</td>`)
}

func TestTagsWithSlashes(t *testing.T) {
	hub := newFakeHub()
	hub.set("listTags", []api.ListedTag{{ID: 4, Name: "epel/10+x"}})
	var asked any
	hub.set("getTag", func(args []any) any {
		asked = args[0]
		return api.Tag{ID: 4, Name: "epel/10+x"}
	})
	_, server := newSite(t, hub)
	require.Contains(t, page200(t, server, "/tags"), `<a href="/tags/epel/10&#43;x">epel/10&#43;x</a>`)
	page200(t, server, "/tags/epel/10+x")
	require.Equal(t, "epel/10+x", asked)
	page200(t, server, "/tags/4")
	require.Equal(t, int64(4), asked)
}

func TestFormats(t *testing.T) {
	for bytes, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.0 kB", 9949: "9.9 kB", 9960: "10 kB", 999_400: "999 kB", 999_600: "1.0 MB", 3_200_000_000: "3.2 GB", 7e15: "7000 TB",
	} {
		require.Equal(t, want, size(bytes))
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0:00", 59 * time.Second: "0:59", 61 * time.Second: "1:01", time.Hour: "1:00:00", 30*time.Hour + 62*time.Second: "30:01:02",
	} {
		require.Equal(t, want, duration(d))
	}
	for d, want := range map[time.Duration]string{
		-time.Hour: "just now", time.Minute: "1 min ago", 119 * time.Minute: "1 h ago", 47 * time.Hour: "47 h ago", 49 * time.Hour: "2 days ago",
	} {
		require.Equal(t, want, ago(d))
	}
	require.Equal(t, "1 package", plural(1, "package", "packages"))
	require.Equal(t, "0 packages", plural(0, "package", "packages"))
}

func TestShape(t *testing.T) {
	require.True(t, shape(nil).Empty())
	require.True(t, shape([]any{}).Empty())
	require.Equal(t, "no", shape(false).Text)
	require.Equal(t, "1.5", shape(1.5).Text)
	require.Equal(t, "2026-11-23 17:00:00", shape(now).Text)
	require.Equal(t, "3 bytes", shape([]byte("abc")).Text)
	n := shape(map[string]any{"b": []any{int64(1)}, "a": "x"})
	require.Equal(t, "a", n.Members[0].Name)
	require.Equal(t, "1", n.Members[1].Value.List[0].Text)
	require.Equal(t, "5", shape(api.IDName{ID: 5}).Members[0].Value.Text, "of a call within the process")
}
