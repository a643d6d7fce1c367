package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/toji-build/toji/koji"
)

// testFunc reports whether a condition holds.
type testFunc func(ctx context.Context, e *eval) (bool, error)

// makeTest makes a test from its arguments.
type makeTest func(args []string) (testFunc, error)

// tests are those of Koji's hub, by name.
var tests = map[string]makeTest{
	"true":  constant(true),
	"all":   constant(true),
	"false": constant(false),
	"none":  constant(false),

	"flagged":       withField(func(name string) testFunc { return isFlagged(name) }),
	"has":           withField(func(field string) testFunc { return hasField(field) }),
	"bool":          withField(func(field string) testFunc { return isTrue(field) }),
	"is_child_task": fixed(isTrue("parent")),
	"skip_tag":      fixed(isTrue("skip_tag")),
	"compare":       compare,

	"match":     matchField,
	"match_any": matchList(func(items []any, g globs) bool { return slices.ContainsFunc(items, g.matchItem) }),
	"match_all": matchList(func(items []any, g globs) bool {
		return len(items) > 0 && !slices.ContainsFunc(items, func(item any) bool { return !g.matchItem(item) })
	}),
	"target":    matching(field("target")),
	"operation": matching(field("operation")),
	"method":    matching(field("method")),
	"vm_name":   matching(field("vm_name")),

	"user":    matching(userName),
	"package": matching(packageName),
	"version": matching(versionOf),
	"release": matching(releaseOf),
	"volume":  matching(volumeName),
	"tag":     matching(tagName("tag")),
	"fromtag": matching(tagName("fromtag")),
	"source":  matching(source),

	"user_in_group":          matchingAny(groupNames),
	"has_perm":               matchingAny(func(ctx context.Context, e *eval) ([]string, error) { return e.perms(ctx) }),
	"hastag":                 matchingAny(tagNames),
	"buildtag":               matchingAny(buildTagNames),
	"buildtag_inherits_from": matchingAny(buildTagAncestors),
	"buildtype":              matchingAny(buildTypes),
	"cg_match_any":           matchingAny(cgNames),
	"cg_match_all":           cgMatchAll,

	"is_new_package": fixed(isNewPackage),
	"is_build_owner": fixed(isBuildOwner),
	"is_draft":       fixed(isDraft),
	"imported":       fixed(isImported),
	"policy":         namedPolicy,

	"is_sidetag":       fixed(isSideTag),
	"is_sidetag_owner": isSideTagOwner,
}

func constant(v bool) func([]string) (testFunc, error) {
	return fixed(func(context.Context, *eval) (bool, error) { return v, nil })
}

// fixed is a test without arguments. Koji: it ignores any.
func fixed(run testFunc) func([]string) (testFunc, error) {
	return func([]string) (testFunc, error) { return run, nil }
}

func withField(make func(field string) testFunc) func([]string) (testFunc, error) {
	return func(args []string) (testFunc, error) {
		if len(args) == 0 {
			return nil, errors.New("a name is missing")
		}
		return make(args[0]), nil
	}
}

func isFlagged(name string) testFunc {
	return func(_ context.Context, e *eval) (bool, error) { return e.flags[name], nil }
}

func hasField(field string) testFunc {
	return func(_ context.Context, e *eval) (bool, error) { return e.has(field), nil }
}

// isTrue takes values for true as Python does.
func isTrue(field string) testFunc {
	return func(_ context.Context, e *eval) (bool, error) {
		switch v := e.data[field].(type) {
		case nil:
			return false, nil
		case bool:
			return v, nil
		case string:
			return v != "", nil
		case []any:
			return len(v) > 0, nil
		case map[string]any:
			return len(v) > 0, nil
		}
		n, isNumber := number(e.data[field])
		return !isNumber || n != 0, nil
	}
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case *int64:
		if v != nil {
			return float64(*v), true
		}
	}
	return 0, false
}

var comparisons = map[string]func(a, b float64) bool{
	"<":  func(a, b float64) bool { return a < b },
	">":  func(a, b float64) bool { return a > b },
	"<=": func(a, b float64) bool { return a <= b },
	">=": func(a, b float64) bool { return a >= b },
	"=":  func(a, b float64) bool { return a == b },
	"!=": func(a, b float64) bool { return a != b },
}

// Comparison returns the comparison that an operator of a policy stands for.
func Comparison(op string) (func(a, b float64) bool, error) {
	holds, ok := comparisons[op]
	if !ok {
		return nil, fmt.Errorf("%q is none of < > <= >= = !=", op)
	}
	return holds, nil
}

func compare(args []string) (testFunc, error) {
	if len(args) != 3 {
		return nil, errors.New("wants a field, an operator and a number")
	}
	op, err := Comparison(args[1])
	if err != nil {
		return nil, err
	}
	want, err := strconv.ParseFloat(args[2], 64)
	if err != nil {
		return nil, fmt.Errorf("%q is not a number", args[2])
	}
	return func(_ context.Context, e *eval) (bool, error) {
		if !e.has(args[0]) {
			return false, nil
		}
		have, ok := number(e.data[args[0]])
		if !ok {
			return false, koji.GenericErrorf("cannot compare %s: %v is not a number", args[0], e.data[args[0]])
		}
		return op(have, want), nil
	}, nil
}

// textFunc gets the text to match patterns against; ok is false if there is none.
type textFunc func(ctx context.Context, e *eval) (s string, ok bool, err error)

func field(name string) textFunc {
	return func(_ context.Context, e *eval) (string, bool, error) {
		v := e.data[name]
		return text(v), v != nil, nil
	}
}

func matchField(args []string) (testFunc, error) {
	if len(args) == 0 {
		return nil, errors.New("the name of a field is missing")
	}
	return matching(field(args[0]))(args[1:])
}

func matching(get textFunc) func([]string) (testFunc, error) {
	return func(args []string) (testFunc, error) {
		g := compile(args)
		return func(ctx context.Context, e *eval) (bool, error) {
			s, ok, err := get(ctx, e)
			return err == nil && ok && g.match(s), err
		}, nil
	}
}

// matchingAny holds if one of several texts matches one of the patterns.
func matchingAny(get func(context.Context, *eval) ([]string, error)) func([]string) (testFunc, error) {
	return func(args []string) (testFunc, error) {
		g := compile(args)
		return func(ctx context.Context, e *eval) (bool, error) {
			items, err := get(ctx, e)
			return err == nil && slices.ContainsFunc(items, g.match), err
		}, nil
	}
}

// matchItem is match for an item of a list; nothing matches no pattern.
func (g globs) matchItem(item any) bool { return item != nil && g.match(text(item)) }

func matchList(holds func([]any, globs) bool) func([]string) (testFunc, error) {
	return func(args []string) (testFunc, error) {
		if len(args) == 0 {
			return nil, errors.New("the name of a field is missing")
		}
		g := compile(args[1:])
		return func(_ context.Context, e *eval) (bool, error) { return holds(anys(e.data[args[0]]), g), nil }, nil
	}
}
