package database

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
		names, err := rows.Columns()
		if err != nil {
			yield(zero, fmt.Errorf("database: %w", err))
			return
		}
		reader, err := NewReader(reflect.TypeFor[T](), names)
		if err != nil {
			yield(zero, err)
			return
		}
		err = eachRow(rows, len(names), func(values []any, _ error) bool {
			var row T
			if err := reader.Read(reflect.ValueOf(&row).Elem(), values); err != nil {
				yield(zero, err)
				return false
			}
			return yield(row, nil)
		})
		if err != nil {
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

// Values yields a query's rows as the driver decodes them: int64, float64, bool,
// string, [time.Time], nil, and []byte for what has no type of Go's, such as
// arrays, numeric and JSON, in PostgreSQL's text. They are good until the next row.
// Otherwise it is like [Each]; [Reader] makes sense of the values.
func (db *DB) Values(ctx context.Context, query string, args ...any) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		if current(ctx, db) == nil {
			if err := db.rawValues(ctx, query, args, yield); err != nil {
				yield(nil, err)
			}
			return
		}
		rows, err := db.Query(ctx, query, args...)
		if err != nil {
			yield(nil, err)
			return
		}
		defer rows.Close()
		names, err := rows.Columns()
		if err != nil {
			yield(nil, fmt.Errorf("database: %w", err))
			return
		}
		if err := eachRow(rows, len(names), yield); err != nil {
			yield(nil, err)
		}
	}
}

// rawValues is Values on a connection of its own, without the copies that
// database/sql makes of every value.
func (db *DB) rawValues(ctx context.Context, query string, args []any, yield func([]any, error) bool) error {
	pooled, err := db.sql.Conn(ctx)
	if err != nil {
		return err
	}
	defer pooled.Close()
	return pooled.Raw(func(driverConn any) error {
		c := driverConn.(*conn)
		named, err := c.namedValues(args)
		if err != nil {
			return err
		}
		rows, err := c.QueryContext(ctx, query, named)
		if errors.Is(err, driver.ErrBadConn) {
			return errConnLost
		}
		if err != nil {
			return err
		}
		defer rows.Close()
		values := make([]driver.Value, len(rows.Columns()))
		row := make([]any, len(values))
		for {
			if err := rows.Next(values); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return fmt.Errorf("database: %w", err)
			}
			for i, v := range values {
				row[i] = v
			}
			if !yield(row, nil) {
				return nil
			}
		}
	})
}

// eachRow calls yield for every row of n columns, with their values, until it
// wants no more.
func eachRow(rows *sql.Rows, n int, yield func([]any, error) bool) error {
	values, dest := make([]any, n), make([]any, n)
	for i := range values {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return fmt.Errorf("database: %w", err)
		}
		if !yield(values, nil) {
			return nil
		}
	}
	return rows.Err()
}

// Reader stores the values of rows in structs.
type Reader struct{ columns []column }

// NewReader returns a reader of rows with columns of these names into structs of
// the type t, or into a t for one column; see [All] for how they are matched.
func NewReader(t reflect.Type, names []string) (*Reader, error) {
	layout, err := layoutOf(t)
	if err != nil {
		return nil, err
	}
	columns, err := layout.match(names)
	if err != nil {
		return nil, err
	}
	return &Reader{columns}, nil
}

// Read stores a row's values in row, which is settable and of the reader's type.
func (r *Reader) Read(row reflect.Value, values []any) error {
	for i := range r.columns {
		if err := r.columns[i].store(row, values[i]); err != nil {
			return err
		}
	}
	return nil
}
