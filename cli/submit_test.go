package cli

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/task"
)

type scanParams struct {
	Path  string   `rpc:"path" kind:"file" doc:"the file"`
	Max   int64    `rpc:"max_lines,optional=10" doc:"no more"`
	Rate  float64  `rpc:"rate,optional=0.5"`
	Quick bool     `rpc:"quick,optional=False"`
	Only  []string `rpc:"only,optional=None"`
	Opts  any      `rpc:"opts,optional=None"`
	Watch string   `rpc:"channel,optional=''"` // goes before the option of all types
}

type scanResult struct {
	Lines int64 `rpc:"lines" doc:"that there are"`
}

// scanTypes is what a hub answers that has one type.
func scanTypes() []exchange {
	scan := task.SpecOf[scanParams, scanResult]("scan")
	scan.Title, scan.Permission = "Scan a file", "scanner"
	return answers("toji.listTaskTypes", []any{}, []any{scan})
}

func TestSubmit(t *testing.T) {
	user := "alice"
	for name, test := range map[string]struct {
		args           []string
		request        []any // nil: no task is made
		opts           map[string]any
		exit           int
		stdout, stderr string
	}{
		"plain": {args: []string{"scan", "cli-build/x/a.txt"}, request: []any{"cli-build/x/a.txt"}, stdout: "Created task: 7\n"},
		"options": {
			args: []string{"scan", "a.txt", "--max-lines=5", "--rate", "2", "--quick", "--only", "a,b", "--only=c", "--opts", "{'x': [1, None]}", "--channel", "text"},
			request: []any{"a.txt", map[string]any{
				"__starstar": true, "max_lines": 5, "rate": 2.0, "quick": true, "only": []any{"a", "b", "c"},
				"opts": map[string]any{"x": []any{1, nil}}, "channel": "text",
			}},
			stdout: "Created task: 7\n",
		},
		"of all types":  {args: []string{"scan", "a.txt", "--arch", "x86_64", "--priority=25"}, request: []any{"a.txt"}, opts: map[string]any{"arch": "x86_64", "priority": 25}, stdout: "Created task: 7\n"},
		"as data":       {args: []string{"scan", "a.txt", "--json"}, request: []any{"a.txt"}, stdout: "{\n  \"task_id\": 7\n}\n"},
		"help":          {args: []string{"scan", "--help"}, stdout: "Scan a file.\n\nArguments:\n  path             file     the file\n\nResult:\n  lines            integer  that there are\n\nFor users with the permission scanner.\n"},
		"no argument":   {args: []string{"scan"}, exit: 2, stderr: "Usage: submit scan <path> [options]"},
		"no number":     {args: []string{"scan", "a.txt", "--max-lines=many"}, exit: 2, stderr: `invalid argument "many" for "--max-lines" flag`},
		"no option":     {args: []string{"scan", "a.txt", "--nosuch"}, exit: 2, stderr: "scan: unknown flag: --nosuch"},
		"no type":       {args: []string{"nosuch"}, exit: 1, stderr: "The hub has no task type nosuch"},
		"none at all":   {args: nil, exit: 2, stderr: "Please specify the type of the task"},
		"options first": {args: []string{"--watch", "scan"}, exit: 2, stderr: "the type of the task comes first, not --watch"},
	} {
		t.Run(name, func(t *testing.T) {
			calls := scanTypes()
			if test.request != nil {
				params := []any{"scan", test.request}
				if test.opts != nil {
					test.opts["__starstar"] = true
					params = append(params, test.opts)
				}
				calls = append(calls, answers("makeTask", params, 7)...)
			}
			hub := newFakeHub(t, calls...)
			run := hub.run(t, &user, append([]string{"submit"}, test.args...)...)
			require.NoError(t, hub.check())
			require.Equal(t, test.exit, run.exit, run.stderr)
			require.Contains(t, run.stdout, test.stdout)
			require.Contains(t, run.stderr, test.stderr)
		})
	}
}

func TestListTaskTypes(t *testing.T) {
	hub := newFakeHub(t, scanTypes()...)
	run := hub.run(t, nil, "list-task-types")
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "scan                 Scan a file (users with the permission scanner)\n", run.stdout)
}

func TestSubmitCompletion(t *testing.T) {
	for want, args := range map[string][]string{
		"scan\tScan a file\n:4\n": {"submit", ""},
		"--max-lines\tno more (default 10)\n--rate\t(default 0.5)\n--quick\t(default False)\n--only\t(default None)\n--opts\t(default None)\n" +
			"--channel\t(default '')\n--arch\tfor hosts of this arch\n--priority\ta higher number goes later; 20 is usual\n" +
			"--watch\twatch the task, and print its result\n--json\tprint the data as JSON\n:4\n": {"submit", "scan", "--"},
		":0\n": {"submit", "scan", ""},
	} {
		hub := newFakeHub(t, scanTypes()...)
		env := hub.env(t, nil)
		env.Args = append(append(env.Args, "__complete"), args...)
		var stdout bytes.Buffer
		env.Stdout = &stdout
		require.Zero(t, Run(context.Background(), env))
		require.Equal(t, want, stdout.String())
	}
}
