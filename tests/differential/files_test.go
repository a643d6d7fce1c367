package differential

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// writeFiles puts the files of some of the world's builds and tasks below topdir.
func writeFiles(t *testing.T, topdir string) {
	t.Helper()
	const rpms = "../../hub/testdata/rpms/"
	for path, from := range map[string]string{
		"packages/foo/1.0/1/src/foo-1.0-1.src.rpm":             "foo-1.0-1.src.rpm",
		"packages/foo/1.0/1/x86_64/foo-1.0-1.x86_64.rpm":       "foo-1.0-1.x86_64.rpm",
		"packages/foo/1.0/1/x86_64/foo-devel-1.0-1.x86_64.rpm": "foo-devel-1.0-1.x86_64.rpm",
		"packages/foo/1.1/1/src/foo-1.1-1.src.rpm":             "foo-1.1-1.src.rpm",
		"packages/foo/1.1/1/x86_64/foo-1.1-1.x86_64.rpm":       "foo-1.1-1.x86_64.rpm",
		"packages/baz/0.9/1/src/baz-0.9-1.src.rpm":             "baz-0.9-1.src.rpm",
		"packages/baz/0.9/1/noarch/baz-0.9-1.noarch.rpm":       "baz-0.9-1.noarch.rpm",
		"work/tasks/3/500003/baz-0.9-1.src.rpm":                "baz-0.9-1.src.rpm",
	} {
		content, err := os.ReadFile(rpms + from)
		require.NoError(t, err)
		write(t, filepath.Join(topdir, path), content)
	}
	for path, content := range map[string][]byte{
		"packages/org.example-w-maven/1.0/1/maven/org/example/w-maven/1.0/w-maven-1.0.jar": zipped(t),
		"packages/org.example-w-maven/1.0/1/maven/org/example/w-maven/1.0/w-maven-1.0.pom": []byte("<project/>"),
		"packages/w-win/2.0/1/win/bin/w.exe":                                               []byte("MZ"),
		"vol/w-volume/packages/w-custom/4.0/1/files/w-type/w-custom.tar.gz":                tarred(t),
		"vol/w-volume/packages/w-custom/4.0/1/files/w-type/w-custom.zip":                   zipped(t),
		"packages/foo/1.0/1/data/logs/x86_64/build.log":                                    []byte("built\n"),
		"packages/foo/1.0/1/data/logs/noarch/root.log":                                     []byte("root\n"),
		"work/tasks/3/500003/build.log":                                                    []byte("line 1\nline 2\n"),
		"work/tasks/3/500003/sub/deep.log":                                                 []byte("deep"),
		"vol/w-volume/work/tasks/3/500003/other.log":                                       []byte("elsewhere"),
		"work/cli-build/x/upload.bin":                                                      []byte("0123456789"),
	} {
		write(t, filepath.Join(topdir, path), content)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return // mtimes are part of some answers
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, content, 0o644))
}

func zipped(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"META-INF/MANIFEST.MF", "a/B.class", "a/"} {
		f, err := z.Create(name)
		require.NoError(t, err)
		if name != "a/" {
			_, err = f.Write([]byte(name))
			require.NoError(t, err)
		}
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func tarred(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	g := gzip.NewWriter(&b)
	w := tar.NewWriter(g)
	for _, h := range []*tar.Header{
		{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "d/file", Typeflag: tar.TypeReg, Mode: 0o640, Size: 5, Uname: "root", Gname: "wheel"},
		{Name: "d/link", Typeflag: tar.TypeSymlink, Linkname: "file", Mode: 0o777},
	} {
		require.NoError(t, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte("hello"))
			require.NoError(t, err)
		}
	}
	require.NoError(t, w.Close())
	require.NoError(t, g.Close())
	return b.Bytes()
}
