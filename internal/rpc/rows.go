package rpc

import (
	"fmt"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// Rows is the result of a method that takes queryOpts: a list of T; or, for
// countOnly, how many there are; or, for asList, a list of values per row.
type Rows[T any] struct {
	List    []T
	Count   *int64   // set for countOnly
	Columns []string // set for asList: the members of T to show, in this order

	// Source, if set, has the list, which is read when it is written to the
	// answer. Only a caller on the wire gets to see it: see Loaded.
	Source Source[T]
}

// Source reads rows when they are wanted; query.Stream makes them.
type Source[T any] interface {
	// All reads the rows.
	All() ([]T, error)
	// Write writes them as an array: of structs, or of lists with the values of
	// these columns if there are any.
	Write(e *xmlrpc.Encoder, columns []string) error
}

// Lazy is a result that is complete only when Loaded was asked for it.
type Lazy interface {
	Loaded() (any, error)
}

// Loaded returns a method's result without anything that is yet to be read.
// Whoever keeps a result, or looks into it, asks for it.
func Loaded(result any) (any, error) {
	switch result := result.(type) {
	case Lazy:
		return result.Loaded()
	case []any:
		list := make([]any, len(result))
		for i, v := range result {
			var err error
			if list[i], err = Loaded(v); err != nil {
				return nil, err
			}
		}
		return list, nil
	}
	return result, nil
}

// Loaded implements Lazy.
func (r Rows[T]) Loaded() (any, error) { return r.Load() }

// Load returns r with its list.
func (r Rows[T]) Load() (Rows[T], error) {
	if r.Source == nil {
		return r, nil
	}
	list, err := r.Source.All()
	return Rows[T]{List: list, Columns: r.Columns}, err
}

// StreamXMLRPC implements xmlrpc.Streamer.
func (r Rows[T]) StreamXMLRPC(e *xmlrpc.Encoder) error {
	if r.Source != nil {
		return r.Source.Write(e, r.Columns)
	}
	v, err := r.MarshalXMLRPC()
	if err != nil {
		return err
	}
	return e.Value(v)
}

// MarshalXMLRPC implements xmlrpc.Marshaler.
func (r Rows[T]) MarshalXMLRPC() (any, error) {
	r, err := r.Load()
	switch {
	case err != nil:
		return nil, err
	case r.Count != nil:
		return *r.Count, nil
	case r.Columns != nil:
		return r.lists()
	case r.List == nil:
		return []T{}, nil
	}
	return r.List, nil
}

func (r Rows[T]) lists() ([]any, error) {
	lists := make([]any, len(r.List))
	for i, row := range r.List {
		plain, err := xmlrpc.Plain(row)
		if err != nil {
			return nil, err
		}
		members, ok := plain.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("cannot show a %T as a list", row)
		}
		values := make([]any, len(r.Columns))
		for j, name := range r.Columns {
			values[j] = members[name]
		}
		lists[i] = values
	}
	return lists, nil
}

// UnmarshalXMLRPC implements xmlrpc.Unmarshaler, for lists and counts.
func (r *Rows[T]) UnmarshalXMLRPC(v any) error {
	*r = Rows[T]{}
	if n, ok := v.(int64); ok {
		r.Count = &n
		return nil
	}
	return Into(v, &r.List)
}

// rowList is the result of a method whose R is a list, not Rows.
type rowList[T any] struct{ Rows[T] }

// Loaded implements Lazy.
func (r rowList[T]) Loaded() (any, error) {
	rows, err := r.Load()
	return rows.List, err
}
