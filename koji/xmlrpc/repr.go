package xmlrpc

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Repr writes a decoded value the way Python's repr writes what Koji makes of
// it; many of Koji's messages quote their offending value so. Members of structs
// come in the order of their names, those of an Ordered in theirs.
func Repr(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return quote(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case float64:
		return string(appendFloat(nil, v))
	case []byte:
		return "b" + quote(string(v))
	case time.Time:
		return "<DateTime " + quote(v.UTC().Format(timeLayout)) + ">"
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			items[i] = Repr(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	case map[string]any:
		items := make([]string, 0, len(v))
		for _, name := range slices.Sorted(maps.Keys(v)) {
			items = append(items, quote(name)+": "+Repr(v[name]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	case Ordered:
		items := make([]string, len(v))
		for i, m := range v {
			items[i] = quote(m.Name) + ": " + Repr(m.Value)
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	return fmt.Sprint(v)
}

// TypeName returns the name of the Python class that Koji would see for a
// decoded value: "int", "str", "NoneType", ...
func TypeName(v any) string {
	switch v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case string:
		return "str"
	case int64:
		return "int"
	case float64:
		return "float"
	case []byte:
		return "bytes"
	case time.Time:
		return "DateTime"
	case []any:
		return "list"
	case map[string]any, Ordered:
		return "dict"
	}
	return fmt.Sprintf("%T", v)
}

// quote writes s as a Python string literal.
func quote(s string) string {
	q := `'`
	if strings.Contains(s, `'`) && !strings.Contains(s, `"`) {
		q = `"`
	}
	var b strings.Builder
	b.WriteString(q)
	for _, r := range s {
		switch {
		case r == '\\', string(r) == q:
			b.WriteByte('\\')
			b.WriteRune(r)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	b.WriteString(q)
	return b.String()
}
