package hub

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// newOtherLife is a hub that builds with everything, with a task 100 that host 1
// has open, its subtasks 110 and 111, and a task 200 of another host.
func newOtherLife(t *testing.T, method string) (*life, context.Context) {
	t.Helper()
	l := newLifeOf(t, newTestHub(t, withEverything))
	_, err := l.Store.Exec(t.Context(), `
		UPDATE task SET method = '`+method+`' WHERE id = 100;
		INSERT INTO users (id, name, status, usertype) VALUES (4, 'builder2', 0, 1);
		INSERT INTO host (id, user_id, name) VALUES (2, 4, 'builder2');
		INSERT INTO task (id, state, owner, method, request, arch, channel_id, host_id, weight, parent) VALUES
			(110, 2, 2, 'sub', '', 'noarch', 1, 1, 1, 100), (111, 2, 2, 'sub', '', 'noarch', 1, 1, 1, 100),
			(200, 1, 2, 'image', '', 'noarch', 1, 2, 1, NULL)`)
	require.NoError(t, err)
	return l, asHost(t, 1)
}

// output puts a file into a task's output.
func (l *life) output(task int64, name, content string) {
	l.t.Helper()
	l.uploadText(l.Paths.TaskRel(task), name, content)
}

func (l *life) outputRPMs(task int64, rpms ...string) { l.upload(l.Paths.TaskRel(task), rpms...) }

// exists checks that there are regular files below the top directory.
func (l *life) exists(dir string, names ...string) {
	l.t.Helper()
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(l.Paths.TopDir, dir, name))
		require.NoError(l.t, err)
		require.True(l.t, info.Mode().IsRegular(), name)
	}
}

func (l *life) column(sql string, args ...any) []string {
	l.t.Helper()
	list, err := database.All[string](l.t.Context(), l.Store.DB, sql, args...)
	require.NoError(l.t, err)
	return list
}

func TestImageBuilds(t *testing.T) {
	l, host := newOtherLife(t, "image")
	foo, err := l.init(101, "foo", "1.0") // of which the images hold an RPM
	require.NoError(t, err)
	_, err = l.Store.Exec(t.Context(), `INSERT INTO rpminfo (build_id, name, version, release, arch, external_repo_id, draft, buildtime, payloadhash, size)
		VALUES ($1, 'foo', '1.0', '1', 'x86_64', 0, false, 0, 'aa', 1)`, foo)
	require.NoError(t, err)

	info := map[string]any{"name": "disk", "version": "40", "epoch": nil}
	data := must(t, host, l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 100, BuildInfo: info})
	require.Equal(t, "1", data["release"])
	again := must(t, host, l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 100, BuildInfo: info})
	require.Equal(t, data["id"], again["id"], "the task begins anew")
	id := data["id"].(int64)

	l.output(110, "disk.x86_64.qcow2", "image")
	l.output(110, "disk.x86_64.xml", "<domain/>")
	l.output(110, "build.log", "log")
	l.output(111, "disk.i686.qcow2", "image")
	l.output(111, "build.log", "log")
	results := map[string]api.ImageResults{
		"x86_64": {TaskID: new(int64(110)), Arch: "x86_64", Files: []string{"disk.x86_64.qcow2", "disk.x86_64.xml"},
			RPMList: []api.InstalledRPM{{Name: "foo", Version: "1.0", Release: "1", Arch: "x86_64"}}},
		"i686":  {TaskID: new(int64(111)), Arch: "i686", Files: []string{"disk.i686.qcow2"}},
		"s390x": {}, // failed
	}
	complete := api.CompleteImageBuildParams{TaskID: 100, BuildID: id, Results: results}
	must(t, host, l.Hub, api.HostCompleteImageBuild, complete)
	must(t, host, l.Hub, api.HostCompleteImageBuild, complete) // once more does no harm
	b := must(t, host, l.Hub, api.GetBuild, api.BuildParams{BuildInfo: id})
	require.Equal(t, koji.BuildComplete, b.State)
	require.Contains(t, must(t, host, l.Hub, api.GetBuildType, api.BuildParams{BuildInfo: id}), "image")
	l.exists("packages/disk/40/1", "images/disk.x86_64.qcow2", "images/disk.x86_64.xml", "images/disk.i686.qcow2",
		"data/logs/image/build.log", "data/logs/image/x86_64/build.log")
	require.Equal(t, []string{"disk.i686.qcow2 i686 0", "disk.x86_64.qcow2 x86_64 1", "disk.x86_64.xml x86_64 0"},
		l.column(`SELECT concat_ws(' ', filename, arch, (SELECT count(*) FROM archive_rpm_components c WHERE c.archive_id = a.id))
			FROM archiveinfo a JOIN image_archives ON archive_id = id ORDER BY filename`))

	next := must(t, asHost(t, 2), l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 200, BuildInfo: info})
	require.Equal(t, "2", next["release"])
}

func TestMavenBuilds(t *testing.T) {
	l, host := newOtherLife(t, "maven")
	data := must(t, host, l.Hub, api.HostInitMavenBuild, api.InitMavenBuildParams{TaskID: 100,
		BuildInfo: map[string]any{"name": "g-a", "version": "1.0", "release": "9", "epoch": nil},
		MavenInfo: map[string]any{"group_id": "g", "artifact_id": "a", "version": "1.0"}})
	require.Equal(t, "1", data["release"])
	id := data["id"].(int64)
	l.output(110, "g/a/1.0/a-1.0.jar", "PK")
	l.output(110, "g/a/1.0/a-1.0.jar.md5", "wrong")
	l.output(110, "g/b/1.0/b-1.0.pom", `<project><groupId>g</groupId><artifactId>b</artifactId><version>1.0</version></project>`)
	l.output(110, "g/b/1.0/b-1.0.jar", "PK")
	l.output(110, "g/a/maven-metadata.xml", "<metadata/>")
	l.output(110, "build.log", "log")
	l.outputRPMs(111, "baz-0.9-1.src.rpm", "baz-0.9-1.noarch.rpm")
	l.output(111, "root.log", "log")
	params := api.CompleteMavenBuildParams{TaskID: 100, BuildID: id,
		Results: api.MavenResults{TaskID: 110, Logs: []string{"build.log"}, Files: map[string][]string{
			"g/a/1.0": {"a-1.0.jar", "a-1.0.jar.md5"}, "g/b/1.0": {"b-1.0.pom", "b-1.0.jar"}, "g/a": {"maven-metadata.xml"}}},
		RPMs: &api.WrapperRPMs{TaskID: 111, SRPM: "baz-0.9-1.src.rpm", RPMs: []string{"baz-0.9-1.noarch.rpm"}, Logs: []string{"root.log"}}}
	bad := params
	bad.Results.Files = map[string][]string{"g/a/1.0": {"a-1.0.exotic"}}
	refused(t, host, l.Hub, api.HostCompleteMavenBuild, bad, koji.FaultBuild, "unsupported file type: a-1.0.exotic")
	bad.Results.Files = map[string][]string{"g": {"a.pom", "b.pom"}}
	refused(t, host, l.Hub, api.HostCompleteMavenBuild, bad, koji.FaultBuild, "multiple .pom files in g: a.pom, b.pom")
	bad.Results.Files = map[string][]string{"../../../../etc": {"passwd.jar"}}
	refused(t, host, l.Hub, api.HostCompleteMavenBuild, bad, koji.FaultGeneric, `invalid path: "tasks/110/110/../../../../etc/passwd.jar"`)
	must(t, host, l.Hub, api.HostCompleteMavenBuild, params)
	l.exists("packages/g-a/1.0/1", "maven/g/a/1.0/a-1.0.jar", "maven/g/a/1.0/a-1.0.jar.sha1", "maven/g/b/1.0/b-1.0.pom",
		"maven/g/a/maven-metadata.xml", "maven/g/a/maven-metadata.xml.md5", "data/logs/maven/build.log", "data/logs/noarch/root.log",
		"noarch/baz-0.9-1.noarch.rpm", "src/baz-0.9-1.src.rpm")
	require.Equal(t, []string{"a-1.0.jar g:a:1.0", "b-1.0.jar g:b:1.0", "b-1.0.pom g:b:1.0"},
		l.column(`SELECT filename || ' ' || concat_ws(':', group_id, artifact_id, version) FROM archiveinfo JOIN maven_archives ON archive_id = id ORDER BY filename`))
	refused(t, host, l.Hub, api.HostImportWrapperRPMs, api.ImportWrapperRPMsParams{TaskID: 100, BuildID: id}, koji.FaultGeneric,
		"wrapper rpms for g-a-1.0-1 have already been imported")
}

func TestWindowsBuilds(t *testing.T) {
	l, host := newOtherLife(t, "winbuild")
	data := must(t, host, l.Hub, api.HostInitWinBuild, api.InitWinBuildParams{TaskID: 100,
		BuildInfo: map[string]any{"name": "win", "version": "1", "release": "3", "epoch": nil}, WinInfo: map[string]any{"platform": "win10"}})
	id := data["id"].(int64)
	require.Equal(t, "3", data["release"])
	l.output(110, "bin/tool.zip", "PK")
	l.output(110, "logs/build.log", "log")
	params := api.CompleteWinBuildParams{TaskID: 100, BuildID: id, Results: api.WinResults{TaskID: 110, Logs: []string{"logs/build.log"},
		Output: map[string]map[string]any{"bin/tool.zip": {"platforms": []any{"x86"}, "flags": []any{"chk"}}}}}
	must(t, host, l.Hub, api.HostCompleteWinBuild, params)
	l.exists("packages/win/1/3", "win/bin/tool.zip", "data/logs/win/logs/build.log")
	require.Equal(t, []string{"bin x86 chk"}, l.column(`SELECT concat_ws(' ', relpath, platforms, flags) FROM win_archives`))

	l.outputRPMs(100, "baz-0.9-1.src.rpm", "baz-0.9-1.noarch.rpm")
	must(t, host, l.Hub, api.HostImportWrapperRPMs, api.ImportWrapperRPMsParams{TaskID: 100, BuildID: id,
		RPMs: api.WrapperRPMs{SRPM: "baz-0.9-1.src.rpm", RPMs: []string{"baz-0.9-1.noarch.rpm"}}})
	l.exists("packages/win/1/3", "noarch/baz-0.9-1.noarch.rpm")
}

func TestOtherScratchBuilds(t *testing.T) {
	l, host := newOtherLife(t, "image")
	for _, name := range []string{"a.qcow2", "a.log", "g/a.jar", "bin/t.zip"} {
		l.output(110, name, "x")
	}
	l.outputRPMs(111, "baz-0.9-1.src.rpm")
	rpms := &api.WrapperRPMs{TaskID: 111, SRPM: "baz-0.9-1.src.rpm"}
	must(t, host, l.Hub, api.HostMoveImageToScratch, api.MoveImageToScratchParams{TaskID: 100, Results: map[string]api.ImageResults{
		"x86_64": {TaskID: new(int64(110)), Files: []string{"a.qcow2"}, Logs: []string{"a.log"}, RPMs: rpms}, "s390x": {}}})
	l.exists("scratch/labuser/task_110", "a.qcow2", "a.log", "rpms/baz-0.9-1.src.rpm")
	must(t, host, l.Hub, api.HostMoveMavenToScratch, api.MoveMavenToScratchParams{TaskID: 100,
		Results: api.MavenResults{TaskID: 110, Files: map[string][]string{"g": {"a.jar"}}}})
	must(t, host, l.Hub, api.HostMoveWinToScratch, api.MoveWinToScratchParams{TaskID: 100,
		Results: api.WinResults{TaskID: 110, Output: map[string]map[string]any{"bin/t.zip": nil}}})
	l.exists("scratch/labuser/task_100", "g/a.jar", "bin/t.zip")
}

// Every method is refused to others than the host that has the task open, and for
// builds and files that are not the task's.
func TestOtherBuildRefusals(t *testing.T) {
	l, host := newOtherLife(t, "image")
	own := must(t, host, l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 100,
		BuildInfo: map[string]any{"name": "disk", "version": "1", "epoch": nil}})["id"].(int64)
	others := must(t, asHost(t, 2), l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 200,
		BuildInfo: map[string]any{"name": "disk", "version": "2", "epoch": nil}})["id"].(int64)
	info := map[string]any{"name": "x", "version": "1", "release": "1", "epoch": nil}
	none := map[string]any{}
	maven, win := map[string]any{"task_id": int64(110), "files": none, "logs": []any{}}, map[string]any{"task_id": int64(110), "output": none, "logs": []any{}}
	for method, args := range map[string]func(task, build int64) []any{
		"host.initImageBuild":           func(task, _ int64) []any { return []any{task, info} },
		"host.initMavenBuild":           func(task, _ int64) []any { return []any{task, info, none} },
		"host.initWinBuild":             func(task, _ int64) []any { return []any{task, info, none} },
		"host.completeImageBuild":       func(task, build int64) []any { return []any{task, build, none} },
		"host.importImage":              func(task, build int64) []any { return []any{task, map[string]any{"id": build}, none} },
		"host.completeMavenBuild":       func(task, build int64) []any { return []any{task, build, maven, nil} },
		"host.completeWinBuild":         func(task, build int64) []any { return []any{task, build, win, nil} },
		"host.importWrapperRPMs":        func(task, build int64) []any { return []any{task, build, none} },
		"host.moveImageBuildToScratch":  func(task, _ int64) []any { return []any{task, none} },
		"host.moveMavenBuildToScratch":  func(task, _ int64) []any { return []any{task, maven, nil} },
		"host.moveWinBuildToScratch":    func(task, _ int64) []any { return []any{task, win, nil} },
		"host.updateBuildrootArchives":  func(task, _ int64) []any { return []any{int64(1), task, []any{}} },
		"host.updateMavenBuildRootList": func(task, _ int64) []any { return []any{int64(1), task, []any{}} },
	} {
		t.Run(method, func(t *testing.T) {
			for _, c := range []struct {
				as    context.Context
				task  int64
				fault int
				text  string
			}{
				{t.Context(), 100, koji.FaultAuth, "Not logged-in"},
				{asAdmin(t), 100, koji.FaultAuth, "User 1 is not a host"},
				{asHost(t, 2), 100, koji.FaultActionNotAllowed, "host 2 does not own task 100"},
				{host, 110, koji.FaultActionNotAllowed, "host 1 does not own task 110"},
				{host, 999, koji.FaultGeneric, "No such task: 999"},
			} {
				_, err := l.Caller().Call(c.as, method, args(c.task, own))
				require.EqualError(t, err, c.text)
				require.Equal(t, c.fault, koji.FaultOf(err))
			}
		})
	}
	disk := api.CompleteImageBuildParams{TaskID: 100, BuildID: others}
	refused(t, host, l.Hub, api.HostCompleteImageBuild, disk, koji.FaultActionNotAllowed, "build 2 is not of task 100")
	disk.BuildID, disk.Results = own, map[string]api.ImageResults{"x": {TaskID: new(int64(200)), Arch: "x"}}
	refused(t, host, l.Hub, api.HostCompleteImageBuild, disk, koji.FaultActionNotAllowed, "task 200 is not part of task 100")
	disk.Results = map[string]api.ImageResults{"x": {TaskID: new(int64(110)), Arch: "x", Files: []string{"../../../../x.qcow2"}}}
	refused(t, host, l.Hub, api.HostCompleteImageBuild, disk, koji.FaultGeneric, `invalid path: "tasks/110/110/../../../../x.qcow2"`)
	refused(t, host, l.Hub, api.HostInitImageBuild, api.InitImageBuildParams{TaskID: 100, BuildInfo: map[string]any{"name": "x"}}, koji.FaultGeneric,
		"No version value for build")
	importOf := func(file string) error {
		_, err := rpc.Invoke(host, l.Caller(), api.HostImportArchive, api.ImportArchiveParams{FilePath: file, BuildInfo: own, Type: "maven", TypeInfo: none})
		return err
	}
	require.EqualError(t, importOf("/etc/passwd"), "not in the output of a task: /etc/passwd")
	require.EqualError(t, importOf("tasks/200/200/a.jar"), "host 1 does not own task 200")
	require.EqualError(t, importOf("tasks/100/100/../../200/200/a.jar"), `invalid path: "tasks/100/100/../../200/200/a.jar"`)
	require.Equal(t, []string{"disk 0", "disk 0"}, l.column(`SELECT name || ' ' || state FROM build JOIN package ON package.id = pkg_id ORDER BY build.id`))
}

func TestWithoutMavenAndWindows(t *testing.T) {
	h := newTestHub(t)
	newHosts(t, h)
	for method, args := range map[string][]any{
		"host.initMavenBuild":           {int64(1), map[string]any{}, map[string]any{}},
		"host.completeMavenBuild":       {int64(1), int64(1), map[string]any{"task_id": int64(1)}, nil},
		"host.moveMavenBuildToScratch":  {int64(1), map[string]any{"task_id": int64(1)}, nil},
		"host.importWrapperRPMs":        {int64(1), int64(1), map[string]any{}},
		"host.createMavenBuild":         {int64(1), map[string]any{}},
		"host.updateMavenBuildRootList": {int64(1), int64(1), []any{}},
		"host.importArchive":            {"f", int64(1), "maven", map[string]any{}},
	} {
		_, err := h.Caller().Call(asHost(t, 1), method, args)
		require.EqualError(t, err, "Maven support not enabled", method)
	}
	for method, args := range map[string][]any{
		"host.initWinBuild":          {int64(1), map[string]any{}, map[string]any{}},
		"host.completeWinBuild":      {int64(1), int64(1), map[string]any{"task_id": int64(1)}, nil},
		"host.moveWinBuildToScratch": {int64(1), map[string]any{"task_id": int64(1)}, nil},
		"host.importArchive":         {"f", int64(1), "win", map[string]any{}},
	} {
		_, err := h.Caller().Call(asHost(t, 1), method, args)
		require.EqualError(t, err, "Windows support not enabled", method)
	}
}

func TestArchivesInBuildroots(t *testing.T) {
	l, host := newOtherLife(t, "buildMaven")
	newest := mavenFile(t, l.Hub, koji.NVR{Name: "foo", Version: "1", Release: "1"}, "g", "a", "1")
	mavenFile(t, l.Hub, koji.NVR{Name: "baz", Version: "1", Release: "1"}, "g", "b", "1")
	must(t, asAdmin(t), l.Hub, api.TagBuildBypass, api.TagBuildBypassParams{Tag: "dest", Build: newest, Force: true})
	_, err := l.Store.Exec(t.Context(), `UPDATE repo SET create_event = (SELECT max(id) FROM events)`)
	require.NoError(t, err)
	refused(t, host, l.Hub, api.HostNewBuildRoot, api.NewBuildRootParams{Repo: 99, Arch: "x86_64", TaskID: new(int64(100))}, koji.FaultGeneric, "query returned no rows")
	root := must(t, host, l.Hub, api.HostNewBuildRoot, api.NewBuildRootParams{Repo: 1, Arch: "x86_64", TaskID: new(int64(100))})
	update := api.BuildrootArchivesParams{BrootID: root, TaskID: 100}
	refused(t, host, l.Hub, api.HostUpdateBuildrootArchives, update, koji.FaultGeneric, "buildroot 1 in wrong state 0")
	must(t, host, l.Hub, api.HostSetBuildRootState, api.SetBuildRootStateParams{BrootID: root, State: "BUILDING", TaskID: new(int64(100))})
	update.Archives = []api.IDOnly{{ID: 99}}
	refused(t, host, l.Hub, api.HostUpdateBuildrootArchives, update, koji.FaultGeneric, "No such archive: 99")

	file := func(artifact, name string, size int64) any {
		return map[string]any{"maven_info": map[string]any{"group_id": "g", "artifact_id": artifact, "version": "1"},
			"files": []any{map[string]any{"path": "g", "filename": name, "size": size}}}
	}
	list := func(files []any, more map[string]any) error {
		args := []any{root, int64(100), files}
		for _, name := range []string{"ignore", "project", "ignore_unknown", "extra_deps"} {
			args = append(args, more[name])
		}
		_, err := l.Caller().Call(host, "host.updateMavenBuildRootList", args)
		return err
	}
	l.output(110, "g/c/1/c-1-20240102.101010-1.jar", "12")
	for _, c := range []struct {
		name  string
		files []any
		more  map[string]any
		text  string
	}{
		{"of the tag", []any{file("a", "a-1.jar", 1)}, nil, ""},
		{"of another size", []any{file("a", "a-1.jar", 2)}, nil, "No such file in build environment: g/a-1.jar, size: 2"},
		{"unknown", []any{file("b", "b-1.jar", 1)}, nil, "No such file in build environment: g/b-1.jar, size: 1"},
		{"never mind", []any{file("b", "b-1.jar", 1)}, map[string]any{"ignore_unknown": true}, ""},
		{"to be ignored", []any{file("x", "x-1.jar", 1)}, map[string]any{"ignore": []any{file("x", "x-1.jar", 1)}}, ""},
		{"of a task", []any{file("c", "c-1-SNAPSHOT.jar", 2)}, map[string]any{"extra_deps": []any{int64(110)}}, ""},
		{"of a build", []any{file("b", "b-1.jar", 1)}, map[string]any{"extra_deps": []any{"baz-1-1"}, "project": true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := list(c.files, c.more)
			if c.text == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, c.text)
			require.Equal(t, koji.FaultBuildroot, koji.FaultOf(err))
		})
	}
	require.Equal(t, []string{"a-1.jar false", "b-1.jar true"},
		l.column(`SELECT filename || ' ' || project_dep FROM buildroot_archives JOIN archiveinfo ON id = archive_id ORDER BY 1`))
}
