package hub

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Koji's own builders make repositories by these calls.
func TestHostRepo(t *testing.T) {
	l, host := newLife(t), asHost(t, 1)
	l.exec(`SELECT setval('repo_id_seq', 1); UPDATE tag_config SET arches = 'x86_64 i686' WHERE tag_id = 1;
		UPDATE task SET method = 'newRepo' WHERE id = 100;
		INSERT INTO task (id, state, owner, parent, method, request, arch, channel_id, host_id) VALUES (102, 1, 2, 100, 'createrepo', '', 'noarch', 1, 1);
		INSERT INTO task (id, state, owner, method, request, arch, channel_id) VALUES (103, 0, 2, 'newRepo', '', 'noarch', 1)`)
	init := api.HostRepoInitParams{Tag: "dest", TaskID: new(int64(100)), Opts: map[string]any{"src": true, "unknown": int64(1)}}
	refused(t, l.ctx, l.Hub, api.HostRepoInit, init, koji.FaultAuth, "User 1 is not a host")
	refused(t, host, l.Hub, api.HostRepoInit, api.HostRepoInitParams{Tag: "dest", TaskID: new(int64(103))},
		koji.FaultActionNotAllowed, "host 1 does not own task 103")

	made := must(t, host, l.Hub, api.HostRepoInit, init)
	require.Equal(t, made, must(t, host, l.Hub, api.HostRepoInit, init), "the same task gets the same")
	repo := must(t, host, l.Hub, api.RepoInfo, api.RepoInfoParams{RepoID: made[0]})
	require.Equal(t, made[1], repo.CreateEvent)
	require.Equal(t, api.Extra{"src": true}, repo.CustomOpts)
	dir := l.Paths.Repo("dest", made[0])
	require.FileExists(t, dir+"/i386/pkglist")

	l.uploadText("tasks/102/102", "repomd.xml", "<repomd/>")
	l.uploadText("tasks/102/102", "pkglist", "none")
	done := api.HostRepoDoneParams{RepoID: made[0], Data: map[string]any{"x86_64": []any{"tasks/102/102", []any{"repomd.xml", "pkglist"}}},
		RepoJSONUpdates: map[string]any{"checked": true}}
	stolen := api.HostRepoDoneParams{RepoID: made[0], Data: map[string]any{"x86_64": []any{"tasks/101/101", []any{"repomd.xml"}}}}
	refused(t, host, l.Hub, api.HostRepoDone, stolen, koji.FaultActionNotAllowed, "tasks/101/101 is not of a subtask of task 100")
	must(t, host, l.Hub, api.HostRepoDone, done)
	require.FileExists(t, dir+"/x86_64/repodata/repomd.xml")
	require.FileExists(t, dir+"/x86_64/pkglist")
	info, err := os.ReadFile(dir + "/repo.json")
	require.NoError(t, err)
	require.Contains(t, string(info), `"checked": true`)
	require.Equal(t, int(koji.RepoReady), must(t, host, l.Hub, api.RepoInfo, api.RepoInfoParams{RepoID: made[0]}).State)
	refused(t, host, l.Hub, api.HostRepoDone, done, koji.FaultGeneric, "Repo 2 not in INIT state (got 1)")
}

// distRepo makes the repository at once; the RPMs come by links.
func TestDistRepo(t *testing.T) {
	l, host := newLife(t), asHost(t, 1)
	require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
	l.exec(`SELECT setval('repo_id_seq', 1); UPDATE tag_config SET arches = 'x86_64' WHERE tag_id = 1; INSERT INTO volume (id, name) VALUES (5, 'big')`)
	opts := func(more map[string]any) api.DistRepoParams {
		o := map[string]any{"arch": []any{"x86_64"}, "comps": nil, "volume": "big", "event": nil, "multilib": nil}
		for k, v := range more {
			o[k] = v
		}
		return api.DistRepoParams{Tag: "dest", Keys: []any{"abcd"}, TaskOpts: o}
	}
	require.NoError(t, l.LoadPolicy(config.Policies{Texts: map[string]string{"dist_repo": "all :: deny"}}))
	refused(t, asLabuser(t), l.Hub, api.DistRepo, opts(nil), koji.FaultActionNotAllowed, "policy violation (dist_repo)")
	refused(t, l.ctx, l.Hub, api.DistRepo, opts(map[string]any{"comps": "cli-dist-repo/none"}), koji.FaultGeneric, "No such file: "+l.Paths.Work("")+"/cli-dist-repo/none")

	comps := l.uploadText("cli-dist-repo/1", "comps.xml", "<comps/>")
	task := must(t, asLabuser(t, "dist-repo"), l.Hub, api.DistRepo, opts(map[string]any{"comps": comps}))
	request := must(t, l.ctx, l.Hub, api.GetTaskRequest, api.TaskParams{TaskID: task})
	id := request[1].(int64)
	repo := must(t, l.ctx, l.Hub, api.RepoInfo, api.RepoInfoParams{RepoID: id})
	require.True(t, repo.Dist)
	require.Nil(t, repo.TaskID)
	require.Equal(t, repo.CreateEvent, request[3].(map[string]any)["event"])
	dir := l.Paths.DistRepo("", "dest", id)
	require.FileExists(t, dir+"/groups/comps.xml")
	require.DirExists(t, l.Paths.DistRepo("big", "dest", id)+"/x86_64")

	l.exec(`UPDATE task SET state = 1, host_id = 1 WHERE method = 'distRepo';
		INSERT INTO task (id, state, owner, parent, method, request, arch, channel_id, host_id)
			SELECT 105, 1, 2, id, 'createdistrepo', '', 'noarch', 1, 1 FROM task WHERE request LIKE '%cli-dist-repo/1%'`)
	move := api.HostDistRepoMoveParams{RepoID: id, UploadPath: "tasks/105/105", Arch: "x86_64"}
	refused(t, host, l.Hub, api.HostDistRepoMove, move, koji.FaultGeneric, "Missing repo manifest")
	l.uploadText("tasks/105/105", "repo_manifest", `["./kojipkgs", "repodata/repomd.xml"]`)
	l.uploadText("tasks/105/105/repodata", "repomd.xml", "<repomd/>")
	list := func(change func(*ListedRPM)) {
		rpm := must(t, l.ctx, l.Hub, api.GetRPM, api.GetRPMParams{RPMInfo: "foo-1.0-1.x86_64"}).(*api.RPM)
		in := ListedRPM{ID: rpm.ID, Name: "foo", Version: "1.0", Release: "1", Arch: "x86_64", Size: rpm.Size,
			PayloadHash: rpm.PayloadHash, BuildID: *rpm.BuildID}
		change(&in)
		text, err := json.Marshal(map[string]ListedRPM{"foo-1.0-1.x86_64.rpm": in})
		require.NoError(t, err)
		l.uploadText("tasks/105/105", "kojipkgs", string(text))
	}
	list(func(r *ListedRPM) { r.Size++ })
	refused(t, host, l.Hub, api.HostDistRepoMove, move, koji.FaultGeneric,
		"kojipkgs entry does not match db: file foo-1.0-1.x86_64.rpm, key size")
	list(func(r *ListedRPM) { r.SigKey = new("../..") })
	refused(t, host, l.Hub, api.HostDistRepoMove, move, koji.FaultGeneric, `invalid signing key: "../.."`)
	list(func(*ListedRPM) {})
	for range 2 { // the second time finds everything done
		must(t, host, l.Hub, api.HostDistRepoMove, move)
	}
	placed, err := os.Stat(dir + "/x86_64/Packages/f/foo-1.0-1.x86_64.rpm")
	require.NoError(t, err)
	built, err := os.Stat(l.Paths.Build("", koji.NVR{Name: "foo", Version: "1.0", Release: "1"}) + "/x86_64/foo-1.0-1.x86_64.rpm")
	require.NoError(t, err)
	require.True(t, os.SameFile(placed, built))
	require.FileExists(t, dir+"/x86_64/repodata/repomd.xml")

	must(t, host, l.Hub, api.HostRepoDone, api.HostRepoDoneParams{RepoID: id, Data: map[string]any{}})
	latest, err := os.Readlink(filepath.Join(filepath.Dir(dir), "latest"))
	require.NoError(t, err)
	require.Equal(t, formatID(id), latest)
	require.Nil(t, must(t, l.ctx, l.Hub, api.GetRepo, api.GetRepoParams{Tag: "other", Dist: true}))
	require.Equal(t, id, must(t, l.ctx, l.Hub, api.GetRepo, api.GetRepoParams{Tag: "dest", Dist: true}).ID)
	refused(t, host, l.Hub, api.HostDistRepoMove, move, koji.FaultGeneric, "Repo is in state: READY")
}

// The tag may want one distRepo task at a time.
func TestDistRepoCancelsOthers(t *testing.T) {
	l := newLife(t)
	l.exec(`SELECT setval('repo_id_seq', 1); UPDATE tag_config SET arches = 'x86_64'; INSERT INTO tag_extra (tag_id, key, value, creator_id) VALUES (1, 'distrepo.cancel_others', 'true', 1)`)
	make := func(tag any) int64 {
		return must(t, l.ctx, l.Hub, api.DistRepo, api.DistRepoParams{Tag: tag, Keys: []any{}, TaskOpts: map[string]any{"arch": []any{"x86_64"}}})
	}
	first, other, second := make(int64(1)), make("other"), make("dest")
	for id, want := range map[int64]koji.TaskState{first: koji.TaskCanceled, other: koji.TaskFree, second: koji.TaskFree} {
		info, err := l.Store.Task(l.ctx, id)
		require.NoError(t, err)
		require.Equal(t, int(want), info.State, id)
	}
}

func TestMergeScratch(t *testing.T) {
	l := newLife(t)
	begun := l.begun()
	merge := api.MergeScratchParams{TaskID: 200}
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "No such task: 200")
	request, err := xmlrpc.MarshalRequest("build", "git://x#1", "t", map[string]any{"scratch": true})
	require.NoError(t, err)
	whole, err := xmlrpc.MarshalRequest("build", "git://x#1", "t", map[string]any{})
	require.NoError(t, err)
	_, err = l.Store.Exec(l.ctx, `UPDATE task SET request = $1 WHERE id = 100`, whole)
	require.NoError(t, err)
	_, err = l.Store.Exec(l.ctx, `INSERT INTO task (id, state, owner, method, request, arch, channel_id) VALUES (200, 1, 2, 'build', $1, 'noarch', 1)`, request)
	require.NoError(t, err)
	l.exec(`INSERT INTO task (id, state, owner, parent, method, request, arch, channel_id) VALUES (201, 2, 2, 200, 'buildArch', '', 'x86_64', 1);
		INSERT INTO buildroot (id, br_type) VALUES (9, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state) VALUES (9, 1, 1, 201, 3)`)
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "task 200 did not complete successfully")
	l.exec(`UPDATE task SET state = 2 WHERE id = 200`)
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "nothing to do for task 200")
	l.upload("tasks/201/201", "foo-1.0-1.x86_64.rpm", "foo-1.0-1.src.rpm")
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "task 201 is missing logs")
	l.uploadText("tasks/201/201", "build.log", "done")
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "foo-1.0-1 did not complete successfully")
	require.NoError(t, l.CompleteBuild(l.ctx, begun))
	refused(t, l.ctx, l.Hub, api.MergeScratch, merge, koji.FaultImport, "task 200 and foo-1.0-1 produce rpms with the same arches: x86_64")

	// The build has another arch's only.
	l.exec(`UPDATE rpminfo SET arch = 'ppc64' WHERE name = 'foo' AND arch = 'x86_64'; UPDATE rpminfo SET arch = 'ppc64' WHERE name = 'foo-devel'`)
	require.Equal(t, begun.BuildID, must(t, l.ctx, l.Hub, api.MergeScratch, merge))
	rpm := must(t, l.ctx, l.Hub, api.GetRPM, api.GetRPMParams{RPMInfo: "foo-1.0-1.x86_64"}).(*api.RPM)
	require.Equal(t, int64(9), *rpm.BuildrootID)
	require.FileExists(t, l.Paths.BuildLogs("", koji.NVR{Name: "foo", Version: "1.0", Release: "1"})+"/x86_64/build.log")
}
