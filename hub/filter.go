package hub

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindFilters(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.Count, h.count)
	rpc.Bind(r, api.FilterResults, h.filterResults)
	rpc.Bind(r, api.CountAndFilterResults, h.countAndFilterResults)
}

// callNamed calls another method for the same caller and returns its answer as
// the wire would have it.
func (h *Hub) callNamed(ctx context.Context, p api.FilterParams) (any, error) {
	e, err := h.Methods.Lookup(p.MethodName)
	if err != nil {
		return nil, err
	}
	result, err := h.call(ctx, e, p.Args, p.Opts)
	if err != nil {
		return nil, err
	}
	return xmlrpc.Plain(result)
}

func (h *Hub) count(ctx context.Context, p api.FilterParams) (int, error) {
	result, err := h.callNamed(ctx, p)
	if err != nil {
		return 0, err
	}
	switch v := result.(type) {
	case nil:
		return 0, nil
	case []any:
		return len(v), nil
	case map[string]any:
		return len(v), nil
	}
	return 1, nil
}

func (h *Hub) filterResults(ctx context.Context, p api.FilterParams) (any, error) {
	answer, err := h.countAndFilterResults(ctx, p)
	if err != nil {
		return nil, err
	}
	return answer[1], nil
}

func (h *Hub) countAndFilterResults(ctx context.Context, p api.FilterParams) ([]any, error) {
	opts, _ := p.Opts["filterOpts"].(map[string]any)
	p.Opts = maps.Clone(p.Opts)
	delete(p.Opts, "filterOpts")
	result, err := h.callNamed(ctx, p)
	if err != nil {
		return nil, koji.GenericErrorf("method %s raised an exception (%w)", p.MethodName, err)
	}
	if result == nil {
		return []any{0, nil}, nil
	}
	list, ok := result.([]any)
	if !ok {
		return nil, koji.GenericErrorf("%s() did not return a list", p.MethodName)
	}
	total := len(list)
	list, err = filter(list, opts)
	return []any{total, list}, err
}

func filter(list []any, opts map[string]any) ([]any, error) {
	if order, ok := opts["order"].(string); ok && order != "" {
		noneGreatest := opts["noneGreatest"] != false
		if err := sortStructs(list, order, noneGreatest); err != nil {
			return nil, err
		}
	}
	if offset, ok := opts["offset"].(int64); ok {
		list = list[pythonIndex(offset, len(list)):]
	}
	if limit, ok := opts["limit"].(int64); ok {
		list = list[:pythonIndex(limit, len(list))]
	}
	return list, nil
}

// pythonIndex is where a slice of a list of n items begins or ends in Python: a
// negative index counts from the end.
func pythonIndex(i int64, n int) int {
	if i < 0 {
		return int(max(0, int64(n)+i))
	}
	return int(min(i, int64(n)))
}

// sortStructs sorts by one key, "-" before it for descending. None comes after
// everything else if it is to be the greatest, as PostgreSQL has it.
func sortStructs(list []any, order string, noneGreatest bool) error {
	key, descending := strings.CutPrefix(order, "-")
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			return koji.GenericErrorf("cannot sort a list of %s by %s", xmlrpc.TypeName(item), key)
		}
		if _, ok := m[key]; !ok {
			return pythonError("KeyError", "'%s'", key)
		}
	}
	slices.SortStableFunc(list, func(a, b any) int {
		c := compareValues(a.(map[string]any)[key], b.(map[string]any)[key], noneGreatest)
		if descending {
			return -c
		}
		return c
	})
	return nil
}

func compareValues(a, b any, noneGreatest bool) int {
	if a == nil || b == nil {
		none := -1
		if noneGreatest {
			none = 1
		}
		switch {
		case a == nil && b == nil:
			return 0
		case a == nil:
			return none
		}
		return -none
	}
	switch x := a.(type) {
	case int64:
		if y, ok := b.(int64); ok {
			return cmp.Compare(x, y)
		}
	case float64:
		if y, ok := b.(float64); ok {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
