package testenv

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Temporal starts bin/temporal-server, as `make build` leaves it, on the test's
// PostgreSQL and returns its host:port; its namespace is toji. It ends with the
// test. With TOJI_TEST_TEMPORAL set, that server is used instead.
func Temporal(t testing.TB) string {
	t.Helper()
	if address := os.Getenv("TOJI_TEST_TEMPORAL"); address != "" {
		return address
	}
	program := filepath.Join(sourceTree(t), "bin", "temporal-server")
	_, err := os.Stat(program)
	Need(t, err == nil, "bin/temporal-server, which `make build` makes")
	Postgres(t)
	Need(t, shared.cluster != nil, "a PostgreSQL of its own, without TOJI_TEST_DSN")
	pg, err := shared.cluster.TCP()
	require.NoError(t, err)
	password := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(password, []byte(pg.Password), 0o600))
	address := freeAddress(t)
	cmd := exec.Command(program, "-pg-addr", fmt.Sprintf("%s:%d", pg.Host, pg.Port), "-pg-user", pg.User, "-pg-password-file", password,
		"-db", fmt.Sprintf("temporal_%d", shared.names.Add(1)), "-listen", address, "-ui", "", "-lifeline", "3")
	// The server ends with this process, however that ends.
	lifeline, hold, err := os.Pipe()
	require.NoError(t, err)
	cmd.ExtraFiles = []*os.File{lifeline}
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.NoError(t, lifeline.Close())
	t.Cleanup(func() {
		_ = hold.Close()
		_ = cmd.Wait() // it was ended, so how is no news
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.TrimSpace(lines.Text()) == "ready" {
			return address
		}
	}
	t.Fatal("temporal-server ended before it was ready")
	return ""
}

// sourceTree finds the folder of go.mod.
func sourceTree(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		require.NotEqual(t, filepath.Dir(dir), dir, "no go.mod above the test's folder")
		dir = filepath.Dir(dir)
	}
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}
