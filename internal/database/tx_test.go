package database_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
)

func items(t *testing.T, db *database.DB) []int {
	t.Helper()
	ids, err := database.All[int](t.Context(), db, `SELECT id FROM item ORDER BY id`)
	require.NoError(t, err)
	return ids
}

func insert(ctx context.Context, db *database.DB, id int) error {
	_, err := db.Exec(ctx, `INSERT INTO item VALUES ($1, 'x')`, id)
	return err
}

func TestInTx(t *testing.T) {
	db := open(t, database.Options{})
	ctx := t.Context()
	require.NoError(t, db.InTx(ctx, func(ctx context.Context) error {
		require.True(t, db.InTransaction(ctx))
		require.NoError(t, insert(ctx, db, 1))
		require.Empty(t, items(t, db), "not seen from outside yet")
		return db.InTx(ctx, func(ctx context.Context) error { return insert(ctx, db, 2) })
	}))
	require.Equal(t, []int{1, 2}, items(t, db))
	require.False(t, db.InTransaction(ctx))

	err := db.InTx(ctx, func(ctx context.Context) error {
		require.NoError(t, insert(ctx, db, 3))
		return errBoom
	})
	require.ErrorIs(t, err, errBoom)
	require.Panics(t, func() {
		_ = db.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, insert(ctx, db, 3))
			panic(errBoom)
		})
	})
	err = db.InTx(ctx, func(ctx context.Context) error {
		require.Error(t, insert(ctx, db, 1))
		return nil // the error was swallowed, the transaction is lost all the same
	})
	require.ErrorContains(t, err, "commit")
	require.Equal(t, []int{1, 2}, items(t, db))
}

func TestTwoDatabases(t *testing.T) {
	a, b := open(t, database.Options{}), open(t, database.Options{})
	err := a.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, insert(ctx, a, 1))
		require.NoError(t, b.InTx(ctx, func(ctx context.Context) error {
			require.NoError(t, insert(ctx, a, 2))
			return insert(ctx, b, 3)
		}))
		return errBoom
	})
	require.ErrorIs(t, err, errBoom)
	require.Empty(t, items(t, a))
	require.Equal(t, []int{3}, items(t, b))
}

func TestSavepoint(t *testing.T) {
	db := open(t, database.Options{})
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		require.NoError(t, insert(ctx, db, 1))
		err := db.Savepoint(ctx, func(ctx context.Context) error {
			require.NoError(t, insert(ctx, db, 2))
			return insert(ctx, db, 1)
		})
		_, ok := database.IsUnique(err)
		require.True(t, ok)
		require.NoError(t, db.Savepoint(ctx, func(ctx context.Context) error {
			require.NoError(t, insert(ctx, db, 3))
			require.ErrorIs(t, db.Savepoint(ctx, func(ctx context.Context) error {
				require.NoError(t, insert(ctx, db, 4))
				return errBoom
			}), errBoom)
			return nil
		}))
		return insert(ctx, db, 5)
	}))
	require.Equal(t, []int{1, 3, 5}, items(t, db))
	require.ErrorIs(t, db.Savepoint(t.Context(), func(ctx context.Context) error {
		require.NoError(t, insert(ctx, db, 6))
		return errBoom
	}), errBoom)
	require.Equal(t, []int{1, 3, 5}, items(t, db), "without an outer transaction")
}

func TestAfterCommit(t *testing.T) {
	db := open(t, database.Options{})
	var ran []string
	hook := func(ctx context.Context, name string) {
		database.AfterCommit(ctx, func() { ran = append(ran, name) })
	}
	hook(t.Context(), "outside")
	require.Equal(t, []string{"outside"}, ran)

	ran = nil
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		hook(ctx, "first")
		_ = db.Savepoint(ctx, func(ctx context.Context) error {
			hook(ctx, "undone")
			return errBoom
		})
		require.NoError(t, db.Savepoint(ctx, func(ctx context.Context) error {
			hook(ctx, "second")
			return nil
		}))
		require.NoError(t, db.InTx(ctx, func(ctx context.Context) error {
			hook(ctx, "third")
			return nil
		}))
		require.Empty(t, ran)
		return nil
	}))
	require.Equal(t, []string{"first", "second", "third"}, ran)

	ran = nil
	_ = db.InTx(t.Context(), func(ctx context.Context) error {
		hook(ctx, "rolled back")
		return errBoom
	})
	require.Empty(t, ran)
}

func TestOneAnswerAtATime(t *testing.T) {
	db := open(t, database.Options{})
	require.NoError(t, db.InTx(t.Context(), func(ctx context.Context) error {
		for n, err := range database.Each[int](ctx, db, `SELECT generate_series(1,3)`) {
			require.NoError(t, err)
			if n == 2 {
				require.ErrorContains(t, insert(ctx, db, n), "still being read")
				_, err := database.One[int](ctx, db, `SELECT 1`)
				require.ErrorContains(t, err, "still being read")
			}
		}
		return insert(ctx, db, 9)
	}))
	require.Equal(t, []int{9}, items(t, db))
}
