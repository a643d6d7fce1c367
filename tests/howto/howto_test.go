package howto

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
	"github.com/toji-build/toji/tests/stack"
)

// TestPages follows both pages about task types, on one stack.
func TestPages(t *testing.T) {
	added := readPage(t, "add-a-task-type.md")
	w := newWorld(t, func(tree string) {
		added.write(t, tree)
		added.run(t, "test", tree)
	})
	t.Run("add-a-task-type", func(t *testing.T) { w.followAdded(t, added) })
	t.Run("site-task-type", func(t *testing.T) { w.followSite(t, readPage(t, "site-task-type.md")) })
}

// make makes a task as a stock client does.
func (w *world) make(t *testing.T, c rpc.Caller, method string, args ...any) (int64, error) {
	t.Helper()
	kw := map[string]any{"method": method, "arglist": args}
	return rpc.Invoke(t.Context(), c, api.MakeTask, api.ArgsParams{Args: []any{xmlrpc.Keywords(kw)}})
}

func (w *world) followAdded(t *testing.T, p page) {
	said := w.user(t, p, "user")
	for _, text := range []string{
		"Usage:\n  toji submit countLines <path> [options]", "path             file     the file, or its path below work/",
		"--max integer", "fail if there are more lines (default 1000000)", "For every user.", "Result: {'lines': 5}",
	} {
		require.Contains(t, said, text)
	}
	id := w.newest(t, "countLines")
	page := w.get(t, "/tasks/"+formatID(id))
	for _, text := range []string{"Count the lines of a file", "<dt>path</dt>", "<dt>max</dt>", "<dt>lines</dt>"} {
		require.Contains(t, page, text)
	}
	require.Contains(t, w.get(t, "/task-types"), "countLines")

	request, err := rpc.Invoke(t.Context(), w.Client, api.GetTaskRequest, api.TaskParams{TaskID: id})
	require.NoError(t, err)
	alice, err := w.Login(t.Context(), "alice", client.Options{})
	require.NoError(t, err)
	again, err := w.make(t, alice, "countLines", request[0])
	require.NoError(t, err)
	require.Equal(t, map[string]any{"lines": int64(5)}, w.result(t, again))
	_, err = w.make(t, alice, "countLines")
	require.ErrorContains(t, err, "missing 1 required positional argument: 'path'")
	_, err = w.make(t, alice, "sleep", 1)
	require.ErrorContains(t, err, "admin permission required")
}

func (w *world) followSite(t *testing.T, p page) {
	dir := filepath.Join(w.home, "worker")
	require.NoError(t, os.Mkdir(dir, 0o755))
	p.write(t, dir)
	p.run(t, "build", dir, "TOJI="+w.tree)
	w.user(t, p, "admin")
	start := func() *stack.Role {
		worker, err := w.StartWorker(filepath.Join(dir, "lines-worker"), "site1")
		require.NoError(t, err)
		t.Cleanup(func() {
			worker.Kill()
			if text, err := os.ReadFile(worker.Log); t.Failed() && err == nil {
				t.Logf("the worker says:\n%s", text)
			}
		})
		return worker
	}
	worker := start()
	w.await(t, "the worker registers its types", func() bool { return len(w.servers(t)["siteSleep"]) == 1 })

	said := w.user(t, p, "user")
	require.Contains(t, said, "siteLines            Count and sort the lines of a file (every user)")
	require.Contains(t, said, "--max integer")
	require.Contains(t, said, "Result: {'lines': 5, 'sorted': 'tasks/")
	id := w.newest(t, "siteLines")
	w.looksInto(t, id)
	request, err := rpc.Invoke(t.Context(), w.Client, api.GetTaskRequest, api.TaskParams{TaskID: id})
	require.NoError(t, err)
	w.refuses(t, request[0])

	t.Run("subtasks", func(t *testing.T) {
		id, err := w.make(t, w.Client, "siteNaps", 0)
		require.NoError(t, err)
		require.Equal(t, []any{"slept well", "slept well"}, w.result(t, id))
		children, err := rpc.Invoke(t.Context(), w.Client, api.GetTaskChildren, api.TaskChildrenParams{TaskID: id})
		require.NoError(t, err)
		require.Len(t, children, 2)
	})
	t.Run("cancel", func(t *testing.T) { w.cancels(t) })
	t.Run("kill", func(t *testing.T) {
		id, err := w.make(t, w.Client, "siteSleep", 4)
		require.NoError(t, err)
		w.becomes(t, id, koji.TaskOpen)
		worker.Kill()
		worker = start()
		require.Equal(t, "slept well", w.result(t, id), worker.Log)
	})
	t.Run("away", func(t *testing.T) {
		require.NoError(t, worker.Stop())
		id, err := w.make(t, w.Client, "siteSleep", 0)
		require.NoError(t, err)
		w.await(t, "the task says why it waits", func() bool {
			why, err := rpc.Invoke(t.Context(), w.Client, api.GetWhy, api.TaskIDParams{TaskID: id})
			return err == nil && why.Wait != nil && why.Wait.Code == "no-worker" &&
				why.Wait.Reason == "no worker that serves siteSleep tasks is ready: site1 is not ready"
		})
		start()
		require.Equal(t, "slept well", w.result(t, id))
	})
}

// servers are the hosts that serve the types of sites.
func (w *world) servers(t *testing.T) map[string][]string {
	list, err := rpc.Invoke(t.Context(), w.Client, api.ListTaskTypes, api.NoParams{})
	require.NoError(t, err)
	types := map[string][]string{}
	for _, tt := range list {
		if tt.Site {
			types[tt.Name] = tt.Hosts
		}
	}
	return types
}

// looksInto holds that a task of a site's type can be seen as any other: what it
// is, its logs, its output.
func (w *world) looksInto(t *testing.T, id int64) {
	page := w.get(t, "/tasks/"+formatID(id))
	for _, text := range []string{"Count and sort the lines of a file", "<dt>path</dt>", "<dt>max</dt>", "<dt>lines</dt>", "count.log", "sorted.txt"} {
		require.Contains(t, page, text)
	}
	require.Contains(t, w.get(t, "/task-types"), "siteLines")
	top := koji.PathInfo{TopDir: w.Env["TOJI_TOPDIR"]}
	for name, want := range map[string]string{"task.log": "has 5 lines\n", "sorted.txt": "1\n2\n3\n4\n5\n", "count.log": "5 "} {
		text, err := os.ReadFile(filepath.Join(top.Task("", id), name))
		require.NoError(t, err)
		require.Contains(t, string(text), want)
	}
}

// refuses holds that the hub and the worker say no to what is not right.
func (w *world) refuses(t *testing.T, path any) {
	alice, err := w.Login(t.Context(), "alice", client.Options{})
	require.NoError(t, err)
	_, err = w.make(t, alice, "siteLines", path, "many")
	require.ErrorContains(t, err, "Invalid type for value 'many'")
	_, err = w.make(t, alice, "siteSleep", 1)
	require.ErrorContains(t, err, "admin permission required (logged in as alice)")
	id, err := w.make(t, alice, "siteLines", path, xmlrpc.Keywords(map[string]any{"max": 3}))
	require.NoError(t, err)
	w.becomes(t, id, koji.TaskFailed)
	_, err = rpc.Invoke(t.Context(), w.Client, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true})
	require.ErrorContains(t, err, "5 lines are too many")
}

// cancels holds that the work of a task that is cancelled ends at once.
func (w *world) cancels(t *testing.T) {
	const command = "sleep 86399" // of nobody else
	running := func() bool {
		found, err := stack.Mentioning(command)
		require.NoError(t, err)
		return len(found) > 0
	}
	id, err := w.make(t, w.Client, "siteSleep", 86399)
	require.NoError(t, err)
	w.await(t, "the work begins", running)
	_, err = rpc.Invoke(t.Context(), w.Client, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
	require.NoError(t, err)
	w.becomes(t, id, koji.TaskCanceled)
	w.await(t, "the work ends", func() bool { return !running() })
}

func formatID(id int64) string { return strconv.FormatInt(id, 10) }
