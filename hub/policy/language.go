package policy

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// Language is a policy language with tests of its own: that of the garbage
// collector, whose tag is not the tag of a hub's policy. Of the hub's tests it
// has those that ask for nothing but the data: true, all, false, none, has,
// bool, compare, match, match_any, match_all and flagged.
type Language map[string]Test

// Test makes a condition from the arguments of a rule. An error says what is
// wrong with them.
type Test func(args []string) (func(Data) bool, error)

// generic names the tests that every language has.
var generic = []string{
	"true", "all", "false", "none", "has", "bool", "compare", "match", "match_any", "match_all", "flagged",
}

// Parse reads a policy in the language. What is wrong with it comes as
// [*Error]s, joined.
func (l Language) Parse(name, text string) (*RuleSet, error) {
	all := map[string]makeTest{}
	for _, name := range generic {
		all[name] = tests[name]
	}
	for name, makeOwn := range l {
		all[name] = func(args []string) (testFunc, error) {
			holds, err := makeOwn(args)
			if err != nil {
				return nil, err
			}
			return func(_ context.Context, e *eval) (bool, error) { return holds(e.data), nil }, nil
		}
	}
	return parse(name, text, all)
}

// Actions lists the actions that the policy may come to, sorted.
func (rs *RuleSet) Actions() []string {
	found := map[string]bool{}
	eachRule(rs.rules, func(r *rule, _ int) { found[r.action] = true })
	delete(found, "") // of blocks, break, stop and flag
	return slices.Sorted(maps.Keys(found))
}

// Uses tells whether the policy has a test of that name.
func (rs *RuleSet) Uses(test string) (used bool) {
	eachRule(rs.rules, func(r *rule, _ int) {
		for _, t := range r.tests {
			used = used || t.words[0] == test
		}
	})
	return used
}

// Apply asks a policy of a [Language] for its first action.
func (rs *RuleSet) Apply(ctx context.Context, data Data) (Result, error) {
	found := Result{Rule: "(no match)"}
	_, err := new(Set).newEval(data).apply(ctx, rs.rules, "", func(r Result) bool {
		found = r
		return false
	})
	if err != nil {
		return Result{}, fmt.Errorf("policy %s: %w", rs.Name, err)
	}
	return found, nil
}
