package hub

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// withEverything lets a hub build with Maven and for Windows.
func withEverything(o *Options) { o.Config.Hub.EnableMaven, o.Config.Hub.EnableWin = true, true }

// newTarget makes the target f40, from f40-build to f40.
func newTarget(t *testing.T, h *Hub) {
	t.Helper()
	newTags(t, h, "f40", "f40-build")
	must(t, asAdmin(t), h, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: "f40", BuildTag: "f40-build", DestTag: "f40"})
}

func TestOtherTasks(t *testing.T) {
	h := newTestHub(t, withEverything)
	newTarget(t, h)
	build := must(t, asAdmin(t), h, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: "lib", Version: "1", Release: "1"})
	opts := map[string]any{"scratch": true}
	user := asLabuser(t, "image", "livecd", "livemedia", "appliance")
	arches := []any{"x86_64", "aarch64"}
	for _, c := range []struct {
		name    string
		id      func() int64
		method  string
		channel string
		arch    string
		first   []any // of the request
	}{
		{"livecd", func() int64 {
			return must(t, user, h, api.BuildImage, api.BuildImageParams{Name: "n", Version: "1", Arch: "x86_64", Target: "f40", KSFile: "a.ks", ImgType: "livecd", Opts: opts})
		}, "livecd", "livecd", "x86_64", []any{"n", "1", "x86_64", "f40", "a.ks", opts}},
		{"livemedia", func() int64 {
			return must(t, user, h, api.BuildImage, api.BuildImageParams{Name: "n", Version: "1", Arch: arches, Target: "f40", KSFile: "a.ks", ImgType: "livemedia"})
		}, "livemedia", "livemedia", "noarch", []any{"n", "1", arches, "f40", "a.ks", nil}},
		{"image", func() int64 {
			return must(t, user, h, api.BuildImageOz, api.BuildImageOzParams{Name: "n", Version: "1", Arches: arches, Target: "f40", InstTree: "http://tree", Opts: opts})
		}, "image", "image", "noarch", []any{"n", "1", arches, "f40", "http://tree", opts}},
		{"indirection", func() int64 {
			return must(t, user, h, api.BuildImageIndirection, api.BuildImageIndirectionParams{Opts: map[string]any{"scratch": true, "arch": "x86_64"}})
		}, "indirectionimage", "image", "x86_64", []any{map[string]any{"scratch": true, "arch": "x86_64"}}},
		{"maven", func() int64 {
			return must(t, user, h, api.MavenBuildTask, api.MavenBuildParams{URL: "git://x", Target: "f40", Channel: "maven"})
		}, "maven", "maven", "noarch", []any{"git://x", "f40", map[string]any{}}},
		{"chain", func() int64 {
			return must(t, user, h, api.ChainMaven, api.ChainMavenParams{Builds: map[string]any{"a": map[string]any{}}, Target: "f40", Channel: "maven"})
		}, "chainmaven", "maven", "noarch", []any{map[string]any{"a": map[string]any{}}, "f40", nil}},
		{"win", func() int64 {
			return must(t, asAdmin(t), h, api.WinBuildTask, api.WinBuildParams{VM: "win10", URL: "git://x", Target: "f40", Opts: opts, Channel: "vm"})
		}, "winbuild", "vm", "noarch", []any{"win10", "git://x", "f40", opts}},
		{"wrapper", func() int64 {
			return must(t, user, h, api.WrapperRPM, api.WrapperRPMParams{Build: build, URL: "git://x", Target: "f40", Channel: "maven", Opts: map[string]any{"repo_id": 1}})
		}, "wrapperRPM", "maven", "noarch", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			id := c.id()
			row, err := h.Store.Task(t.Context(), id)
			require.NoError(t, err)
			channel := must(t, t.Context(), h, api.GetChannel, api.GetChannelParams{ChannelInfo: row.ChannelID})
			require.Equal(t, []string{c.method, c.channel, c.arch}, []string{row.Method, channel.Name, row.Arch})
			request := must(t, t.Context(), h, api.GetTaskRequest, api.TaskParams{TaskID: id})
			if c.first != nil {
				require.Equal(t, c.first, request)
				return
			}
			require.Equal(t, "git://x", request[0])
			require.Equal(t, "f40", request[1].(map[string]any)["name"])
			require.Equal(t, "lib-1-1", request[2].(map[string]any)["nvr"])
			require.Equal(t, []any{nil, map[string]any{}}, request[3:])
		})
	}
}

func TestOtherTasksAreRefused(t *testing.T) {
	h, plain := newTestHub(t, withEverything), newTestHub(t)
	newTarget(t, h)
	image := func(ctx context.Context, h *Hub, args ...any) error {
		_, err := h.Caller().Call(ctx, "buildImage", args)
		return err
	}
	live := []any{"n", "1", "x86_64", "f40", "a.ks", "livecd"}
	oz := func(ctx context.Context, h *Hub, args ...any) error {
		_, err := rpc.Invoke(ctx, h.Caller(), api.BuildImageOz, api.BuildImageOzParams{Name: "n", Version: "1", Arches: []any{"x86_64"}, Target: "f40", InstTree: "t", Priority: new(int64(-1))})
		return err
	}
	call := func(method string, args ...any) func(context.Context, *Hub, ...any) error {
		return func(ctx context.Context, h *Hub, _ ...any) error {
			_, err := h.Caller().Call(ctx, method, args)
			return err
		}
	}
	for _, c := range []struct {
		name  string
		hub   *Hub
		as    context.Context
		call  func(context.Context, *Hub, ...any) error
		args  []any
		fault int
		text  string
	}{
		{"unknown type", h, asAdmin(t), image, []any{"n", "1", "x86_64", "f40", "a.ks", "cdrom"}, koji.FaultGeneric, "Unrecognized image type: cdrom"},
		{"nobody", h, t.Context(), image, live, koji.FaultActionNotAllowed, "livecd permission required (user not logged in)"},
		{"without permission", h, asLabuser(t, "image"), image, live, koji.FaultActionNotAllowed, "livecd permission required (logged in as labuser)"},
		{"bad arch", h, asAdmin(t), image, []any{"n", "1", "x86/64", "f40", "a.ks", "livecd"}, koji.FaultGeneric, "Architecture can be only [a-zA-Z0-9_-]"},
		{"in haste", h, asLabuser(t, "image"), oz, nil, koji.FaultActionNotAllowed, "only admins may create high-priority tasks"},
		{"no template", h, asLabuser(t, "image"), call("buildImageIndirection", map[string]any{"name": "x"}), nil, koji.FaultActionNotAllowed,
			"Non-scratch builds must provide url for the indirection template"},
		{"no Maven", plain, asAdmin(t), call("mavenBuild", "u", "f40"), nil, koji.FaultGeneric, "Maven support not enabled"},
		{"no Maven chain", plain, asAdmin(t), call("chainMaven", map[string]any{}, "f40"), nil, koji.FaultGeneric, "Maven support not enabled"},
		{"chain of nothing", h, asAdmin(t), call("chainMaven", nil, "f40"), nil, koji.FaultParameter, "Invalid type, expected type <class 'dict'>"},
		{"no wrapper", plain, asAdmin(t), call("wrapperRPM", "b-1-1", "u", "f40"), nil, koji.FaultGeneric, "Maven support not enabled"},
		{"no Windows", plain, asAdmin(t), call("winBuild", "vm", "u", "f40"), nil, koji.FaultGeneric, "Windows support not enabled"},
		{"no such build", h, asAdmin(t), call("wrapperRPM", "b-1-1", "u", "f40"), nil, koji.FaultGeneric, "No such build: 'b-1-1'"},
		{"no such target", h, asAdmin(t), call("winBuild", "vm", "u", "nosuch"), nil, koji.FaultGeneric, "No such build target: nosuch"},
		{"not a machine of theirs", h, asLabuser(t), call("winBuild", "vm", "u", "f40"), nil, koji.FaultActionNotAllowed, "policy violation (vm): Only admin/win-admin can do this via default policy"},
		{"no such channel", h, asLabuser(t), call("mavenBuild", "u", "f40", map[string]any{}, nil, "nosuch"), nil, koji.FaultGeneric, "No such channel: nosuch"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.call(c.as, c.hub, c.args...)
			require.EqualError(t, err, c.text)
			require.Equal(t, c.fault, koji.FaultOf(err))
		})
	}
}

// mavenFile adds a file of a Maven build to the database and returns the build.
func mavenFile(t *testing.T, h *Hub, nvr koji.NVR, group, artifact, version string) int64 {
	t.Helper()
	b := must(t, asAdmin(t), h, api.GetBuild, api.BuildParams{BuildInfo: nvr.String()})
	if b == nil {
		must(t, asAdmin(t), h, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: nvr.Name, Version: nvr.Version, Release: nvr.Release})
		b = must(t, asAdmin(t), h, api.GetBuild, api.BuildParams{BuildInfo: nvr.String()})
	}
	_, err := h.Store.Exec(t.Context(), `WITH a AS (INSERT INTO archiveinfo (type_id, btype_id, build_id, filename, size, checksum, checksum_type)
		SELECT 1, id, $1, $3 || '-' || $4 || '.jar', 1, 'aa', 2 FROM btype WHERE name = 'maven' RETURNING id)
		INSERT INTO maven_archives (archive_id, group_id, artifact_id, version) SELECT id, $2, $3, $4 FROM a`, b.ID, group, artifact, version)
	require.NoError(t, err)
	return b.ID
}

func TestLatestMavenArchives(t *testing.T) {
	h, admin := newTestHub(t, withEverything), asAdmin(t)
	newTags(t, h, "base", "child")
	must(t, admin, h, api.SetInheritanceData, api.SetInheritanceDataParams{Tag: "child", Data: []any{rule(1, 0)}})
	tag := func(tag, nvr string) {
		must(t, admin, h, api.TagBuildBypass, api.TagBuildBypassParams{Tag: tag, Build: nvr, Force: true})
	}
	for _, name := range []string{"a", "b", "c"} {
		must(t, admin, h, api.PackageListAdd, api.PackageListAddParams{TagInfo: "base", PkgInfo: name, Owner: "kojiadmin"})
	}
	mavenFile(t, h, koji.NVR{Name: "a", Version: "1", Release: "1"}, "g", "a", "1")
	mavenFile(t, h, koji.NVR{Name: "a", Version: "2", Release: "1"}, "g", "a", "2")
	mavenFile(t, h, koji.NVR{Name: "a", Version: "2", Release: "1"}, "g", "x", "2")
	mavenFile(t, h, koji.NVR{Name: "b", Version: "1", Release: "1"}, "g", "a", "2") // of an older build of the same
	mavenFile(t, h, koji.NVR{Name: "c", Version: "1", Release: "1"}, "g", "c", "1")
	for _, nvr := range []string{"a-1-1", "b-1-1", "a-2-1", "c-1-1"} {
		tag("base", nvr)
	}
	before := must(t, admin, h, api.GetLastEvent, api.GetLastEventParams{}).ID
	list := func(tag string, event *int64, inherit bool) (files []string) {
		for _, a := range must(t, admin, h, api.GetLatestMavenArchives, api.GetLatestMavenArchivesParams{Tag: tag, Event: event, Inherit: inherit}) {
			files = append(files, a.BuildName+": "+a.Filename)
		}
		return files
	}
	require.Equal(t, []string{"c: c-1.jar", "a: a-2.jar", "a: x-2.jar"}, list("child", nil, true))
	require.Empty(t, list("child", nil, false))
	must(t, admin, h, api.PackageListBlock, api.PackageListParams{TagInfo: "child", PkgInfo: "c"})
	require.Equal(t, []string{"a: a-2.jar", "a: x-2.jar"}, list("child", nil, true))
	must(t, admin, h, api.EditTag2, api.EditTag2Params{TagInfo: "base", Changes: map[string]any{"maven_include_all": true}})
	require.Equal(t, []string{"a: a-2.jar", "a: x-2.jar", "a: a-1.jar"}, list("child", nil, true))
	require.Equal(t, []string{"c: c-1.jar", "a: a-2.jar", "a: x-2.jar"}, list("child", &before, true))
	refused(t, admin, h, api.GetLatestMavenArchives, api.GetLatestMavenArchivesParams{Tag: "nosuch"}, koji.FaultGeneric, "No such entry in table tag: nosuch")
}
