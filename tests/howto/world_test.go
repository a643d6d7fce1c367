package howto

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// patience is how long a test waits for anything: far longer than it takes, even if
// it has to wait for a heartbeat that does not come, on a machine with other work.
const patience = 3 * time.Minute

// world is a copy of the source tree and a stack of what is built of it.
type world struct {
	*stack.Stack
	tree string // the copy
	home string // where commands of the pages are run, with toji in bin/
}

// newWorld copies the source tree and has edit change the copy.
func newWorld(t *testing.T, edit func(tree string)) *world {
	t.Helper()
	const temporalServer = "../../bin/temporal-server"
	for _, program := range []string{"go", "git", "bash", temporalServer} {
		_, err := exec.LookPath(program)
		testenv.Need(t, err == nil, "the program "+program+" (make build)")
	}
	testenv.Need(t, os.Geteuid() == 0, "root, whom builders need")
	// The user of the database passes through.
	dir, err := os.MkdirTemp("/var/tmp", "toji-howto-")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	require.NoError(t, os.Chmod(dir, 0o755))
	w := &world{tree: filepath.Join(dir, "tree"), home: filepath.Join(dir, "home")}
	require.NoError(t, os.MkdirAll(filepath.Join(w.home, "bin"), 0o755))
	copyTree(t, w.tree)
	edit(w.tree)
	toji := filepath.Join(dir, "toji")
	command(t, w.tree, nil, "go", "build", "-o", toji, "./cmd/toji")
	server, err := filepath.Abs(temporalServer)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.Stack, err = stack.Start(ctx, stack.Options{Toji: toji, Dir: filepath.Join(dir, "stack"), Args: []string{"--temporal-server", server}})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.Stop()) })
	short := fmt.Sprintf("#!/bin/sh\nexec %s -c %s/koji.conf -p toji \"$@\"\n", toji, w.Dir)
	require.NoError(t, os.WriteFile(filepath.Join(w.home, "bin", "toji"), []byte(short), 0o755))
	return w
}

// copyTree copies the files of the source tree, those that are new included.
func copyTree(t *testing.T, to string) {
	t.Helper()
	list := command(t, "../..", nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	for _, name := range strings.Split(strings.TrimRight(list, "\x00"), "\x00") {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if os.IsNotExist(err) {
			continue // removed, and not yet so in git
		}
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(to, name), text, 0o644))
	}
}

// user runs commands of a page as a user of the stack.
func (w *world) user(t *testing.T, p page, name string) string {
	t.Helper()
	return p.run(t, name, w.home, "PATH="+filepath.Join(w.home, "bin")+":"+os.Getenv("PATH"))
}

// get returns a page of the web.
func (w *world) get(t *testing.T, path string) string {
	t.Helper()
	r, err := http.Get(w.Env["TOJI_URL"] + path)
	require.NoError(t, err)
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, r.StatusCode, string(text))
	return string(text)
}

// await asks again and again until ok.
func (w *world) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, patience, 100*time.Millisecond, what)
}

// becomes waits for the state of a task.
func (w *world) becomes(t *testing.T, id int64, want koji.TaskState) {
	t.Helper()
	w.await(t, fmt.Sprintf("task %d: %s", id, want), func() bool {
		row, err := w.Task(t.Context(), id)
		return err == nil && koji.TaskState(row.State) == want
	})
}

// result is the result of a task that has ended well.
func (w *world) result(t *testing.T, id int64) any {
	t.Helper()
	w.becomes(t, id, koji.TaskClosed)
	v, err := rpc.Invoke(t.Context(), w.Client, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true})
	require.NoError(t, err)
	return v
}

// newest is the id of the latest task of a method.
func (w *world) newest(t *testing.T, method string) int64 {
	t.Helper()
	list, err := rpc.Invoke(t.Context(), w.Client, api.ListTasks,
		api.ListTasksParams{Opts: map[string]any{"method": method}, QueryOpts: map[string]any{"order": "-id", "limit": int64(1)}})
	require.NoError(t, err)
	require.Len(t, list.List, 1)
	return list.List[0].ID
}
