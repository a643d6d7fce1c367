// Package store holds the hub's SQL. There is a file per noun; the statements
// stand beside the methods that run them. An exported method is one use case.
// A method that writes expects to be called in a transaction of the caller's or
// makes one by Store.InTx, which joins one that is there already.
package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// Store answers the hub's questions to the database. Its methods take the
// transaction, if there is one, from the context.
type Store struct {
	*database.DB

	// BuildsEnded, if set, is told of builds that end together with their tasks, in
	// the transaction that does so.
	BuildsEnded func(ctx context.Context, ids []int64) error

	// Quarantine says when hosts are not trusted any more, and for how long.
	Quarantine Quarantine
}

// New returns a store over db.
func New(db *database.DB) *Store { return &Store{DB: db, Quarantine: defaultQuarantine} }
