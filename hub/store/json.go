package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf16"
)

// pythonJSON writes JSON as Python's json.dumps does, with blanks after commas
// and colons and in ASCII.
//
// Koji: clients get to see the text of such columns in a tag's history.
func pythonJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	quoted, escaped := false, false
	for _, r := range string(text) {
		switch {
		case r > 0xffff:
			hi, lo := utf16.EncodeRune(r)
			fmt.Fprintf(&b, `\u%04x\u%04x`, hi, lo)
			continue
		case r > 0x7e:
			fmt.Fprintf(&b, `\u%04x`, r)
			continue
		}
		b.WriteRune(r)
		switch {
		case escaped:
			escaped = false
		case quoted && r == '\\':
			escaped = true
		case r == '"':
			quoted = !quoted
		case !quoted && (r == ',' || r == ':'):
			b.WriteByte(' ')
		}
	}
	return b.String(), nil
}
