package rpc

import (
	"fmt"
	"reflect"
	"regexp"
	"strconv"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// Kind says what values a parameter takes, for those who do not have its Go type.
type Kind string

// The kinds, each with the Go type that stands for it.
const (
	KindText    Kind = "text"    // string
	KindFile    Kind = "file"    // string with the tag kind:"file": the path of an uploaded file, below work/
	KindInteger Kind = "integer" // int64
	KindNumber  Kind = "number"  // float64
	KindFlag    Kind = "flag"    // bool
	KindTexts   Kind = "texts"   // []string
	KindList    Kind = "list"    // []any
	KindStruct  Kind = "struct"  // map[string]any
	KindAny     Kind = "any"     // any: an id or a name, or whatever else there may be
)

var goTypes = map[Kind]reflect.Type{
	KindText: reflect.TypeFor[string](), KindFile: reflect.TypeFor[string](), KindInteger: reflect.TypeFor[int64](), KindNumber: reflect.TypeFor[float64](),
	KindFlag: reflect.TypeFor[bool](), KindTexts: reflect.TypeFor[[]string](), KindList: reflect.TypeFor[[]any](),
	KindStruct: reflect.TypeFor[map[string]any](), KindAny: reflect.TypeFor[any](),
}

// KindOf returns the kind of a Go type.
func KindOf(t reflect.Type) Kind {
	if reflect.PointerTo(t).Implements(reflect.TypeFor[xmlrpc.Unmarshaler]()) {
		return KindAny
	}
	switch t.Kind() {
	case reflect.Pointer:
		return KindOf(t.Elem())
	case reflect.String:
		return KindText
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return KindInteger
	case reflect.Float32, reflect.Float64:
		return KindNumber
	case reflect.Bool:
		return KindFlag
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.String {
			return KindTexts
		}
		return KindList
	case reflect.Map, reflect.Struct:
		return KindStruct
	}
	return KindAny
}

// kindOfField is KindOf, unless the tag `kind` says more.
func kindOfField(f reflect.StructField) Kind {
	if k := Kind(f.Tag.Get("kind")); k != "" {
		return k
	}
	return KindOf(f.Type)
}

// ParamsOf describes the parameters of a parameter struct, in wire order. It
// panics when the struct's tags are malformed.
func ParamsOf(t reflect.Type) []Param { return planOf(t).params }

var namePattern = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{0,63}$`)

// IsName tells whether a text will do as the name of a parameter or of a task type.
func IsName(text string) bool { return namePattern.MatchString(text) }

// StructOf makes a parameter struct's type of parameters that are not known before
// the program runs; Name, Kind, Optional and Literal of each count. The error says
// what is wrong with them.
func StructOf(params []Param) (reflect.Type, error) {
	fields := make([]reflect.StructField, len(params))
	for i, p := range params {
		t, ok := goTypes[p.Kind]
		switch {
		case !ok:
			return nil, fmt.Errorf("parameter %s: no kind %q", p.Name, p.Kind)
		case !IsName(p.Name):
			return nil, fmt.Errorf("bad name of a parameter: %q", p.Name)
		}
		tag := p.Name
		if p.Optional {
			tag += ",optional=" + p.Literal
		}
		fields[i] = reflect.StructField{Name: fmt.Sprint("P", i), Type: t, Tag: reflect.StructTag("rpc:" + strconv.Quote(tag))}
	}
	t := reflect.StructOf(fields)
	_, err := newPlan(t)
	return t, err
}
