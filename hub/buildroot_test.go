package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestBuildroot(t *testing.T) {
	l := newLife(t)
	require.NoError(t, l.CompleteBuild(l.ctx, l.begun()))
	l.exec(`INSERT INTO external_repo (id, name) VALUES (5, 'fedora'); SELECT setval('buildroot_id_seq', 10)`)
	by := BuildrootOwner{HostID: 1, TaskID: 100}

	id, err := l.NewBuildroot(l.ctx, 1, 1, "x86_64", 100)
	require.NoError(t, err)
	again, err := l.NewBuildroot(l.ctx, 1, 1, "x86_64", 100)
	require.NoError(t, err)
	require.Equal(t, id, again, "not used yet")

	own := api.InstalledRPM{Name: "foo", Version: "1.0", Release: "1", Arch: "x86_64"}
	glibc := api.InstalledRPM{Name: "glibc", Version: "2", Release: "3", Arch: "x86_64", Epoch: new(int64(1)),
		Location: "fedora", PayloadHash: "aa", Size: 10, BuildTime: 20}
	for range 2 {
		require.NoError(t, l.SetBuildrootList(l.ctx, id, by, []api.InstalledRPM{own, glibc}))
	}
	require.NoError(t, l.SetBuildrootState(l.ctx, id, by, koji.BuildrootBuilding))
	require.EqualError(t, l.SetBuildrootList(l.ctx, id, by, nil), "buildroot 11 in wrong state 2")
	devel := api.InstalledRPM{Name: "foo-devel", Version: "1.0", Release: "1", Arch: "x86_64"}
	require.NoError(t, l.UpdateBuildrootList(l.ctx, id, by, []api.InstalledRPM{own, devel}))

	list, err := l.getBuildrootListing(l.ctx, api.GetBuildrootListingParams{ID: id})
	require.NoError(t, err)
	names := map[string]bool{}
	for _, r := range list {
		names[r.Name+"@"+r.ExternalRepoName] = r.IsUpdate
	}
	require.Equal(t, map[string]bool{"foo@INTERNAL": false, "glibc@fedora": false, "foo-devel@INTERNAL": true}, names)

	rpms, err := loaded(l.listRPMs(l.ctx, api.ListRPMsParams{ComponentBuildrootID: &id}))
	require.NoError(t, err)
	require.Len(t, rpms, 3)
	roots, err := loaded(l.listBuildroots(l.ctx, api.ListBuildrootsParams{TaskID: new(int64(100)), State: []any{int64(2)}, RPMID: &list[0].RPMID}))
	require.NoError(t, err)
	require.Len(t, roots, 1)
	require.Equal(t, "dest", *roots[0].TagName)

	second, err := l.NewBuildroot(l.ctx, 1, 1, "x86_64", 100)
	require.NoError(t, err)
	require.NotEqual(t, id, second)
	glibc.PayloadHash = "bb"
	require.EqualError(t, l.SetBuildrootList(l.ctx, second, by, []api.InstalledRPM{glibc}),
		"hash changed for external rpm: glibc-2-3.x86_64 (aa -> bb)")
	own.Version = "9"
	require.ErrorContains(t, l.SetBuildrootList(l.ctx, second, by, []api.InstalledRPM{own}), "No such rpm: {'name': 'foo', ")
}

func TestBuildrootState(t *testing.T) {
	l := newLife(t)
	id, err := l.NewBuildroot(l.ctx, 1, 1, "x86_64", 100)
	require.NoError(t, err)
	by := BuildrootOwner{HostID: 1, TaskID: 100}
	set := func(by BuildrootOwner, state koji.BuildrootState) error {
		return l.SetBuildrootState(l.ctx, id, by, state)
	}
	require.EqualError(t, set(BuildrootOwner{HostID: 2}, 1), "Host 2 not owner of buildroot 1")
	require.EqualError(t, set(BuildrootOwner{HostID: 1, TaskID: 101}, 1), "Task 101 does not have lock on buildroot 1")
	require.EqualError(t, set(by, koji.BuildrootInit), "Cannot change buildroot state to INIT")
	require.NoError(t, set(by, koji.BuildrootExpired))
	require.NoError(t, set(by, koji.BuildrootExpired), "again")
	require.EqualError(t, set(by, koji.BuildrootBuilding), "buildroot 1 is EXPIRED")
	b, err := l.getBuildroot(l.ctx, api.GetBuildrootParams{BuildrootID: id})
	require.NoError(t, err)
	require.NotNil(t, b.RetireTS)
	b, err = l.getBuildroot(l.ctx, api.GetBuildrootParams{BuildrootID: 99})
	require.NoError(t, err)
	require.Nil(t, b)
	_, err = l.getBuildroot(l.ctx, api.GetBuildrootParams{BuildrootID: 99, Strict: true})
	require.EqualError(t, err, "No such buildroot: 99")
}

// A host may touch nothing but its own open tasks and their buildroots.
func TestHostsKeepToTheirTasks(t *testing.T) {
	l := newLife(t)
	server := newTestServer(t, l.Hub)
	l.exec(`UPDATE users SET password = 'x' WHERE id = 3;
		INSERT INTO task (id, state, owner, method, arch, channel_id, weight) VALUES (102, 0, 2, 'build', 'noarch', 1, 1)`)
	host := newCaller(t, server)
	host.login("builder1", "x")
	host.must("exclusiveSession")
	root := host.must("host.newBuildRoot", int64(1), "x86_64", int64(100))
	host.must("host.setBuildRootState", root, "BUILDING", int64(100))
	for _, call := range [][]any{
		{"host.newBuildRoot", int64(1), "x86_64", int64(102)},
		{"host.setBuildRootState", root, "EXPIRED", int64(102)},
		{"host.setBuildRootList", root, []any{}, int64(102)},
		{"host.initBuild", map[string]any{"task_id": int64(102), "name": "a", "version": "1", "release": "1", "epoch": nil}},
		{"host.completeBuild", int64(102), int64(1), "a", []any{}},
		{"host.failBuild", int64(102), int64(1)},
		{"host.moveBuildToScratch", int64(102), "a", []any{}},
		{"host.tagBuild", int64(102), "dest", "foo-1-1"},
	} {
		_, err := host.call(call[0].(string), call[1:]...)
		require.ErrorContains(t, err, "102", call[0])
	}
	user := newCaller(t, server)
	user.login("labuser", "labuser")
	_, err := user.call("host.failBuild", int64(100), int64(1))
	require.ErrorContains(t, err, "not a host")
}
