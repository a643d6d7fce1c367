package cli

import (
	"bytes"
	"context"
	"encoding/base64"
	"testing"

	"github.com/stretchr/testify/require"
)

// answers returns the exchanges of a method, one for each result.
func answers(method string, params []any, results ...any) []exchange {
	list := make([]exchange, len(results))
	for i, result := range results {
		list[i] = exchange{method: method, params: params, result: result}
		if fault, ok := result.(*reply); ok {
			list[i] = exchange{method: method, params: params, fault: fault}
		}
	}
	return list
}

// taskRow is a task as getTaskInfo answers.
func taskRow(id, state int, method string, host any, request ...any) map[string]any {
	return map[string]any{"id": id, "state": state, "method": method, "host_id": host, "arch": "noarch", "request": request, "owner": 1}
}

const (
	free, open, closed, failed = 0, 1, 2, 5
)

func flatten(lists ...[]exchange) []exchange {
	var all []exchange
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// TestWatchTask follows a build whose subtask fails.
func TestWatchTask(t *testing.T) {
	build := func(state int, host any) any {
		return taskRow(5, state, "build", host, "cli-build/1/hello-1-1.src.rpm", "f40")
	}
	arch := func(state int, host any) any {
		return taskRow(6, state, "buildArch", host, "hello-1-1.src.rpm", 4, "x86_64", true)
	}
	info := func(id int, row any) []exchange { return answers("getTaskInfo", []any{id, true}, row) }
	children := func(id int, rows ...any) []exchange {
		return answers("getTaskChildren", []any{id}, append([]any{}, rows...))
	}
	output := map[string]any{"build.log": []any{"DEFAULT"}, "hello.rpm": []any{"DEFAULT"}}
	hub := newFakeHub(t, flatten(
		info(5, build(free, nil)), children(5),
		info(5, build(open, 1)), answers("getHost", []any{1}, map[string]any{"id": 1, "name": "b1"}),
		children(5, arch(free, nil)), info(6, arch(free, nil)),
		info(5, build(open, 1)), children(5, arch(failed, 1)), info(6, arch(failed, 1)),
		answers("getTaskResult", []any{6}, &reply{1005, "error building package\n"}),
		answers("listTaskOutput", []any{6, false, true}, output), children(6),
		info(5, build(failed, 1)),
		answers("getTaskResult", []any{5}, &reply{1, "oops"}),
		answers("listTaskOutput", []any{5, false, true}, map[string]any{}), children(5), children(6),
	)...)
	run := hub.run(t, nil, "watch-task", "5")
	require.NoError(t, hub.check())
	require.Equal(t, 1, run.exit)
	require.Equal(t, `Watching tasks (this may be safely interrupted)...
5 build (f40, hello-1-1.src.rpm): free
5 build (f40, hello-1-1.src.rpm): free -> open (b1)
  6 buildArch (hello-1-1.src.rpm, x86_64): free
  6 buildArch (hello-1-1.src.rpm, x86_64): free -> FAILED: BuildError: error building package
  Relevant logs:
  `+hub.files+`/work/tasks/6/6/build.log
  0 free  1 open  0 done  1 failed
5 build (f40, hello-1-1.src.rpm): open (b1) -> FAILED: Fault: <Fault 1: 'oops'>
  0 free  0 open  0 done  2 failed

5 build (f40, hello-1-1.src.rpm) failed
`, run.stdout)
	require.Equal(t, hub.next, len(hub.calls), "all calls were made")
}

// TestBuildAndWatch builds an SRPM at the terminal.
func TestBuildAndWatch(t *testing.T) {
	user := "alice"
	hub := newFakeHub(t, flatten(
		answers("getBuildTarget", []any{"f40"}, map[string]any{"dest_tag": 2, "dest_tag_name": "f40"}),
		answers("getTag", []any{2}, map[string]any{"id": 2, "name": "f40", "locked": false}),
		answers("build", []any{"cli-build/X/hello.src.rpm", "f40", map[string]any{"wait_builds": []any{}, "custom_user_metadata": map[string]any{}}}, 7),
		answers("getTaskInfo", []any{7, true}, taskRow(7, closed, "build", nil, "cli-build/1/hello.src.rpm", "f40")),
		answers("getTaskChildren", []any{7}, []any{}),
	)...)
	hub.watched = true
	c := conversation{Argv: []string{"{F}/hello.src.rpm"}}
	file := c.args(t)[0]
	run := hub.run(t, &user, "build", "f40", file)
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "Uploading srpm: "+file+"\n"+
		"[                                    ]  00% 00:00:01     0.00 B     0.00 B/sec\r"+
		"[====================================] 100% 00:00:02     7.00 B     3.50 B/sec\r\n"+
		"Created task: 7\nTask info: http://127.0.0.1:8083/koji/taskinfo?taskID=7\n"+
		"Watching tasks (this may be safely interrupted)...\n7 build (f40, hello.src.rpm): closed\n\n"+
		"7 build (f40, hello.src.rpm) completed successfully\n", run.stdout)
}

// TestWatchLogs follows the log of a task and of the child that it starts.
func TestWatchLogs(t *testing.T) {
	text := func(id, offset int, s string) []exchange {
		encoded := base64.StdEncoding.EncodeToString([]byte(s))
		return answers("downloadTaskOutput", []any{id, "build.log", offset, logChunk, "DEFAULT"}, encoded)
	}
	state := func(id, state int) []exchange {
		return answers("getTaskInfo", []any{id}, taskRow(id, state, "build", nil))
	}
	logs := func(id int) []exchange {
		return answers("listTaskOutput", []any{id, false, true}, map[string]any{"build.log": []any{"DEFAULT"}, "x.rpm": []any{"DEFAULT"}})
	}
	children := func(id int, list ...any) []exchange {
		return answers("getTaskChildren", []any{id}, append([]any{}, list...))
	}
	hub := newFakeHub(t, flatten(
		state(5, open), logs(5), text(5, 0, "one\n"), text(5, 4, ""), children(5, taskRow(6, open, "buildArch", nil)),
		state(5, open), logs(5), text(5, 4, "two\n"), text(5, 8, ""), children(5, taskRow(6, open, "buildArch", nil)),
		state(6, closed), logs(6), text(6, 0, "child\n"), text(6, 6, ""), children(6),
		state(5, closed), logs(5), text(5, 8, "three\n"), text(5, 14, ""), children(5, taskRow(6, closed, "buildArch", nil)),
	)...)
	run := hub.run(t, nil, "watch-logs", "-f", "5")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "Watching logs (this may be safely interrupted)...\n"+
		"==> 5:DEFAULT:build.log: <==\none\ntwo\n\n==> 6:DEFAULT:build.log: <==\nchild\n\n==> 5:DEFAULT:build.log: <==\nthree\n", run.stdout)
	require.Equal(t, hub.next, len(hub.calls), "all calls were made")
}

// TestInterrupt stops a watch while its task is open.
func TestInterrupt(t *testing.T) {
	hub := newFakeHub(t, flatten(
		answers("getTaskInfo", []any{5, true}, taskRow(5, free, "sleep", nil, 60)),
		answers("getTaskChildren", []any{5}, []any{}),
	)...)
	ctx, cancel := context.WithCancel(context.Background())
	hub.answered = func() {
		if hub.next == len(hub.calls) {
			cancel()
		}
	}
	var stdout bytes.Buffer
	env := hub.env(t, nil, "watch-task", "5")
	env.Stdout = &stdout
	require.Equal(t, 1, Run(ctx, env))
	require.Equal(t, "Watching tasks (this may be safely interrupted)...\n5 sleep (noarch): free\n"+
		"Tasks still running. You can continue to watch with the 'toji watch-task' command.\n"+
		"Running Tasks:\n5 sleep (noarch): free\n", stdout.String())
}
