package integration

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// make makes a task of the method.
func (l *lab) make(t *testing.T, method string, args ...any) int64 {
	t.Helper()
	if args == nil {
		args = []any{}
	}
	return call(t, l, api.MakeTask, api.ArgsParams{Args: []any{method, args}})
}

func TestSmallTasks(t *testing.T) {
	t.Parallel()
	l := start(t)

	t.Run("someMethod", func(t *testing.T) {
		t.Parallel()
		id := l.make(t, "someMethod", "any", "thing")
		l.closed(t, id)
		require.EqualValues(t, 42, l.result(t, id))
	})
	t.Run("default", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, l.failed(t, l.make(t, "default")).Msg, "Invalid method: default")
	})
	t.Run("waittest", func(t *testing.T) {
		t.Parallel()
		id := l.make(t, "waittest", 3, 1)
		l.closed(t, id)
		require.Len(t, l.children(t, id)["sleep"], 4)
	})
	t.Run("subtask", func(t *testing.T) {
		t.Parallel()
		id := l.make(t, "subtask", 2)
		l.closed(t, id)
		deeper := l.child(t, l.child(t, id, "subtask").ID, "subtask").ID
		require.Equal(t, "bar", *l.child(t, deeper, "sleep").Label)
	})
	t.Run("fork", func(t *testing.T) {
		t.Parallel()
		id := l.make(t, "fork", 5, 86399)
		l.closed(t, id)
		left, err := stack.Mentioning("sleep 86399")
		require.NoError(t, err)
		require.Empty(t, left, "what a task leaves behind ends with it")
	})
	t.Run("dependantTask", func(t *testing.T) {
		t.Parallel()
		first := l.make(t, "sleep", 1)
		id := l.make(t, "dependantTask", []any{first}, []any{[]any{"someMethod", []any{}, map[string]any{}}})
		l.closed(t, id)
		next := l.child(t, id, "someMethod")
		require.GreaterOrEqual(t, *next.StartTS, *l.task(t, first).CompletionTS)
	})
	t.Run("dependantTask of a failure", func(t *testing.T) {
		t.Parallel()
		first := l.make(t, "sleep", "BAD_ARG")
		id := l.make(t, "dependantTask", []any{first}, []any{[]any{"someMethod", []any{}, map[string]any{}}})
		l.failed(t, id)
		require.Empty(t, l.children(t, id))
	})
}

// restartHosts has each daemon end when its tasks are done, and looks whether it
// came back.
func TestRestartHosts(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "restarted.example.org"
	daemon := l.builder(t, name, nil)
	l.awaitReady(t, name)
	busy := l.sleep(t, name, 3, nil)
	l.awaitState(t, busy, koji.TaskOpen)
	id := call(t, l, api.RestartHosts, api.RestartHostsParams{Priority: 5, Options: map[string]any{"channel": name}})
	l.closed(t, l.child(t, id, "restart").ID)
	<-daemon.Done()
	require.Equal(t, koji.TaskClosed, l.state(t, busy), "a restart waits for the tasks under way")
	next, err := l.RestartBuilder(name)
	require.NoError(t, err)
	t.Cleanup(next.Kill)
	l.closed(t, id)
	require.Len(t, l.children(t, id)["restartVerify"], 1)
}

func TestShutdown(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "shut.example.org"
	daemon := l.builder(t, name, nil)
	l.awaitReady(t, name)
	id := call(t, l, api.MakeTask, api.ArgsParams{Args: []any{"shutdown", []any{}}, Opts: map[string]any{"assign": name}})
	l.closed(t, id)
	<-daemon.Done()
	require.False(t, call(t, l, api.GetHost, api.GetHostParams{HostInfo: name, Strict: true}).Ready)
}
