package hub

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// cgOf describes a file with this content that buildroot 1 made.
func cgOf(name, content, kind string, extra map[string]any) map[string]any {
	sum := md5.Sum([]byte(content))
	out := map[string]any{
		"buildroot_id": int64(1), "filename": name, "filesize": int64(len(content)), "arch": "noarch", "type": kind,
		"checksum": hex.EncodeToString(sum[:]), "checksum_type": "md5",
	}
	if extra != nil {
		out["extra"] = extra
	}
	return out
}

// cgMeta describes thing-1-1, a build of the types in extra, with these files.
func cgMeta(extra map[string]any, output ...any) map[string]any {
	return map[string]any{
		"metadata_version": int64(0),
		"build": map[string]any{
			"name": "thing", "version": "1", "release": "1", "source": "git://x#1", "extra": extra,
			"start_time": int64(1700000000), "end_time": 1700000600.5,
		},
		"buildroots": []any{map[string]any{
			"id": int64(1), "host": map[string]any{"os": "debian", "arch": "x86_64"},
			"content_generator": map[string]any{"name": "lab", "version": "1"},
			"container":         map[string]any{"type": "none", "arch": "x86_64"},
			"tools":             []any{map[string]any{"name": "tool", "version": "2"}},
			"components":        []any{},
		}},
		"output": output,
	}
}

func newCG(t *testing.T) *life {
	l := newLife(t)
	must(t, l.ctx, l.Hub, api.GrantCGAccess, api.GrantCGAccessParams{User: "kojiadmin", CG: "lab", Create: true})
	must(t, l.ctx, l.Hub, api.AddBType, api.AddBTypeParams{Name: "doc"})
	return l
}

func TestCGImportOfEveryType(t *testing.T) {
	l := newCG(t)
	maven := map[string]any{"group_id": "org.lab", "artifact_id": "a", "version": "1"}
	windows := map[string]any{"relpath": "/rel/", "platforms": []any{"x86"}, "flags": []any{}}
	pom := `<project><parent><groupId>org.lab</groupId></parent><artifactId>a</artifactId><version>1</version></project>`
	part := cgOf("doc.txt", "doc", "txt", map[string]any{"typeinfo": map[string]any{"doc": map[string]any{}}})
	part["subdir"] = "sub/dir"
	for name, content := range map[string]string{"a-1.pom": pom, "tool.exe": "exe", "doc.txt": "doc", "build.log": "log"} {
		l.uploadText("in", name, content)
	}
	meta := cgMeta(map[string]any{
		"maven": maven, "win": map[string]any{"platform": "x86"}, "typeinfo": map[string]any{"doc": map[string]any{}},
	},
		cgOf("a-1.pom", pom, "pom", map[string]any{"maven": maven}),
		cgOf("tool.exe", "exe", "exe", map[string]any{"win": windows}), part, cgOf("build.log", "log", "log", nil))

	meta["buildroots"].([]any)[0].(map[string]any)["components"] = []any{
		map[string]any{"type": "rpm", "name": "bash", "version": "5", "release": "1", "arch": "x86_64", "sigmd5": "aa"}}

	b := must(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in"})
	require.Equal(t, "lab", *b.CGName)
	require.Equal(t, "2023-11-14 22:23:20.500000+00:00", b.CompletionTime.String())
	dir := l.Paths.Build("DEFAULT", b.Parts())
	for _, name := range []string{
		"maven/org/lab/a/1/a-1.pom", "maven/org/lab/a/1/a-1.pom.md5", "maven/org/lab/a/1/a-1.pom.sha1",
		"win/rel/tool.exe", "files/doc/sub/dir/doc.txt", "data/logs/build.log", "metadata.json",
	} {
		require.FileExists(t, filepath.Join(dir, name))
	}
	log, err := os.ReadFile(filepath.Join(dir, "data/logs/cg_import.log"))
	require.NoError(t, err)
	require.Equal(t, "IGNORING unmatched rpm component: {'arch': 'x86_64', 'name': 'bash', 'release': '1', 'sigmd5': 'aa', 'type': 'rpm', 'version': '5'}\nCG import was SUCCESSFUL.\n", string(log))
	rows := must(t, l.ctx, l.Hub, api.ListArchives, api.ListArchivesParams{BuildID: &b.ID})
	require.Len(t, rows.List, 3)
	require.Equal(t, int64(1), *rows.List[0].BuildrootID)
}

func TestCGImportIsWholeOrNothing(t *testing.T) {
	image := map[string]any{"image": map[string]any{"arch": "x86_64"}}
	types := map[string]any{"image": map[string]any{}}
	good := cgOf("disk.qcow2", "disk", "qcow2", image)
	with := func(out map[string]any, key string, v any) map[string]any {
		out = maps.Clone(out)
		out[key] = v
		return out
	}
	for name, tc := range map[string]struct {
		meta  map[string]any
		fault string
	}{
		"size":     {cgMeta(types, with(good, "filesize", int64(3))), "File size 4 for disk.qcow2 (expected 3) doesn't match. Corrupted upload?"},
		"no type":  {cgMeta(types, good, cgOf("x.txt", "x", "txt", nil)), "No typeinfo for: x.txt"},
		"not ours": {cgMeta(map[string]any{}, good), "Output type image not listed in build types"},
		"unknown extension": {
			cgMeta(types, good, cgOf("x.nosuch", "x", "nosuch", image)), "unsupported file extension: x.nosuch",
		},
		"same place": {cgMeta(types, good, with(good, "relpath", "sub")), "already exists"},
		"outside":    {cgMeta(types, with(good, "relpath", "../in")), "invalid path"},
		"no arch": {
			cgMeta(types, with(good, "extra", map[string]any{"image": map[string]any{}})), "<class 'KeyError'>: 'arch'",
		},
		"buildroot":      {cgMeta(types, good, with(good, "buildroot_id", int64(2))), "Missing buildroot metadata for id 2"},
		"two generators": {withRoot(cgMeta(types, good), "unk"), "No such entry in table content_generator: unk"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newCG(t)
			for _, f := range []string{"disk.qcow2", "sub/disk.qcow2"} {
				l.uploadText("in", f, "disk")
			}
			l.uploadText("in", "x.txt", "x")
			l.uploadText("in", "x.nosuch", "x")
			_, err := l.cgImport(l.ctx, api.CGImportParams{Metadata: tc.meta, Directory: "in"})
			require.ErrorContains(t, err, tc.fault)
			require.NoDirExists(t, l.Paths.Build("DEFAULT", koji.NVR{Name: "thing", Version: "1", Release: "1"}))
			info, err := os.Lstat(filepath.Join(l.Paths.Work(""), "in/disk.qcow2"))
			require.NoError(t, err)
			require.True(t, info.Mode().IsRegular())
		})
	}
}

// withRoot adds a buildroot of another content generator to the metadata.
func withRoot(meta map[string]any, cg string) map[string]any {
	root := map[string]any{"id": int64(9), "content_generator": map[string]any{"name": cg, "version": "1"}}
	meta["buildroots"] = append(meta["buildroots"].([]any), root)
	return meta
}

func TestCGImportIntoReservation(t *testing.T) {
	l := newCG(t)
	l.uploadText("in", "disk.qcow2", "disk")
	r := must(t, l.ctx, l.Hub, api.CGInitBuild, api.CGInitBuildParams{
		CG: "lab", Data: map[string]any{"name": "thing", "version": "1", "release": "1"},
	})
	meta := cgMeta(map[string]any{"image": map[string]any{}},
		cgOf("disk.qcow2", "disk", "qcow2", map[string]any{"image": map[string]any{"arch": "x86_64"}}))
	meta["build"].(map[string]any)["build_id"] = r.BuildID
	wrong := "x"
	refused(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in", Token: &wrong},
		koji.FaultGeneric, "Token doesn't match build ID 1")

	b := must(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in", Token: &r.Token})
	require.Equal(t, r.BuildID, b.ID)
	require.Equal(t, koji.BuildComplete, b.State)
	refused(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in", Token: &r.Token},
		koji.FaultGeneric, "Token doesn't match build ID 1")
}

func TestCGImportNotesComponents(t *testing.T) {
	l := newCG(t)
	l.uploadText("in", "disk.qcow2", "disk")
	_, err := l.Store.EnsureRPMs(l.ctx, []store.NewRPM{{NVRA: koji.NVRA{NVR: koji.NVR{Name: "bash", Version: "5", Release: "1"}, Arch: "x86_64"},
		BuildID: mustBuild(t, l), PayloadHash: "aa"}})
	require.NoError(t, err)
	bash := map[string]any{"type": "rpm", "name": "bash", "version": "5", "release": "1", "arch": "x86_64", "sigmd5": "aa"}
	other := maps.Clone(bash)
	other["name"] = "unknown"
	out := cgOf("disk.qcow2", "disk", "qcow2", map[string]any{"image": map[string]any{"arch": "x86_64"}})
	out["components"] = []any{bash, other}
	meta := cgMeta(map[string]any{"image": map[string]any{}}, out)
	meta["buildroots"].([]any)[0].(map[string]any)["components"] = []any{bash}
	must(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Metadata: meta, Directory: "in"})

	one := int64(1)
	rpms := must(t, l.ctx, l.Hub, api.ListRPMs, api.ListRPMsParams{ImageID: &one})
	require.Len(t, rpms.List, 1)
	inRoot := must(t, l.ctx, l.Hub, api.GetBuildrootListing, api.GetBuildrootListingParams{ID: 1})
	require.Len(t, inRoot, 1)
	require.Equal(t, "bash", inRoot[0].Name)
}

// mustBuild makes a build for RPMs to be of.
func mustBuild(t *testing.T, l *life) int64 {
	t.Helper()
	return must(t, l.ctx, l.Hub, api.CreateEmptyBuild, api.CreateEmptyBuildParams{Name: "bash", Version: "5", Release: "1"})
}

func TestCGImportAfterRefund(t *testing.T) {
	l := newCG(t)
	l.uploadText("in", "disk.qcow2", "disk")
	r := must(t, l.ctx, l.Hub, api.CGInitBuild, api.CGInitBuildParams{
		CG: "lab", Data: map[string]any{"name": "thing", "version": "1", "release": "1"},
	})
	must(t, l.ctx, l.Hub, api.CGRefundBuild, api.CGRefundBuildParams{CG: "lab", BuildID: r.BuildID, Token: r.Token, State: 3})
	b := must(t, l.ctx, l.Hub, api.CGImport, api.CGImportParams{Directory: "in", Metadata: cgMeta(map[string]any{"image": map[string]any{}},
		cgOf("disk.qcow2", "disk", "qcow2", map[string]any{"image": map[string]any{"arch": "x86_64"}}))})
	require.Equal(t, r.BuildID, b.ID, "the failed build's place is taken")
	require.FileExists(t, filepath.Join(l.Paths.Build("DEFAULT", b.Parts()), "images/disk.qcow2"))
}
