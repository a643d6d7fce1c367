package api

import "fmt"

// Extra is a JSON object, such as the settings of a tag; nil is nil on the wire.
// Integers in it are int64.
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
	v, err := ParseJSON(string(text))
	if err != nil {
		return fmt.Errorf("extra data: %w", err)
	}
	return e.UnmarshalXMLRPC(v)
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

// OptionalExtra is a Document that an answer has only on request. Its zero value,
// nothing was asked for, is left out of the answer by omitempty.
type OptionalExtra struct {
	Asked bool
	Extra Document
}

// Scan is Document.Scan; a column there is tells that it was asked for.
func (o *OptionalExtra) Scan(src any) error {
	o.Asked = true
	return o.Extra.Scan(src)
}

// MarshalXMLRPC returns the value of the Document.
func (o OptionalExtra) MarshalXMLRPC() (any, error) { return o.Extra.MarshalXMLRPC() }

// UnmarshalXMLRPC is Document.UnmarshalXMLRPC.
func (o *OptionalExtra) UnmarshalXMLRPC(v any) error {
	o.Asked = true
	return o.Extra.UnmarshalXMLRPC(v)
}
