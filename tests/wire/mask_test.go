package wire

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// masks replace what is different in every run, wherever it stands in a text.
var masks = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d([.,]\d+)?(\+00:00)?`), "<TIME>"},
	{regexp.MustCompile(`\b1[789]\d{8}(\.\d+)?`), "<EPOCH>"},
	{regexp.MustCompile(`\b\d+-[A-Za-z0-9]{15,64}\b`), "<KEY>"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b`), "<TOKEN>"},
}

// loose are members of structs of which only the type is compared.
var loose = map[string]bool{
	"session-id": true,
	"doc":        true, // of a method: ours are our own
	"mtime":      true,
}

// looseOf are members that are loose in the answers of one method.
var looseOf = map[string]string{
	"getSessionInfo": "id", // there were more sessions when the recording was made
}

// unordered are the methods whose answer is a list without an order, unless the
// caller asks for one: Koji's hub sorts nothing then, and PostgreSQL hands out
// the rows as they happen to lie.
var unordered = map[string]bool{
	"_listapi":           true,
	"system.listMethods": true,
	"listBuilds":         true,
	"listChannels":       true,
	"listExternalRepos":  true,
}

// masked returns the answer to a call in a form that can be compared and shown.
func masked(c call, v any) any {
	v = mask(v)
	if unordered[c.Method] && !strings.Contains(c.Body, "<name>order</name>") {
		sortAny(v)
	}
	if pair, ok := v.([]any); ok && c.Method == "listTaggedRPMS" {
		for _, list := range pair { // of RPMs and of builds
			sortAny(list)
		}
	}
	if m, ok := v.(map[string]any); ok && m[looseOf[c.Method]] != nil {
		m[looseOf[c.Method]] = "<loose>"
	}
	if text, ok := v.(string); ok && c.Method == "system.methodHelp" {
		signature, _, _ := strings.Cut(text, "\ndescription:")
		return signature
	}
	return v
}

func sortAny(v any) {
	if list, ok := v.([]any); ok {
		slices.SortFunc(list, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	}
}

func mask(v any) any {
	switch v := v.(type) {
	case string:
		for _, m := range masks {
			v = m.re.ReplaceAllString(v, m.with)
		}
		return v
	case float64:
		if v > 1.6e9 {
			return "<EPOCH>"
		}
	case int64:
		if v > 1.6e9 && v < 2e9 {
			return "<EPOCH>"
		}
	case time.Time:
		return "<TIME>"
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = mask(v[i])
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, member := range v {
			if loose[name] && member != nil {
				out[name] = "<" + xmlrpc.TypeName(member) + ">"
				continue
			}
			out[name] = mask(member)
		}
		return out
	}
	return v
}

// differences lists where two masked values differ, a line each.
func differences(path string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			return structDifferences(path, w, g)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return listDifferences(path, w, g)
		}
	}
	if xmlrpc.Repr(want) == xmlrpc.Repr(got) {
		return nil
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", path, short(want), short(got))}
}

func structDifferences(path string, want, got map[string]any) []string {
	var out []string
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		w, wanted := want[name]
		g, given := got[name]
		switch {
		case !given:
			out = append(out, fmt.Sprintf("%s.%s: missing, want %s", path, name, short(w)))
		case !wanted:
			out = append(out, fmt.Sprintf("%s.%s: unexpected %s", path, name, short(g)))
		default:
			out = append(out, differences(path+"."+name, w, g)...)
		}
	}
	return out
}

func listDifferences(path string, want, got []any) []string {
	var out []string
	if len(want) != len(got) {
		out = append(out, fmt.Sprintf("%s: want %d items, got %d", path, len(want), len(got)))
	}
	for i := range min(len(want), len(got)) {
		out = append(out, differences(fmt.Sprintf("%s[%d]", path, i), want[i], got[i])...)
	}
	return out
}

// short shows a value in a line.
func short(v any) string {
	text := xmlrpc.Repr(v)
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return text
}
