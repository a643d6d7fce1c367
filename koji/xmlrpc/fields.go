package xmlrpc

import (
	"reflect"
	"slices"
	"strings"
	"sync"
)

// Field is a member of a struct type as it travels.
type Field struct {
	Name      string // the member's name, from the tag `rpc:"name"`
	OmitEmpty bool   // tag `rpc:"name,omitempty"`: left out when empty
	Index     []int  // for reflect.Value.FieldByIndex
	Type      reflect.Type
}

var fieldCache sync.Map // reflect.Type -> []Field

// Fields lists the members of the struct type t in the order of its fields.
// Fields without an `rpc` tag do not travel, but those of an untagged embedded
// struct do, as if they were t's own; of two with one name the outer one wins.
// A blank field with the tag `rpc:",sorted"` puts all members above it, those of
// embedded structs among them, in the order of their names, which is that of
// Koji's rows.
func Fields(t reflect.Type) []Field {
	if cached, ok := fieldCache.Load(t); ok {
		return cached.([]Field)
	}
	var fields []Field
	at := map[string]int{}
	for _, sf := range reflect.VisibleFields(t) {
		name, option, _ := strings.Cut(sf.Tag.Get("rpc"), ",")
		if sf.Name == "_" && len(sf.Index) == 1 && option == "sorted" {
			slices.SortFunc(fields, func(a, b Field) int { return strings.Compare(a.Name, b.Name) })
			for i, f := range fields {
				at[f.Name] = i
			}
		}
		if name == "" || name == "-" || !sf.IsExported() {
			continue
		}
		f := Field{Name: name, OmitEmpty: option == "omitempty", Index: sf.Index, Type: sf.Type}
		i, taken := at[name]
		switch {
		case !taken:
			at[name] = len(fields)
			fields = append(fields, f)
		case len(f.Index) < len(fields[i].Index):
			fields[i] = f
		}
	}
	cached, _ := fieldCache.LoadOrStore(t, fields)
	return cached.([]Field)
}
