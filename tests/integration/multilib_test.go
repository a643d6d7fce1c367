package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
)

// twoFlavours imports a build with packages of x86_64 and i686 into a tag of its
// own. This machine makes them, as they hold texts only.
func (l *lab) twoFlavours(t *testing.T) (tag string, s source) {
	t.Helper()
	s = l.srpm(t, "libml", 0)
	call(t, l, api.ImportRPM, api.ImportRPMParams{Path: filepath.Dir(l.upload(t, s.file)), Basename: filepath.Base(s.file)})
	for arch, lib := range map[string]string{"x86_64": "/usr/lib64", "i686": "/usr/lib"} {
		dir := t.TempDir()
		out, err := exec.Command("rpmbuild", "--rebuild", "--quiet", "--nodeps", "--target", arch, "--define", "_topdir "+dir,
			"--define", "_dbpath "+dir+"/rpmdb", "--define", "_libdir "+lib, s.file).CombinedOutput()
		require.NoError(t, err, "%s", out)
		files, err := filepath.Glob(filepath.Join(dir, "RPMS", arch, "*.rpm"))
		require.NoError(t, err)
		require.Len(t, files, 4)
		for _, file := range files {
			call(t, l, api.ImportRPM, api.ImportRPMParams{Path: filepath.Dir(l.upload(t, file)), Basename: filepath.Base(file)})
		}
	}
	tag = fmt.Sprintf("dist-%d", l.serial.Add(1))
	call(t, l, api.CreateTag, api.CreateTagParams{Name: tag, Arches: "x86_64 i686"})
	call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: tag, PkgInfo: "libml", Owner: "admin"})
	call(t, l, api.TagBuildBypass, api.TagBuildBypassParams{Tag: tag, Build: s.nvr})
	return tag, s
}

// The 64-bit arch has the library and what is built against it in both flavours,
// with what these need.
func TestMultilibDistRepo(t *testing.T) {
	t.Parallel()
	l := start(t)
	tag, s := l.twoFlavours(t)
	rules := filepath.Join(t.TempDir(), "multilib.conf")
	require.NoError(t, os.WriteFile(rules, []byte("[runtime]\nwhite:\nblack:\n[devel]\nwhite:\nblack:\n"), 0o644))
	opts := map[string]any{"arch": []any{"x86_64", "i686"}, "allow_missing_signatures": true, "multilib": l.upload(t, rules)}

	task, repo := l.distRepo(t, tag, []any{}, opts)
	l.closed(t, task)
	require.ElementsMatch(t, []string{
		"libml-1.0-" + s.release + ".x86_64.rpm", "libml-data-1.0-" + s.release + ".x86_64.rpm", "libml-devel-1.0-" + s.release + ".x86_64.rpm",
		"libml-tools-1.0-" + s.release + ".x86_64.rpm",
		"libml-1.0-" + s.release + ".i686.rpm", "libml-data-1.0-" + s.release + ".i686.rpm", "libml-devel-1.0-" + s.release + ".i686.rpm",
	}, fileNames(t, filepath.Join(l.distDir(tag, repo, "x86_64"), "Packages", "l")))
	require.Len(t, fileNames(t, filepath.Join(l.distDir(tag, repo, "i386"), "Packages", "l")), 4)
	require.Contains(t, metadata(t, l.distDir(tag, repo, "x86_64"), "primary"), "libml-devel-1.0-"+s.release+".i686.rpm")
	first, second := l.children(t, task)["createdistrepo"][0], l.children(t, task)["createdistrepo"][1]
	require.Equal(t, "i386", *first.Label)
	require.GreaterOrEqual(t, *second.StartTS, *first.CompletionTS)
	require.Contains(t, l.output(t, second.ID, "dnf.conf-koji-x86_64"), "koji multilib task")

	t.Run("without the other arch", func(t *testing.T) {
		opts["arch"] = []any{"x86_64"}
		task, _ := l.distRepo(t, tag, []any{}, opts)
		require.Equal(t, "The multilib arch (i686) must be included", l.failed(t, task).Msg)
	})
}

func fileNames(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
