package builder

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestOneDaemonForADirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "builder")
	first, err := lockDir(dir)
	require.NoError(t, err)
	_, err = lockDir(dir)
	require.EqualError(t, err, "another builder works in "+dir)
	require.NoError(t, first.Close())
	second, err := lockDir(dir)
	require.NoError(t, err)
	require.NoError(t, second.Close())
}
