package builder

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// What a loss of power left of a record keeps no daemon from starting.
func TestDamagedRecord(t *testing.T) {
	j := newTestJob(t)
	for _, text := range []string{"", "\x00\x00", `{"workflow_id": "ta`} {
		require.NoError(t, os.WriteFile(filepath.Join(j.dir, attemptFile), []byte(text), 0o600))
		wanted, err := j.reportLost(t.Context(), "1")
		require.NoError(t, err)
		require.False(t, wanted)
	}
}

// What is no task's folder keeps no daemon from starting, and stays.
func TestRecoverLeavesOtherFolders(t *testing.T) {
	j := newTestJob(t)
	tasks := filepath.Dir(j.dir)
	require.NoError(t, os.MkdirAll(filepath.Join(tasks, "lost+found", "steps"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(tasks, "17"), nil, 0o600))
	kept, err := Control{activities: j.Activities}.Recover(t.Context())
	require.NoError(t, err)
	require.Empty(t, kept.Tasks)
	require.NoDirExists(t, j.dir, "nobody wants it any more")
	require.DirExists(t, filepath.Join(tasks, "lost+found"))
	require.FileExists(t, filepath.Join(tasks, "17"))
}
