package spectemplate

import (
	"cmp"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/toji-build/toji/koji/xmlrpc"
)

func truth(v any) bool { return xmlrpc.Truth(v) }

// str is a value as Python prints it.
func str(v any) string {
	if text, ok := v.(string); ok {
		return text
	}
	return xmlrpc.Repr(v)
}

// bounded fails if a value of this size, in bytes or elements, is too large.
func bounded(size int) {
	if size > maxSize || size < 0 {
		fail("the result is too large")
	}
}

func number(v any) int64 {
	n, ok := v.(int64)
	if !ok {
		fail("%s is no whole number", xmlrpc.Repr(v))
	}
	return n
}

func text(v any) string {
	s, ok := v.(string)
	if !ok {
		fail("%s is no text", xmlrpc.Repr(v))
	}
	return s
}

// elements are what a loop goes through: of a list its elements, of a dictionary
// its keys.
func elements(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		return keys(v)
	}
	fail("%s is no list", xmlrpc.Repr(v))
	return nil
}

func keys(m map[string]any) []any { return texts(slices.Sorted(maps.Keys(m))) }

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

func plus(a, b any) any {
	switch a := a.(type) {
	case int64:
		return a + number(b)
	case string:
		bounded(len(a) + len(text(b)))
		return a + text(b)
	case []any:
		more, ok := b.([]any)
		if ok {
			bounded((len(a) + len(more)) * 16)
			return slices.Concat(a, more)
		}
	}
	fail("cannot add %s and %s", xmlrpc.TypeName(a), xmlrpc.TypeName(b))
	return nil
}

func compare(op string, a, b any) bool {
	switch op {
	case "==":
		return reflect.DeepEqual(a, b)
	case "!=":
		return !reflect.DeepEqual(a, b)
	}
	var order int
	if s, ok := a.(string); ok {
		order = cmp.Compare(s, text(b))
	} else {
		order = cmp.Compare(number(a), number(b))
	}
	switch op {
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	}
	return order >= 0
}

func contains(in, v any) bool {
	if s, ok := in.(string); ok {
		return strings.Contains(s, text(v))
	}
	return slices.ContainsFunc(elements(in), func(e any) bool { return reflect.DeepEqual(e, v) })
}

func index(v, i any) any {
	switch v := v.(type) {
	case map[string]any:
		return attribute(v, text(i))
	case string:
		n := position(number(i), len(v))
		return v[n : n+1]
	case []any:
		return v[position(number(i), len(v))]
	}
	fail("%s has no index", xmlrpc.TypeName(v))
	return nil
}

// position is where an index, perhaps from the end, leads among n.
func position(i int64, n int) int {
	if i < 0 {
		i += int64(n)
	}
	if i < 0 || i >= int64(n) {
		fail("there are only %d", n)
	}
	return int(i)
}

// slice is v[from:to]; nil stands for the beginning and the end.
func slice(v, from, to any) any {
	size := 0
	switch v := v.(type) {
	case string:
		size = len(v)
	case []any:
		size = len(v)
	default:
		fail("%s has no slices", xmlrpc.TypeName(v))
	}
	bound := func(i any, none int) int {
		if i == nil {
			return none
		}
		n := number(i)
		if n < 0 {
			n += int64(size)
		}
		return int(min(max(n, 0), int64(size)))
	}
	a, b := bound(from, 0), bound(to, size)
	b = max(a, b)
	if s, ok := v.(string); ok {
		return s[a:b]
	}
	return v.([]any)[a:b]
}

func attribute(v any, name string) any {
	m, ok := v.(map[string]any)
	if !ok {
		fail("cannot find '%s' in %s", name, xmlrpc.TypeName(v))
	}
	found, ok := m[name]
	if !ok {
		fail("cannot find '%s'", name)
	}
	return found
}

// call calls a function.
func call(name string, args []any) any {
	if name == "range" && (len(args) == 1 || len(args) == 2) {
		from, to := int64(0), number(args[len(args)-1])
		if len(args) == 2 {
			from = number(args[0])
		}
		bounded(int(min(max(to-from, 0), maxSize)) * 16)
		var list []any
		for ; from < to; from++ {
			list = append(list, from)
		}
		return list
	}
	if len(args) != 1 {
		fail("cannot call %s() with %d values", name, len(args))
	}
	v := args[0]
	switch name {
	case "str":
		return str(v)
	case "int":
		if s, ok := v.(string); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
			if err != nil {
				fail("%s is no whole number", xmlrpc.Repr(v))
			}
			return n
		}
		return number(v)
	case "len":
		if s, ok := v.(string); ok {
			return int64(len(s))
		}
		return int64(len(elements(v)))
	case "sorted":
		list := slices.Clone(elements(v))
		slices.SortStableFunc(list, func(a, b any) int {
			if compare("<", a, b) {
				return -1
			}
			return 1
		})
		return list
	case "enumerate":
		var pairs []any
		for i, e := range elements(v) {
			pairs = append(pairs, []any{int64(i), e})
		}
		return pairs
	}
	fail("there is no function %s()", name)
	return nil
}

// method calls a method of a value.
func method(v any, name string, args []any) any {
	switch v := v.(type) {
	case string:
		return textMethod(v, name, args)
	case map[string]any:
		return dictMethod(v, name, args)
	}
	fail("%s has no method %s()", xmlrpc.TypeName(v), name)
	return nil
}

func dictMethod(m map[string]any, name string, args []any) any {
	switch {
	case name == "get" && (len(args) == 1 || len(args) == 2):
		if found, ok := m[text(args[0])]; ok {
			return found
		}
		return append(args, nil)[1]
	case name == "keys" && len(args) == 0:
		return keys(m)
	case (name == "values" || name == "items") && len(args) == 0:
		list := keys(m)
		for i, key := range list {
			if list[i] = m[key.(string)]; name == "items" {
				list[i] = []any{key, list[i]}
			}
		}
		return list
	}
	fail("dict has no method %s() of %d values", name, len(args))
	return nil
}

func textMethod(s, name string, args []any) any {
	words := make([]string, len(args))
	if name != "join" {
		for i, a := range args {
			words[i] = text(a)
		}
	}
	switch len(args) {
	case 0:
		switch name {
		case "lower":
			return strings.ToLower(s)
		case "upper":
			return strings.ToUpper(s)
		case "strip":
			return strings.TrimSpace(s)
		case "lstrip":
			return strings.TrimLeft(s, " \t\r\n")
		case "rstrip":
			return strings.TrimRight(s, " \t\r\n")
		case "split":
			return texts(strings.Fields(s))
		}
	case 1:
		switch name {
		case "startswith":
			return strings.HasPrefix(s, words[0])
		case "endswith":
			return strings.HasSuffix(s, words[0])
		case "strip":
			return strings.Trim(s, words[0])
		case "lstrip":
			return strings.TrimLeft(s, words[0])
		case "rstrip":
			return strings.TrimRight(s, words[0])
		case "split":
			if words[0] == "" {
				fail("empty separator")
			}
			return texts(strings.Split(s, words[0]))
		case "join":
			return join(s, elements(args[0]))
		}
	case 2:
		if name == "replace" {
			bounded(len(s) + strings.Count(s, words[0])*len(words[1]))
			return strings.ReplaceAll(s, words[0], words[1])
		}
	}
	fail("str has no method %s() of %d values", name, len(args))
	return nil
}

func join(by string, list []any) string {
	words, size := make([]string, len(list)), 0
	for i, e := range list {
		words[i] = text(e)
		size += len(by) + len(words[i])
	}
	bounded(size)
	return strings.Join(words, by)
}
