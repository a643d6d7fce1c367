package web

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// A task of a type that a site has added is explained by its declaration.
func TestSiteTaskPage(t *testing.T) {
	hub := newFakeHub()
	hub.set("getTaskInfo", api.TaskInfo{
		Task:    api.Task{ID: 7, Method: "countLines", Arch: "noarch", State: int(koji.TaskClosed)},
		Request: []any{"a.txt"},
	})
	hub.set("getTaskResult", map[string]any{"blank": int64(1), "total": int64(5), "more": "x"})
	_, server := newSite(t, hub)
	text := page200(t, server, "/tasks/7")
	for _, want := range []string{
		`<h1>countLines (a.txt) <span class="state good">closed</span></h1>`,
		`<p class="lead">Count the lines of a file</p>`,
		`<dt>path</dt><dd><span class="value">a.txt</span> <span class="soft">of the file</span></dd></div><div><dt>max</dt><dd><span class="value">10</span></dd>`,
		`<dt>total</dt><dd><span class="value">5</span> <span class="soft">how many there are</span></dd></div><div><dt>blank</dt><dd><span class="value">1</span></dd></div><div><dt>more</dt>`,
	} {
		require.Contains(t, text, want)
	}
}

func TestTaskTypes(t *testing.T) {
	_, server := newSite(t, newFakeHub())
	text := page200(t, server, "/task-types")
	for _, want := range []string{
		`<td class="main"><a href="/tasks?method=countLines">countLines</a></td><td class="text">Count the lines of a file</td>` +
			`<td class="text"><code title="of the file">path</code> <code>max=10</code> </td><td>every user</td>`,
		`<td><a href="/hosts/builder-01">builder-01</a> </td>`,
		`<td>admin</td>`, `<td>the hub</td>`,
	} {
		require.Contains(t, text, want)
	}
}
