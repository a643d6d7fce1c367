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
}

// MarshalXMLRPC implements xmlrpc.Marshaler.
func (r Rows[T]) MarshalXMLRPC() (any, error) {
	switch {
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
