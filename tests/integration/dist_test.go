package integration

import (
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
)

// distTag makes a tag with one build in it.
func (l *lab) distTag(t *testing.T, pkg string) (tag string, s source) {
	t.Helper()
	s = l.srpm(t, pkg, 0)
	l.closed(t, l.build(t, s, "plain", nil))
	tag = fmt.Sprintf("dist-%d", l.serial.Add(1))
	call(t, l, api.CreateTag, api.CreateTagParams{Name: tag, Arches: "x86_64"})
	require.NoError(t, l.listPackages(t.Context(), tag))
	call(t, l, api.TagBuildBypass, api.TagBuildBypassParams{Tag: tag, Build: s.nvr})
	return tag, s
}

// distRepo makes a distRepo task with the stock client's options, but for those
// that are given, and returns it with its repository.
func (l *lab) distRepo(t *testing.T, tag string, keys []any, opts map[string]any) (task, repo int64) {
	t.Helper()
	all := map[string]any{
		"arch": []any{"x86_64"}, "comps": nil, "delta": []any{}, "event": nil, "volume": nil, "inherit": true, "latest": true,
		"multilib": nil, "split_debuginfo": false, "skip_missing_signatures": false, "allow_missing_signatures": false,
		"zck": false, "zck_dict_dir": nil, "write_signed_rpms": false,
	}
	maps.Copy(all, opts)
	task = call(t, l, api.DistRepo, api.DistRepoParams{Tag: tag, Keys: keys, TaskOpts: all})
	return task, call(t, l, api.GetTaskRequest, api.TaskParams{TaskID: task})[1].(int64)
}

// distDir is the folder of a dist repo's arch.
func (l *lab) distDir(tag string, repo int64, arch string) string {
	return filepath.Join(koji.PathInfo{TopDir: l.Env["TOJI_TOPDIR"]}.DistRepo("", tag, repo), arch)
}

// metadata reads one kind of a repository's metadata.
func metadata(t *testing.T, dir, kind string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "repodata", "*-"+kind+".xml.gz"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := exec.Command("zcat", files[0]).Output()
	require.NoError(t, err)
	return string(text)
}

func TestDistRepo(t *testing.T) {
	t.Parallel()
	l := start(t)
	tag, s := l.distTag(t, "hello-noarch")
	rpm := s.nvr + ".noarch"

	task, repo := l.distRepo(t, tag, []any{"abcd1234"}, nil)
	require.Equal(t, "Unsigned packages found. See missing_signatures.log", l.failed(t, task).Msg)
	arch := l.child(t, task, "createdistrepo")
	require.Equal(t, "x86_64", *arch.Label)
	require.Contains(t, l.output(t, arch.ID, "missing_signatures.log"), "Requested keys: ['abcd1234']\n\n# RPM name: available keys\n"+rpm+": ['']\n")
	require.Equal(t, int(koji.RepoProblem), call(t, l, api.RepoInfo, api.RepoInfoParams{RepoID: repo}).State)

	comps := filepath.Join(t.TempDir(), "comps.xml")
	require.NoError(t, os.WriteFile(comps, []byte(`<comps><group><id>core</id><name>core</name></group></comps>`), 0o644))
	task, repo = l.distRepo(t, tag, []any{}, map[string]any{
		"allow_missing_signatures": true, "arch": []any{"x86_64", "src"}, "comps": l.upload(t, comps), "zck": true})
	l.closed(t, task)
	require.Equal(t, fmt.Sprintf("Dist repository #%d successfully generated", repo), l.result(t, task))
	dir := l.distDir(tag, repo, "x86_64")
	require.Contains(t, metadata(t, dir, "primary"), `<location href="Packages/h/`+rpm+`.rpm"/>`)
	require.FileExists(t, filepath.Join(dir, "Packages", "h", rpm+".rpm"))
	require.FileExists(t, filepath.Join(l.distDir(tag, repo, "src"), "Packages", "h", s.nvr+".src.rpm"))
	repomd, err := os.ReadFile(filepath.Join(dir, "repodata", "repomd.xml"))
	require.NoError(t, err)
	require.Contains(t, string(repomd), `type="group"`)
	require.Contains(t, string(repomd), `type="primary_zck"`)
	latest, err := os.Readlink(filepath.Join(dir, "../../latest"))
	require.NoError(t, err)
	require.Equal(t, fmt.Sprint(repo), latest)

	t.Run("skip what is not signed", func(t *testing.T) {
		task, next := l.distRepo(t, tag, []any{"abcd1234"}, map[string]any{"skip_missing_signatures": true, "delta": []any{repo}})
		l.closed(t, task)
		dir := l.distDir(tag, next, "x86_64")
		require.FileExists(t, filepath.Join(dir, "repodata", "EMPTY_REPO"))
		require.NotContains(t, metadata(t, dir, "primary"), "hello")
	})
}

// Clients that have the packages of an older repository get what has changed.
func TestDeltaDistRepo(t *testing.T) {
	t.Parallel()
	l := start(t)
	tag, first := l.distTag(t, "hello-noarch")
	opts := map[string]any{"allow_missing_signatures": true}
	task, old := l.distRepo(t, tag, []any{}, opts)
	l.closed(t, task)
	next := l.srpm(t, "hello-noarch", 0)
	l.closed(t, l.build(t, next, "plain", nil))
	call(t, l, api.TagBuildBypass, api.TagBuildBypassParams{Tag: tag, Build: next.nvr})
	opts["delta"] = []any{old}
	task, repo := l.distRepo(t, tag, []any{}, opts)
	l.closed(t, task)
	dir := l.distDir(tag, repo, "x86_64")
	require.FileExists(t, filepath.Join(dir, "drpms", fmt.Sprintf("hello-noarch-1.0-%s_1.0-%s.noarch.drpm", first.release, next.release)))
	repomd, err := os.ReadFile(filepath.Join(dir, "repodata", "repomd.xml"))
	require.NoError(t, err)
	require.Contains(t, string(repomd), `type="prestodelta"`)
}

// sign adds a signature to an RPM of the system, with a key made for the purpose,
// whose id it returns.
func (l *lab) sign(t *testing.T, path, rpm string) string {
	t.Helper()
	gpg, err := exec.LookPath("gpg")
	require.NoError(t, err)
	home := t.TempDir()
	run := func(argv ...string) {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "GNUPGHOME="+home)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%v: %s", argv, out)
	}
	t.Cleanup(func() { run("gpgconf", "--kill", "all") })
	run("gpg", "--batch", "--passphrase", "", "--quick-gen-key", "builds@example.com", "rsa2048", "sign")
	signed := filepath.Join(home, filepath.Base(path))
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(signed, text, 0o644))
	run("rpmsign", "--define", "_gpg_name builds@example.com", "--define", "__gpg "+gpg, "--addsign", signed)
	f, err := os.Open(signed)
	require.NoError(t, err)
	defer f.Close()
	section, err := rpmfile.ReadSignature(f)
	require.NoError(t, err)
	call(t, l, api.AddRPMSig, api.AddRPMSigParams{RPM: rpm, Data: base64.StdEncoding.EncodeToString(section)})
	for _, sig := range call(t, l, api.QueryRPMSigs, api.QueryRPMSigsParams{RPMID: rpm}).List {
		if sig.SigKey != "" {
			return sig.SigKey
		}
	}
	require.FailNow(t, "no signature", rpm)
	return ""
}

// The repository has the signed copy, which is written if that is asked for. A task
// that failed can be submitted again.
func TestSignedDistRepo(t *testing.T) {
	t.Parallel()
	l := start(t)
	tag, s := l.distTag(t, "hello-noarch")
	rpm := s.nvr + ".noarch"
	build := filepath.Join(l.Env["TOJI_TOPDIR"], "packages", "hello-noarch", "1.0", s.release)
	key := l.sign(t, filepath.Join(build, "noarch", rpm+".rpm"), rpm)

	task, failed := l.distRepo(t, tag, []any{key}, nil)
	require.Equal(t, "Packages missing from the filesystem. See missing_files.log.", l.failed(t, task).Msg)
	copied := filepath.Join(build, "data", "signed", key, "noarch", rpm+".rpm")
	require.Contains(t, l.output(t, l.child(t, task, "createdistrepo").ID, "missing_files.log"), "data/signed/"+key+"/noarch/"+rpm+".rpm\n")

	call(t, l, api.WriteSignedRPM, api.WriteSignedRPMParams{RPM: rpm, SigKey: key})
	again := call(t, l, api.ResubmitTask, api.ResubmitTaskParams{TaskID: task})
	l.closed(t, again)
	require.Equal(t, fmt.Sprintf("Dist repository #%d successfully generated", failed), l.result(t, again))
	require.FileExists(t, filepath.Join(l.distDir(tag, failed, "x86_64"), "Packages", "h", rpm+".rpm"))
	require.NoError(t, os.Remove(copied))

	task, repo := l.distRepo(t, tag, []any{"abcd1234", strings.ToUpper(key)}, map[string]any{"write_signed_rpms": true, "split_debuginfo": true})
	l.closed(t, task)
	want, err := os.Stat(copied)
	require.NoError(t, err)
	got, err := os.Stat(filepath.Join(l.distDir(tag, repo, "x86_64"), "Packages", "h", rpm+".rpm"))
	require.NoError(t, err)
	require.True(t, os.SameFile(want, got), "a link, no copy")
}
