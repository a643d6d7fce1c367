package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/rpmfile"
)

const testRPM = "../koji/rpmfile/testdata/foo-1.0-1.x86_64.rpm"

// rpmRow is the RPM of the test data as the hub knows it.
func rpmRow(t *testing.T) map[string]any {
	h, err := rpmfile.Open(testRPM)
	require.NoError(t, err)
	return map[string]any{
		"id": 2, "name": "foo", "version": "1.0", "release": "1", "arch": "x86_64", "nvr": "foo-1.0-1", "build_id": 1,
		"size": h.FileSize, "payloadhash": h.PayloadHash(), "buildtime": h.BuildTime(),
	}
}

var buildRow = map[string]any{
	"id": 1, "build_id": 1, "name": "foo", "version": "1.0", "release": "1", "nvr": "foo-1.0-1", "volume_name": "DEFAULT", "state": 1,
}

// serveFile puts a file below what the hub serves.
func (h *fakeHub) serveFile(t *testing.T, path string, content []byte) {
	file := filepath.Join(h.root, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
	require.NoError(t, os.WriteFile(file, content, 0o600))
}

// downloadCase is a run of download-build.
type downloadCase struct {
	args   []string
	calls  []exchange
	before []byte // of the file, from an earlier attempt
	stdout string
	stderr string
	exit   int
	gone   bool // there must be no file
}

func TestDownloadBuild(t *testing.T) {
	content, err := os.ReadFile(testRPM)
	require.NoError(t, err)
	for name, test := range downloadCases(t, content) {
		t.Run(name, func(t *testing.T) { test.run(t, content) })
	}
}

const downloadedFile = "foo-1.0-1.x86_64.rpm"

func (test downloadCase) run(t *testing.T, content []byte) {
	const file = downloadedFile
	hub := newFakeHub(t, test.calls...)
	hub.serveFile(t, "packages/foo/1.0/1/x86_64/"+file, content)
	hub.serveFile(t, "packages/foo/1.0/1/images/disk.qcow2", []byte("a disk"))
	t.Chdir(t.TempDir())
	if test.before != nil {
		require.NoError(t, os.WriteFile(file, test.before, 0o600))
	}
	run := hub.run(t, nil, append([]string{"download-build", "--noprogress"}, test.args...)...)
	require.NoError(t, hub.check())
	require.Equal(t, test.exit, run.exit, run.stderr)
	require.Equal(t, test.stdout, run.stdout)
	require.Contains(t, run.stderr, test.stderr)
	if test.gone {
		require.NoFileExists(t, file)
		return
	}
	saved, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, content, saved)
}

func downloadCases(t *testing.T, content []byte) map[string]downloadCase {
	const file = downloadedFile
	wrong := rpmRow(t)
	wrong["payloadhash"] = "00"
	debug := rpmRow(t)
	debug["name"] = "foo-debuginfo"
	byBuild := func(rows ...any) []exchange {
		return flatten(answers("getBuild", []any{"foo-1.0-1"}, buildRow), answers("listRPMs", []any{1}, rows))
	}
	sum := sha256.Sum256([]byte("a disk"))
	archive := map[string]any{"id": 3, "btype": "image", "filename": "disk.qcow2", "size": 6, "checksum": hex.EncodeToString(sum[:]), "checksum_type": 2}
	return map[string]downloadCase{
		"build": {
			args: []string{"foo-1.0-1"}, calls: byBuild(rpmRow(t), debug),
			stdout: "Downloading [1/1]: " + file + "\n",
		},
		"rest of a file": {
			args: []string{"foo-1.0-1"}, calls: byBuild(rpmRow(t)), before: content[:100],
			stdout: "Downloading [1/1]: " + file + "\nAppending to existing file " + file + "\n",
		},
		"there already": {
			args: []string{"foo-1.0-1"}, calls: byBuild(rpmRow(t)), before: content,
			stdout: "Downloading [1/1]: " + file + "\nFile " + file + " already downloaded, skipping\n",
		},
		"another file than the hub's": {
			args: []string{"foo-1.0-1"}, calls: byBuild(wrong), exit: 1, gone: true,
			stdout: "Downloading [1/1]: " + file + "\n", stderr: "Downloaded rpm " + file + " doesn't match db, deleting",
		},
		"single RPM": {
			args:   []string{"--rpm", "foo-1.0-1.x86_64"},
			calls:  flatten(answers("getRPM", []any{"foo-1.0-1.x86_64"}, rpmRow(t)), answers("getBuild", []any{1}, buildRow)),
			stdout: "Downloading [1/1]: " + file + "\n",
		},
		"signed copy is gone": {
			args: []string{"--key=abc", "--fallback-unsigned", "foo-1.0-1"},
			calls: append(byBuild(rpmRow(t)), answers("multiCall",
				[]any{[]any{map[string]any{"methodName": "queryRPMSigs", "params": []any{2, "abc"}}}},
				[]any{[]any{[]any{map[string]any{"rpm_id": 2, "sigkey": "abc"}}}})...),
			stdout: "Downloading [1/1]: " + file + "\nDownloading [1/1]: " + file + "\n",
			stderr: "Signed copy not present, will download unsigned copy\n",
		},
		"image": {
			args: []string{"--type=image", "foo-1.0-1"},
			calls: flatten(answers("getBuild", []any{"foo-1.0-1"}, buildRow),
				answers("listArchives", []any{1, nil, nil, nil, "image"}, []any{archive})),
			stdout: "Downloading [1/1]: disk.qcow2\n", gone: true,
		},
		"no such build": {
			args: []string{"nosuch-1-1"}, calls: answers("getBuild", []any{"nosuch-1-1"}, nil), exit: 1, gone: true,
			stderr: "No such build: nosuch-1-1\n",
		},
	}
}

// TestDownloadLogs saves the logs of a failed task and of its child, and those of
// a finished build.
func TestDownloadLogs(t *testing.T) {
	text := func(id, offset int, s string) []exchange {
		return answers("downloadTaskOutput", []any{id, "build.log", offset, 102400, "DEFAULT"}, base64.StdEncoding.EncodeToString([]byte(s)))
	}
	output := map[string]any{"build.log": []any{"DEFAULT"}, "root.log": []any{"DEFAULT"}, "x.rpm": []any{"DEFAULT"}}
	calls := flatten(
		answers("getTaskInfo", []any{5}, taskRow(5, failed, "build", nil)),
		answers("listTaskOutput", []any{5, false, true}, map[string]any{}),
		answers("getTaskResult", []any{5}, &reply{1005, "it broke"}),
		answers("getTaskChildren", []any{5}, []any{taskRow(6, closed, "buildArch", nil)}),
		answers("getTaskInfo", []any{6}, taskRow(6, closed, "buildArch", nil)),
		answers("listTaskOutput", []any{6, false, true}, output),
		text(6, 0, "a log\n"), text(6, 6, ""), answers("getTaskChildren", []any{6}, []any{}),
	)
	hub := newFakeHub(t, calls...)
	t.Chdir(t.TempDir())
	run := hub.run(t, nil, "download-logs", "-r", "-m", "build.*", "-m", "task_*", "-d", "logs", "5")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "Writing: logs/noarch-5/task_failed.log\nDownloading: logs/noarch-5/noarch-6/build.log\n", run.stdout)
	for file, want := range map[string]string{
		"logs/noarch-5/task_failed.log": "BuildError: it broke\n", "logs/noarch-5/noarch-6/build.log": "a log\n",
	} {
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
	}

	path := "packages/foo/1.0/1/data/logs/x86_64/build.log"
	hub = newFakeHub(t, flatten(
		answers("getBuild", []any{"foo-1.0-1"}, buildRow),
		answers("getBuildLogs", []any{1}, []any{map[string]any{"name": "build.log", "dir": "x86_64", "path": path}}),
	)...)
	hub.serveFile(t, path, []byte("built"))
	run = hub.run(t, nil, "download-logs", "--nvr", "foo-1.0-1")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "Using build ID: 1\nDownloading: kojilogs/foo-1.0-1/x86_64/build.log\n"+
		"[                                    ] ???%     5.00 B\r[====================================] 100% 5.00 B / 5.00 B\r\n", run.stdout)
	require.FileExists(t, "kojilogs/foo-1.0-1/x86_64/build.log")
}

// TestTaskStatus shows what a Toji hub tells of a task beyond Koji's.
func TestTaskStatus(t *testing.T) {
	row := taskRow(5, free, "buildArch", nil)
	row["create_ts"] = 1795424848.8
	status := map[string]any{
		"task_id": 5, "workflow_id": "task-5",
		"wait": map[string]any{"code": "no-capacity", "reason": "b1 has no room for weight 1.5", "since": "2026-11-23 09:08:00+00:00"},
		"attempts": []any{map[string]any{
			"attempt": 1, "host_id": 1, "host_name": "b1", "started": "2026-11-23 09:07:30+00:00",
			"ended": "2026-11-23 09:08:00+00:00", "outcome": "infrastructure",
		}},
		"failures": []any{map[string]any{"time": "2026-11-23 09:08:00+00:00", "class": "infrastructure", "host_id": 1, "host_name": "b1", "message": "disk full"}},
	}
	calls := flatten(
		answers("getTaskInfo", []any{5}, row),
		answers("listBuildroots", []any{nil, nil, nil, nil, nil, 5}, []any{}),
		answers("listBuilds", []any{nil, nil, 5}, []any{}),
		answers("listTaskOutput", []any{5, false, true}, map[string]any{"build.log": []any{"DEFAULT"}, "x.rpm": []any{"DEFAULT"}}),
		answers("getUser", []any{1}, map[string]any{"id": 1, "name": "alice"}),
		answers("toji.taskStatus", []any{5}, status),
	)
	hub := newFakeHub(t, calls...)
	run := hub.run(t, nil, "taskinfo", "5")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, `Task: 5
Type: buildArch
Owner: alice
State: free
Created: Mon Nov 23 09:07:28 2026
Waiting: b1 has no room for weight 1.5 (since Mon Nov 23 09:08:00 2026)
Attempts:
  1 on b1: started Mon Nov 23 09:07:30 2026, ended Mon Nov 23 09:08:00 2026, infrastructure
Failures:
  Mon Nov 23 09:08:00 2026, infrastructure on b1: disk full
Log Files:
  `+topDir+`/work/tasks/5/5/build.log
Output:
  `+topDir+`/work/tasks/5/5/x.rpm

`, run.stdout)

	hub = newFakeHub(t, calls...)
	run = hub.run(t, nil, "taskinfo", "--json", "5")
	require.Zero(t, run.exit, run.stderr)
	var data struct {
		ID     int
		Status struct{ Wait struct{ Code string } }
	}
	require.NoError(t, json.Unmarshal([]byte(run.stdout), &data))
	require.Equal(t, 5, data.ID)
	require.Equal(t, "no-capacity", data.Status.Wait.Code)
}

func TestUntagBuild(t *testing.T) {
	user := "alice"
	tag := answers("getTag", []any{"f40"}, map[string]any{"id": 2, "name": "f40"})
	tagsOf := func(builds ...any) []any {
		var calls []any
		for _, b := range builds {
			calls = append(calls, map[string]any{"methodName": "listTags", "params": []any{b, nil, false}})
		}
		return []any{calls}
	}
	untag := func(builds ...any) []exchange {
		var calls, results []any
		for _, b := range builds {
			calls = append(calls, map[string]any{"methodName": "untagBuild", "params": []any{"f40", b}})
			results = append(results, []any{nil})
		}
		return answers("multiCall", []any{calls}, results)
	}
	in := []any{[]any{map[string]any{"id": 2, "name": "f40"}}}
	hub := newFakeHub(t, flatten(tag, answers("multiCall", tagsOf("a-1-1", "b-1-1"), []any{in, in}), untag("b-1-1", "a-1-1"))...)
	run := hub.run(t, &user, "untag-build", "-v", "f40", "a-1-1", "b-1-1")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "untagging b-1-1\nuntagging a-1-1\n", run.stdout)

	hub = newFakeHub(t, flatten(tag, answers("multiCall", tagsOf("a-1-1"), []any{[]any{[]any{}}}))...)
	run = hub.run(t, &user, "untag-build", "f40", "a-1-1")
	require.NoError(t, hub.check())
	require.Equal(t, 1, run.exit)
	require.Equal(t, "Build a-1-1 not in tag f40\n", run.stderr)

	row := func(release string, event int) map[string]any {
		return map[string]any{"name": "a", "version": "1", "release": release, "create_event": event}
	}
	filter := map[string]any{"tag": 2, "package": "a", "active": true, "__starstar": true}
	list := []any{[]any{map[string]any{"methodName": "queryHistory", "params": []any{[]any{"tag_listing"}, filter}}}}
	history := map[string]any{"tag_listing": []any{row("1", 5), row("3", 9), row("2", 7)}}
	hub = newFakeHub(t, flatten(tag, answers("multiCall", list, []any{[]any{history}}), untag("a-1-1", "a-1-2"))...)
	run = hub.run(t, &user, "untag-build", "-v", "--non-latest", "f40", "a")
	require.NoError(t, hub.check())
	require.Zero(t, run.exit, run.stderr)
	require.Equal(t, "Leaving latest build for package a: a-1-3\nuntagging a-1-1\nuntagging a-1-2\n", run.stdout)
}

// TestErrors checks that errors say what to do next.
func TestErrors(t *testing.T) {
	user := "alice"
	for name, test := range map[string]struct {
		user   *string
		args   []string
		calls  []exchange
		exit   int
		stderr []string
	}{
		"unknown command": {args: []string{"list-tagz"}, exit: 1, stderr: []string{"Unknown command: list-tagz", "Did you mean: ", "list-tags"}},
		"unknown option":  {args: []string{"list-tags", "--nosuch"}, exit: 2, stderr: []string{"Usage: toji list-tags [options] [pattern]\n", "toji: error: unknown flag: --nosuch"}},
		"no permission": {
			user: &user, args: []string{"free-task", "5"}, exit: 1,
			calls:  answers("freeTask", []any{5}, &reply{1004, "admin permission required"}),
			stderr: []string{"toji: ActionNotAllowed: admin permission required\n", "hint: `toji call getPerms`"},
		},
		"no hub":           {args: []string{"-s", "http://127.0.0.1:1/kojihub", "list-tags"}, exit: 1, stderr: []string{"connection refused", "hint: is a hub running there?"}},
		"no profile":       {args: []string{"-p", "nosuch", "list-tags"}, exit: 1, stderr: []string{"ConfigurationError", "hint: name a configuration file with -c"}},
		"no way to log in": {args: []string{"--authtype=kerberos", "--noauth=false", "list-tasks"}, exit: 1, stderr: []string{"AuthError: kerberos: ", "hint: log in with --cert"}},
		"no such source": {
			user: &user, args: []string{"build", "f40", "nosuch.src.rpm"}, exit: 1,
			calls: flatten(answers("getBuildTarget", []any{"f40"}, map[string]any{"dest_tag": 2}),
				answers("getTag", []any{2}, map[string]any{"id": 2})),
			stderr: []string{"nosuch.src.rpm: no such file; a source is an SRPM, or the URL"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newFakeHub(t, test.calls...)
			run := hub.run(t, test.user, test.args...)
			require.NoError(t, hub.check())
			require.Equal(t, test.exit, run.exit, run.stderr)
			for _, text := range test.stderr {
				require.Contains(t, run.stderr, text)
			}
		})
	}
}

func TestCompletion(t *testing.T) {
	tags := answers("listTags", []any{}, []any{map[string]any{"id": 1, "name": "f40"}, map[string]any{"id": 2, "name": "f41"}})
	targets := answers("getBuildTargets", []any{}, []any{map[string]any{"name": "f40", "build_tag_name": "f40-build", "dest_tag_name": "f40"}})
	for name, test := range map[string]struct {
		calls []exchange
		args  []string
		want  string
	}{
		"second argument": {tags, []string{"add-target", "new", ""}, "f40\nf41\n:4\n"},
		"option":          {tags, []string{"add-tag", "--parent", ""}, "f40\nf41\n:4\n"},
		"description":     {targets, []string{"build", ""}, "f40\tf40-build -> f40\n:4\n"},
		"further tags":    {tags, []string{"taginfo", "x", "y", ""}, "f40\nf41\n:4\n"},
		"hub is away":     {nil, []string{"taginfo", ""}, ":4\n"},
		"a file":          {nil, []string{"build", "f40", ""}, ":0\n"},
	} {
		t.Run(name, func(t *testing.T) {
			hub := newFakeHub(t, test.calls...)
			env := hub.env(t, nil)
			env.Args = append(env.Args, "__complete")
			env.Args = append(env.Args, test.args...)
			var stdout bytes.Buffer
			env.Stdout = &stdout
			require.Zero(t, Run(context.Background(), env))
			require.Equal(t, test.want, stdout.String())
		})
	}
}
