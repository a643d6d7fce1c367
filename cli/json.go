package cli

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// writeJSON prints a value of the API as JSON, under the names that it has on
// the wire. The text is as Python's json module writes it with an indentation
// of two and sorted names: plain ASCII, and floats with a decimal point.
func writeJSON(w io.Writer, v any) error {
	plain, err := xmlrpc.Plain(v)
	if err != nil {
		return err
	}
	var b strings.Builder
	appendJSON(&b, plain, "\n")
	b.WriteByte('\n')
	_, err = io.WriteString(w, b.String())
	return err
}

// appendJSON writes a decoded value; newline is a line break with the
// indentation of the place.
func appendJSON(b *strings.Builder, v any, newline string) {
	switch v := v.(type) {
	case nil:
		b.WriteString("null")
	case bool:
		fmt.Fprint(b, v)
	case []byte:
		appendJSONString(b, string(v))
	case string:
		appendJSONString(b, v)
	case time.Time:
		appendJSONString(b, v.Format("20060102T15:04:05"))
	case []any:
		if len(v) == 0 {
			b.WriteString("[]")
			return
		}
		separator := "["
		for _, item := range v {
			b.WriteString(separator + newline + "  ")
			appendJSON(b, item, newline+"  ")
			separator = ","
		}
		b.WriteString(newline + "]")
	case map[string]any:
		if len(v) == 0 {
			b.WriteString("{}")
			return
		}
		separator := "{"
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b.WriteString(separator + newline + "  ")
			appendJSONString(b, name)
			b.WriteString(": ")
			appendJSON(b, v[name], newline+"  ")
			separator = ","
		}
		b.WriteString(newline + "}")
	default:
		b.WriteString(xmlrpc.Repr(v)) // a number
	}
}

var jsonEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func appendJSONString(b *strings.Builder, s string) {
	b.WriteByte('"')
	for _, r := range s {
		escape, ok := jsonEscapes[r]
		switch {
		case ok:
			b.WriteString(escape)
		case ' ' <= r && r <= '~':
			b.WriteRune(r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(b, `\u%04x\u%04x`, high, low)
		default:
			fmt.Fprintf(b, `\u%04x`, r)
		}
	}
	b.WriteByte('"')
}
