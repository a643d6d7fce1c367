package rpc

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// Into sets what dst points to from v, the result of a call: structs and
// map[string]T from a struct (by `rpc` tags; members unknown to the type are
// ignored), slices from arrays, any from anything. nil is the zero value. Types
// that implement xmlrpc.Unmarshaler do it themselves.
func Into(v, dst any) error {
	rv := reflect.ValueOf(dst)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("want a pointer, not %T", dst)
	}
	return convert(rv.Elem(), v)
}

// convert sets dst from v. Its errors are Koji's ParameterErrors.
func convert(dst reflect.Value, v any) error {
	if v == nil {
		dst.SetZero()
		return nil
	}
	rv := reflect.ValueOf(v)
	if rv.Type() == dst.Type() { // from within the process
		dst.Set(rv)
		return nil
	}
	if u, ok := dst.Addr().Interface().(xmlrpc.Unmarshaler); ok {
		return u.UnmarshalXMLRPC(v)
	}
	if rv.Type().AssignableTo(dst.Type()) {
		dst.Set(rv)
		return nil
	}
	switch v.(type) {
	case bool, string, int64, float64, []byte, []any, map[string]any:
	default: // from within the process
		plain, err := xmlrpc.Plain(v)
		if err != nil {
			return err
		}
		if reflect.TypeOf(plain) == reflect.TypeOf(v) {
			return mismatch(v, dst.Type())
		}
		return convert(dst, plain)
	}
	switch dst.Kind() {
	case reflect.Pointer:
		elem := reflect.New(dst.Type().Elem())
		if err := convert(elem.Elem(), v); err != nil {
			return err
		}
		dst.Set(elem)
		return nil
	case reflect.Slice, reflect.Array:
		return convertList(dst, v)
	case reflect.Map:
		return convertMap(dst, v)
	case reflect.Struct:
		return convertStruct(dst, v)
	}
	return convertScalar(dst, v)
}

func convertScalar(dst reflect.Value, v any) error {
	switch dst.Kind() {
	case reflect.Bool:
		// Koji: flags are tested for truth; clients send 0 and 1.
		switch v := v.(type) {
		case bool:
			dst.SetBool(v)
			return nil
		case int64:
			dst.SetBool(v != 0)
			return nil
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		if n, ok := integer(v); ok && !dst.OverflowInt(n) {
			dst.SetInt(n)
			return nil
		}
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if n, ok := integer(v); ok && n >= 0 && !dst.OverflowUint(uint64(n)) {
			dst.SetUint(uint64(n))
			return nil
		}
	case reflect.Float32, reflect.Float64:
		switch v := v.(type) {
		case float64:
			dst.SetFloat(v)
			return nil
		case int64:
			dst.SetFloat(float64(v))
			return nil
		}
	case reflect.String:
		if s, ok := v.(string); ok {
			dst.SetString(s)
			return nil
		}
	}
	return mismatch(v, dst.Type())
}

// integer returns v as an integer as Python's int() would.
// Koji: ids and priorities often arrive as strings; int() takes them.
func integer(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case float64:
		return int64(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		return n, err == nil
	}
	return 0, false
}

func convertList(dst reflect.Value, v any) error {
	if s, ok := v.(string); ok && dst.Kind() == reflect.Slice && dst.Type().Elem().Kind() == reflect.Uint8 {
		dst.SetBytes([]byte(s))
		return nil
	}
	items, ok := v.([]any)
	if !ok || dst.Kind() == reflect.Array && len(items) != dst.Len() {
		return mismatch(v, dst.Type())
	}
	if dst.Kind() == reflect.Slice {
		dst.Set(reflect.MakeSlice(dst.Type(), len(items), len(items)))
	}
	for i, item := range items {
		if err := convert(dst.Index(i), item); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

func convertMap(dst reflect.Value, v any) error {
	members, ok := v.(map[string]any)
	t := dst.Type()
	if !ok || t.Key().Kind() != reflect.String {
		return mismatch(v, t)
	}
	m := reflect.MakeMapWithSize(t, len(members))
	for name, member := range members {
		elem := reflect.New(t.Elem()).Elem()
		if err := convert(elem, member); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		m.SetMapIndex(reflect.ValueOf(name).Convert(t.Key()), elem)
	}
	dst.Set(m)
	return nil
}

func convertStruct(dst reflect.Value, v any) error {
	members, ok := v.(map[string]any)
	if !ok {
		return mismatch(v, dst.Type())
	}
	for _, f := range xmlrpc.Fields(dst.Type()) {
		member, ok := members[f.Name]
		if !ok {
			continue
		}
		if err := convert(fieldOf(dst, f.Index), member); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	return nil
}

// fieldOf is FieldByIndex that makes embedded structs on its way.
func fieldOf(v reflect.Value, index []int) reflect.Value {
	for i, x := range index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(x)
	}
	return v
}

// nilable reports whether nil is a value of a type; those that convert
// themselves take it as their zero value.
func nilable(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map:
		return true
	}
	return reflect.PointerTo(t).Implements(reflect.TypeFor[xmlrpc.Unmarshaler]())
}

// mismatch is Koji's fault for a value of the wrong type.
func mismatch(v any, t reflect.Type) error {
	shown, ok := v.(string)
	if !ok {
		shown = xmlrpc.Repr(v)
	}
	return koji.ParameterErrorf("Invalid type for value '%s': <class '%s'>, expected type <class '%s'>",
		shown, xmlrpc.TypeName(v), className(t))
}

// className returns the Python class that a Go type stands for.
func className(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return className(t.Elem())
	case reflect.Bool:
		return "bool"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "int"
	case reflect.Float32, reflect.Float64:
		return "float"
	case reflect.String:
		return "str"
	case reflect.Slice, reflect.Array:
		return "list"
	case reflect.Map, reflect.Struct:
		return "dict"
	}
	return t.String()
}
