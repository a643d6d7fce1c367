package policy

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// RuleSet is one policy, parsed.
type RuleSet struct {
	Name  string
	rules []*rule
}

// rule has an action, one of the words that direct the policy itself, or rules
// of its own.
type rule struct {
	line   int // in the policy's text, from 1
	tests  []test
	negate bool // !!
	action string
	block  bool    // {, with the rules below
	nested []*rule // tried when the tests hold
	leave  int     // break: levels of rules to leave; stop: all of them
	flag   string  // flag: the name to set
}

// stop is the number of levels that leaves a policy from however deep.
const stop = math.MaxInt

// test is one condition of a rule, bound to its arguments.
type test struct {
	text   string
	words  []string // its name and arguments, without the !
	negate bool     // !
	run    testFunc
}

// Error is a mistake in a policy's text.
type Error struct {
	Policy string
	Line   int // in the policy's text, from 1
	Err    error
}

// Error names the policy and the line.
func (e *Error) Error() string { return fmt.Sprintf("policy %s:%d: %v", e.Policy, e.Line, e.Err) }

// Unwrap returns the error without its place.
func (e *Error) Unwrap() error { return e.Err }

// Parse reads a policy. What is wrong with it comes as [*Error]s, joined.
func Parse(name, text string) (*RuleSet, error) { return parse(name, text, tests) }

func parse(name, text string, tests map[string]makeTest) (*RuleSet, error) {
	p := parser{tests: tests, blocks: []*rule{{}}}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(i+1, line); err != nil {
			errs = append(errs, &Error{name, i + 1, err})
		}
	}
	if n := len(p.blocks); len(errs) == 0 && n > 1 {
		errs = append(errs, &Error{name, p.blocks[n-1].line, errors.New("this { is never closed")})
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &RuleSet{Name: name, rules: p.blocks[0].nested}, nil
}

// parser holds the open blocks, the innermost last. The first stands for the
// policy itself.
type parser struct {
	tests  map[string]makeTest
	blocks []*rule
}

func (p *parser) line(n int, line string) error {
	line, _, _ = strings.Cut(line, "#")
	line = strings.TrimSpace(line)
	switch line {
	case "":
		return nil
	case "}":
		if len(p.blocks) == 1 {
			return errors.New("} without {")
		}
		p.blocks = p.blocks[:len(p.blocks)-1]
		return nil
	}
	r, err := p.rule(line)
	if err != nil {
		return err
	}
	r.line = n
	block := p.blocks[len(p.blocks)-1]
	block.nested = append(block.nested, r)
	if r.block {
		p.blocks = append(p.blocks, r)
	}
	return nil
}

func (p *parser) rule(line string) (*rule, error) {
	r := &rule{}
	at := strings.LastIndex(line, "::")
	if at < 0 {
		if at = strings.LastIndex(line, "!!"); at < 0 {
			return nil, fmt.Errorf("neither :: nor !! in %q", line)
		}
		r.negate = true
	}
	if err := r.setAction(strings.TrimSpace(line[at+2:])); err != nil {
		return nil, err
	}
	for text := range strings.SplitSeq(line[:at], "&&") {
		t, err := p.test(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		r.tests = append(r.tests, t)
	}
	return r, nil
}

// setAction understands the words that direct the policy itself. Anything else
// is for whoever asks the policy.
func (r *rule) setAction(text string) error {
	words := strings.Fields(text)
	if len(words) == 0 {
		return errors.New("no action after the tests")
	}
	switch words[0] {
	case "{":
		r.block = true
	case "break":
		r.leave = 1
		if len(words) == 1 {
			return nil
		}
		n, err := strconv.Atoi(words[1])
		if err != nil || n < 1 || len(words) > 2 {
			return fmt.Errorf("break wants one number of levels, not %q", text)
		}
		r.leave = n
	case "stop":
		if r.leave = stop; len(words) > 1 {
			return fmt.Errorf("stop wants nothing after it, not %q", text)
		}
	case "flag":
		if len(words) != 2 {
			return fmt.Errorf("flag wants one name, not %q", text)
		}
		r.flag = words[1]
	default:
		r.action = text
		return nil
	}
	if r.block && len(words) > 1 {
		return fmt.Errorf("nothing may follow {, not %q", text)
	}
	return nil
}

func (p *parser) test(text string) (test, error) {
	t := test{text: text, words: strings.Fields(text)}
	if len(t.words) > 0 && t.words[0] == "!" {
		t.negate, t.words = true, t.words[1:]
	}
	if len(t.words) == 0 {
		return test{}, errors.New("a test is missing")
	}
	name := t.words[0]
	bind, ok := p.tests[name]
	if !ok {
		return test{}, fmt.Errorf("there is no test named %q", name)
	}
	var err error
	if t.run, err = bind(t.words[1:]); err != nil {
		return test{}, fmt.Errorf("%s: %w", name, err)
	}
	return t, nil
}

// String shows the rule's condition as Koji's messages do.
func (r *rule) String() string {
	texts := make([]string, len(r.tests))
	for i, t := range r.tests {
		texts[i] = t.text
	}
	sep := " :: "
	if r.negate {
		sep = " !! "
	}
	return strings.Join(texts, " && ") + sep
}
