package differential

import (
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestCGImport imports builds of a content generator: with RPMs, archives, logs,
// components and reservations, told in every way, and such as cannot be.
func TestCGImport(t *testing.T) {
	w := &importer{newTwins(t, hostWorld+`; INSERT INTO cg_users (cg_id, user_id, creator_id) VALUES (500002, 500001, 1)`, "alice", "bob")}
	t.Run("whole", func(t *testing.T) { w.on(t).whole() })
	t.Run("ways", func(t *testing.T) { w.on(t).ways() })
	t.Run("reserved", func(t *testing.T) { w.on(t).reserved() })
	t.Run("wrong", func(t *testing.T) { w.on(t).wrong() })
	t.Run("rows and files", func(t *testing.T) { w.on(t).compare() })
}

type importer struct{ *twins }

func (w *importer) on(t *testing.T) *importer { w.t = t; return w }

func (w *importer) as(user, method string, args ...any) any {
	w.t.Helper()
	return w.do(as(user, method, args...))
}

// metadata describes a build with no output.
func metadata(name string) map[string]any {
	return map[string]any{
		"metadata_version": 0,
		"build": map[string]any{
			"name": name, "version": "1", "release": "1", "source": "git://example.com/" + name + "#1", "start_time": 1700000000, "end_time": 1700000600.5,
			"owner": "bob", "extra": map[string]any{"typeinfo": map[string]any{"w-type": map[string]any{}}, "b": 1, "a": []any{true, nil, 1.5, "ü"}},
		},
		"buildroots": []any{map[string]any{
			"id": 1, "host": map[string]any{"os": "Fedora 40", "arch": "x86_64"}, "content_generator": map[string]any{"name": "w-cg", "version": "0.1"},
			"container": map[string]any{"type": "docker", "arch": "x86_64"}, "tools": []any{map[string]any{"name": "osbs", "version": "2"}},
			"components": []any{map[string]any{"type": "rpm", "name": "w-pkg-01", "version": "1", "release": "1", "arch": "x86_64", "epoch": nil, "sigmd5": "nope", "signature": nil}},
			"extra":      map[string]any{"z": 1, "y": 2},
		}},
		"output": []any{},
	}
}

// file uploads a file and returns what metadata say of it.
func (w *importer) upload(dir, name, kind, content string, more map[string]any) map[string]any {
	w.file("work/"+dir+"/"+name, []byte(content))
	out := map[string]any{
		"buildroot_id": 1, "filename": name, "filesize": len(content), "arch": "x86_64", "type": kind,
		"checksum": fmt.Sprintf("%x", md5.Sum([]byte(content))), "checksum_type": "md5",
	}
	maps.Copy(out, more)
	return out
}

func (w *importer) uploadRPM(dir, name string, more map[string]any) map[string]any {
	content, err := os.ReadFile("../../hub/testdata/rpms/" + name)
	require.NoError(w.t, err)
	return w.upload(dir, name, "rpm", string(content), more)
}

func ofType(btype string) map[string]any {
	return map[string]any{"extra": map[string]any{"typeinfo": map[string]any{btype: map[string]any{"n": 1}}}}
}

func (w *importer) show(build any) {
	for _, method := range []string{"getBuild", "getBuildType", "listBuildRPMs", "getBuildLogs"} {
		w.as("", method, build)
	}
	for _, btype := range []string{"w-type", "image", "maven", "win"} {
		w.as("", "listArchives", kw("buildID", build, "type", btype, "queryOpts", map[string]any{"order": "id"}))
	}
	w.as("", "listBuildroots", kw("queryOpts", map[string]any{"order": "-id", "limit": 1}))
}

func id(v any) any {
	m, _ := v.(map[string]any)
	return m["id"]
}

// whole imports a build with everything.
func (w *importer) whole() {
	m := metadata("baz")
	m["build"].(map[string]any)["version"] = "0.9"
	extra := m["build"].(map[string]any)["extra"].(map[string]any)
	extra["image"] = map[string]any{}
	extra["maven"] = map[string]any{"group_id": "g", "artifact_id": "n-whole", "version": "1"}
	extra["win"] = map[string]any{"platform": "xp"}
	rpm := map[string]any{"type": "rpm", "name": "w-pkg-01", "version": "1", "release": "1", "arch": "x86_64", "epoch": nil, "sigmd5": "nope", "signature": nil}
	image := w.upload("cli-build/whole", "disk.qcow2", "qcow2", "image", map[string]any{
		"extra": map[string]any{"image": map[string]any{"arch": "x86_64"}}, "components": []any{rpm, map[string]any{"type": "file", "filename": "w.jar", "filesize": 1, "checksum": "0", "checksum_type": "md5"}}})
	sha := w.upload("cli-build/whole", "data.tar.gz", "tar", "not one", ofType("w-type"))
	sha["checksum"], sha["checksum_type"], sha["subdir"] = fmt.Sprintf("%x", sha256.Sum256([]byte("not one"))), "sha256", "deep/er"
	m["output"] = []any{
		image, sha,
		w.upload("cli-build/whole", "a-1.jar", "jar", "PK", map[string]any{"extra": map[string]any{"maven": map[string]any{"group_id": "g", "artifact_id": "a", "version": "1"}}}),
		w.upload("cli-build/whole", "w.exe", "exe", "MZ", map[string]any{"extra": map[string]any{"win": map[string]any{"relpath": "bin", "platforms": []any{"x86"}, "flags": []any{"debug"}}}}),
		w.upload("cli-build/whole", "build.log", "log", "log\n", nil),
		w.upload("cli-build/whole", "deep.log", "log", "log\n", map[string]any{"subdir": "x86_64"}),
		w.uploadRPM("cli-build/whole", "baz-0.9-1.src.rpm", map[string]any{"arch": "src"}),
		w.upload("cli-build/whole", "note.txt", "txt", "words", ofType("w-type")),
		w.uploadRPM("cli-build/whole", "baz-0.9-1.noarch.rpm", map[string]any{"arch": "noarch", "extra": map[string]any{"c": 1, "b": map[string]any{"z": 1, "y": 2}}}),
	}
	build := w.as("alice", "CGImport", m, "cli-build/whole")
	w.show(id(build))
	w.as("alice", "CGImport", m, "cli-build/whole")
}

// ways tells the metadata as JSON, as a file, and by their usual name.
func (w *importer) ways() {
	for i, name := range []string{"n-json", "n-file", "n-usual"} {
		dir := "cli-build/" + name
		m := metadata(name)
		m["output"] = []any{w.upload(dir, "x.zip", "zip", "PK"+name, ofType("w-type"))}
		text, err := json.Marshal(m)
		require.NoError(w.t, err)
		told := []any{string(text), "m.json", nil}[i]
		w.file("work/"+dir+"/m.json", text)
		w.file("work/"+dir+"/metadata.json", text)
		w.show(id(w.as("alice", "CGImport", told, dir)))
	}
	m := metadata("n-metadata")
	m["build"].(map[string]any)["release"] = "a b"
	m["output"] = []any{w.upload("cli-build/none", "x.zip", "zip", "PK", ofType("w-type"))}
	m["output"].([]any)[0].(map[string]any)["metadata_only"] = true
	w.show(id(w.as("alice", "CGImport", m, "cli-build/none")))
}

// reserved imports into builds that were reserved, a draft among them.
func (w *importer) reserved() {
	for _, draft := range []bool{false, true} {
		name := fmt.Sprintf("n-reserved-%t", draft)
		data := map[string]any{"name": name, "version": "1", "release": "1", "epoch": 3, "draft": draft}
		var tokens []any // each hub has its own
		made := map[string]any{}
		for _, s := range []*side{&w.koji, &w.toji} {
			a := s.call(w.t, as("alice", "CGInitBuild", "w-cg", data))
			require.Nil(w.t, a.fault)
			made = a.value.(map[string]any)
			tokens = append(tokens, made["token"])
		}
		m := metadata(name)
		build := m["build"].(map[string]any)
		build["build_id"], build["epoch"], build["draft"] = made["build_id"], 3, draft
		m["output"] = []any{w.upload("cli-build/"+name, "x.zip", "zip", "PK", ofType("w-type"))}
		if draft {
			m["output"] = []any{w.upload("cli-build/"+name, "build.log", "log", "log", nil)}
		}
		w.as("alice", "CGImport", m, "cli-build/"+name)
		w.as("alice", "CGImport", m, "cli-build/"+name, "wrong")
		k, j := w.koji.call(w.t, as("alice", "CGImport", m, "cli-build/"+name, tokens[0])), w.toji.call(w.t, as("alice", "CGImport", m, "cli-build/"+name, tokens[1]))
		require.Nil(w.t, k.fault)
		require.Nil(w.t, j.fault)
		w.show(made["build_id"])
		w.as("alice", "CGImport", m, "cli-build/"+name)
	}
	data := map[string]any{"name": "n-refunded", "version": "1", "release": "1"}
	made := w.as("alice", "CGInitBuild", "w-cg", data)
	w.as("alice", "CGRefundBuild", "w-cg", made.(map[string]any)["build_id"], "wrong")
	w.as("bob", "CGInitBuild", "w-cg", data)
	w.as("alice", "CGInitBuild", "nope", data)
	w.as("alice", "CGInitBuild", "w-cg", map[string]any{"name": "x"})
}

// wrong imports what has a mistake each.
func (w *importer) wrong() {
	dir := "cli-build/wrong"
	file := func() map[string]any { return w.upload(dir, "x.zip", "zip", "PK", ofType("w-type")) }
	build := func(m map[string]any) map[string]any { return m["build"].(map[string]any) }
	root := func(m map[string]any) map[string]any { return m["buildroots"].([]any)[0].(map[string]any) }
	output := func(m map[string]any) map[string]any { return m["output"].([]any)[0].(map[string]any) }
	for i, spoil := range []func(m map[string]any){
		func(m map[string]any) { m["metadata_version"] = 1 },
		func(m map[string]any) { delete(m, "metadata_version") },
		func(m map[string]any) { delete(m, "build") },
		func(m map[string]any) { delete(m, "buildroots") },
		func(m map[string]any) { delete(m, "output") },
		func(m map[string]any) { delete(build(m), "name") },
		func(m map[string]any) { build(m)["name"] = "w-pkg-01" },
		func(m map[string]any) { build(m)["owner"] = "nobody" },
		func(m map[string]any) { delete(build(m), "source") },
		func(m map[string]any) { delete(build(m), "extra") },
		func(m map[string]any) { build(m)["start_time"] = "soon" },
		func(m map[string]any) {
			build(m)["extra"] = map[string]any{"typeinfo": map[string]any{"nope": map[string]any{}}}
		},
		func(m map[string]any) { build(m)["extra"] = map[string]any{} },
		func(m map[string]any) { build(m)["build_id"] = 500001 },
		func(m map[string]any) { root(m)["content_generator"] = map[string]any{"name": "nope", "version": "1"} },
		func(m map[string]any) { delete(root(m), "content_generator") },
		func(m map[string]any) { delete(root(m), "host") },
		func(m map[string]any) { delete(root(m), "id") },
		func(m map[string]any) { root(m)["components"] = []any{map[string]any{"type": "nope"}} },
		func(m map[string]any) { m["buildroots"] = []any{root(m), root(m)} },
		func(m map[string]any) { output(m)["buildroot_id"] = 2 },
		func(m map[string]any) { output(m)["filesize"] = 7 },
		func(m map[string]any) { output(m)["checksum"] = "0" },
		func(m map[string]any) { output(m)["checksum_type"] = "crc" },
		func(m map[string]any) { output(m)["filename"] = "nope.zip" },
		func(m map[string]any) { output(m)["filename"] = "../x.zip" },
		func(m map[string]any) { delete(output(m), "type") },
		func(m map[string]any) { delete(output(m), "extra") },
		func(m map[string]any) { output(m)["extra"] = map[string]any{"image": map[string]any{"arch": "x86_64"}} },
		func(m map[string]any) { output(m)["subdir"] = "../.." },
	} {
		m := metadata(fmt.Sprintf("n-wrong-%d", i))
		m["output"] = []any{file()}
		spoil(m)
		w.as("alice", "CGImport", m, dir)
	}
	m := metadata("n-wrong")
	for _, args := range [][]any{{m, "cli-build/nope"}, {m, "../.."}, {"{", dir}, {"[]", dir}, {"nope.json", dir}, {nil, "cli-build/nope"}, {1, dir}, {m, dir, "token"}} {
		w.as("alice", "CGImport", args...)
	}
	w.as("bob", "CGImport", m, dir)
	w.as("", "CGImport", m, dir)
}
