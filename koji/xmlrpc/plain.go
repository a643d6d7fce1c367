package xmlrpc

import (
	"fmt"
	"iter"
	"math"
	"reflect"
	"time"
)

// Plain returns v as decoding its encoding would return it: made of the decoded
// types only (see the package comment). It is what lets a call within the
// process have the same arguments and results as one over the wire.
func Plain(v any) (any, error) { return plain(v, 0) }

func plain(v any, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	switch v := v.(type) {
	case nil, bool, string, int64, float64, time.Time:
		return v, nil
	case []byte:
		return append([]byte{}, v...), nil
	case iter.Seq2[any, error]:
		list := []any{}
		for item, err := range v {
			if err == nil {
				item, err = plain(item, depth+1)
			}
			if err != nil {
				return nil, err
			}
			list = append(list, item)
		}
		return list, nil
	}
	return plainValue(reflect.ValueOf(v), depth)
}

func plainValue(v reflect.Value, depth int) (any, error) {
	if k := v.Kind(); (k == reflect.Pointer || k == reflect.Interface) && v.IsNil() {
		return nil, nil
	}
	if m, ok := v.Interface().(Marshaler); ok {
		stead, err := m.MarshalXMLRPC()
		if err != nil {
			return nil, err
		}
		return plain(stead, depth+1)
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, errRange
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Pointer, reflect.Interface:
		return plain(v.Elem().Interface(), depth+1)
	case reflect.Slice, reflect.Array:
		return plainList(v, depth)
	case reflect.Map:
		return plainMap(v, depth)
	case reflect.Struct:
		return plainStruct(v, depth)
	}
	return nil, fmt.Errorf("cannot marshal %s objects", v.Type())
}

func plainList(v reflect.Value, depth int) (any, error) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return append([]byte{}, v.Bytes()...), nil
	}
	list := make([]any, v.Len())
	for i := range list {
		item, err := plain(v.Index(i).Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", i, err)
		}
		list[i] = item
	}
	return list, nil
}

func plainMap(v reflect.Value, depth int) (any, error) {
	if v.Type().Key().Kind() != reflect.String {
		return nil, fmt.Errorf("cannot marshal %s objects", v.Type())
	}
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		item, err := plain(it.Value().Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", it.Key(), err)
		}
		m[it.Key().String()] = item
	}
	return m, nil
}

func plainStruct(v reflect.Value, depth int) (any, error) {
	fields := Fields(v.Type())
	m := make(map[string]any, len(fields))
	for _, f := range fields {
		fv, ok := FieldValue(v, f.Index)
		if !ok || f.OmitEmpty && isEmpty(fv) {
			continue
		}
		item, err := plain(fv.Interface(), depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		m[f.Name] = item
	}
	return m, nil
}
