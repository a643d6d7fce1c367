package main

import (
	"bytes"
	"flag"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/server/common/log/tag"
)

func TestParseOptionsDefaults(t *testing.T) {
	o, err := parseOptions(nil, io.Discard)
	require.NoError(t, err)
	require.Equal(t, Options{
		PGAddr: "127.0.0.1:5432", PGUser: "postgres", PGSSLMode: "disable", Database: "temporal",
		Listen: "127.0.0.1:7233", UI: "127.0.0.1:8233", Namespace: "toji",
		Retention: 72 * time.Hour, LogLevel: slog.LevelError, Lifeline: -1,
	}, o)
}

func TestParseOptionsReadsPasswordFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	require.NoError(t, os.WriteFile(file, []byte("secret\n"), 0o600))
	o, err := parseOptions([]string{"--pg-password-file", file, "--ui", ""}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "secret", o.PGPass)
	require.Empty(t, o.UI)
}

func TestParseOptionsRefuses(t *testing.T) {
	for _, tc := range []struct{ args, want string }{
		{"--listen localhost:7233", `--listen "localhost:7233": want IP:port`},
		{"--listen 127.0.0.1:0", "want IP:port"},
		{"--ui 8233", "--ui"},
		{"--pg-addr localhost", "want host:port"},
		{"--db Temporal", "--db"},
		{"--retention 5m", "--retention 5m0s"},
		{"--pg-password-file /nowhere", "read password"},
		{"serve", `unexpected argument "serve"`},
	} {
		_, err := parseOptions(strings.Fields(tc.args), io.Discard)
		require.ErrorContains(t, err, tc.want, tc.args)
	}
	_, err := parseOptions([]string{"--help"}, io.Discard)
	require.ErrorIs(t, err, flag.ErrHelp)
}

func TestDialAddr(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:7233": "127.0.0.1:7233",
		"0.0.0.0:7233":   "127.0.0.1:7233",
		"[::]:7233":      "[::1]:7233",
		"192.0.2.1:7":    "192.0.2.1:7",
	} {
		require.Equal(t, want, Options{Listen: listen}.dialAddr())
	}
}

func TestFreePorts(t *testing.T) {
	ports, err := freePorts(3)
	require.NoError(t, err)
	require.Len(t, ports, 3)
	seen := map[int]bool{}
	for _, p := range ports {
		require.GreaterOrEqual(t, p, firstInternalPort)
		require.Less(t, p, firstEphemeralPort())
		require.False(t, seen[p], "port %d twice", p)
		seen[p] = true
	}
}

func TestLoggerLimitsErrorsOnly(t *testing.T) {
	var out bytes.Buffer
	l := newTemporalLogger(slog.New(slog.NewTextHandler(&out, nil)), slog.LevelWarn)
	for range 1000 {
		l.With(tag.WorkflowID("task-1")).Error("no database")
	}
	l.Info("hidden")
	l.Warn("shown")
	errors := strings.Count(out.String(), `msg="temporal: no database" wf-id=task-1`)
	require.Positive(t, errors)
	require.Less(t, errors, 100)
	require.Contains(t, out.String(), "temporal: shown")
	require.NotContains(t, out.String(), "hidden")
}
