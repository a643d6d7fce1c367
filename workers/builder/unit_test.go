package builder

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The service manager must leave builds alone when it stops the daemon, and must
// not give it mounts that the next daemon cannot see.
func TestServiceLeavesBuildsAlone(t *testing.T) {
	text, err := os.ReadFile("../../deploy/systemd/toji-worker.service")
	require.NoError(t, err)
	settings := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok && !strings.HasPrefix(key, "#") {
			settings[key] = value
		}
	}
	require.Equal(t, "process", settings["KillMode"])
	require.Equal(t, "yes", settings["Delegate"])
	require.Equal(t, "always", settings["Restart"])
	for key := range settings {
		require.False(t, strings.HasPrefix(key, "Private") || strings.HasPrefix(key, "Protect") || strings.HasSuffix(key, "Paths"), key)
	}
}
