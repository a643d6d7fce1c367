// Package pyjson reads and writes JSON as Python's json module does.
//
// Koji stores what clients say of builds, files and tags as JSON in text columns,
// and shows clients what it reads from there. So members of objects keep their
// order, 1 and 1.0 are different things, and texts are ASCII with blanks after
// commas and colons.
package pyjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// maxDepth is how deep objects and arrays may lie within one another; it is what
// encoding/json allows.
const maxDepth = 10000

// Parse reads one JSON value: nil, bool, int64, float64, string, []any and
// xmlrpc.Ordered. Of a name that comes twice in an object the last value counts.
func Parse(text string) (any, error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	v, err := parse(d, 0)
	if err != nil {
		return nil, fmt.Errorf("parse JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("parse JSON: more than one value")
	}
	return v, nil
}

func parse(d *json.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("values are nested too deeply")
	}
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token := token.(type) {
	case json.Number:
		if n, err := token.Int64(); err == nil {
			return n, nil
		}
		return token.Float64()
	case json.Delim: // the opening one of an array or object
		items := []any{} // of an object names and values by turns
		for d.More() {
			item, err := parse(d, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		if _, err := d.Token(); err != nil {
			return nil, err
		}
		if token == '{' {
			return xmlrpc.OrderedOf(items...), nil
		}
		return items, nil
	}
	return token, nil
}

// Format writes v, of decoded XML-RPC types, as json.dumps(v) does.
func Format(v any) (string, error) { return format(v, "") }

// Indent writes v as json.dumps(v, indent=2) does.
func Indent(v any) (string, error) { return format(v, "  ") }

func format(v any, indent string) (string, error) {
	w := writer{indent: indent}
	err := w.value(v)
	return w.String(), err
}

type writer struct {
	strings.Builder
	indent string // per level; "" for all in a line
	depth  int
}

func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.WriteString("null")
	case bool:
		w.WriteString(strconv.FormatBool(v))
	case int64:
		w.WriteString(strconv.FormatInt(v, 10))
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%v has no JSON", v) // Python writes what no database reads
		}
		w.WriteString(xmlrpc.Repr(v))
	case string:
		w.string(v)
	case []any:
		return w.items('[', ']', len(v), func(i int) error { return w.value(v[i]) })
	case xmlrpc.Ordered:
		return w.object(v)
	case map[string]any:
		return w.object(xmlrpc.Sorted(v))
	default:
		return fmt.Errorf("Object of type %s is not JSON serializable", xmlrpc.TypeName(v)) //nolint:staticcheck // Python's text
	}
	return nil
}

func (w *writer) object(o xmlrpc.Ordered) error {
	return w.items('{', '}', len(o), func(i int) error {
		w.string(o[i].Name)
		w.WriteString(": ")
		return w.value(o[i].Value)
	})
}

// items writes n items between brackets.
func (w *writer) items(open, end byte, n int, item func(int) error) error {
	if w.depth++; w.depth > maxDepth {
		return errors.New("values are nested too deeply")
	}
	w.WriteByte(open)
	for i := range n {
		if i > 0 {
			w.WriteByte(',')
		}
		if w.indent != "" {
			w.line(w.depth)
		} else if i > 0 {
			w.WriteByte(' ')
		}
		if err := item(i); err != nil {
			return err
		}
	}
	w.depth--
	if w.indent != "" && n > 0 {
		w.line(w.depth)
	}
	w.WriteByte(end)
	return nil
}

func (w *writer) line(depth int) { w.WriteString("\n" + strings.Repeat(w.indent, depth)) }

var escapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

func (w *writer) string(s string) {
	w.WriteByte('"')
	for _, r := range s {
		escape, ok := escapes[r]
		switch {
		case ok:
			w.WriteString(escape)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			fmt.Fprintf(w, `\u%04x\u%04x`, high, low)
		case r < ' ' || r > '~':
			fmt.Fprintf(w, `\u%04x`, r)
		default:
			w.WriteRune(r)
		}
	}
	w.WriteByte('"')
}
