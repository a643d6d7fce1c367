package differential

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// hostWorld gives the builders of world.sql passwords and builder1 open tasks: a
// parent of each type and two parts, of which one's output is imported. What
// world.sql has of the RPMs in testdata gets other names.
const hostWorld = `
	UPDATE users SET password = name WHERE name IN ('builder1', 'builder2', 'bob');
	UPDATE build SET version = '0.0.' || id WHERE id BETWEEN 500301 AND 500303;
	UPDATE rpminfo SET version = '0.0.' || id WHERE build_id BETWEEN 500301 AND 500303;
	UPDATE host SET update_time = now() WHERE id < 500003;
	INSERT INTO scheduler_sys_data (name, data) VALUES ('last_run_ts', to_jsonb(date_part('epoch', now()) + 3600)); -- Koji's scheduler is not to run meanwhile
	INSERT INTO task (id, state, host_id, parent, label, owner, method, request, arch, channel_id, weight, priority, create_time, start_time)
	SELECT id, state, host, parent, label, 500001, method, E'<?xml version=''1.0''?>\n<methodCall>\n<methodName>' || method || E'</methodName>\n<params>\n' ||
		E'<param>\n<value><string>git://example.com/foo#1</string></value>\n</param>\n<param>\n<value><string>w-target</string></value>\n</param>\n</params>\n</methodCall>\n',
		arch, 1, 1.5, 20, '2025-03-01', '2025-03-01 00:01:00'
	FROM (VALUES
		(550101, 1, 500001, NULL::int, NULL, 'build', 'noarch'), (550102, 2, 500001, 550101, 'srpm', 'buildSRPMFromSCM', 'noarch'), (550103, 1, 500001, 550101, 'x86_64', 'buildArch', 'x86_64'),
		(550111, 1, 500001, NULL, NULL, 'maven', 'noarch'), (550112, 1, 500001, 550111, NULL, 'buildMaven', 'noarch'), (550113, 2, 500001, 550111, NULL, 'wrapperRPM', 'noarch'),
		(550121, 1, 500001, NULL, NULL, 'image', 'noarch'), (550122, 2, 500001, 550121, NULL, 'createImage', 'x86_64'),
		(550131, 1, 500001, NULL, NULL, 'winbuild', 'noarch'), (550132, 2, 500001, 550131, NULL, 'vmExec', 'x86_64'),
		(550141, 1, 500001, NULL, NULL, 'build', 'noarch'), (550142, 1, 500001, 550141, NULL, 'buildArch', 'x86_64'), (550151, 1, 500001, NULL, NULL, 'tagBuild', 'noarch'),
		(550161, 1, 500002, NULL, NULL, 'build', 'noarch')) v(id, state, host, parent, label, method, arch)`

// TestHosts plays builders: what they ask, and what they do with tasks,
// buildroots and builds of every type, with their files.
func TestHosts(t *testing.T) {
	w := &hosts{newTwins(t, hostWorld, "alice", "bob", "builder1", "builder2")}
	for _, user := range []string{"builder1", "builder2", "alice", ""} {
		w.ask(user)
	}
	w.as("builder1", "exclusiveSession")
	w.as("builder2", "exclusiveSession", kw("force", true))
	for _, user := range []string{"builder1", "builder2", "alice", ""} {
		w.ask(user)
	}
	t.Run("tasks", func(t *testing.T) { w.on(t).tasks() })
	t.Run("build", func(t *testing.T) { w.on(t).build() })
	t.Run("scratch", func(t *testing.T) { w.on(t).scratch() })
	t.Run("maven", func(t *testing.T) { w.on(t).maven() })
	t.Run("image", func(t *testing.T) { w.on(t).image() })
	t.Run("win", func(t *testing.T) { w.on(t).win() })
	w.on(t).host("newBuildRoot", 999999, "x86_64", 550142) // Koji takes an id for it, so it comes last
	w.as("builder1", "sharedSession")
	w.host("getID")
	t.Run("rows and files", func(t *testing.T) { w.on(t).compare() })
}

type hosts struct{ *twins }

func (w *hosts) on(t *testing.T) *hosts { w.t = t; return w }

func (w *hosts) as(user, method string, args ...any) any {
	w.t.Helper()
	return w.do(as(user, method, args...))
}

// host is a call of builder1's.
func (w *hosts) host(method string, args ...any) any {
	w.t.Helper()
	return w.as("builder1", "host."+method, args...)
}

// output puts a file into a task's output.
func (w *hosts) output(task int, name, content string) {
	w.file(fmt.Sprintf("work/tasks/%d/%d/%s", task%10000, task, name), []byte(content))
}

func (w *hosts) outputRPMs(task int, names ...string) {
	w.t.Helper()
	for _, name := range names {
		content, err := os.ReadFile("../../hub/testdata/rpms/" + name)
		require.NoError(w.t, err)
		w.output(task, name, string(content))
	}
}

// ask makes the calls whose answers depend on who asks.
func (w *hosts) ask(user string) {
	w.t.Helper()
	for _, method := range []string{
		"getLoggedInUser", "getPerms", "getUser", "getBuildNotifications", "getBuildNotificationBlocks", "listSideTags", "host.getID", "host.getHost",
		"host.isEnabled", "host.getTasks", "host.getHostTasks", "host.getLoadData", "showOpts", "getSessionInfo", "getUserPerms",
	} {
		w.as(user, method)
	}
	for _, args := range [][]any{
		{"hasPerm", "admin"}, {"hasPerm", "tag"}, {"hasPerm", "nope"}, {"hasPerm", "nope", true}, {"getUserGroups", user}, {"getUserPerms", kw("with_groups", false)},
		{"checkTagAccess", "w-locked"}, {"checkTagAccess", "w-perm"}, {"getSessionInfo", true}, {"getSessionInfo", kw("user_id", 500002)}, {"showOpts", kw("as_string", false)},
		{"host.evalPolicy", "tag", map[string]any{"tag": "w-base", "build": 500001}}, {"host.checkPolicy", "tag", map[string]any{"tag": "w-base", "build": 500001}},
		{"host.checkPolicy", "nope", map[string]any{}}, {"host.checkPolicy", "nope", map[string]any{}, "allow"}, {"host.assertPolicy", "nope", map[string]any{}},
		{"host.assertPolicy", "build_from_srpm", map[string]any{"user_id": 500001}}, {"host.openTask", 550161}, {"host.setTaskWeight", 550101, 1.5},
	} {
		w.as(user, args[0].(string), args[1:]...)
	}
}

func result(t *testing.T, v any) string {
	t.Helper()
	text, err := xmlrpc.MarshalResult(v)
	require.NoError(t, err)
	return text
}

// tasks opens, splits, waits for, frees, refuses and ends tasks.
func (w *hosts) tasks() {
	id := w.as("kojiadmin", "makeTask", "shell", []any{"true"}, kw("arch", "x86_64"))
	w.host("openTask", id) // nobody has assigned it
	w.exec(fmt.Sprintf(`UPDATE task SET state = 4, host_id = 500001, start_time = NULL WHERE id = %d`, id))
	w.host("getHostTasks")
	w.host("getTasks")
	w.as("builder2", "host.openTask", id)
	w.host("openTask", id)
	w.host("openTask", id)
	w.host("openTask", 999999)
	w.host("setTaskWeight", id, 2.5)
	w.host("setTaskWeight", 550161, 2.5)
	w.host("setTaskWeight", 999999, 2.5)
	first := w.host("subtask", "sleep", []any{1}, id, kw("label", "one", "arch", "x86_64"))
	second := w.host("subtask2", id, map[string]any{"label": "two", "weight": 3.5}, "sleep", 2)
	third := w.host("subtask2", id, map[string]any{}, "sleep", kw("n", 2))
	w.host("subtask", "sleep", []any{1}, 550161)
	w.host("subtask", "sleep", []any{1}, id, kw("nope", 1))
	w.host("subtask", "sleep", []any{1}, id, kw("channel", "nope"))
	w.host("taskWait", id)
	w.host("taskSetWait", id, []any{first, second})
	w.host("taskWait", id)
	w.host("taskWait", 550161)
	w.host("taskWaitResults", id, []any{first, second})
	w.exec(fmt.Sprintf(`UPDATE task SET state = 4, host_id = 500001 WHERE parent = %d`, id))
	for _, sub := range []any{first, second, third} {
		w.host("openTask", sub)
	}
	w.host("closeTask", first, result(w.t, map[string]any{"b": int64(1), "a": []any{}}))
	w.host("taskWait", id)
	w.host("failTask", second, xmlrpc.MarshalFault(1005, "it failed"))
	w.host("closeTask", second, result(w.t, "again"))
	w.host("taskWait", id)
	w.host("taskWaitResults", id, []any{first})
	w.host("taskWaitResults", id, []any{first, second})
	w.host("taskWaitResults", id, []any{first, second}, kw("canfail", []any{second}))
	w.host("taskWaitResults", id, []any{first, third})
	w.host("taskWaitResults", id, nil)
	w.host("taskSetWait", id, nil)
	w.host("taskWait", id)
	w.host("refuseTask", third, true, "no room")
	w.host("refuseTask", third)
	w.host("refuseTask", 999999)
	w.host("freeTasks", []any{third, 550161})
	w.host("freeTasks", []any{999999})
	w.host("closeTask", id, result(w.t, "late"))
	w.host("updateHost", 1.25, true)
	w.host("updateHost", 1.25, false, map[string]any{"methods": []any{"build"}, "mem": int64(1) << 33})
	w.host("setHostData", map[string]any{"x": []any{nil, true}})
	w.host("setHostData", `{"y": 1}`)
	w.host("setHostData", "{")
	w.host("getLoadData")
	w.host("getTasks", 1)
	w.as("", "scheduler.getHostData", kw("hostID", 500001))
	w.as("", "getTaskDescendents", id, kw("request", true))
}

// buildroot makes a buildroot of a task's and fills it.
func (w *hosts) buildroot(task int) any {
	root := w.host("newBuildRoot", 500001, "x86_64", task)
	w.host("newBuildRoot", 500001, "x86_64", 550161)
	w.host("setBuildRootState", root, "INIT", task)
	w.host("setBuildRootState", root, 1, task)
	w.host("setBuildRootState", root, "NOPE", task)
	list := []any{}
	for _, name := range []string{"w-pkg-01", "w-pkg-02"} {
		list = append(list, map[string]any{"name": name, "version": "1", "release": "1", "arch": "x86_64", "epoch": nil, "size": 1, "payloadhash": "x", "sigmd5": "x", "buildtime": 1})
	}
	w.host("setBuildRootList", root, list[:1], task)
	w.host("updateBuildRootList", root, list, task)
	w.host("updateBuildRootList", root, []any{map[string]any{"name": "nope", "version": "1", "release": "1", "arch": "x86_64", "epoch": nil}}, task)
	w.host("setBuildRootList", root, list, task)
	w.host("setBuildRootState", root, "BUILDING", 550161)
	w.host("setBuildRootState", root, "BUILDING", task)
	w.as("builder2", "host.setBuildRootState", root, 3)
	w.as("", "getBuildroot", root)
	w.as("", "listRPMs", kw("componentBuildrootID", root, "queryOpts", map[string]any{"order": "id"}))
	return root
}

// build builds RPMs.
func (w *hosts) build() {
	data := map[string]any{"name": "foo", "version": "1.0", "release": "1", "epoch": nil, "task_id": 550101, "source": "git://example.com/foo#1", "extra": map[string]any{"source": map[string]any{"original_url": "x"}}}
	id := w.host("initBuild", data)
	w.host("initBuild", data)
	w.host("initBuild", map[string]any{"name": "foo", "version": "1.0", "release": "1", "epoch": nil, "task_id": 550161})
	w.host("initBuild", map[string]any{"name": "foo", "task_id": 550101})
	w.host("initBuild", map[string]any{"name": "w-pkg-01", "version": "1", "release": "1", "epoch": nil, "task_id": 550101})
	root := w.buildroot(550103)
	w.outputRPMs(550102, "foo-1.0-1.src.rpm")
	w.output(550102, "checkout.log", "out\n")
	w.outputRPMs(550103, "foo-1.0-1.x86_64.rpm", "foo-devel-1.0-1.x86_64.rpm")
	w.output(550103, "build.log", "built\n")
	w.host("setBuildRootState", root, "EXPIRED", 550103)
	at := func(task int, name string) any { return fmt.Sprintf("tasks/%d/%d/%s", task%10000, task, name) }
	rpms := []any{at(550103, "foo-1.0-1.x86_64.rpm"), at(550103, "foo-devel-1.0-1.x86_64.rpm")}
	brmap := map[string]any{at(550103, "foo-1.0-1.x86_64.rpm").(string): root, at(550103, "foo-devel-1.0-1.x86_64.rpm").(string): root}
	logs := map[string]any{"x86_64": []any{at(550103, "build.log")}, "noarch": []any{at(550102, "checkout.log")}}
	w.host("completeBuild", 550101, id, at(550102, "nope.src.rpm"), rpms, brmap, logs)
	w.host("completeBuild", 550161, id, at(550102, "foo-1.0-1.src.rpm"), rpms, brmap, logs)
	w.host("completeBuild", 550101, 999999, at(550102, "foo-1.0-1.src.rpm"), rpms, brmap, logs)
	w.host("completeBuild", 550101, id, at(550102, "foo-1.0-1.src.rpm"), rpms, brmap, logs)
	w.host("failBuild", 550101, id)
	w.host("tagBuild", 550151, "w-base", id)
	w.host("tagBuild", 550142, "w-base", id)
	w.host("tagBuild", 550151, "w-updates", id, false, "w-base")
	w.host("tagBuild", 550151, "nope", id)
	w.host("closeTask", 550103, result(w.t, map[string]any{"rpms": rpms}))
	w.host("closeTask", 550101, result(w.t, id))
	failed := w.host("initBuild", map[string]any{"name": "foo", "version": "1.1", "release": "1", "epoch": nil, "task_id": 550141})
	w.host("failBuild", 550141, failed)
	w.host("failBuild", 550141, failed)
	w.host("failTask", 550141, xmlrpc.MarshalFault(1005, "no"))
	w.as("", "getBuild", id)
	w.as("", "getBuild", failed)
	w.as("", "listBuildRPMs", id)
	w.as("", "getBuildLogs", id)
}

// scratch keeps the output of a task apart.
func (w *hosts) scratch() {
	w.outputRPMs(550142, "foo-1.1-1.src.rpm", "foo-1.1-1.x86_64.rpm")
	w.output(550142, "build.log", "built\n")
	w.exec(`UPDATE task SET request = replace(request, '</params>', E'<param>\n<value><struct>\n<member>\n<name>scratch</name>\n<value><boolean>1</boolean></value>\n</member>\n</struct></value>\n</param>\n</params>'),
		state = 1, host_id = 500001 WHERE id = 550141`)
	w.host("moveBuildToScratch", 550141, "tasks/142/550142/foo-1.1-1.src.rpm", []any{"tasks/142/550142/foo-1.1-1.x86_64.rpm"}, kw("logs", map[string]any{"x86_64": []any{"tasks/142/550142/build.log"}}))
	w.host("moveBuildToScratch", 550161, "tasks/142/550142/foo-1.1-1.src.rpm", []any{})
}

// maven builds archives and wraps them.
func (w *hosts) maven() {
	maven := map[string]any{"group_id": "g", "artifact_id": "a", "version": "1.0"}
	info := map[string]any{"name": "g-a", "version": "1.0", "release": "9", "epoch": nil}
	data, ok := w.host("initMavenBuild", 550111, info, maven).(map[string]any)
	require.True(w.t, ok)
	root := w.host("newBuildRoot", 500001, "x86_64", 550112)
	files := []any{map[string]any{"filename": "w-maven-1.0.jar", "size": 100}}
	w.host("updateMavenBuildRootList", root, 550112, []any{map[string]any{"maven_info": map[string]any{"group_id": "org.example", "artifact_id": "w-maven", "version": "1.0"}, "files": files}})
	w.host("updateBuildrootArchives", root, 550112, []any{map[string]any{"id": 500001}})
	w.output(550112, "g/a/1.0/a-1.0.jar", "PK")
	w.output(550112, "g/a/1.0/a-1.0.jar.md5", "wrong")
	w.output(550112, "g/b/1.0/b-1.0.pom", `<project><groupId>g</groupId><artifactId>b</artifactId><version>1.0</version></project>`)
	w.output(550112, "g/b/1.0/b-1.0.jar", "PK")
	w.output(550112, "build.log", "log")
	w.output(550113, "root.log", "log")
	w.outputRPMs(550113, "baz-0.9-1.src.rpm", "baz-0.9-1.noarch.rpm")
	results := map[string]any{"task_id": 550112, "buildroot_id": root, "logs": []any{"build.log"}, "files": map[string]any{
		"g/a/1.0": []any{"a-1.0.jar", "a-1.0.jar.md5"}, "g/b/1.0": []any{"b-1.0.pom", "b-1.0.jar"}}}
	wrapped := map[string]any{"task_id": 550113, "buildroot_id": nil, "srpm": "baz-0.9-1.src.rpm", "rpms": []any{"baz-0.9-1.noarch.rpm"}, "logs": []any{"root.log"}}
	w.host("completeMavenBuild", 550111, data["id"], map[string]any{"task_id": 550112, "buildroot_id": root, "logs": []any{}, "files": map[string]any{"x": []any{"y.exotic"}}}, nil)
	w.host("completeMavenBuild", 550111, data["id"], results, nil)
	w.host("importWrapperRPMs", 550111, data["id"], wrapped)
	w.as("", "getBuild", data["id"])
	w.as("", "getBuildType", data["id"])
	w.as("", "listArchives", data["id"], kw("queryOpts", map[string]any{"order": "id"}))
	w.as("", "listArchives", kw("buildrootID", root, "queryOpts", map[string]any{"order": "id"}))
	w.as("", "listBuildRPMs", data["id"])
}

// image builds images.
func (w *hosts) image() {
	info := map[string]any{"name": "disk", "version": "40", "release": "3", "epoch": nil}
	data, ok := w.host("initImageBuild", 550121, info).(map[string]any)
	require.True(w.t, ok)
	w.output(550122, "disk.qcow2", "image")
	w.output(550122, "disk.xml", "<domain/>")
	w.output(550122, "build.log", "log")
	rpm := map[string]any{"name": "w-pkg-01", "version": "1", "release": "1", "arch": "x86_64", "epoch": nil, "size": 1, "payloadhash": "x", "sigmd5": "x", "buildtime": 1}
	results := map[string]any{
		"x86_64": map[string]any{"task_id": 550122, "arch": "x86_64", "files": []any{"disk.qcow2", "disk.xml"}, "logs": []any{"build.log"}, "rpmlist": []any{rpm}},
		"i686":   map[string]any{},
	}
	w.host("completeImageBuild", 550121, data["id"], results)
	w.as("", "getBuild", data["id"])
	w.as("", "listArchives", data["id"], kw("queryOpts", map[string]any{"order": "id"}))
	w.as("", "getBuildLogs", data["id"])
}

// win builds for Windows.
func (w *hosts) win() {
	info := map[string]any{"name": "w-win", "version": "9.0", "release": "1", "epoch": nil}
	data, ok := w.host("initWinBuild", 550131, info, map[string]any{"platform": "xp"}).(map[string]any)
	require.True(w.t, ok)
	root := w.host("newBuildRoot", 500001, "x86_64", 550131)
	w.output(550132, "bin/w.exe", "MZ")
	w.output(550132, "w.zip", "PK")
	w.output(550132, "logs/build.log", "log")
	output := func(names ...string) map[string]any {
		files := map[string]any{}
		for _, name := range names {
			files[name] = map[string]any{"platforms": []any{"x86", "x64"}, "flags": []any{strings.ToUpper(name)}}
		}
		return map[string]any{"task_id": 550132, "buildroot_id": root, "output": files, "logs": []any{"logs/build.log"}}
	}
	w.host("completeWinBuild", 550131, data["id"], output("nope.exe"), nil)
	w.host("completeWinBuild", 550131, data["id"], output("bin/w.exe"), nil)
	w.as("", "getBuild", data["id"])
	w.as("", "listArchives", data["id"], kw("type", "win", "queryOpts", map[string]any{"order": "id"}))
	w.as("", "getBuildLogs", data["id"])
}
