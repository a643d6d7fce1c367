package database

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/lib/pq"
)

// assign stores a value of the driver's in a settable place of one type.
type assign func(dst reflect.Value, value any) error

var errNull = errors.New("NULL needs a pointer or another type that can be nil")

// assignFor returns how values get into a t.
func assignFor(t reflect.Type) (assign, error) {
	switch kind := t.Kind(); {
	case isScanner(t):
		return scan, nil
	case t == reflect.TypeFor[time.Time]():
		return assignTime, nil
	case kind == reflect.Slice && t.Elem().Kind() == reflect.Uint8:
		return assignBytes, nil
	case kind == reflect.Slice:
		return assignArray(t)
	case kind == reflect.Pointer && isScalar(t.Elem()):
		return assignPointer(t)
	case kind == reflect.Interface && t.NumMethod() == 0:
		return assignAny, nil
	case kind == reflect.Bool:
		return assignBool, nil
	case kind == reflect.String:
		return assignString, nil
	case kind >= reflect.Int && kind <= reflect.Int64:
		return assignInt, nil
	case kind >= reflect.Uint && kind <= reflect.Uintptr:
		return assignUint, nil
	case kind == reflect.Float32, kind == reflect.Float64:
		return assignFloat, nil
	}
	return nil, fmt.Errorf("database: cannot scan into %s", t)
}

// isScalar tells whether a t takes one value that is no array.
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

func scan(dst reflect.Value, value any) error {
	return dst.Addr().Interface().(sql.Scanner).Scan(value)
}

func assignTime(dst reflect.Value, value any) error {
	t, ok := value.(time.Time)
	if !ok {
		return mismatch(dst, value)
	}
	dst.Set(reflect.ValueOf(t))
	return nil
}

// assignPointer leaves the pointer nil for NULL.
func assignPointer(t reflect.Type) (assign, error) {
	elem, err := assignFor(t.Elem())
	if err != nil {
		return nil, err
	}
	return func(dst reflect.Value, value any) error {
		if value == nil {
			dst.SetZero()
			return nil
		}
		ptr := reflect.New(t.Elem())
		dst.Set(ptr)
		return elem(ptr.Elem(), value)
	}, nil
}

func assignAny(dst reflect.Value, value any) error {
	if value == nil {
		dst.SetZero()
		return nil
	}
	if b, ok := value.([]byte); ok {
		value = bytes.Clone(b)
	}
	dst.Set(reflect.ValueOf(value))
	return nil
}

func assignBytes(dst reflect.Value, value any) error {
	switch v := value.(type) {
	case nil:
		dst.SetZero()
	case []byte:
		dst.SetBytes(bytes.Clone(v))
	case string:
		dst.SetBytes([]byte(v))
	default:
		return mismatch(dst, value)
	}
	return nil
}

func assignBool(dst reflect.Value, value any) error {
	v, ok := value.(bool)
	if !ok {
		return mismatch(dst, value)
	}
	dst.SetBool(v)
	return nil
}

func assignString(dst reflect.Value, value any) error {
	switch v := value.(type) {
	case string:
		dst.SetString(v)
	case []byte:
		dst.SetString(string(v))
	default:
		// What else can be written as text.
		var text sql.NullString
		if err := text.Scan(value); err != nil || !text.Valid {
			return mismatch(dst, value)
		}
		dst.SetString(text.String)
	}
	return nil
}

func assignInt(dst reflect.Value, value any) error {
	n, ok := value.(int64)
	if !ok {
		var number sql.NullInt64 // reads the text of a numeric
		if err := number.Scan(value); err != nil || !number.Valid {
			return mismatch(dst, value)
		}
		n = number.Int64
	}
	if dst.OverflowInt(n) {
		return fmt.Errorf("%d does not fit into %s", n, dst.Type())
	}
	dst.SetInt(n)
	return nil
}

func assignUint(dst reflect.Value, value any) error {
	n, ok := value.(int64)
	if !ok || n < 0 || dst.OverflowUint(uint64(n)) {
		return mismatch(dst, value)
	}
	dst.SetUint(uint64(n))
	return nil
}

func assignFloat(dst reflect.Value, value any) error {
	f, ok := value.(float64)
	if !ok {
		var number sql.NullFloat64 // reads integers, and the text of a numeric
		if err := number.Scan(value); err != nil || !number.Valid {
			return mismatch(dst, value)
		}
		f = number.Float64
	}
	dst.SetFloat(f)
	return nil
}

func mismatch(dst reflect.Value, value any) error {
	if value == nil {
		return errNull
	}
	return fmt.Errorf("cannot store a %T in a %s", value, dst.Type())
}

// assignArray handles slices of any kind of integer and of strings, named types
// too; lib/pq knows but a few.
func assignArray(t reflect.Type) (assign, error) {
	switch kind := t.Elem().Kind(); {
	case isScanner(t.Elem()), kind == reflect.Bool, kind == reflect.Float64:
		return func(dst reflect.Value, value any) error {
			return pq.Array(dst.Addr().Interface()).(sql.Scanner).Scan(value)
		}, nil
	case kind == reflect.String:
		return scanArray[pq.StringArray], nil
	case kind >= reflect.Int && kind <= reflect.Int64:
		return scanArray[pq.Int64Array], nil
	}
	return nil, fmt.Errorf("database: cannot scan an array into %s", t)
}

// scanArray reads through one of lib/pq's array types into a slice whose
// elements have the same kind.
func scanArray[A pq.StringArray | pq.Int64Array](dst reflect.Value, value any) error {
	var elems A
	if err := any(&elems).(sql.Scanner).Scan(value); err != nil {
		return err
	}
	if value == nil {
		dst.SetZero()
		return nil
	}
	from := reflect.ValueOf(elems)
	to := reflect.MakeSlice(dst.Type(), from.Len(), from.Len())
	for i := range from.Len() {
		to.Index(i).Set(from.Index(i).Convert(to.Type().Elem()))
	}
	dst.Set(to)
	return nil
}
