package builder

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func TestReport(t *testing.T) {
	proc := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(proc, "loadavg"), []byte("1.25 0.97 0.80 2/512 4242\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(proc, "meminfo"), []byte("MemTotal:       16318412 kB\nMemFree:  1 kB\nMemAvailable:    2048 kB\n"), 0o600))
	r := machine{dir: proc, proc: proc, versions: map[string]string{"toji": "1"}}.report("no room")
	require.Equal(t, "no room", r.NotReady)
	require.InDelta(t, 1.25, r.LoadAverage, 0)
	require.Equal(t, int64(16318412<<10), r.MemoryTotal)
	require.Equal(t, int64(2<<20), r.MemoryFree)
	require.Positive(t, r.DiskFree)
	require.GreaterOrEqual(t, r.DiskTotal, r.DiskFree)
	require.Positive(t, r.CPUs)

	// The hub reads it from JSON that it makes of what came over the wire.
	data, err := xmlrpc.Plain(r)
	require.NoError(t, err)
	text, err := json.Marshal(data)
	require.NoError(t, err)
	var read api.HostReport
	require.NoError(t, json.Unmarshal(text, &read))
	require.Equal(t, r, read)

	nothing := machine{dir: "/nonexistent", proc: "/nonexistent"}.report("")
	require.Equal(t, api.HostReport{CPUs: r.CPUs}, nothing)
}

func TestVersions(t *testing.T) {
	v := versions(t.Context(), "0.2")
	require.Equal(t, "0.2", v["toji"])
	require.NotEmpty(t, v["kernel"])
	for text, want := range map[string]string{
		"RPM version 4.20.1": "4.20.1", "Version: 1.2.1 (Features: ...)": "1.2.1", "6.1\n": "6.1", "dnf5 version 5.2.8.1": "5.2.8.1",
	} {
		require.Equal(t, want, versionPattern.FindString(text))
	}
	release := filepath.Join(t.TempDir(), "os-release")
	require.NoError(t, os.WriteFile(release, []byte("NAME=x\nPRETTY_NAME=\"Fedora Linux 43\"\n"), 0o600))
	require.Equal(t, "Fedora Linux 43", osName(release))
	require.Empty(t, osName(release+"x"))
}
