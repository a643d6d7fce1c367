package builder

import (
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// Only what the metadata locates beside itself is the hub's own; what mergerepo_c
// has brought in has a base.
func TestOldRepodata(t *testing.T) {
	file := filepath.Join(t.TempDir(), "primary.xml.gz")
	f, err := os.Create(file)
	require.NoError(t, err)
	z := gzip.NewWriter(f)
	_, err = z.Write([]byte(`<metadata packages="2">
<package type="rpm">
  <location href="toplink/packages/foo/1/1/x86_64/foo-1-1.x86_64.rpm"/>
</package>
<package type="rpm">
  <location xml:base="http://example.com/" href="bar-1-1.x86_64.rpm"/>
</package></metadata>`))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.NoError(t, f.Close())

	old := &oldRepodata{rpms: map[string]bool{}}
	require.NoError(t, old.read(file))
	require.True(t, old.has("packages/foo/1/1/x86_64/foo-1-1.x86_64.rpm"))
	require.False(t, old.has("packages/bar/1/1/x86_64/bar-1-1.x86_64.rpm"))
	require.False(t, (*oldRepodata)(nil).has("foo-1-1.x86_64.rpm"))
	require.Error(t, old.read(filepath.Join(t.TempDir(), "none")))
}
