package differential

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// verdict says how two answers compare.
type verdict int

const (
	same      verdict = iota
	reordered         // the same rows in another order
	kojiErrs          // Koji's fault is a Python or SQL error; Toji's is a clear one
	toldApart         // Koji's fault is a Python or SQL error; Toji has an answer
	differs
	stays // differs, and is known to
)

func (v verdict) String() string {
	return []string{"equal", "equal but for the order", "a fault where Koji errs", "an answer where Koji errs", "different", "known"}[v]
}

// internals matches the texts of faults that are errors of Koji itself: Python
// exceptions that no code of Koji's raises on purpose, and those of its database.
var internals = regexp.MustCompile(`^<class '(psycopg2|TypeError|AttributeError|KeyError|IndexError|UnboundLocalError|NameError|OverflowError|re\.error|sre_constants|AssertionError|UnicodeDecodeError|RecursionError|builtins|IsADirectoryError|NotADirectoryError|RuntimeError|ValueError|OSError|FileNotFoundError|_rpm|json|Exception)`)

// compare compares Koji's answer to a call with Toji's.
func compare(koji, toji answer) verdict {
	switch {
	case koji.body == toji.body:
		return same
	case koji.fault != nil && koji.fault.Code == 1 && internals.MatchString(koji.fault.String):
		if toji.fault != nil {
			return kojiErrs
		}
		return toldApart
	case koji.fault != nil || toji.fault != nil:
		if koji.fault != nil && toji.fault != nil && *koji.fault == *toji.fault {
			return same
		}
		return differs
	}
	k, j := text(koji.value, false), text(toji.value, false)
	if k == j {
		return same
	}
	if text(koji.value, true) == text(toji.value, true) {
		return reordered
	}
	return differs
}

// text writes a value with its types, with the members of lists sorted if they
// are to be sets.
func text(v any, sets bool) string {
	switch v := v.(type) {
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = text(e, sets)
		}
		if sets {
			slices.Sort(parts)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case map[string]any:
		parts := make([]string, 0, len(v))
		for _, k := range slices.Sorted(keys(v)) {
			if k == "traceback" { // in the faults of a multiCall
				continue
			}
			parts = append(parts, fmt.Sprintf("%q: %s", k, text(v[k], sets)))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("%T(%v)", v, v)
}

// describe says where two answers differ, in a line.
func describe(koji, toji answer) string {
	if koji.fault != nil || toji.fault != nil {
		return fmt.Sprintf("Koji %s, Toji %s", outcome(koji), outcome(toji))
	}
	return difference("", koji.value, toji.value)
}

func outcome(a answer) string {
	if a.fault != nil {
		return fmt.Sprintf("fault %d %.250q", a.fault.Code, a.fault.String)
	}
	return shorten(text(a.value, false))
}

func shorten(s string) string {
	if len(s) > 200 {
		return s[:200] + "..."
	}
	return s
}

// difference finds the first place where two values differ.
func difference(place string, koji, toji any) string {
	k, kMap := koji.(map[string]any)
	j, jMap := toji.(map[string]any)
	if kMap && jMap {
		for _, name := range slices.Sorted(keys(k)) {
			other, ok := j[name]
			if !ok {
				return fmt.Sprintf("%s.%s: only Koji has it: %s", place, name, shorten(text(k[name], false)))
			}
			if text(k[name], false) != text(other, false) {
				return difference(place+"."+name, k[name], other)
			}
		}
		for _, name := range slices.Sorted(keys(j)) {
			if _, ok := k[name]; !ok {
				return fmt.Sprintf("%s.%s: only Toji has it: %s", place, name, shorten(text(j[name], false)))
			}
		}
	}
	kl, kList := koji.([]any)
	jl, jList := toji.([]any)
	if kList && jList {
		for i := range min(len(kl), len(jl)) {
			if text(kl[i], false) != text(jl[i], false) {
				return fmt.Sprintf("(%d/%d rows) ", len(kl), len(jl)) + difference(fmt.Sprintf("%s[%d]", place, i), kl[i], jl[i])
			}
		}
		return fmt.Sprintf("%s: %d rows in Koji, %d in Toji", place, len(kl), len(jl))
	}
	return fmt.Sprintf("%s: Koji %s, Toji %s", place, shorten(text(koji, false)), shorten(text(toji, false)))
}

// firstRow returns the first struct of an answer that is a list of them.
func firstRow(a answer) map[string]any {
	list, _ := a.value.([]any)
	if len(list) == 0 {
		return nil
	}
	row, _ := list[0].(map[string]any)
	return row
}

// byMethod orders calls, for reports.
func byMethod(a, b call) int {
	return cmp.Or(cmp.Compare(a.Method, b.Method), cmp.Compare(xmlrpc.Repr(a.Args), xmlrpc.Repr(b.Args)))
}
