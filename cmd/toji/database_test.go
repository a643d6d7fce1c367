package main

import (
	"bytes"
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/schema"
)

func TestOpenDatabase(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	c := config.Default().Database
	c.DSN = testenv.Empty(t)
	_, err := openDatabase(t.Context(), c, nil, quiet)
	require.ErrorContains(t, err, "run `toji db migrate`, or set migrate = true")

	c.Migrate = true
	db, err := openDatabase(t.Context(), c, nil, quiet)
	require.NoError(t, err)
	_, err = db.Exec(t.Context(), `UPDATE toji.schema_version SET version_id = $1 WHERE version_id = $2`, schema.Version+1, schema.Version)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	c.Migrate = false
	_, err = openDatabase(t.Context(), c, nil, quiet)
	require.ErrorContains(t, err, "use a newer toji")
}

func TestMissingDatabaseIsAnError(t *testing.T) {
	dsn, err := database.InDatabase(testenv.Postgres(t), "nobody_made_this")
	require.NoError(t, err)
	c := config.Default().Database
	c.DSN = dsn
	_, err = openDatabase(t.Context(), c, nil, slog.New(slog.DiscardHandler))
	require.ErrorContains(t, err, "does not exist")
}

// cancelWriter cancels a context once something is written to it.
type cancelWriter struct {
	bytes.Buffer
	cancel context.CancelFunc
}

func (w *cancelWriter) Write(p []byte) (int, error) {
	defer w.cancel()
	return w.Buffer.Write(p)
}

func TestServerThatIsNotThereIsWaitedFor(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	log := &cancelWriter{cancel: cancel}
	c := config.Default().Database
	c.DSN = "host=" + t.TempDir() + " dbname=koji"
	_, err := openDatabase(ctx, c, nil, slog.New(slog.NewTextHandler(log, nil)))
	require.ErrorIs(t, err, context.Canceled)
	require.Contains(t, log.String(), "waiting for the database")
}
