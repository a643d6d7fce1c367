package query

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
)

// Rows runs s and shapes the answer as the caller's options ask. T is scanned as
// by database.All; its `rpc` tags are the aliases of the columns.
func Rows[T any](ctx context.Context, db *database.DB, s *Select) (rpc.Rows[T], error) {
	text, args, err := s.SQL()
	if err != nil {
		return rpc.Rows[T]{}, err
	}
	if s.Options.CountOnly {
		n, err := database.One[int64](ctx, db, text, args...)
		return rpc.Rows[T]{Count: &n}, err
	}
	list, err := database.All[T](ctx, db, text, args...)
	rows := rpc.Rows[T]{List: list}
	if s.Options.AsList {
		rows.Columns = s.Aliases()
	}
	return rows, err
}

// All runs s and returns its rows, for callers without queryOpts.
func All[T any](ctx context.Context, db *database.DB, s *Select) ([]T, error) {
	text, args, err := s.SQL()
	if err != nil {
		return nil, err
	}
	return database.All[T](ctx, db, text, args...)
}

// One runs s and returns its first row or database.ErrNotFound.
func One[T any](ctx context.Context, db *database.DB, s *Select) (T, error) {
	text, args, err := s.SQL()
	if err != nil {
		var zero T
		return zero, err
	}
	return database.One[T](ctx, db, text, args...)
}

// Aliases returns the names of the columns in the order of a row.
func (s *Select) Aliases() []string {
	names := make([]string, len(s.Columns))
	for i, c := range s.sorted() {
		names[i] = c.Alias
	}
	return names
}
