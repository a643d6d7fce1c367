package hub

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestFilesInArchives(t *testing.T) {
	l := newCG(t)
	var zipped, tarred bytes.Buffer
	z := zip.NewWriter(&zipped)
	w, err := z.Create("a/b.txt")
	require.NoError(t, err)
	_, err = w.Write([]byte("hello"))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	g := gzip.NewWriter(&tarred)
	ball := tar.NewWriter(g)
	require.NoError(t, ball.WriteHeader(&tar.Header{Name: "c.txt", Mode: 0o600, Size: 2, Uname: "me"}))
	_, err = ball.Write([]byte("hi"))
	require.NoError(t, err)
	require.NoError(t, ball.Close())
	require.NoError(t, g.Close())

	must(t, l.ctx, l.Hub, api.CreateImageBuild, api.CreateImageBuildParams{
		BuildInfo: map[string]any{"name": "thing", "version": "1", "release": "1", "epoch": nil},
	})
	for name, content := range map[string]string{"x.zip": zipped.String(), "y.tar.gz": tarred.String(), "z.txt": "text", "short.tar": "no tape"} {
		l.uploadText("in", name, content)
	}
	for _, name := range []string{"x.zip", "y.tar.gz", "z.txt", "short.tar"} {
		must(t, l.ctx, l.Hub, api.ImportArchive, api.ImportArchiveParams{
			FilePath: "in/" + name, BuildInfo: "thing-1-1", Type: "image", TypeInfo: map[string]any{"arch": "noarch"},
		})
	}
	inZip := must(t, l.ctx, l.Hub, api.ListArchiveFiles, api.ListArchiveFilesParams{ArchiveID: 1})
	require.Len(t, inZip.List, 1)
	require.Equal(t, "a/b.txt", inZip.List[0].Name)
	require.Equal(t, int64(5), inZip.List[0].Size)
	inTar := must(t, l.ctx, l.Hub, api.GetArchiveFile, api.GetArchiveFileParams{ArchiveID: 2, Filename: "c.txt", Strict: true})
	require.Equal(t, "me", *inTar.User)
	require.Equal(t, int64(0o600), *inTar.Mode)
	require.Empty(t, must(t, l.ctx, l.Hub, api.ListArchiveFiles, api.ListArchiveFilesParams{ArchiveID: 3}).List)
	refused(t, l.ctx, l.Hub, api.ListArchiveFiles, api.ListArchiveFilesParams{ArchiveID: 3, Strict: true},
		koji.FaultGeneric, "Unsupported archive type: txt")
	refused(t, l.ctx, l.Hub, api.GetArchiveFile, api.GetArchiveFileParams{ArchiveID: 2, Filename: "no", Strict: true},
		koji.FaultGeneric, "No such file: no in archive#2")
	refused(t, l.ctx, l.Hub, api.ListArchiveFiles, api.ListArchiveFilesParams{ArchiveID: 4},
		koji.FaultGeneric, "Cannot read archive short.tar: unexpected EOF")
}
