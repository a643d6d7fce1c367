package database_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
)

// killAll ends all sessions of db's database from outside, and waits for it.
func killAll(t *testing.T, db *database.DB) {
	t.Helper()
	killer, err := database.Open(t.Context(), testenv.Postgres(t), database.Options{})
	require.NoError(t, err)
	defer killer.Close()
	name := one[string](t, db, `SELECT current_database()`)
	require.NotZero(t, one[int](t, killer, `SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = $1`, name))
}

func TestIdleConnectionsLost(t *testing.T) {
	db := open(t, database.Options{})
	exec(t, db, `CREATE SEQUENCE runs`)
	for i := range 3 { // statements new and prepared
		killAll(t, db)
		require.Equal(t, 1, one[int](t, db, `SELECT 1`))
		killAll(t, db)
		exec(t, db, `INSERT INTO item VALUES ($1, 'x')`, i)
		killAll(t, db)
		require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error { return insert(ctx, db, 10+i) }))
	}
	require.Len(t, items(t, db), 6)
}

func TestWritesAreNotRepeated(t *testing.T) {
	db := open(t, database.Options{})
	exec(t, db, `CREATE SEQUENCE runs`)
	_, err := database.One[bool](t.Context(), db, `INSERT INTO item VALUES (nextval('runs'), 'x')
		RETURNING pg_terminate_backend(pg_backend_pid())`)
	require.True(t, database.IsConnLost(err), err)
	_, err = db.Exec(t.Context(), `INSERT INTO item SELECT nextval('runs'), $1 RETURNING pg_terminate_backend(pg_backend_pid())`, "x")
	require.True(t, database.IsConnLost(err), err)
	require.Equal(t, 2, one[int](t, db, `SELECT last_value FROM runs`))
}

func TestTransactionLost(t *testing.T) {
	db := open(t, database.Options{})
	err := db.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, insert(ctx, db, 1))
		killAll(t, db)
		return insert(ctx, db, 2)
	})
	require.True(t, database.IsConnLost(err), err)
	require.Empty(t, items(t, db))
}

func prepared(t *testing.T, db *database.DB) []string {
	t.Helper()
	texts, err := database.All[string](t.Context(), db, `SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%AS mark_' OR statement LIKE '%AS mark__' ORDER BY statement`)
	require.NoError(t, err)
	return texts
}

func TestStatementsArePreparedOnce(t *testing.T) {
	db := open(t, database.Options{MaxConns: 1, Statements: 4})
	query := func(i int) string { return fmt.Sprintf(`SELECT $1::int AS mark%d`, i) }
	one[int](t, db, query(1), 1)
	require.Empty(t, prepared(t, db), "the first time")
	one[int](t, db, query(1), 1)
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		_, err := database.One[int](ctx, db, query(1), 1)
		return err
	}))
	require.Equal(t, []string{query(1)}, prepared(t, db))
	for i := range 20 {
		one[int](t, db, query(i), 1)
		one[int](t, db, query(i), 1)
	}
	require.LessOrEqual(t, len(prepared(t, db)), 4)
	require.Contains(t, prepared(t, db), query(19))
}

func TestChangedTable(t *testing.T) {
	db := open(t, database.Options{MaxConns: 1})
	const all = `SELECT * FROM item`
	type row struct {
		ID    int     `db:"id"`
		Name  *string `db:"name"`
		Added *int    `db:"added"`
	}
	for range 3 {
		_, err := database.All[row](t.Context(), db, all)
		require.NoError(t, err)
	}
	exec(t, db, `ALTER TABLE item ADD added int`)
	_, err := database.All[row](t.Context(), db, all)
	require.Equal(t, "0A000", database.Code(err), "cached plan must not change result type")
	_, err = database.All[row](t.Context(), db, all)
	require.NoError(t, err)
}

// heard collects what a listener is told.
func heard(t *testing.T, db *database.DB, channels ...string) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	got := make(chan string, 100)
	ended := make(chan error, 1)
	go func() {
		ended <- db.Listen(ctx, func(channel, payload string) { got <- channel + ":" + payload }, channels...)
	}()
	t.Cleanup(func() {
		cancel()
		require.ErrorIs(t, <-ended, context.Canceled)
	})
	return got
}

func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(20 * time.Second):
		require.FailNow(t, "nothing came")
		panic("unreachable")
	}
}

func TestListen(t *testing.T) {
	db := open(t, database.Options{})
	got := heard(t, db, "a", "b")
	require.Equal(t, ":", next(t, got))
	exec(t, db, `NOTIFY a, '1'`)
	exec(t, db, `NOTIFY c`)
	exec(t, db, `NOTIFY b`)
	require.Equal(t, "a:1", next(t, got))
	require.Equal(t, "b:", next(t, got))
	killAll(t, db)
	require.Equal(t, ":", next(t, got), "connected again")
	exec(t, db, `NOTIFY b, '2'`)
	require.Equal(t, "b:2", next(t, got))
}

func TestLeader(t *testing.T) {
	a := open(t, database.Options{})
	ctx := t.Context()
	_, release, ok, err := a.TryLeader(ctx, 42)
	require.NoError(t, err)
	require.True(t, ok)
	_, _, ok, err = a.TryLeader(ctx, 42)
	require.NoError(t, err)
	require.False(t, ok, "one at a time")
	_, other, ok, err := a.TryLeader(ctx, 43)
	require.NoError(t, err)
	require.True(t, ok, "another lock")
	other()
	release()
	release() // does no harm
	lead, release, ok, err := a.TryLeader(ctx, 42)
	require.NoError(t, err)
	require.True(t, ok, "given back")
	defer release()
	require.NoError(t, lead.Err())
	killAll(t, a)
	next(t, lead.Done())
	require.ErrorIs(t, context.Cause(lead), database.ErrLeadershipLost)
}

func TestLead(t *testing.T) {
	db := open(t, database.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	terms := make(chan string, 10)
	ended := make(chan error, 2)
	for _, name := range []string{"a", "b"} {
		go func() {
			ended <- db.Lead(ctx, 42, func(ctx context.Context) error {
				terms <- name
				<-ctx.Done()
				return ctx.Err()
			})
		}()
	}
	next(t, terms)
	require.Empty(t, terms)
	killAll(t, db)
	next(t, terms)
	require.Empty(t, terms)
	cancel()
	require.ErrorIs(t, next(t, ended), context.Canceled)
	require.ErrorIs(t, next(t, ended), context.Canceled)

	require.ErrorIs(t, db.Lead(t.Context(), 43, func(context.Context) error { return errBoom }), errBoom)
}
