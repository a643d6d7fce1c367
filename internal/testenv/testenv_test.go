package testenv_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/schema"
)

func TestMain(m *testing.M) { testenv.Main(m) }

func TestDatabasesAreSeparate(t *testing.T) {
	a, b := testenv.Database(t), testenv.Database(t)
	_, err := a.Exec(t.Context(), `INSERT INTO tag (name) VALUES ('f43')`)
	require.NoError(t, err)
	for db, want := range map[*database.DB]int{a: 1, b: 0} {
		n, err := database.One[int](t.Context(), db, `SELECT count(*) FROM tag`)
		require.NoError(t, err)
		require.Equal(t, want, n)
		version, err := schema.Applied(t.Context(), db)
		require.NoError(t, err)
		require.Equal(t, schema.Version, version)
	}
}

func TestDatabaseIsDropped(t *testing.T) {
	var dsn string
	t.Run("use", func(t *testing.T) { dsn = testenv.DSN(t) })
	if t.Failed() || dsn == "" {
		t.Skip("no database was made")
	}
	_, err := database.Open(t.Context(), dsn, database.Options{})
	require.ErrorContains(t, err, "does not exist")
}

func BenchmarkDSN(b *testing.B) {
	for b.Loop() {
		testenv.DSN(b)
	}
}
