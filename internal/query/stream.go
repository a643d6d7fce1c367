package query

import (
	"context"
	"fmt"
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
	list, err := All[T](s.ctx, s.db, &s.query)
	if s.finish != nil {
		for i := range list {
			if err := s.finish(&list[i]); err != nil {
				return nil, err
			}
		}
	}
	return list, err
}

// writeStored is Write for rows that are stored.
func (s stream[T]) writeStored(e *xmlrpc.Encoder) error {
	text, args, err := s.query.SQL()
	if err != nil {
		return err
	}
	return e.Array(func() error {
		for row, err := range database.Each[T](s.ctx, s.db, text, args...) {
			if err == nil {
				err = s.finish(&row)
			}
			if err == nil {
				err = e.Value(&row)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// Write implements rpc.Source.
func (s stream[T]) Write(e *xmlrpc.Encoder, columns []string) error {
	if s.stored {
		return s.writeStored(e)
	}
	s.query.once = true
	text, args, err := s.query.SQL()
	if err != nil {
		return err
	}
	w, err := newRowWriter(reflect.TypeFor[T](), s.query.sorted())
	if err != nil {
		return err
	}
	write := w.structs
	if columns != nil {
		write = w.list
	}
	return e.Array(func() error {
		for values, err := range s.db.Values(s.ctx, text, args...) {
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
}

// rowMember is a field of a struct that a column goes into.
type rowMember struct {
	value int // its number among a row's values
	// write writes a value of the driver's.
	write func(*xmlrpc.Encoder, any) error
}

func newRowWriter(t reflect.Type, columns []Column) (*rowWriter, error) {
	w := &rowWriter{columns: make([]rowMember, len(columns))}
	_, places := written(columns)
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
	if f.Type == reflect.TypeFor[koji.Time]() {
		return func(e *xmlrpc.Encoder, value any) error {
			at, _ := value.(time.Time)
			if at.IsZero() && value != nil {
				return throughField(e, value)
			}
			return xmlrpc.WriteText(e, koji.Time{Time: at})
		}, nil
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
