package xmlrpc

import (
	"fmt"
	"maps"
	"slices"
)

// Ordered is a struct with its members in the order in which somebody wrote
// them, as Python's dicts keep it and maps do not. No name comes twice.
//
// Koji stores what clients say of builds and files as it came, and shows it so.
type Ordered []Member

// Member is a member of a struct.
type Member struct {
	Name  string
	Value any
}

// OrderedOf returns the struct of names, which are strings, and values by turns. A
// name that comes twice keeps its place and has the last value, as in Python.
func OrderedOf(items ...any) Ordered {
	o := make(Ordered, 0, len(items)/2)
	at := make(map[string]int, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		name := items[i].(string)
		if k, twice := at[name]; twice {
			o[k].Value = items[i+1]
			continue
		}
		at[name] = len(o)
		o = append(o, Member{name, items[i+1]})
	}
	return o
}

// Sorted returns a map's members in the order of their names; nil for a nil map.
func Sorted(m map[string]any) Ordered {
	if m == nil {
		return nil
	}
	o := make(Ordered, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		o = append(o, Member{name, m[name]})
	}
	return o
}

// Set sets the value of a member; one that is new comes last.
func (o *Ordered) Set(name string, v any) {
	for i := range *o {
		if (*o)[i].Name == name {
			(*o)[i].Value = v
			return
		}
	}
	*o = append(*o, Member{name, v})
}

// Get returns the value of a member, nil for none of that name.
func (o Ordered) Get(name string) any {
	for _, m := range o {
		if m.Name == name {
			return m.Value
		}
	}
	return nil
}

// Unordered returns v, a decoded value, with maps in the place of Ordered, also
// within others.
func Unordered(v any) any {
	switch v := v.(type) {
	case Ordered:
		return v.Map()
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = Unordered(item)
		}
		return list
	}
	return v
}

// Map returns the struct as a map, and so all structs within it.
func (o Ordered) Map() map[string]any {
	members := make(map[string]any, len(o))
	for _, m := range o {
		members[m.Name] = Unordered(m.Value)
	}
	return members
}

// MarshalXMLRPC returns the struct as a map.
func (o Ordered) MarshalXMLRPC() (any, error) { return o.Map(), nil }

// StreamXMLRPC writes the members in their order.
func (o Ordered) StreamXMLRPC(e *Encoder) error {
	if err := e.openStruct(); err != nil {
		return err
	}
	for _, m := range o {
		e.member(m.Name)
		if err := e.value(m.Value); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		e.raw("</member>\n")
	}
	e.closeStruct()
	return nil
}

// UnmarshalXMLRPC takes a struct. The members of a map come in the order of their
// names.
func (o *Ordered) UnmarshalXMLRPC(v any) error {
	switch v := v.(type) {
	case nil:
		*o = nil
	case Ordered:
		*o = v
	case map[string]any:
		*o = Sorted(v)
	default:
		return fmt.Errorf("want a struct, got %T", v)
	}
	return nil
}
