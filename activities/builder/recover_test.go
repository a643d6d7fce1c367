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
