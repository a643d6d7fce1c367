package query

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Stream is Rows for answers that may be large: the statement is run when the
// answer is written, and each row goes from the connection to the client without
// being kept. In a transaction, which ends before that, it is Rows.
//
// The members of the structs written are those that there are columns for, and
// those fields of T that are not omitempty. What T does when it is encoded
// (xmlrpc.Marshaler) is not asked for; finish, if not nil, gets those rows that are
// stored in a T, so that they can be encoded as the same.
func Stream[T any](ctx context.Context, db *database.DB, s *Select, finish func(*T)) (rpc.Rows[T], error) {
	if s.Options.CountOnly {
		return Rows[T](ctx, db, s)
	}
	// What is wrong with the caller's options is to be known now.
	if _, _, err := s.SQL(); err != nil {
		return rpc.Rows[T]{}, err
	}
	st := stream[T]{ctx: ctx, db: db, query: *s}
	if finish != nil {
		st.finish = func(row *T) error { finish(row); return nil }
	}
	return st.rows()
}

// StreamEach is Stream for rows that do not go to the client as they are: each is
// stored in a T, changed by change, and encoded as that. It does not know asList.
func StreamEach[T any](ctx context.Context, db *database.DB, s *Select, change func(*T) error) (rpc.Rows[T], error) {
	if s.Options.CountOnly {
		return Rows[T](ctx, db, s)
	}
	if _, _, err := s.SQL(); err != nil {
		return rpc.Rows[T]{}, err
	}
	return stream[T]{ctx: ctx, db: db, query: *s, finish: change, stored: true}.rows()
}

// stream is a statement that is yet to be run, for the call whose context it keeps.
type stream[T any] struct {
	ctx    context.Context
	db     *database.DB
	query  Select
	finish func(*T) error // nil for nothing to do
	stored bool           // rows are stored in a T before they are written
}

func (s stream[T]) rows() (rpc.Rows[T], error) {
	rows := rpc.Rows[T]{Source: s}
	if s.query.Options.AsList {
		rows.Columns = s.query.Aliases()
	}
	if s.db.InTransaction(s.ctx) {
		return rows.Load()
	}
	return rows, nil
}

// All implements rpc.Source.
func (s stream[T]) All() ([]T, error) {
	var list []T
	err := s.each(func(row *T) error {
		list = append(list, *row)
		return nil
	})
	return list, err
}

// each calls use for each row, stored in a T.
func (s stream[T]) each(use func(*T) error) error {
	reader, err := database.NewReader(reflect.TypeFor[T](), s.query.Aliases())
	if err != nil {
		return err
	}
	for values, err := range s.values(s.query.sorted()) {
		if err != nil {
			return err
		}
		var row T
		err := reader.Read(reflect.ValueOf(&row).Elem(), values)
		if err == nil && s.finish != nil {
			err = s.finish(&row)
		}
		if err == nil {
			err = use(&row)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// values runs the statement and yields the values of the rows to keep, which
// are in the order of these columns.
func (s stream[T]) values(columns []Column) iter.Seq2[[]any, error] {
	return func(yield func([]any, error) bool) {
		text, args, err := s.query.SQL()
		if err != nil {
			yield(nil, err)
			return
		}
		keep, id := s.query.Keep, -1
		if keep != nil {
			id = slices.IndexFunc(columns, func(c Column) bool { return c.Expr == keep.Expr })
		}
		for values, err := range s.db.Values(s.ctx, text, args...) {
			if err == nil && keep != nil && !keep.has(values[id]) {
				continue
			}
			if !yield(values, err) {
				return
			}
		}
	}
}

func (k *Keep) has(value any) bool {
	id, ok := value.(int64)
	return ok && k.IDs[id]
}

// Write implements rpc.Source.
func (s stream[T]) Write(e *xmlrpc.Encoder, columns []string) error {
	if s.stored {
		return e.Array(func() error {
			return s.each(func(row *T) error { return e.Value(row) })
		})
	}
	w, err := newRowWriter(reflect.TypeFor[T](), s.query.sorted())
	if err != nil {
		return err
	}
	s.query.once, s.query.binary = true, w.times
	write := w.structs
	if columns != nil {
		write = w.list
	}
	return e.Array(func() error {
		for values, err := range s.values(w.selected) {
			if err == nil {
				err = write(e, values)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// rowWriter writes rows as the structs that they would be scanned into.
type rowWriter struct {
	record  *xmlrpc.Record
	members []rowMember // those of the record that are not fixed
	columns []rowMember // those that are columns, in the order of these

	selected []Column        // the columns without those that have the expression of another
	times    map[string]bool // expressions whose values writeTime writes
}

// rowMember is a field of a struct that a column goes into.
type rowMember struct {
	value int // its number among a row's values
	// write writes a value of the driver's.
	write func(*xmlrpc.Encoder, any) error
}

func newRowWriter(t reflect.Type, columns []Column) (*rowWriter, error) {
	w := &rowWriter{columns: make([]rowMember, len(columns)), times: map[string]bool{}}
	var places []int
	w.selected, places = written(columns)
	var members []string
	fixed := map[string]any{}
	for _, f := range xmlrpc.Fields(t) {
		i := slices.IndexFunc(columns, func(c Column) bool { return c.Alias == f.Name })
		switch {
		case i >= 0:
			write, err := valueWriter(t, f)
			if err != nil {
				return nil, err
			}
			if f.Type == reflect.TypeFor[koji.Time]() {
				write, w.times[columns[i].Expr] = writeTime, true
			}
			w.columns[i] = rowMember{places[i], write}
			w.members = append(w.members, w.columns[i])
		case f.OmitEmpty:
			continue
		default:
			fixed[f.Name] = reflect.Zero(f.Type).Interface()
		}
		members = append(members, f.Name)
	}
	for i, m := range w.columns {
		if m.write == nil {
			return nil, fmt.Errorf("query: %s has no field for column %q", t, columns[i].Alias)
		}
	}
	var err error
	w.record, err = xmlrpc.NewRecord(members, fixed)
	return w, err
}

func (w *rowWriter) structs(e *xmlrpc.Encoder, values []any) error {
	return e.Record(w.record, func(i int) error {
		m := &w.members[i]
		return m.write(e, values[m.value])
	})
}

func (w *rowWriter) list(e *xmlrpc.Encoder, values []any) error {
	return e.Array(func() error {
		for _, m := range w.columns {
			if err := m.write(e, values[m.value]); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeTime writes a time of PostgreSQL's binary format: microseconds since the
// year 2000. Text would take a tenth of the processor time of a large list, there to
// be written and here to be read.
func writeTime(e *xmlrpc.Encoder, value any) error {
	if value == nil {
		return e.Value(nil)
	}
	sent, ok := value.([]byte)
	if !ok || len(sent) != 8 {
		return fmt.Errorf("query: %v is no time", value)
	}
	const epoch = 946_684_800_000_000 // 2000-01-01, in microseconds since 1970
	micros := int64(binary.BigEndian.Uint64(sent))
	if micros == math.MaxInt64 || micros == math.MinInt64 {
		return errors.New("query: no text for a time that is infinite")
	}
	return xmlrpc.WriteText(e, koji.Time{Time: time.UnixMicro(epoch + micros)})
}

// valueWriter returns how the values for the field f of the struct t are written:
// as they are, if they are of the kind of the field, else as the field writes them.
func valueWriter(t reflect.Type, f xmlrpc.Field) (func(*xmlrpc.Encoder, any) error, error) {
	reader, err := database.NewReader(t, []string{f.Name})
	if err != nil {
		return nil, err
	}
	throughField := func(e *xmlrpc.Encoder, value any) error {
		row := reflect.New(t).Elem()
		if err := reader.Read(row, []any{value}); err != nil {
			return err
		}
		return e.Value(row.FieldByIndex(f.Index).Interface())
	}
	kind, nullable := plainKind(f.Type), f.Type.Kind() == reflect.Pointer
	return func(e *xmlrpc.Encoder, value any) error {
		if value == nil && nullable || kind != reflect.Invalid && kindOf(value) == kind {
			return e.Value(value)
		}
		return throughField(e, value)
	}, nil
}

// plainKind returns the kind of the driver's values that travel as they are if
// they go into a t, reflect.Invalid if there is none.
func plainKind(t reflect.Type) reflect.Kind {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch kind := t.Kind(); {
	case t.Implements(reflect.TypeFor[xmlrpc.Marshaler]()):
	case kind >= reflect.Int && kind <= reflect.Int64:
		return reflect.Int64
	case kind == reflect.Bool, kind == reflect.Float64, kind == reflect.String:
		return kind
	}
	return reflect.Invalid
}

func kindOf(value any) reflect.Kind {
	switch value.(type) {
	case int64:
		return reflect.Int64
	case string:
		return reflect.String
	case bool:
		return reflect.Bool
	case float64:
		return reflect.Float64
	}
	return reflect.Invalid
}
