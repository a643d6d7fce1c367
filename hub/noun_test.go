package hub

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// What the recordings of tests/wire do not touch of the configuration's nouns.

// asAdmin returns a context in which the caller is kojiadmin.
func asAdmin(t *testing.T) context.Context {
	t.Helper()
	return session.With(t.Context(), &session.Session{ID: 1, UserID: 1, UserName: "kojiadmin", Perms: []string{"admin"}})
}

// asLabuser returns a context in which the caller is labuser, with permissions.
func asLabuser(t *testing.T, perms ...string) context.Context {
	t.Helper()
	return session.With(t.Context(), &session.Session{ID: 2, UserID: 2, UserName: "labuser", Perms: perms})
}

// must calls a method that succeeds.
func must[P, R any](t *testing.T, ctx context.Context, h *Hub, m rpc.Method[P, R], p P) R {
	t.Helper()
	result, err := rpc.Invoke(ctx, h.Caller(), m, p)
	require.NoError(t, err)
	return result
}

// refused calls a method that fails, with this text and fault.
func refused[P, R any](t *testing.T, ctx context.Context, h *Hub, m rpc.Method[P, R], p P, fault int, text string) {
	t.Helper()
	_, err := rpc.Invoke(ctx, h.Caller(), m, p)
	require.EqualError(t, err, text)
	require.Equal(t, fault, koji.FaultOf(err))
}

// newTags creates tags with the ids 1, 2 ...
func newTags(t *testing.T, h *Hub, names ...string) {
	t.Helper()
	for _, name := range names {
		must(t, asAdmin(t), h, api.CreateTag, api.CreateTagParams{Name: name})
	}
}

func rule(parent, priority int64) map[string]any {
	return map[string]any{
		"parent_id": parent, "priority": priority, "maxdepth": nil, "intransitive": false, "noconfig": false, "pkg_filter": "",
	}
}

func TestParentsMaySwapPriorities(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "a", "b", "c")
	set := func(data ...any) api.SetInheritanceDataParams {
		return api.SetInheritanceDataParams{Tag: "a", Data: data}
	}
	must(t, ctx, h, api.SetInheritanceData, set(rule(2, 0), rule(3, 1)))
	must(t, ctx, h, api.SetInheritanceData, set(rule(2, 1), rule(3, 0)))
	rules := must(t, ctx, h, api.GetInheritanceData, api.TagEventParams{Tag: "a"})
	require.Equal(t, []string{"c", "b"}, []string{rules[0].Name, rules[1].Name})

	refused(t, ctx, h, api.SetInheritanceData, set(rule(2, 0)), koji.FaultGeneric,
		"Multiple parent tags ([3, 2]) cannot have the same priority value (0) on child tag 1")
	refused(t, ctx, h, api.SetInheritanceData, set(map[string]any{"parent_id": int64(2)}), koji.FaultGeneric, "No value for priority")

	last := must(t, ctx, h, api.GetLastEvent, api.GetLastEventParams{Strict: true})
	must(t, ctx, h, api.SetInheritanceData, set(rule(3, 0)))
	require.Equal(t, last.ID, must(t, ctx, h, api.GetLastEvent, api.GetLastEventParams{Strict: true}).ID, "nothing changed")

	must(t, ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "a", Data: []any{rule(3, 7)}, Clear: true})
	must(t, ctx, h, api.SetInheritanceData, set(map[string]any{"parent_id": int64(2), "delete link": true}))
	rules = must(t, ctx, h, api.GetInheritanceData, api.TagEventParams{Tag: "a"})
	require.Len(t, rules, 1)
	require.EqualValues(t, 7, rules[0].Priority)
}

func TestBuildConfigInherits(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "child", "mid", "top")
	edit := func(tag string, changes map[string]any) {
		t.Helper()
		must(t, ctx, h, api.EditTag2, api.EditTag2Params{TagInfo: tag, Changes: changes})
	}
	edit("child", map[string]any{"arches": nil, "block_extra": []any{"blocked"}, "extra": map[string]any{"own": int64(1)}})
	edit("mid", map[string]any{"arches": nil, "extra": map[string]any{"own": int64(2), "blocked": true, "mid": []any{"x"}}})
	edit("top", map[string]any{"arches": "x86_64 i686", "extra": map[string]any{"mid": "no", "top": nil}})
	must(t, ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "child", Data: rule(2, 0)})
	must(t, ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "mid", Data: rule(3, 0)})

	config := must(t, ctx, h, api.GetBuildConfig, api.TagEventParams{Tag: "child"})
	require.Equal(t, "x86_64 i686", *config.Arches)
	require.Equal(t, "top", config.Sources.Arches.Name)
	require.Equal(t, api.Extra{"own": int64(1), "mid": []any{"x"}, "top": nil}, config.Extra)
	require.Equal(t, map[string]api.IDName{"mid": {ID: 2, Name: "mid"}, "top": {ID: 3, Name: "top"}}, config.Sources.Extra)

	refused(t, ctx, h, api.EditTag2, api.EditTag2Params{TagInfo: "top", Changes: map[string]any{
		"extra": map[string]any{"mid": int64(1)}, "remove_extra": []any{"mid"},
	}}, koji.FaultGeneric, "Can not both add/update and remove tag-extra: 'mid'")
	refused(t, ctx, h, api.EditTag2, api.EditTag2Params{TagInfo: "top", Changes: map[string]any{"remove_extra": []any{"own"}}},
		koji.FaultGeneric, "Tag: top doesn't have extra: own")
}

func TestTagAccess(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "free", "locked", "special")
	must(t, ctx, h, api.EditTag2, api.EditTag2Params{TagInfo: "locked", Changes: map[string]any{"locked": true}})
	must(t, ctx, h, api.EditTag2, api.EditTag2Params{TagInfo: "special", Changes: map[string]any{"perm": "sign"}})
	for _, c := range []struct {
		tag  string
		user int64
		want []any
	}{
		{"free", 2, []any{true, false, ""}},
		{"locked", 2, []any{false, false, "tag is locked"}},
		{"locked", 1, []any{false, true, "tag is locked"}},
		{"special", 2, []any{false, false, "tag requires sign permission"}},
	} {
		require.Equal(t, c.want, must(t, ctx, h, api.CheckTagAccess, api.CheckTagAccessParams{TagID: c.tag, UserID: c.user}))
	}
	must(t, ctx, h, api.GrantPermission, api.GrantPermissionParams{UserInfo: "labuser", Permission: "sign"})
	require.NoError(t, h.AssertTagAccess(ctx, "special", 2, false))
	require.EqualError(t, h.AssertTagAccess(ctx, "locked", 2, true), "tag is locked", "force is for admins")
	require.NoError(t, h.AssertTagAccess(ctx, "locked", 1, true))
}

func TestDeletedNamesComeBack(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "a", "b")
	target := api.CreateBuildTargetParams{Name: "t", BuildTag: "a", DestTag: "b"}
	must(t, ctx, h, api.CreateBuildTarget, target)
	must(t, ctx, h, api.DeleteTag, api.DeleteTagParams{TagInfo: "a"})
	require.Nil(t, must(t, ctx, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: "t"}), "a target goes with its tags")
	require.Nil(t, must(t, ctx, h, api.GetTag, api.GetTagParams{TagInfo: "a"}))
	gone := must(t, ctx, h, api.GetTag, api.GetTagParams{TagInfo: "a", Event: "auto"})
	require.NotNil(t, gone.RevokeEvent)
	require.EqualValues(t, *gone.RevokeEvent, *must(t, ctx, h, api.TagLastChangeEvent, api.TagLastChangeEventParams{Tag: "a", Inherit: true}))

	require.EqualValues(t, 1, must(t, ctx, h, api.CreateTag, api.CreateTagParams{Name: "a"}))
	must(t, ctx, h, api.CreateBuildTarget, target)
	require.EqualValues(t, 1, must(t, ctx, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: "t"}).ID)
}

func TestPackageListPolicy(t *testing.T) {
	h := newTestHub(t, func(o *Options) {
		o.Config.Policy = map[string]string{"package_list": "package foo && tag a :: allow\nis_new_package :: deny no new ones\nall :: deny"}
	})
	newTags(t, h, "a", "b")
	add := func(tag, pkg string, force bool) api.PackageListAddParams {
		return api.PackageListAddParams{TagInfo: tag, PkgInfo: pkg, Owner: "labuser", Force: force}
	}
	must(t, asLabuser(t), h, api.PackageListAdd, add("a", "foo", false))
	refused(t, asLabuser(t), h, api.PackageListAdd, add("b", "foo", true), koji.FaultActionNotAllowed, "policy violation (package_list)")
	refused(t, asLabuser(t), h, api.PackageListAdd, add("b", "bar", false), koji.FaultActionNotAllowed,
		"policy violation (package_list): no new ones")
	refused(t, t.Context(), h, api.PackageListAdd, add("a", "foo", false), koji.FaultActionNotAllowed,
		"you must be logged in for this operation")
	must(t, asAdmin(t), h, api.PackageListAdd, add("b", "bar", true))
	require.True(t, must(t, asAdmin(t), h, api.CheckTagPackage, api.CheckTagPackageParams{Tag: "b", Pkg: "bar"}))
}

func TestUnblockingAPackage(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "child", "parent")
	must(t, ctx, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "child", Data: rule(2, 0)})
	must(t, ctx, h, api.PackageListAdd, api.PackageListAddParams{TagInfo: "parent", PkgInfo: "foo", Owner: "labuser"})
	entry := func() *api.TagPackage {
		return must(t, ctx, h, api.GetPackageConfig, api.GetPackageConfigParams{Tag: "child", Pkg: "foo"})
	}
	both := api.PackageListParams{TagInfo: "child", PkgInfo: "foo"}
	inParent := api.PackageListParams{TagInfo: "parent", PkgInfo: "foo"}

	must(t, ctx, h, api.PackageListBlock, both)
	require.Equal(t, "child", entry().TagName)
	refused(t, ctx, h, api.PackageListAdd, api.PackageListAddParams{TagInfo: "child", PkgInfo: "foo", Block: false},
		koji.FaultGeneric, "package foo is blocked in tag child")
	must(t, ctx, h, api.PackageListUnblock, both)
	require.Equal(t, "parent", entry().TagName, "the block is gone, the parent's entry counts")

	must(t, ctx, h, api.PackageListBlock, inParent)
	must(t, ctx, h, api.PackageListUnblock, both)
	require.Equal(t, "child", entry().TagName, "the parent's block needs an entry against it")
	require.False(t, entry().Blocked)
	require.Equal(t, "labuser", *entry().OwnerName)
}

func TestExternalRepoPriorities(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	newTags(t, h, "a")
	for _, name := range []string{"x", "y"} {
		must(t, ctx, h, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: name, URL: "http://example.com/" + name})
	}
	add := func(repo string, priority int64) api.AddExternalRepoToTagParams {
		return api.AddExternalRepoToTagParams{TagInfo: "a", RepoInfo: repo, Priority: priority, MergeMode: new("bare"), Arches: "x86_64,i686"}
	}
	must(t, ctx, h, api.AddExternalRepoToTag, add("x", 5))
	refused(t, ctx, h, api.AddExternalRepoToTag, add("y", 5), koji.FaultGeneric,
		"tag a already associated with an external repo at priority 5")
	must(t, ctx, h, api.AddExternalRepoToTag, add("y", 6))
	edit := api.EditTagExternalRepoParams{TagInfo: "a", RepoInfo: "x", Priority: new(int64(7)), MergeMode: new("bare")}
	require.True(t, must(t, ctx, h, api.EditTagExternalRepo, edit))
	require.False(t, must(t, ctx, h, api.EditTagExternalRepo, edit), "the same again is no change")
	repos := must(t, ctx, h, api.GetExternalRepoList, api.GetExternalRepoListParams{TagInfo: "a"})
	require.Equal(t, []string{"y", "x"}, []string{repos[0].ExternalRepoName, repos[1].ExternalRepoName})
	require.Equal(t, "x86_64 i686", *repos[1].Arches)
	require.Equal(t, "http://example.com/x/", repos[1].URL)

	must(t, ctx, h, api.DeleteExternalRepo, api.DeleteExternalRepoParams{Info: "x"})
	refused(t, ctx, h, api.EditTagExternalRepo, edit, koji.FaultGeneric, "No such repo: x")
}

func TestHostsAreUsers(t *testing.T) {
	h, ctx := newTestHub(t, func(o *Options) {
		o.Config.Hub.HostPrincipalFormat = "compile/%s@EXAMPLE.COM"
		o.Config.Hub.AllowedKrbRealms = "EXAMPLE.COM, EXAMPLE.ORG"
	}), asAdmin(t)
	must(t, ctx, h, api.AddHost, api.AddHostParams{Hostname: "b1", Arches: []string{"x86_64", "i686"}})
	user := must(t, ctx, h, api.GetUser, api.GetUserParams{UserInfo: "compile/b1@EXAMPLE.COM", KrbPrincs: true})
	require.Equal(t, koji.UserHost, user.UserType)
	require.Equal(t, []string{"i386", "x86_64"}, sorted(must(t, ctx, h, api.GetAllArches, api.NoParams{})))

	force := api.AddHostParams{Hostname: "labuser", Arches: []string{"ppc64"}, Force: true}
	id := must(t, ctx, h, api.AddHost, force)
	require.EqualValues(t, 2, must(t, ctx, h, api.GetHost, api.GetHostParams{HostInfo: id}).UserID)
	require.Empty(t, must(t, ctx, h, api.ListHosts, api.ListHostsParams{Arches: "ppc"}), "ppc64 is another arch")
	require.Len(t, must(t, ctx, h, api.ListHosts, api.ListHostsParams{Arches: []any{"ppc", "ppc64"}}), 1)

	mapping := func(old, name any) api.EditUserParams {
		return api.EditUserParams{UserInfo: "labuser", KrbPrincipalMappings: []map[string]any{{"old": old, "new": name}}}
	}
	refused(t, ctx, h, api.EditUser, mapping(nil, "x@EXAMPLE.NET"), koji.FaultAuth, "Kerberos principal's realm: EXAMPLE.NET is not allowed")
	must(t, ctx, h, api.EditUser, mapping(nil, "x@EXAMPLE.ORG"))
	refused(t, ctx, h, api.EditUser, mapping(nil, "x@EXAMPLE.ORG"), koji.FaultGeneric, "Cannot add existing Kerberos principals: x@EXAMPLE.ORG")
	must(t, ctx, h, api.EditUser, mapping("x@EXAMPLE.ORG", "y@EXAMPLE.ORG"))
	user = must(t, ctx, h, api.GetUser, api.GetUserParams{UserInfo: map[string]any{"krb_principal": "y@EXAMPLE.ORG"}, KrbPrincs: true})
	require.Equal(t, []string{"y@EXAMPLE.ORG"}, *user.KrbPrincipals)
}

func TestGroupsGivePermissions(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	must(t, ctx, h, api.NewGroup, api.NewGroupParams{Name: "signers"})
	must(t, ctx, h, api.AddGroupMember, api.AddGroupMemberParams{Group: "signers", User: "labuser", Strict: true})
	must(t, ctx, h, api.GrantPermission, api.GrantPermissionParams{UserInfo: "signers", Permission: "sign"})
	must(t, ctx, h, api.GrantPermission, api.GrantPermissionParams{UserInfo: "labuser", Permission: "tag"})

	require.Equal(t, []string{"tag", "sign"}, must(t, ctx, h, api.GetUserPerms, api.GetUserPermsParams{UserID: "labuser", WithGroups: true}))
	require.Equal(t, []string{"tag"}, must(t, ctx, h, api.GetUserPerms, api.GetUserPermsParams{UserID: "labuser"}))
	require.Equal(t, map[string][]*string{"tag": {nil}, "sign": {new("signers")}},
		must(t, ctx, h, api.GetUserPermsInheritance, api.GetUserPermsInheritanceParams{UserID: "labuser"}))
	holders := func(inherited bool) int {
		return len(must(t, ctx, h, api.ListUsers, api.ListUsersParams{UserType: int64(0), Perm: "sign", InheritedPerm: inherited}).List)
	}
	require.Zero(t, holders(false))
	require.Equal(t, 1, holders(true))
	must(t, ctx, h, api.DropGroupMember, api.DropGroupMemberParams{Group: "signers", User: "labuser"})
	require.Zero(t, holders(true))
}

func TestVolumesLinkToTheTop(t *testing.T) {
	h, ctx := newTestHub(t), asAdmin(t)
	refused(t, ctx, h, api.AddVolume, api.AddVolumeParams{Name: "v"}, koji.FaultGeneric, "please create the volume directory first")
	dir := h.Paths.Volume("v")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(dir, "toplink")))
	refused(t, ctx, h, api.AddVolume, api.AddVolumeParams{Name: "v"}, koji.FaultGeneric,
		"Invalid volume toplink: "+filepath.Join(dir, "toplink"))
	require.NoError(t, os.Remove(filepath.Join(dir, "toplink")))
	volume := must(t, ctx, h, api.AddVolume, api.AddVolumeParams{Name: "v", Strict: true})
	target, err := os.Readlink(filepath.Join(dir, "toplink"))
	require.NoError(t, err)
	require.Equal(t, h.Paths.TopDir, target)
	refused(t, ctx, h, api.AddVolume, api.AddVolumeParams{Name: "v", Strict: true}, koji.FaultGeneric, "volume v already exists")
	must(t, ctx, h, api.RemoveVolume, api.RemoveVolumeParams{Volume: volume.ID})
	require.Len(t, must(t, ctx, h, api.ListVolumes, api.NoParams{}), 1)
}

func TestSnapshotModifyKeepsTheOrderOfBuilds(t *testing.T) {
	h, ctx := newTestHub(t, func(o *Options) { o.Config.Hub.EnableMaven = true }), asAdmin(t)
	newTags(t, h, "src", "dst")
	for _, tag := range []string{"src", "dst"} {
		must(t, ctx, h, api.PackageListAdd, api.PackageListAddParams{TagInfo: tag, PkgInfo: "foo", Owner: "labuser"})
	}
	must(t, ctx, h, api.PackageListAdd, api.PackageListAddParams{TagInfo: "src", PkgInfo: "bar", Owner: "labuser"})
	must(t, ctx, h, api.GroupListAdd, api.GroupListAddParams{TagInfo: "src", GrpInfo: "build"})
	must(t, ctx, h, api.GroupPackageListAdd, api.GroupPackageListAddParams{TagInfo: "src", GrpInfo: "build", PkgName: "bash"})
	must(t, ctx, h, api.GroupListAdd, api.GroupListAddParams{TagInfo: "dst", GrpInfo: "old"})
	for _, release := range []string{"1", "2", "3", "4"} {
		must(t, ctx, h, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: "foo", Version: "1", Release: release})
	}
	tagAll := func(tag string, releases ...string) {
		var builds []any
		for _, r := range releases {
			builds = append(builds, "foo-1-"+r)
		}
		must(t, ctx, h, api.MassTag, api.MassTagParams{Tag: tag, Builds: builds})
	}
	tagAll("src", "3", "1", "2")
	tagAll("dst", "1", "4", "3")
	tagged := func() (nvrs []string) {
		for _, b := range must(t, ctx, h, api.ListTagged, api.ListTaggedParams{Tag: "dst", Strict: true}) {
			nvrs = append(nvrs, b.NVR)
		}
		return nvrs
	}
	p := api.SnapshotTagModifyParams{SnapshotTagParams: api.SnapshotTagParams{
		Src: "src", Dst: "dst", Config: true, Pkgs: true, Builds: true, Groups: true, InheritBuilds: true,
	}}
	must(t, ctx, h, api.SnapshotTagModify, p)
	require.Equal(t, []string{"foo-1-2", "foo-1-1", "foo-1-3", "foo-1-4"}, tagged(), "the latest first, others last")
	require.True(t, must(t, ctx, h, api.CheckTagPackage, api.CheckTagPackageParams{Tag: "dst", Pkg: "bar"}))

	p.Remove = true
	must(t, ctx, h, api.SnapshotTagModify, p)
	require.Equal(t, []string{"foo-1-2", "foo-1-1", "foo-1-3"}, tagged())
	groups := must(t, ctx, h, api.GetTagGroups, api.GetTagGroupsParams{Tag: "dst", Inherit: true, InclPkgs: true, InclReqs: true})
	require.Len(t, groups, 1)
	require.Equal(t, "bash", (*groups[0].Packages)[0].Package)

	last := must(t, ctx, h, api.GetLastEvent, api.GetLastEventParams{Strict: true})
	must(t, ctx, h, api.SnapshotTagModify, p)
	require.Equal(t, last.ID, must(t, ctx, h, api.GetLastEvent, api.GetLastEventParams{Strict: true}).ID, "there is nothing left to do")
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}
