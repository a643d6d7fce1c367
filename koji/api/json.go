package api

import (
	"encoding/json"
	"fmt"
	"strings"
)

// ParseJSON decodes a JSON text into what travels: integers are int64.
func ParseJSON(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("parse JSON: %w", err)
	}
	return plain(v), nil
}
