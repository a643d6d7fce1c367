package api

import (
	"fmt"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/pyjson"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// ParseJSON decodes a JSON text into what travels: integers are int64.
func ParseJSON(text string) (any, error) {
	v, err := pyjson.Parse(text)
	return xmlrpc.Unordered(v), err
}

// Document is JSON in a text column that travels as the value that it holds, with
// the members of objects in their order; NULL and its zero value are nil.
type Document struct {
	text  string // as it is stored, "" if it came over the wire
	value any    // as it came
}

// DocumentOf returns the document that holds v, of decoded types.
func DocumentOf(v any) Document { return Document{value: v} }

// Scan implements sql.Scanner for text, and NULL.
func (d *Document) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Document{}
	case string:
		*d = Document{text: v}
	case []byte:
		*d = Document{text: string(v)}
	default:
		return fmt.Errorf("scan JSON from %T", src)
	}
	return nil
}

// MarshalXMLRPC returns the value.
func (d Document) MarshalXMLRPC() (any, error) {
	if d.text == "" {
		return d.value, nil
	}
	v, err := pyjson.Parse(d.text)
	if err != nil {
		return nil, koji.GenericErrorf("Invalid extra data: %s", xmlrpc.Repr(d.text))
	}
	return v, nil
}

// UnmarshalXMLRPC takes anything.
func (d *Document) UnmarshalXMLRPC(v any) error {
	*d = Document{value: v}
	return nil
}

// MarshalJSON returns the JSON of the value.
func (d Document) MarshalJSON() ([]byte, error) {
	v, err := d.MarshalXMLRPC()
	if err != nil {
		return nil, err
	}
	text, err := pyjson.Format(v)
	return []byte(text), err
}

// UnmarshalJSON takes any JSON.
func (d *Document) UnmarshalJSON(text []byte) error { return d.Scan(string(text)) }

// Object returns the members of the object that the document holds; none if it
// holds anything else.
func (d Document) Object() Extra {
	v, _ := d.MarshalXMLRPC()
	object, _ := xmlrpc.Unordered(v).(map[string]any)
	return object
}
