package tasks

import (
	"fmt"
	"strconv"
)

// Ref names a row by its id or by its name, as clients do: an int, a string or
// a struct with "id" and "name". The zero Ref names nothing (nil).
type Ref struct {
	ID   int64  `json:"id,omitempty"`
	Name string `json:"name,omitempty"`
}

// UnmarshalXMLRPC takes an int64, a string, a map with "id" or "name", or nil.
func (r *Ref) UnmarshalXMLRPC(v any) error {
	*r = Ref{}
	switch v := v.(type) {
	case nil:
	case int64:
		r.ID = v
	case string:
		r.Name = v
	case map[string]any:
		r.ID, _ = v["id"].(int64)
		r.Name, _ = v["name"].(string)
		if *r == (Ref{}) {
			return fmt.Errorf("want an id or a name, got a struct with neither")
		}
	default:
		return fmt.Errorf("want an id or a name, got %T", v)
	}
	return nil
}

// MarshalXMLRPC returns the id, or the name when there is none, or nil.
func (r Ref) MarshalXMLRPC() (any, error) { return r.Value(), nil }

// Value is r as the hub's look-ups take it: an int64, a string or nil.
func (r Ref) Value() any {
	switch {
	case r.ID != 0:
		return r.ID
	case r.Name != "":
		return r.Name
	}
	return nil
}

// IsZero says that r names nothing.
func (r Ref) IsZero() bool { return r == Ref{} }

func (r Ref) String() string {
	if r.Name != "" {
		return r.Name
	}
	return strconv.FormatInt(r.ID, 10)
}
