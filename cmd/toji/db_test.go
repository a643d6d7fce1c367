package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/cli"
	"github.com/toji-build/toji/internal/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// TestDatabase sets up a database with the commands for it.
func TestDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "toji.toml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "[database]\ndsn = %q\n", testenv.Empty(t)), 0o600))
	db := func(command string) (exit int, stdout, stderr string) {
		var out, errs bytes.Buffer
		exit = cli.Run(t.Context(), cli.Env{
			Args: []string{"db", command, "--config", file}, Stdout: &out, Stderr: &errs, Roles: roles(),
		})
		return exit, out.String(), errs.String()
	}
	exit, stdout, stderr := db("check")
	require.Equal(t, 1, exit)
	require.Contains(t, stdout, "The database has no tables of Koji's; `toji db init` makes them.")
	require.Contains(t, stderr, "toji: the database is not fit for Toji yet\n")

	exit, stdout, stderr = db("init")
	require.Zero(t, exit, stderr)
	require.Contains(t, stdout, "The database is at migration ")

	exit, _, stderr = db("init")
	require.Equal(t, 1, exit)
	require.Contains(t, stderr, "the database is set up already")

	for _, command := range []string{"migrate", "check"} {
		exit, _, stderr = db(command)
		require.Zero(t, exit, "%s: %s", command, stderr)
	}
}

// TestRolesAreExplained checks the help of the commands that run Toji.
func TestRolesAreExplained(t *testing.T) {
	for _, cmd := range roles() {
		require.NotEmpty(t, cmd.Short, cmd.Name())
		require.Equal(t, cli.RolesGroup, cmd.GroupID, cmd.Name())
		require.True(t, cmd.Hidden || cmd.Example != "", "%s has no example", cmd.Name())
	}
}
