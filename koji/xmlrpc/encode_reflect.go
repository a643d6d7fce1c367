package xmlrpc

import (
	"fmt"
	"math"
	"reflect"
	"slices"
	"sync"
	"time"
)

// encodeFunc writes a value of one type.
type encodeFunc func(*Encoder, reflect.Value) error

var (
	encodeFuncs   sync.Map // reflect.Type -> encodeFunc
	marshalerType = reflect.TypeFor[Marshaler]()
	streamerType  = reflect.TypeFor[Streamer]()
	appenderType  = reflect.TypeFor[TextAppender]()
	timeType      = reflect.TypeFor[time.Time]()
)

func (e *Encoder) reflect(v any) error {
	rv := reflect.ValueOf(v)
	return encodeFuncOf(rv.Type())(e, rv)
}

// encodeFuncOf returns the cached way to write values of type t. Types that hold
// others look them up when they are written, so that a type may contain itself.
func encodeFuncOf(t reflect.Type) encodeFunc {
	if f, ok := encodeFuncs.Load(t); ok {
		return f.(encodeFunc)
	}
	f := newEncodeFunc(t)
	encodeFuncs.Store(t, f)
	return f
}

func newEncodeFunc(t reflect.Type) encodeFunc {
	if t.Kind() != reflect.Pointer && t.Kind() != reflect.Interface {
		switch {
		case t.Implements(streamerType):
			return func(e *Encoder, v reflect.Value) error { return v.Interface().(Streamer).StreamXMLRPC(e) }
		case t.Implements(appenderType):
			return encodeAppender
		}
	}
	if t.Kind() != reflect.Pointer && t.Implements(marshalerType) {
		return encodeMarshaler
	}
	switch t.Kind() {
	case reflect.Bool:
		return func(e *Encoder, v reflect.Value) error { e.bool(v.Bool()); return nil }
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return func(e *Encoder, v reflect.Value) error { e.int(v.Int()); return nil }
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return encodeUint
	case reflect.Float32, reflect.Float64:
		return func(e *Encoder, v reflect.Value) error { e.float(v.Float()); return nil }
	case reflect.String:
		return func(e *Encoder, v reflect.Value) error { return e.string(v.String()) }
	case reflect.Pointer, reflect.Interface:
		return encodeElem
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return func(e *Encoder, v reflect.Value) error { return e.bytes(v.Bytes()) }
		}
		return encodeSlice
	case reflect.Array:
		return encodeSlice
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			return encodeMap
		}
	case reflect.Struct:
		if t == timeType {
			return func(e *Encoder, v reflect.Value) error { e.time(v.Interface().(time.Time)); return nil }
		}
		return structEncodeFunc(t)
	}
	return func(*Encoder, reflect.Value) error { return fmt.Errorf("cannot marshal %s objects", t) }
}

func encodeMarshaler(e *Encoder, v reflect.Value) error {
	if v.Kind() == reflect.Interface && v.IsNil() {
		e.nil()
		return nil
	}
	plain, err := v.Interface().(Marshaler).MarshalXMLRPC()
	if err != nil {
		return err
	}
	return e.value(plain)
}

func encodeAppender(e *Encoder, v reflect.Value) error {
	return WriteText(e, v.Interface().(TextAppender))
}

func encodeUint(e *Encoder, v reflect.Value) error {
	if v.Uint() > math.MaxInt64 {
		return errRange
	}
	e.int(int64(v.Uint()))
	return nil
}

func encodeElem(e *Encoder, v reflect.Value) error {
	switch {
	case v.IsNil():
		e.nil()
		return nil
	case v.Type().Implements(marshalerType):
		return encodeMarshaler(e, v)
	}
	// A chain of pointers can be a circle as well as arrays can.
	if e.depth++; e.depth > maxDepth {
		return errDepth
	}
	defer func() { e.depth-- }()
	return encodeFuncOf(v.Elem().Type())(e, v.Elem())
}

func encodeSlice(e *Encoder, v reflect.Value) error {
	if err := e.openArray(); err != nil {
		return err
	}
	elem := encodeFuncOf(v.Type().Elem())
	for i := range v.Len() {
		if err := elem(e, v.Index(i)); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	e.closeArray()
	return nil
}

func encodeMap(e *Encoder, v reflect.Value) error {
	if err := e.openStruct(); err != nil {
		return err
	}
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int {
		if a.String() < b.String() {
			return -1
		}
		return 1
	})
	elem := encodeFuncOf(v.Type().Elem())
	for _, k := range keys {
		e.member(k.String())
		if err := elem(e, v.MapIndex(k)); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
		e.raw("</member>\n")
	}
	e.closeStruct()
	return nil
}

// structField is a Field with its opening text ready to be written.
type structField struct {
	Field
	head string
}

func structEncodeFunc(t reflect.Type) encodeFunc {
	var fields []structField
	for _, f := range Fields(t) {
		e := Encoder{}
		e.member(f.Name)
		fields = append(fields, structField{f, string(e.buf)})
	}
	return func(e *Encoder, v reflect.Value) error {
		if err := e.openStruct(); err != nil {
			return err
		}
		for i := range fields {
			f := &fields[i]
			fv, ok := FieldValue(v, f.Index)
			if !ok || f.OmitEmpty && isEmpty(fv) {
				continue
			}
			e.raw(f.head)
			if err := encodeFuncOf(f.Type)(e, fv); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
			e.raw("</member>\n")
		}
		e.closeStruct()
		return nil
	}
}

// FieldValue returns the field of v with the given index (see Field), or false
// when it belongs to an embedded struct that is not there.
func FieldValue(v reflect.Value, index []int) (reflect.Value, bool) {
	if len(index) == 1 {
		return v.Field(index[0]), true
	}
	fv, err := v.FieldByIndexErr(index)
	return fv, err == nil
}

func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.Len() == 0
	}
	return v.IsZero()
}
