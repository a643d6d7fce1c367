package api

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Extra is a JSON object that a build, RPM, archive or buildroot carries along;
// nil is nil on the wire. Integers in it are int64.
type Extra map[string]any

// Scan implements sql.Scanner for JSON in a text column, and NULL.
func (e *Extra) Scan(src any) error {
	var text []byte
	switch v := src.(type) {
	case nil:
		*e = nil
		return nil
	case string:
		text = []byte(v)
	case []byte:
		text = v
	default:
		return fmt.Errorf("scan extra data from %T", src)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v map[string]any
	if err := d.Decode(&v); err != nil {
		return fmt.Errorf("extra data: %w", err)
	}
	*e = nil
	if v != nil {
		*e = plain(v).(map[string]any)
	}
	return nil
}

// plain replaces each json.Number in v by an int64 or a float64.
func plain(v any) any {
	switch v := v.(type) {
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		f, _ := v.Float64() // the decoder has checked the syntax
		return f
	case map[string]any:
		for k, member := range v {
			v[k] = plain(member)
		}
	case []any:
		for i, elem := range v {
			v[i] = plain(elem)
		}
	}
	return v
}

// MarshalXMLRPC returns a struct, or nil for nil.
func (e Extra) MarshalXMLRPC() (any, error) {
	if e == nil {
		return nil, nil
	}
	return map[string]any(e), nil
}

// UnmarshalXMLRPC takes a struct or nil.
func (e *Extra) UnmarshalXMLRPC(v any) error {
	switch v := v.(type) {
	case nil:
		*e = nil
	case map[string]any:
		*e = v
	default:
		return fmt.Errorf("extra data: want a struct, got %T", v)
	}
	return nil
}

// OptionalExtra is an Extra that an answer has only on request. Its zero value,
// nothing was asked for, is left out of the answer by omitempty.
type OptionalExtra struct {
	Asked bool
	Extra Extra
}

// Scan is Extra.Scan; a column there is tells that it was asked for.
func (o *OptionalExtra) Scan(src any) error {
	o.Asked = true
	return o.Extra.Scan(src)
}

// MarshalXMLRPC returns the Extra.
func (o OptionalExtra) MarshalXMLRPC() (any, error) { return o.Extra, nil }

// UnmarshalXMLRPC is Extra.UnmarshalXMLRPC.
func (o *OptionalExtra) UnmarshalXMLRPC(v any) error {
	o.Asked = true
	return o.Extra.UnmarshalXMLRPC(v)
}
