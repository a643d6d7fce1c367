package policy

import (
	"errors"
	"fmt"
	"strings"
)

// RuleSet is one policy, parsed.
type RuleSet struct {
	Name  string
	rules []*rule
}

// rule has an action or, if that is "{", rules of its own.
type rule struct {
	tests  []test
	negate bool
	action string
	nested []*rule
}

// test is one condition of a rule, bound to its arguments.
type test struct {
	text string
	run  testFunc
}

// Parse reads a policy. Its errors begin with the name of the policy and the
// number of the line in its text.
func Parse(name, text string) (*RuleSet, error) {
	p := parser{blocks: []*rule{{}}}
	var errs []error
	for i, line := range strings.Split(text, "\n") {
		if err := p.line(line); err != nil {
			errs = append(errs, fmt.Errorf("policy %s:%d: %w", name, i+1, err))
		}
	}
	if len(errs) == 0 && len(p.blocks) > 1 {
		errs = append(errs, fmt.Errorf("policy %s: a { is never closed", name))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return &RuleSet{Name: name, rules: p.blocks[0].nested}, nil
}

// parser holds the open blocks, the innermost last. The first stands for the
// policy itself.
type parser struct{ blocks []*rule }

func (p *parser) line(line string) error {
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
	r, err := parseRule(line)
	if err != nil {
		return err
	}
	block := p.blocks[len(p.blocks)-1]
	block.nested = append(block.nested, r)
	if r.action == "{" {
		p.blocks = append(p.blocks, r)
	}
	return nil
}

func parseRule(line string) (*rule, error) {
	r := &rule{}
	at := strings.LastIndex(line, "::")
	if at < 0 {
		if at = strings.LastIndex(line, "!!"); at < 0 {
			return nil, fmt.Errorf("neither :: nor !! in %q", line)
		}
		r.negate = true
	}
	r.action = strings.TrimSpace(line[at+2:])
	if r.action == "" {
		return nil, fmt.Errorf("no action in %q", line)
	}
	for text := range strings.SplitSeq(line[:at], "&&") {
		t, err := parseTest(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		r.tests = append(r.tests, t)
	}
	return r, nil
}

func parseTest(text string) (test, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return test{}, errors.New("a test is missing")
	}
	make, ok := tests[words[0]]
	if !ok {
		return test{}, fmt.Errorf("there is no test named %q", words[0])
	}
	run, err := make(words[1:])
	if err != nil {
		return test{}, fmt.Errorf("%s: %w", words[0], err)
	}
	return test{text: text, run: run}, nil
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
