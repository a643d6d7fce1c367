package database

import (
	"database/sql"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"
)

// layout says which columns a type takes.
type layout struct {
	typ    reflect.Type
	scalar *column
	fields map[string]column
}

// column is one place a value can go to.
type column struct {
	name  string
	index []int // the field's index, nil when the row itself is the value
	assign
}

// store puts a column's value into a row.
func (c *column) store(row reflect.Value, value any) error {
	field := row
	switch {
	case len(c.index) == 1:
		field = row.Field(c.index[0])
	case c.index != nil:
		field = row.FieldByIndex(c.index)
	}
	if err := c.assign(field, value); err != nil {
		return fmt.Errorf("database: column %q: %w", c.name, err)
	}
	return nil
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
		assign, err := assignFor(t)
		if err != nil {
			return nil, err
		}
		l.scalar = &column{assign: assign}
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
		assign, err := assignFor(f.Type)
		if err != nil {
			return fmt.Errorf("%w (field %s of %s)", err, f.Name, l.typ)
		}
		l.fields[name] = column{name: name, index: join(index, f.Index), assign: assign}
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
		c := *l.scalar
		c.name = names[0]
		return []column{c}, nil
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
