package database_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

// open opens an empty database with a table to write to.
func open(t testing.TB, opts database.Options) *database.DB {
	t.Helper()
	opts.Log = quiet
	db, err := database.Open(t.Context(), testenv.Empty(t), opts)
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	exec(t, db, `CREATE TABLE item (id int PRIMARY KEY, name text)`)
	return db
}

func exec(t testing.TB, db *database.DB, sql string, args ...any) {
	t.Helper()
	_, err := db.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func one[T any](t testing.TB, db *database.DB, sql string, args ...any) T {
	t.Helper()
	v, err := database.One[T](t.Context(), db, sql, args...)
	require.NoError(t, err)
	return v
}

type state int

type name string

type base struct {
	ID   int64  `rpc:"id"`
	Name string `rpc:"name,optional=None"`
}

type record struct {
	base
	Name    name            `rpc:"name"` // wins over the embedded one
	Note    *string         `rpc:"note,omitempty"`
	State   *state          `db:"state" rpc:"status"`
	States  []state         `rpc:"states"`
	Names   []name          `rpc:"names"`
	Flags   []bool          `rpc:"flags"`
	Extra   json.RawMessage `rpc:"extra=None"`
	Bytes   []byte          `rpc:"bytes"`
	Created koji.Time       `rpc:"created"`
	Ended   *koji.Time      `rpc:"ended"`
	Weight  float64         `rpc:"weight"`
	Any     any             `rpc:"any"`
	//lint:ignore U1000 stands for what no column fills
	ignored string
	Skipped string `rpc:"-"`
}

const fullRecord = `SELECT 7 AS id, 'bash' AS name, 'n' AS note, 3::smallint AS state, ARRAY[1,2] AS states,
	ARRAY['a','b,c'] AS names, ARRAY[true,false] AS flags, '{"a": 1}'::jsonb AS extra, '\x00ff'::bytea AS bytes,
	'2026-01-02 03:04:05.678901+02'::timestamptz AS created, '2026-01-02'::timestamptz AS ended,
	1.5::numeric AS weight, 'x' AS any`

func TestScanRecord(t *testing.T) {
	db := open(t, database.Options{})
	note, st := "n", state(3)
	ended := koji.NewTime(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))
	want := record{
		base: base{ID: 7}, Name: "bash", Note: &note, State: &st, States: []state{1, 2}, Names: []name{"a", "b,c"},
		Flags: []bool{true, false}, Extra: json.RawMessage(`{"a": 1}`), Bytes: []byte{0, 0xff},
		Created: koji.NewTime(time.Date(2026, 1, 2, 1, 4, 5, 678901000, time.UTC)), Ended: &ended, Weight: 1.5, Any: "x",
	}
	for range 3 { // unprepared, prepared, from the cache: formats on the wire differ
		require.Equal(t, want, one[record](t, db, fullRecord))
	}
	nulls := one[record](t, db, `SELECT 1 AS id, NULL AS note, NULL::int AS state, NULL::int[] AS states, NULL::jsonb AS extra,
		NULL::bytea AS bytes, NULL::timestamptz AS created, NULL::timestamptz AS ended, NULL AS any`)
	require.Equal(t, record{base: base{ID: 1}}, nulls)
}

func TestSettings(t *testing.T) {
	db, err := database.Open(t.Context(), testenv.DSN(t), database.Options{Settings: map[string]string{"toji.messages": "on"}})
	require.NoError(t, err)
	defer db.Close()
	on, err := database.One[string](t.Context(), db, `SELECT current_setting('toji.messages')`)
	require.NoError(t, err)
	require.Equal(t, "on", on)
}

func TestScanScalar(t *testing.T) {
	db := open(t, database.Options{})
	require.Equal(t, int64(math.MaxInt64), one[int64](t, db, `SELECT 9223372036854775807`))
	require.Equal(t, "a", one[string](t, db, `SELECT 'a'::varchar(5)`))
	require.Equal(t, name("a"), one[name](t, db, `SELECT 'a'::name`))
	require.Nil(t, one[*string](t, db, `SELECT NULL`))
	require.Equal(t, []string{"a", "b"}, one[[]string](t, db, `SELECT ARRAY['a','b']`))
	require.Equal(t, []int{}, one[[]int](t, db, `SELECT ARRAY[]::int[]`))
	require.Equal(t, time.UTC, one[time.Time](t, db, `SELECT now()`).Location())
	require.JSONEq(t, `[1]`, string(one[json.RawMessage](t, db, `SELECT '[1]'::json`)))
	require.Equal(t, "UTC", one[string](t, db, `SELECT current_setting('timezone')`))
	all, err := database.All[koji.Time](t.Context(), db, `SELECT '2026-01-02'::timestamptz UNION ALL SELECT NULL`)
	require.NoError(t, err)
	require.Equal(t, "2026-01-02 00:00:00+00:00", all[0].String())
	require.True(t, all[1].IsZero())
	none, err := database.All[int](t.Context(), db, `SELECT 1 WHERE false`)
	require.NoError(t, err)
	require.Nil(t, none)
}

func TestScanErrors(t *testing.T) {
	db := open(t, database.Options{})
	check := func(want string, err error) {
		t.Helper()
		require.ErrorContains(t, err, want)
	}
	_, err := database.One[base](t.Context(), db, `SELECT 1 AS id, 2 AS nope`)
	check(`database_test.base has no field for column "nope"`, err)
	_, err = database.One[base](t.Context(), db, `SELECT 1 AS id, 2 AS id`)
	check(`column "id" comes twice`, err)
	_, err = database.One[int](t.Context(), db, `SELECT 1, 2`)
	check(`int takes one column, the query has 2`, err)
	_, err = database.One[int](t.Context(), db, `SELECT NULL`)
	check(`column "?column?": NULL needs a pointer`, err)
	type bad struct {
		M map[string]any `rpc:"m"`
	}
	_, err = database.One[bad](t.Context(), db, `SELECT 1 AS m`)
	check(`cannot scan into map[string]interface {} (field M of database_test.bad)`, err)
	_, err = database.One[int](t.Context(), db, `SELECT 1 WHERE false`)
	require.ErrorIs(t, err, database.ErrNotFound)
	var n int
	require.ErrorIs(t, db.QueryRow(t.Context(), `SELECT 1 WHERE false`).Scan(&n), database.ErrNotFound)
	_, err = database.All[int](t.Context(), db, `SELECT 1/(2-n) FROM generate_series(1,2) n`)
	require.Equal(t, "22012", database.Code(err), "an error after the first row")
}

func TestArguments(t *testing.T) {
	db := open(t, database.Options{})
	var null *string
	created := koji.NewTime(time.Now())
	raw, err := database.JSON(map[string]any{"a": "b"})
	require.NoError(t, err)
	for range 3 {
		require.Equal(t, 2, one[int](t, db, `SELECT count(*) FROM generate_series(1,9) n WHERE n = ANY($1)`, []state{2, 3}))
		require.Equal(t, 1, one[int](t, db, `SELECT count(*) FROM unnest($1::text[]) n WHERE n = 'b,"c'`, []string{"a", `b,"c`}))
		require.Equal(t, 0, one[int](t, db, `SELECT count(*) FROM generate_series(1,9) n WHERE n = ANY($1)`, []int64(nil)))
		require.True(t, one[bool](t, db, `SELECT $1::text IS NULL`, null))
		require.Equal(t, created, one[koji.Time](t, db, `SELECT $1::timestamptz`, created))
		require.True(t, one[bool](t, db, `SELECT $1::timestamptz IS NULL`, koji.Time{}))
		require.Equal(t, "b", one[string](t, db, `SELECT $1::jsonb->>'a'`, raw))
		require.Equal(t, "b", one[string](t, db, `SELECT $1::json->>'a'`, &raw))
		require.True(t, one[bool](t, db, `SELECT $1::jsonb IS NULL`, json.RawMessage(nil)))
		require.Equal(t, []byte{0, 1}, one[[]byte](t, db, `SELECT $1::bytea`, []byte{0, 1}))
		require.Equal(t, state(4), one[state](t, db, `SELECT $1::int`, state(4)))
		require.Equal(t, 1.25, one[float64](t, db, `SELECT $1::float8`, 1.25))
	}
}

func TestEachStreams(t *testing.T) {
	db := open(t, database.Options{})
	// The whole answer would take minutes; rows wider than the server's buffer
	// arrive at once.
	const slow = `SELECT repeat('x', 100000) FROM generate_series(1, 3) UNION ALL SELECT pg_sleep(600)::text`
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var rows int
	for text, err := range database.Each[string](ctx, db, slow) {
		require.NoError(t, err)
		require.Len(t, text, 100000)
		if rows++; rows == 2 {
			cancel()
			break
		}
	}
	require.Equal(t, 2, rows)
	require.Equal(t, 1, one[int](t, db, `SELECT 1`))
}

func TestErrors(t *testing.T) {
	ctx := t.Context()
	db := open(t, database.Options{})
	exec(t, db, `CREATE TABLE part (item int NOT NULL REFERENCES item(id), n int CONSTRAINT positive CHECK (n > 0))`)
	exec(t, db, `INSERT INTO item VALUES (1, 'a')`)
	fails := func(sql string) error {
		_, err := db.Exec(ctx, sql)
		require.Error(t, err)
		return err
	}
	name, ok := database.IsUnique(fails(`INSERT INTO item VALUES (1, 'b')`))
	require.True(t, ok)
	require.Equal(t, "item_pkey", name)
	for sql, want := range map[string]string{
		`INSERT INTO item VALUES (1, 'b')`:    "Key (id)=(1) already exists.",
		`INSERT INTO part VALUES (2, 1)`:      `Key (item)=(2) is not present in table "item".`,
		`INSERT INTO part VALUES (1, 0)`:      `new row for relation "part" violates check constraint "positive"`,
		`INSERT INTO part VALUES (NULL, 100)`: `null value in column "item" of relation "part" violates not-null constraint`,
	} {
		text, ok := database.IsConstraint(fails(sql))
		require.True(t, ok)
		require.Equal(t, want, text)
	}
	name, ok = database.IsCheck(fails(`INSERT INTO part VALUES (1, 0)`))
	require.True(t, ok)
	require.Equal(t, "positive", name)
	text, ok := database.IsBadValue(fails(`INSERT INTO item VALUES (1::bigint << 40, 'c')`))
	require.True(t, ok)
	require.Contains(t, text, "integer out of range")
	err := fails(`SELECT nonsense`)
	_, ok = database.IsBadValue(err)
	require.False(t, ok)
	require.Equal(t, "42703", database.Code(err))
	_, ok = database.IsUnique(err)
	require.False(t, ok)
	require.False(t, database.IsConnLost(err))
	require.False(t, database.IsConnLost(io.ErrUnexpectedEOF), "a file may end too early, too")
	_, ok = database.IsConstraint(err)
	require.False(t, ok)

	err = db.InReadTx(ctx, func(ctx context.Context) error {
		_, err := db.Exec(ctx, `UPDATE item SET name = 'x'`)
		return err
	})
	require.Equal(t, "25006", database.Code(err), "a read-only transaction")
}

func TestSerializationFailure(t *testing.T) {
	ctx := t.Context()
	db := open(t, database.Options{})
	exec(t, db, `INSERT INTO item VALUES (1, 'a')`)
	err := db.InTx(ctx, func(ctx context.Context) error {
		if _, err := db.Exec(ctx, `SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item`); err != nil {
			return err
		}
		exec(t, db, `UPDATE item SET name = 'b'`) // another connection
		_, err := db.Exec(ctx, `UPDATE item SET name = 'c'`)
		return err
	})
	require.True(t, database.IsSerialization(err), err)
}

func TestCancel(t *testing.T) {
	db := open(t, database.Options{})
	for i := range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		_, err := database.One[string](ctx, db, `SELECT pg_sleep(600)`)
		require.ErrorIs(t, err, context.Canceled, i)
		require.Equal(t, 1, one[int](t, db, `SELECT 1`))
	}
}

func TestNoDeadlockOnNewStatements(t *testing.T) {
	db := open(t, database.Options{MaxConns: 2})
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			for j := range 5 {
				err := db.InTx(t.Context(), func(ctx context.Context) error {
					_, err := database.One[int](ctx, db, fmt.Sprintf(`SELECT %d + $1`, i*j), 1)
					return err
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
}

func TestInDatabase(t *testing.T) {
	for dsn, want := range map[string]string{
		"host=/run user=toji dbname=a":         `host=/run user=toji dbname=a dbname='it\'s'`,
		"postgres://u:p@h:1/a?sslmode=disable": "postgres://u:p@h:1/it%27s?sslmode=disable",
	} {
		got, err := database.InDatabase(dsn, "it's")
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	_, err := database.InDatabase("port=x", "a")
	require.Error(t, err)
}

func TestOpenErrors(t *testing.T) {
	_, err := database.Open(t.Context(), "host=/nonexistent dbname=x", database.Options{})
	require.ErrorContains(t, err, `connect to "x" on /nonexistent`)
	require.True(t, database.IsConnLost(err), err)
	_, err = database.Open(t.Context(), "port=x", database.Options{})
	require.ErrorContains(t, err, "read DSN")
	_, err = database.Open(t.Context(), "", database.Options{MaxConns: -1})
	require.ErrorContains(t, err, "must not be negative")
}

func BenchmarkOne(b *testing.B) {
	db := open(b, database.Options{})
	exec(b, db, `INSERT INTO item VALUES (1, 'a')`)
	ctx := b.Context()
	for b.Loop() {
		_, err := database.One[struct {
			ID   int    `db:"id"`
			Name string `db:"name"`
		}](ctx, db, `SELECT id, name FROM item WHERE id = $1`, 1)
		if err != nil {
			b.Fatal(err)
		}
	}
}

var errBoom = errors.New("boom")

// An error that repeats a long value breaks no other caller's connection.
func TestLongError(t *testing.T) {
	db := testenv.Database(t)
	long := strings.Repeat("x", 1<<20)
	for range 3 {
		_, err := db.Exec(t.Context(), `SELECT $1::timestamp`, long)
		text, bad := database.IsBadValue(err)
		require.True(t, bad, "%v", err)
		require.Equal(t, "value is too long", text)
		err = db.InTx(t.Context(), func(ctx context.Context) error {
			_, err := database.One[string](ctx, db, `SELECT $1::timestamp::text`, long)
			return err
		})
		_, bad = database.IsBadValue(err)
		require.True(t, bad, "%v", err)
		n, err := database.One[int64](t.Context(), db, `SELECT 7`)
		require.NoError(t, err)
		require.Equal(t, int64(7), n)
	}
}
