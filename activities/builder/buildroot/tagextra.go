package buildroot

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A tag's extra data are JSON values. Who set them thought of what Koji's Python
// makes of them; these functions do the same.

// truth is Python's bool(v).
func truth(v any) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case string:
		return v != ""
	case int64:
		return v != 0
	case float64:
		return v != 0
	case json.Number:
		f, err := v.Float64()
		return err != nil || f != 0
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return true
}

// text is Python's str(v).
func text(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return pyLiteral(v)
}

// pyLiteral writes v as a Python literal, Python's repr(v). It is how values get
// into mock's configuration, which is a Python program.
func pyLiteral(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case string:
		return pyString(v)
	case float64:
		if v == float64(int64(v)) {
			return strconv.FormatInt(int64(v), 10) // JSON does not tell 1 from 1.0
		}
		return strconv.FormatFloat(v, 'g', -1, 64)
	case json.Number:
		return v.String()
	case []string:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = pyString(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = pyLiteral(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			parts = append(parts, pyString(k)+": "+pyLiteral(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	case int, int64:
		return fmt.Sprint(v)
	}
	return pyString(fmt.Sprint(v))
}

func pyString(s string) string {
	var b strings.Builder
	b.WriteByte('\'')
	for _, r := range s {
		switch {
		case r == '\'' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ' || r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r == '\u2028' || r == '\u2029' || r == '\u0085':
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('\'')
	return b.String()
}

// extraInt is Python's int(v) of an extra value.
func (r Root) extraInt(key string) (int64, bool) {
	v, ok := r.Extra[key]
	if !ok {
		return 0, false
	}
	if b, ok := v.(bool); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	n, err := strconv.ParseInt(text(v), 10, 64)
	return n, err == nil
}

// macros returns rpm's macros of the root, with their "%".
func (r Root) macros() map[string]string {
	m := map[string]string{
		"%_rpmfilename": "%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm",
		"%vendor":       cmp.Or(r.Vendor, "Koji"),
		"%packager":     cmp.Or(r.Packager, "Koji"),
		"%distribution": cmp.Or(r.Distribution, "Unknown"),
	}
	for key, v := range r.Extra {
		if name, ok := strings.CutPrefix(key, "rpm.macro."); ok {
			m["%"+name] = text(v)
		}
	}
	// Koji: these three are not the tag's to choose.
	m["%_topdir"] = "/builddir/build"
	m["%_host_cpu"] = r.targetArch()
	m["%_host"] = r.targetArch() + "-" + cmp.Or(r.Host, defaultHost)
	return m
}

// env returns the variables that the tag sets in the root.
func (r Root) env() map[string]string {
	env := map[string]string{}
	for key, v := range r.Extra {
		if name, ok := strings.CutPrefix(key, "rpm.env."); ok {
			env[name] = text(v)
		}
	}
	return env
}
