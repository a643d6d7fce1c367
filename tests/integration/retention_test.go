package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// atOnce is a configuration with which nothing is kept.
const atOnce = `
[retention]
every = "0s"
pause = "0s"
failed_tasks = "1ms"
closed_tasks = "1ms"
scratch = "1ms"

[gc]
enabled = true
every = "0s"
delay = "0s"
grace_period = "0s"
pkg_filter = ["hello-*"]
tag_filter = ["kept-*"]
policy = "order > 0 :: untag"
`

// reconfigure adds to the hub's configuration for the time of the test.
func (l *lab) reconfigure(t *testing.T, more string) {
	t.Helper()
	file := filepath.Join(l.Dir, "hub.toml")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(file, append(before, more...), 0o600))
	l.restartHub(t)
	t.Cleanup(func() {
		require.NoError(t, os.WriteFile(file, before, 0o600))
		l.restartHub(t)
	})
}

func (l *lab) restartHub(t *testing.T) {
	t.Helper()
	const hub = "hub --config"
	before, err := l.Child(hub)
	require.NoError(t, err)
	require.NoError(t, l.KillChild(hub))
	await(t, "another hub", func() bool {
		after, err := l.Child(hub)
		return err == nil && after.PID != before.PID
	})
	_, err = l.Client.Call(context.WithoutCancel(t.Context()), api.GetAPIVersion.Name, nil) // it waits for the hub
	require.NoError(t, err)
}

// command runs toji as the admin and returns what it prints.
func (l *lab) command(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command(l.toji, append([]string{"-c", filepath.Join(l.Dir, "koji.conf"), "-p", "toji"}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	return string(out)
}

// done lists what a report of --json says was done: action and subject.
func done(t *testing.T, report string) []string {
	t.Helper()
	var r struct {
		Failures []string
		Items    []struct{ Action, Subject string }
	}
	require.NoError(t, json.Unmarshal([]byte(report), &r), report)
	require.Empty(t, r.Failures)
	list := []string{}
	for _, i := range r.Items {
		list = append(list, i.Action+" "+i.Subject)
	}
	return list
}

// Builds and the output of tasks go when their time has come, whatever dies in
// between.
func TestRetention(t *testing.T) {
	l := start(t)
	one, two, idle := l.srpm(t, "hello-noarch", 0), l.srpm(t, "hello-noarch", 0), l.srpm(t, "hello-noarch", 0)
	call(t, l, api.CreateTag, api.CreateTagParams{Name: "kept-1"})
	call(t, l, api.CreateTag, api.CreateTagParams{Name: "trashcan"})
	for _, s := range []source{one, two, idle} {
		l.closed(t, l.build(t, s, "plain", nil))
		if s != idle {
			call(t, l, api.MassTag, api.MassTagParams{Tag: "kept-1", Builds: []any{s.nvr}})
		}
		call(t, l, api.UntagBuild, api.UntagBuildParams{Tag: "plain", Build: s.nvr, Strict: true})
	}
	scratch := l.build(t, l.srpm(t, "hello-noarch", 0), "plain", map[string]any{"scratch": true})
	l.closed(t, scratch)
	failed := l.build(t, l.srpm(t, "fail-build", 0), "plain", nil)
	l.failed(t, failed)
	logs := filepath.Join(l.Env["TOJI_TOPDIR"], "work", koji.PathInfo{}.TaskRel(l.child(t, failed, "buildArch").ID))
	require.FileExists(t, logs+"/build.log")
	builds := filepath.Join(l.Env["TOJI_TOPDIR"], "packages/hello-noarch")

	l.reconfigure(t, atOnce)
	plan := done(t, l.command(t, "gc", "--dry-run", "--json"))
	require.Contains(t, plan, "untag "+one.nvr+" from kept-1")
	require.Contains(t, plan, "trash "+idle.nvr)
	require.Equal(t, plan, done(t, l.command(t, "gc", "-n", "--json")), "a dry run changes nothing")
	require.Contains(t, done(t, l.command(t, "gc", "run", "--json")), "trash "+one.nvr)

	run := strings.TrimSpace(l.command(t, "gc", "run", "--nowait", "--step", "delete"))
	l.restartHub(t)
	await(t, "the end of the run", func() bool {
		return l.count(t, `SELECT count(*) FROM toji.retention_run WHERE id = $1::int AND ended IS NOT NULL`, run) == 1
	})
	require.ElementsMatch(t, []string{"delete " + one.nvr, "delete " + idle.nvr}, mentioning(done(t, l.command(t, "gc", "report", run, "--json")), one.nvr, idle.nvr))
	require.Equal(t, koji.BuildDeleted, l.buildOf(t, one.nvr).State)
	require.Equal(t, koji.BuildComplete, l.buildOf(t, two.nvr).State)
	require.DirExists(t, filepath.Join(builds, "1.0", two.release))
	_, err := l.db.Exec(t.Context(), `UPDATE toji.removal SET since = now() - interval '1 hour'`)
	require.NoError(t, err)
	l.command(t, "retention", "run", "--step", "leftovers")
	await(t, "the files being gone", func() bool {
		_, err := os.Stat(filepath.Join(builds, "1.0", one.release))
		return os.IsNotExist(err)
	})

	swept := done(t, l.command(t, "retention", "run", "--json"))
	require.Contains(t, swept, fmt.Sprintf("remove scratch/admin/task_%d", scratch))
	require.NoDirExists(t, logs)
}

func mentioning(lines []string, words ...string) (found []string) {
	for _, line := range lines {
		for _, word := range words {
			if strings.HasSuffix(line, word) {
				found = append(found, line)
			}
		}
	}
	return found
}

// The tools that clean up beside Koji's hub work beside this one:
//
//	KOJI_SOURCE=/src/koji-1.35 go test ./tests/integration -run TestKojisCleaners
func TestKojisCleaners(t *testing.T) {
	source := os.Getenv("KOJI_SOURCE")
	if source == "" {
		t.Skip("KOJI_SOURCE names no source tree of Koji")
	}
	l := start(t)
	s := l.srpm(t, "hello-noarch", 0)
	l.closed(t, l.build(t, s, "plain", nil))
	call(t, l, api.UntagBuild, api.UntagBuildParams{Tag: "plain", Build: s.nvr, Strict: true})
	scratch := l.build(t, l.srpm(t, "hello-noarch", 0), "plain", map[string]any{"scratch": true})
	l.closed(t, scratch)
	if l.count(t, `SELECT count(*) FROM tag WHERE name = 'trashcan'`) == 0 {
		call(t, l, api.CreateTag, api.CreateTagParams{Name: "trashcan"})
	}
	dir := t.TempDir()
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		return file
	}
	tool := func(name string, args ...string) string {
		cmd := exec.Command("/usr/bin/python3", append([]string{filepath.Join(source, "util", name)}, args...)...)
		cmd.Env = append(os.Environ(), "PYTHONPATH="+source)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	tls := filepath.Join(l.Dir, "tls")
	conf := write("gc.conf", "[main]\nunprotected_keys = x\n[prune]\npolicy =\n    order >= 0 :: keep\n")
	said := tool("koji-gc", "-c", conf, "-s", l.Env["TOJI_TLS_URL"]+"/kojihub", "--cert", tls+"/admin.pem", "--serverca", tls+"/ca.pem",
		"--email-template", write("mail", "${builds}"), "--no-mail", "--lock-file", dir+"/lock", "--pkg", "hello-*",
		"--delay", "0 seconds", "--grace-period", "0 seconds", "--action", "prune,trash,salvage,delete")
	require.Contains(t, said, "Deleted build: "+s.nvr)
	require.Equal(t, koji.BuildDeleted, l.buildOf(t, s.nvr).State)

	dsn := strings.ReplaceAll(l.Env["TOJI_DATABASE"], "'", "")
	said = tool("koji-sweep-db", "-v", "-c", write("hub.conf", "[hub]\nDBConnectionString = "+dsn+"\n"), "--config-dir", dir+"/none",
		"--force", "--scratch-builds", "--scratch-builds-age", "0", "--tag-notifications", "--tag-notifications-age", "0", "--buildroots", "--logs-age", "0")
	require.Contains(t, said, "scratch build tasks")
	require.Zero(t, l.count(t, `SELECT count(*) FROM task WHERE id = $1 OR parent = $1`, scratch))
	again := l.srpm(t, "hello-noarch", 0)
	l.closed(t, l.build(t, again, "plain", nil))
	l.completed(t, again.nvr, "plain", 2)
}
