package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

type txKey struct{}

// transaction is what a context carries inside of InTx.
type transaction struct {
	db         *DB
	tx         *sql.Tx
	outer      *transaction // of another database
	hooks      []func()
	savepoints int
}

func innermost(ctx context.Context) *transaction {
	t, _ := ctx.Value(txKey{}).(*transaction)
	return t
}

func current(ctx context.Context, db *DB) *transaction {
	t := innermost(ctx)
	for t != nil && t.db != db {
		t = t.outer
	}
	return t
}

// InTx runs fn in a transaction, which fn's context carries. It commits when
// fn returns nil, and rolls back when fn returns an error or panics. Inside of
// a transaction it joins: the outermost InTx commits.
func (db *DB) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return db.inTx(ctx, nil, fn)
}

// InReadTx is InTx for reads which must see one state of the database: a
// read-only transaction with one snapshot. Inside of a transaction it joins.
func (db *DB) InReadTx(ctx context.Context, fn func(ctx context.Context) error) error {
	return db.inTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, fn)
}

func (db *DB) inTx(ctx context.Context, opts *sql.TxOptions, fn func(ctx context.Context) error) error {
	if current(ctx, db) != nil {
		return fn(ctx)
	}
	tx, err := db.sql.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	t := &transaction{db: db, tx: tx, outer: innermost(ctx)}
	// After a commit this does nothing; it is for errors and panics.
	defer tx.Rollback()
	if err := fn(context.WithValue(ctx, txKey{}, t)); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	for _, hook := range t.hooks {
		hook()
	}
	return nil
}

// Savepoint runs fn in a transaction of its own within the context's
// transaction: when fn fails, what it did is undone and the outer transaction
// can go on. Without an outer transaction it is [DB.InTx].
func (db *DB) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	t := current(ctx, db)
	if t == nil {
		return db.InTx(ctx, fn)
	}
	t.savepoints++
	name := fmt.Sprintf("sp%d", t.savepoints)
	hooks := len(t.hooks)
	if _, err := t.tx.ExecContext(ctx, "SAVEPOINT "+name); err != nil {
		return fmt.Errorf("set savepoint: %w", err)
	}
	if err := fn(ctx); err != nil {
		t.hooks = t.hooks[:hooks]
		if _, undo := t.tx.ExecContext(ctx, "ROLLBACK TO "+name+"; RELEASE "+name); undo != nil {
			return errors.Join(err, fmt.Errorf("roll back to savepoint: %w", undo))
		}
		return err
	}
	if _, err := t.tx.ExecContext(ctx, "RELEASE "+name); err != nil {
		return fmt.Errorf("release savepoint: %w", err)
	}
	return nil
}

// InTransaction tells whether ctx carries a transaction of db.
func (db *DB) InTransaction(ctx context.Context) bool { return current(ctx, db) != nil }

// Detached returns ctx without its transaction, for what must stay even if that
// is rolled back. It takes a second connection: wait for one with a deadline.
func Detached(ctx context.Context) context.Context {
	return context.WithValue(ctx, txKey{}, (*transaction)(nil))
}

// AfterCommit runs hook once the context's transaction is committed, in the
// order of the calls, and never when it (or the savepoint around the call) is
// rolled back. Outside of a transaction hook runs at once.
func AfterCommit(ctx context.Context, hook func()) {
	if t := innermost(ctx); t != nil {
		t.hooks = append(t.hooks, hook)
		return
	}
	hook()
}
