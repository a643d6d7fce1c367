package database

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"reflect"
)

// All returns every row of a query as a T, nil when there is none.
//
// T is a scalar (string, int64, *string, [koji.Time], anything with a Scan
// method ...) for a query of one column, or a struct: each column is stored in
// the field whose `db` tag, or else the name in its `rpc` tag, is the column's
// alias; embedded structs are flattened. A column without a field is an error,
// a field without a column keeps its zero value. NULL needs a pointer, a slice,
// a json.RawMessage or a type whose Scan takes nil. Slices hold arrays,
// json.RawMessage holds json and jsonb.
//
// [koji.Time]: https://pkg.go.dev/github.com/toji-build/toji/koji#Time
func All[T any](ctx context.Context, db *DB, query string, args ...any) ([]T, error) {
	var all []T
	for row, err := range Each[T](ctx, db, query, args...) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// One returns the first row of a query as a T (see [All]), [ErrNotFound] when
// there is none.
func One[T any](ctx context.Context, db *DB, query string, args ...any) (T, error) {
	for row, err := range Each[T](ctx, db, query, args...) {
		return row, err
	}
	var zero T
	return zero, ErrNotFound
}

// Each yields a query's rows as they arrive, without holding the answer in
// memory; T is as for [All]. After an error it yields nothing more. Leaving the
// loop early still reads the rest of the answer; cancel ctx when that is long.
// Inside of a transaction the loop's body must not use the database.
func Each[T any](ctx context.Context, db *DB, query string, args ...any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := db.Query(ctx, query, args...)
		if err != nil {
			yield(zero, err)
			return
		}
		defer rows.Close()
		plan, err := planFor[T](rows)
		if err != nil {
			yield(zero, err)
			return
		}
		for rows.Next() {
			var row T
			if err := rows.Scan(plan.targets(reflect.ValueOf(&row).Elem())...); err != nil {
				yield(zero, fmt.Errorf("database: %w", err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, err)
		}
	}
}

// JSON returns an argument for a json, jsonb or text column which holds v in JSON.
func JSON(v any) (json.RawMessage, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("database: encode %T: %w", v, err)
	}
	return text, nil
}

// plan maps the columns of one answer to the parts of a T.
type plan struct {
	columns []column
	dest    []any // reused for every row
}

func planFor[T any](rows *sql.Rows) (*plan, error) {
	names, err := rows.Columns()
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	layout, err := layoutOf(reflect.TypeFor[T]())
	if err != nil {
		return nil, err
	}
	columns, err := layout.match(names)
	if err != nil {
		return nil, err
	}
	return &plan{columns: columns, dest: make([]any, len(columns))}, nil
}

// targets returns what rows.Scan stores the row's columns in.
func (p *plan) targets(row reflect.Value) []any {
	for i, c := range p.columns {
		field := row
		if c.index != nil {
			field = row.FieldByIndex(c.index)
		}
		p.dest[i] = c.target(field.Addr())
	}
	return p.dest
}
