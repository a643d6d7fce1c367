package database

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"
)

// layout says which columns a type takes.
type layout struct {
	typ    reflect.Type
	scalar *column
	fields map[string]column
}

// column is one place a value can go to.
type column struct {
	index []int // the field's index, nil when the row itself is the value
	// target returns what Scan wants for a pointer to the place.
	target func(ptr reflect.Value) any
}

// layouts caches a *layout per reflect.Type.
var layouts sync.Map

func layoutOf(t reflect.Type) (*layout, error) {
	if cached, ok := layouts.Load(t); ok {
		return cached.(*layout), nil
	}
	l := &layout{typ: t}
	if isRecord(t) {
		l.fields = make(map[string]column)
		if err := l.add(t, nil); err != nil {
			return nil, err
		}
	} else {
		target, err := targetFor(t)
		if err != nil {
			return nil, err
		}
		l.scalar = &column{target: target}
	}
	layouts.Store(t, l)
	return l, nil
}

// isRecord tells whether t is a struct of columns, not a value of its own.
func isRecord(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != reflect.TypeFor[time.Time]() && !isScanner(t)
}

func isScanner(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[sql.Scanner]())
}

// add enters the fields of t, which lies at index in the layout's type. The
// fields of t win over those of structs embedded in it, as in Go.
func (l *layout) add(t reflect.Type, index []int) error {
	var embedded []reflect.StructField
	for f := range t.Fields() {
		if f.Anonymous && f.Tag == "" && isRecord(f.Type) {
			embedded = append(embedded, f)
			continue
		}
		name := columnName(f)
		if name == "" {
			continue
		}
		if _, taken := l.fields[name]; taken {
			continue
		}
		target, err := targetFor(f.Type)
		if err != nil {
			return fmt.Errorf("%w (field %s of %s)", err, f.Name, l.typ)
		}
		l.fields[name] = column{index: join(index, f.Index), target: target}
	}
	for _, f := range embedded {
		if err := l.add(f.Type, join(index, f.Index)); err != nil {
			return err
		}
	}
	return nil
}

func join(a, b []int) []int { return append(append([]int(nil), a...), b...) }

func columnName(f reflect.StructField) string {
	if !f.IsExported() {
		return ""
	}
	tag, ok := f.Tag.Lookup("db")
	if !ok {
		tag = f.Tag.Get("rpc")
	}
	name, _, _ := strings.Cut(tag, ",")
	name, _, _ = strings.Cut(name, "=")
	if name == "-" {
		return ""
	}
	return name
}

func (l *layout) match(names []string) ([]column, error) {
	if l.scalar != nil {
		if len(names) != 1 {
			return nil, fmt.Errorf("database: %s takes one column, the query has %d", l.typ, len(names))
		}
		return []column{*l.scalar}, nil
	}
	columns := make([]column, len(names))
	seen := make(map[string]bool, len(names))
	for i, name := range names {
		c, ok := l.fields[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("database: %s has no field for column %q", l.typ, name)
		case seen[name]:
			return nil, fmt.Errorf("database: column %q comes twice", name)
		}
		seen[name] = true
		columns[i] = c
	}
	return columns, nil
}

// targetFor returns how a value of type t is scanned.
func targetFor(t reflect.Type) (func(reflect.Value) any, error) {
	whole := func(ptr reflect.Value) any { return ptr.Interface() }
	switch {
	case isScanner(t), t == reflect.TypeFor[time.Time]():
		return whole, nil
	case t == reflect.TypeFor[json.RawMessage]():
		return func(ptr reflect.Value) any { return (*[]byte)(ptr.Interface().(*json.RawMessage)) }, nil
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return whole, nil
	case t.Kind() == reflect.Slice:
		return arrayTarget(t)
	case t.Kind() == reflect.Pointer && isScalar(t.Elem()):
		// database/sql follows the pointer, and leaves it nil for NULL.
		return whole, nil
	case isScalar(t):
		return whole, nil
	}
	return nil, fmt.Errorf("database: cannot scan into %s", t)
}

// isScalar tells whether database/sql alone can scan into a t.
func isScalar(t reflect.Type) bool {
	kind := t.Kind()
	switch {
	case isScanner(t), t == reflect.TypeFor[time.Time](), t == reflect.TypeFor[json.RawMessage]():
		return true
	case kind >= reflect.Bool && kind <= reflect.Float64, kind == reflect.String:
		return true
	}
	return kind == reflect.Interface && t.NumMethod() == 0
}

// arrayTarget handles slices of any kind of integer and of strings, named
// types too; lib/pq knows but a few.
func arrayTarget(t reflect.Type) (func(reflect.Value) any, error) {
	switch kind := t.Elem().Kind(); {
	case isScanner(t.Elem()), kind == reflect.Bool, kind == reflect.Float64:
		return func(ptr reflect.Value) any { return pq.Array(ptr.Interface()) }, nil
	case kind == reflect.String:
		return func(ptr reflect.Value) any { return &array[pq.StringArray]{slice: ptr.Elem()} }, nil
	case kind >= reflect.Int && kind <= reflect.Int64:
		return func(ptr reflect.Value) any { return &array[pq.Int64Array]{slice: ptr.Elem()} }, nil
	}
	return nil, fmt.Errorf("database: cannot scan an array into %s", t)
}

// array scans through one of lib/pq's array types into a slice whose elements
// have the same kind.
type array[A pq.StringArray | pq.Int64Array] struct{ slice reflect.Value }

// Scan implements sql.Scanner.
func (a *array[A]) Scan(src any) error {
	var elems A
	if err := any(&elems).(sql.Scanner).Scan(src); err != nil {
		return err
	}
	if src == nil {
		a.slice.SetZero()
		return nil
	}
	from := reflect.ValueOf(elems)
	to := reflect.MakeSlice(a.slice.Type(), from.Len(), from.Len())
	for i := range from.Len() {
		to.Index(i).Set(from.Index(i).Convert(to.Type().Elem()))
	}
	a.slice.Set(to)
	return nil
}
