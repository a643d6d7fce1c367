package hub

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/koji"
)

// Whatever an upload's URL says, nothing is written but below work/.
func FuzzUploadTarget(f *testing.F) {
	for _, query := range []string{
		"filepath=cli/1&filename=f.txt&offset=-1&overwrite=1", "filepath=../../etc&filename=x", "filepath=a/../../b&filename=x",
		"filepath=/etc&filename=x", "filepath=%2e%2e%2fx&filename=x", "filepath=a%00b&filename=x", "filepath=out&filename=f",
		"filepath=out/../out/x&filename=f", "filepath=.&filename=..", "filepath=&filename=.user", "filepath=a//b/./c/&filename=%ff",
		"filepath=tasks/1/1&filename=x", "filename=a%2fb", "filename=x&filepath=dir%0a&offset=99999999999999999999",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		outside := t.TempDir()
		top := filepath.Join(outside, "top")
		work := filepath.Join(top, "work")
		require.NoError(t, os.MkdirAll(work, 0o755))
		require.NoError(t, os.Symlink(outside, filepath.Join(work, "out")))
		require.NoError(t, os.Symlink(filepath.Join(outside, "f"), filepath.Join(work, "f")))
		h := &Hub{Paths: koji.PathInfo{TopDir: top}}

		u, err := parseRawUpload(query)
		if err != nil {
			require.NotZero(t, koji.FaultOf(err), "%v", err)
			return
		}
		ctx := session.With(t.Context(), &session.Session{ID: 1, UserID: 2})
		target, err := h.openUpload(ctx, u.dir, u.name, "")
		if err == nil {
			defer target.Close()
			if file, err := target.open(os.O_RDWR | os.O_CREATE); err == nil {
				require.NoError(t, file.Close())
				info, err := os.Lstat(target.path)
				require.NoError(t, err, "the message names another file than was written")
				require.True(t, info.Mode().IsRegular())
			}
		}
		for dir, want := range map[string]string{outside: "top", top: "work"} {
			entries, err := os.ReadDir(dir)
			require.NoError(t, err)
			require.Len(t, entries, 1, dir)
			require.Equal(t, want, entries[0].Name())
		}
	})
}
