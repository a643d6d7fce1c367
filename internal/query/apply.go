package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Apply shapes a list that is no plain answer of the database as Rows would
// have. Koji: there is one order key, grouping and asList are left out, and
// countOnly counts what offset and limit leave over.
func Apply[T any](list []T, o Options) (rpc.Rows[T], error) {
	list = slices.Clone(list)
	if o.Order != "" {
		if err := sortBy(list, o.Order); err != nil {
			return rpc.Rows[T]{}, err
		}
	}
	list = list[min(o.Offset, int64(len(list))):]
	if o.Limit > 0 {
		list = list[:min(o.Limit, int64(len(list)))]
	}
	if o.CountOnly {
		n := int64(len(list))
		return rpc.Rows[T]{Count: &n}, nil
	}
	return rpc.Rows[T]{List: list}, nil
}

func sortBy[T any](list []T, key string) error {
	key, descending := strings.CutPrefix(key, "-")
	type item struct {
		row T
		key any
	}
	items := make([]item, len(list))
	for i, row := range list {
		plain, err := xmlrpc.Plain(row)
		if err != nil {
			return err
		}
		members, _ := plain.(map[string]any)
		v, ok := members[key]
		if !ok {
			return koji.ParameterErrorf("Invalid order term: %s", key)
		}
		items[i] = item{row, v}
	}
	slices.SortStableFunc(items, func(a, b item) int {
		if descending {
			a, b = b, a
		}
		return compareValues(a.key, b.key)
	})
	for i, it := range items {
		list[i] = it.row
	}
	return nil
}

// compareValues orders values of one column: nil first, then by value.
func compareValues(a, b any) int {
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	case nil:
		if b == nil {
			return 0
		}
		return -1
	}
	if b == nil {
		return 1
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
