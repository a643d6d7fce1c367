package policy

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Finding is what Lint has to say of a policy.
type Finding struct {
	Policy string
	Line   int  // in the policy's text; 0 for the policy as a whole
	Wrong  bool // it cannot work; otherwise it may be meant so
	Text   string
}

// purpose is what a hub asks a policy for.
type purpose struct {
	actions map[string]func(args []string) bool // nil: any action will do
	none    string                              // what happens if no rule applies
}

var (
	anyArgs   = func([]string) bool { return true }
	noArgs    = func(args []string) bool { return len(args) == 0 }
	oneArg    = func(args []string) bool { return len(args) == 1 }
	numberArg = func(args []string) bool {
		if len(args) != 1 {
			return false
		}
		_, err := strconv.Atoi(args[0])
		return err == nil
	}

	verdicts = purpose{map[string]func([]string) bool{"allow": anyArgs, "deny": anyArgs}, "it is denied"}
)

// purposes are the policies that a hub asks.
var purposes = map[string]purpose{
	"build_from_repo_id": verdicts,
	"build_from_scm":     {map[string]func([]string) bool{"allow": anyArgs, "allowed": anyArgs, "yes": anyArgs, "true": anyArgs, "deny": anyArgs, "no": anyArgs, "false": anyArgs}, "it is denied"},
	"build_from_srpm":    verdicts,
	"build_rpm":          verdicts,
	"cg_import":          verdicts,
	"channel": {
		map[string]func([]string) bool{"use": oneArg, "req": noArgs, "parent": noArgs},
		"the task goes to the channel default",
	},
	"dist_repo":       verdicts,
	"draft_promotion": verdicts,
	"package_list":    verdicts,
	"priority": {
		map[string]func([]string) bool{"stay": noArgs, "set": numberArg, "adjust": numberArg},
		"the priority stays",
	},
	"scm":     verdicts, // of Koji's builder plugin scmpolicy
	"sidetag": verdicts,
	"tag":     verdicts,
	"vm":      verdicts,
	"volume":  {nil, "an import goes to the volume DEFAULT, another build stays where it is"},
}

// Lint looks for what is wrong with the policies of the set that have one of
// the names, and what they lack, in the order of the names.
func (s *Set) Lint(names []string) []Finding {
	l := linter{set: s}
	for _, rs := range s.rules {
		l.used = append(l.used, policiesIn(rs.rules)...)
	}
	for _, name := range slices.Sorted(slices.Values(names)) {
		if rs := s.rules[name]; rs != nil {
			l.policy(rs)
		}
	}
	return l.findings
}

// policiesIn lists the policies that rules ask.
func policiesIn(rules []*rule) []string {
	var names []string
	eachRule(rules, func(r *rule, _ int) {
		for _, t := range r.tests {
			if t.words[0] == "policy" {
				names = append(names, t.words[1])
			}
		}
	})
	return names
}

// eachRule visits rules and those in their blocks; top-level ones have depth 1.
func eachRule(rules []*rule, visit func(r *rule, depth int)) { visitRules(rules, 1, visit) }

func visitRules(rules []*rule, depth int, visit func(*rule, int)) {
	for _, r := range rules {
		visit(r, depth)
		visitRules(r.nested, depth+1, visit)
	}
}

type linter struct {
	set      *Set
	used     []string // policies that others ask
	findings []Finding
}

func (l *linter) wrong(rs *RuleSet, line int, format string, args ...any) {
	l.findings = append(l.findings, Finding{rs.Name, line, true, fmt.Sprintf(format, args...)})
}

func (l *linter) warn(rs *RuleSet, line int, format string, args ...any) {
	l.findings = append(l.findings, Finding{rs.Name, line, false, fmt.Sprintf(format, args...)})
}

func (l *linter) policy(rs *RuleSet) {
	p, known := purposes[rs.Name]
	if !known && !slices.Contains(l.used, rs.Name) {
		l.warn(rs, 0, "nothing asks a policy of this name")
	}
	if loop := l.loop(rs.Name, nil); loop != nil {
		l.wrong(rs, 0, "asks itself: %s", strings.Join(loop, " -> "))
	}
	flags := map[string]bool{}
	eachRule(rs.rules, func(r *rule, _ int) { flags[r.flag] = true })
	eachRule(rs.rules, func(r *rule, depth int) {
		l.rule(rs, r, depth, flags)
		if known {
			l.action(rs, r, p)
		}
	})
	l.unreachable(rs, rs.rules)
	if known && !slices.ContainsFunc(rs.rules, func(r *rule) bool { return r.always() && !r.block && r.flag == "" }) {
		l.warn(rs, 0, "no rule for everything else, such as \"all :: ...\": where none applies, %s", p.none)
	}
}

func (l *linter) rule(rs *RuleSet, r *rule, depth int, flags map[string]bool) {
	for _, t := range r.tests {
		switch name := t.words[0]; {
		case name == "flagged" && !flags[t.words[1]]:
			l.warn(rs, r.line, "no rule sets the flag %s", t.words[1])
		case name == "policy" && l.set.rules[t.words[1]] == nil:
			l.wrong(rs, r.line, "there is no policy %s", t.words[1])
		}
	}
	if r.leave > depth && r.leave != stop {
		l.warn(rs, r.line, "break %d leaves more levels than the %d there are", r.leave, depth)
	}
	if r.block && len(r.nested) == 0 {
		l.warn(rs, r.line, "the block is empty")
	}
}

// action checks that who asks the policy knows the rule's action.
func (l *linter) action(rs *RuleSet, r *rule, p purpose) {
	if r.action == "" || p.actions == nil {
		return
	}
	words := strings.Fields(r.action)
	word := words[0]
	if p.actions["allow"] != nil {
		word = strings.ToLower(word) // Koji: only these may be written either way
	}
	fits, ok := p.actions[word]
	switch {
	case !ok:
		l.wrong(rs, r.line, "the action %q is none of %s", words[0], strings.Join(slices.Sorted(maps.Keys(p.actions)), ", "))
	case !fits(words[1:]):
		l.wrong(rs, r.line, "the action %q has the wrong arguments", r.action)
	}
}

// unreachable finds rules after one that always applies.
func (l *linter) unreachable(rs *RuleSet, rules []*rule) {
	for i, r := range rules {
		l.unreachable(rs, r.nested)
		if r.always() && !r.block && r.flag == "" && i+1 < len(rules) {
			l.warn(rs, rules[i+1].line, "never reached: the rule in line %d always applies", r.line)
			return
		}
	}
}

// always reports whether the rule applies whatever is asked.
func (r *rule) always() bool {
	is := func(t test, a, b string) bool { return t.words[0] == a || t.words[0] == b }
	if r.negate {
		return slices.ContainsFunc(r.tests, func(t test) bool {
			return is(t, "none", "false") && !t.negate || is(t, "all", "true") && t.negate
		})
	}
	return !slices.ContainsFunc(r.tests, func(t test) bool {
		return !(is(t, "all", "true") && !t.negate || is(t, "none", "false") && t.negate)
	})
}

// loop returns how a policy comes back to itself, nil if it does not.
func (l *linter) loop(name string, path []string) []string {
	path = append(slices.Clone(path), name)
	rs := l.set.rules[name]
	if rs == nil {
		return nil
	}
	for _, next := range policiesIn(rs.rules) {
		if next == path[0] {
			return append(path, next)
		}
		if slices.Contains(path, next) {
			continue
		}
		if found := l.loop(next, path); found != nil {
			return found
		}
	}
	return nil
}

// Asked returns the names of the policies that a hub asks, sorted.
func Asked() []string { return slices.Sorted(maps.Keys(purposes)) }
