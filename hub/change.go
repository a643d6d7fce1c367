package hub

import (
	"fmt"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// changed returns those of the named settings that the caller gave and that
// differ from what row has.
func changed(row any, given map[string]any, names ...string) (store.Row, error) {
	old, err := members(row)
	if err != nil {
		return nil, err
	}
	changes := store.Row{}
	for _, name := range names {
		if v, ok := given[name]; ok && !equal(v, old[name]) {
			changes[name] = v
		}
	}
	return changes, nil
}

// onlyText checks that those of the named settings that were given are text.
func onlyText(given map[string]any, names ...string) error {
	for _, name := range names {
		v, ok := given[name]
		if _, text := v.(string); !ok || text {
			continue
		}
		if v == nil {
			return koji.ParameterErrorf("Invalid type, expected type <class 'str'>")
		}
		return koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class 'str'>",
			pyStr(v), xmlrpc.TypeName(v))
	}
	return nil
}

// members returns a row as it goes over the wire.
func members(row any) (map[string]any, error) {
	plain, err := xmlrpc.Plain(row)
	if err != nil {
		return nil, err
	}
	m, ok := plain.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%T has no members", row)
	}
	return m, nil
}
