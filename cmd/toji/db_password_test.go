package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/cli"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/password"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
)

func TestPassword(t *testing.T) {
	dsn := testenv.DSN(t)
	db, err := database.Open(t.Context(), dsn, database.Options{})
	require.NoError(t, err)
	defer db.Close()
	s := store.New(db)
	_, err = s.CreateUser(t.Context(), "ann", koji.UserNormal, koji.UserActive, "")
	require.NoError(t, err)
	_, err = s.CreateUser(t.Context(), "team", koji.UserGroup, koji.UserActive, "")
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "toji.toml")
	require.NoError(t, os.WriteFile(file, fmt.Appendf(nil, "[database]\ndsn = %q\n", dsn), 0o600))
	set := func(input string, args ...string) (int, string) {
		var errs bytes.Buffer
		exit := cli.Run(t.Context(), cli.Env{
			Args: append([]string{"db", "password", "--config", file}, args...), Stdin: strings.NewReader(input), Stderr: &errs, Roles: roles(),
		})
		return exit, errs.String()
	}
	stored := func() string {
		user, err := s.LoginByName(t.Context(), "ann")
		require.NoError(t, err)
		return *user.Password
	}
	exit, stderr := set("secret\n", "ann")
	require.Zero(t, exit, stderr)
	require.True(t, password.Check(stored(), "secret"))
	require.NotContains(t, stored(), "secret")
	exit, stderr = set("", "ann")
	require.Equal(t, 1, exit)
	require.Contains(t, stderr, "a password must not be empty")
	for _, name := range []string{"nobody", "team"} {
		exit, stderr = set("secret\n", name)
		require.Equal(t, 1, exit)
		require.Contains(t, stderr, "no such user: "+name)
	}
	exit, stderr = set("", "--remove", "ann")
	require.Zero(t, exit, stderr)
	require.Empty(t, stored())
}
