package hub

import (
	"context"
	"reflect"
	"strconv"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// errNoRow is the fault of a strict look-up that Koji leaves to its database layer.
var errNoRow = koji.GenericErrorf("query returned no rows")

// refTo reads how a caller names a row: by id, by name, or by a map with "id" or
// "name". Anything else is a ParameterError.
func refTo(info any) (store.Ref, error) {
	bad := koji.ParameterErrorf("Invalid name or id value: %s", pyStr(info))
	v := info
	if m, ok := info.(map[string]any); ok {
		if v, ok = m["id"]; ok {
			id, ok := toInt(v)
			if !ok {
				return store.Ref{}, bad
			}
			return store.ByID(id), nil
		}
		if v, ok = m["name"]; !ok {
			return store.Ref{}, bad
		}
	}
	switch v := v.(type) {
	case string:
		if v == "" {
			return store.ByID(-1), nil // names nothing
		}
		return store.Ref{Name: v}, nil
	case int64, int:
		id, _ := toInt(v)
		return store.ByID(id), nil
	}
	// Koji: its database complains about ids that are booleans.
	return store.Ref{}, bad
}

// toInt converts as Python's int does.
func toInt(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case int:
		return int64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return int64(v), true
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

// equal tells whether two decoded values are the same to Python, for which 2 is
// 2.0.
func equal(a, b any) bool {
	if f, ok := a.(float64); ok {
		if n, ok := b.(int64); ok {
			return f == float64(n)
		}
	}
	if _, ok := b.(float64); ok {
		if n, ok := a.(int64); ok {
			return equal(b, n)
		}
	}
	return reflect.DeepEqual(a, b)
}

// pyStr writes a value as Python's str does.
func pyStr(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return xmlrpc.Repr(v)
}

// Lookup finds a row in one of the tables of names (store.Tags, store.Packages
// ...) by id, name or map. If there is none it returns nil, or, when strict, a
// GenericError. A deleted tag, target or external repository still has its name.
func (h *Hub) Lookup(ctx context.Context, table string, info any, strict bool) (*api.IDName, error) {
	ref, err := refTo(info)
	if err != nil {
		return nil, err
	}
	row, err := h.Store.Lookup(ctx, table, ref)
	if err == nil && row == nil && strict {
		err = koji.GenericErrorf("No such entry in table %s: %s", table, pyStr(info))
	}
	return row, err
}

// lookupID is a strict Lookup of which only the id is wanted.
func (h *Hub) lookupID(ctx context.Context, table string, info any) (int64, error) {
	row, err := h.Lookup(ctx, table, info, true)
	if err != nil {
		return 0, err
	}
	return row.ID, nil
}

// ensureName is a Lookup that adds a name that is not there.
func (h *Hub) ensureName(ctx context.Context, table string, info any) (*api.IDName, error) {
	row, err := h.Lookup(ctx, table, info, false)
	if err != nil || row != nil {
		return row, err
	}
	name, ok := info.(string)
	if !ok {
		return nil, koji.GenericErrorf("Name must be a string")
	}
	err = h.Store.InTx(ctx, func(ctx context.Context) error {
		row, err = h.Store.AddName(ctx, table, name)
		return err
	})
	return row, err
}

// findOrAdd serves the calls that look a name up and may add it.
//
// Koji: anyone may add names that way; here it takes a session.
func (h *Hub) findOrAdd(ctx context.Context, table string, info any, strict, create bool) (*api.IDName, error) {
	row, err := h.Lookup(ctx, table, info, strict)
	if err != nil || row != nil || !create {
		return row, err
	}
	if err := assertLogin(ctx); err != nil {
		return nil, err
	}
	return h.ensureName(ctx, table, info)
}

// archesOf reads arches given by spaces (strict) or commas, or as a list, and
// returns them by spaces. nil gives "".
func archesOf(v any, strict bool) (string, error) {
	var text string
	switch v := v.(type) {
	case nil:
	case string:
		text = v
	case []any:
		for _, arch := range v {
			text += " " + pyStr(arch)
		}
	default:
		return "", koji.ParameterErrorf("Invalid type for arches: %s", xmlrpc.TypeName(v))
	}
	parse := koji.ParseArches
	if strict {
		parse = koji.ParseArchesStrict
	}
	list, err := parse(text)
	return strings.Join(list, " "), err
}

// strictRow turns a missing row into Koji's fault, if one is wanted.
func strictRow[T any](row *T, err error, strict bool, format string, args ...any) (*T, error) {
	if err == nil && row == nil && strict {
		err = koji.GenericErrorf(format, args...)
	}
	return row, err
}
