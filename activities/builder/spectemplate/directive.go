package spectemplate

import (
	"regexp"
	"slices"
	"strings"
)

var (
	// directives of ours.
	directives = strings.Fields("for if elif else unless end set raw slurp silent echo pass")
	// foreign are directives of Cheetah's that are not for us.
	foreign = strings.Fields("import from extends implements super compiler compiler-settings def call arg attr filter del return " +
		"yield while repeat try except finally raise assert break continue include errorCatcher shBang cache region encoding " +
		"i18n block closure defmacro transform")
	directiveWord = regexp.MustCompile(`^#([A-Za-z][A-Za-z0-9-]*)`)
	twoWords      = regexp.MustCompile(`^#(end|else)[ \t]+(for|if|unless|raw)\b`)
)

// isDirective tells a directive or a comment from a "#" that is text.
func (p *parser) isDirective() bool {
	rest := p.rest()
	if strings.HasPrefix(rest, "##") || strings.HasPrefix(rest, "#*") {
		return true
	}
	word := directiveWord.FindStringSubmatch(rest)
	return word != nil && (slices.Contains(directives, word[1]) || slices.Contains(foreign, word[1]))
}

// directiveName is the name of the directive that begins here: "for", "end for",
// or a comment's sign. It sets the position so that the name ends len(name)+1
// later.
func (p *parser) directiveName() string {
	rest := p.rest()
	if words := twoWords.FindStringSubmatch(rest); words != nil {
		name := words[1] + " " + words[2]
		p.pos += len(words[0]) - len(name) - 1
		return name
	}
	if word := directiveWord.FindStringSubmatch(rest); word != nil {
		return word[1]
	}
	return rest[1:2]
}

// beginsLine tells whether only blanks stand before a directive in its line.
func (p *parser) beginsLine() bool {
	before := p.src[:p.pos]
	return strings.TrimSpace(before[strings.LastIndexByte(before, '\n')+1:]) == ""
}

// directive reads a directive, whose name begins after the next character, and
// returns what it does; nil for nothing. own says that nothing stands before it in
// its line.
func (p *parser) directive(name string, own bool) node {
	p.pos += len(name) + 1
	switch name {
	case "#":
		end := strings.IndexByte(p.rest(), '\n')
		if end < 0 {
			end = len(p.rest())
		}
		p.pos += end
		p.endLine(own)
	case "*":
		_, _, ok := strings.Cut(p.rest(), "*#")
		if !ok {
			fail("*# is missing")
		}
		p.pos += strings.Index(p.rest(), "*#") + 2
		p.endLine(own)
	case "slurp":
		if end := strings.IndexByte(p.rest(), '\n'); end >= 0 {
			p.pos += end + 1
		}
	case "pass":
		p.endDirective(own)
	case "raw":
		return p.raw(own)
	case "echo", "silent":
		e := p.directiveExpr(own)
		if name == "echo" {
			return echo(e)
		}
		return func(s *scope) { e(s) }
	case "set":
		return p.set(own)
	case "for":
		return p.loop(own)
	case "if", "unless":
		return p.condition(name, own)
	default:
		if slices.Contains(foreign, name) {
			fail("the directive #%s is not supported", name)
		}
		fail("#%s does not belong here", name)
	}
	return nil
}

// directiveExpr reads the expression that ends a directive.
func (p *parser) directiveExpr(own bool) expr {
	start := p.pos
	e := p.expression()
	p.endDirective(own)
	return p.at(start, e)
}

// endDirective reads the end of a directive: that of the line, or "#".
func (p *parser) endDirective(own bool) {
	p.blanks()
	switch rest := p.rest(); {
	case strings.HasPrefix(rest, "##"): // a comment
		p.directive("#", own)
	case strings.HasPrefix(rest, "#"):
		p.pos++
		p.endLine(own)
	case rest == "" || strings.HasPrefix(rest, "\n") || strings.HasPrefix(rest, "\r\n"):
		p.endLine(own)
	default:
		fail("cannot make sense of %q", strings.SplitN(rest, "\n", 2)[0])
	}
}

// endLine takes the end of the line away if there was nothing else in it.
func (p *parser) endLine(own bool) {
	blank := strings.TrimLeft(p.rest(), " \t\r")
	if own && (blank == "" || blank[0] == '\n') {
		p.pos = min(len(p.src), len(p.src)-len(blank)+1)
	}
}

func (p *parser) raw(own bool) node {
	p.endDirective(own)
	text, _, ok := strings.Cut(p.rest(), "#end raw")
	if !ok {
		fail("#end raw is missing")
	}
	p.pos += len(text)
	ends := p.beginsLine()
	p.pos += len("#end raw")
	p.endDirective(ends)
	return func(s *scope) { s.write(text) }
}

func (p *parser) set(own bool) node {
	start := p.pos
	p.accept("global")
	name := p.variable()
	add := p.accept("+=")
	if !add {
		p.expect("=")
	}
	e := p.directiveExpr(own)
	if add {
		e = p.at(start, binary(variable(name), e, plus))
	}
	return func(s *scope) { s.vars[name] = e(s) }
}

func (p *parser) loop(own bool) node {
	bracket := p.accept("(")
	names := []string{p.variable()}
	for p.accept(",") {
		names = append(names, p.variable())
	}
	if bracket {
		p.expect(")")
	}
	if !p.acceptWord("in") {
		fail("#for wants: $name in a list")
	}
	start := p.pos
	over := p.directiveExpr(own)
	each := p.at(start, func(s *scope) any { return rounds(over(s), len(names)) })
	body, _ := p.blockTo("end for")
	return func(s *scope) {
		for _, v := range each(s).([][]any) {
			if s.rounds++; s.rounds > maxRounds {
				fail("the loops do not end")
			}
			for i, name := range names {
				s.vars[name] = v[i]
			}
			run(s, body)
		}
	}
}

// rounds are the values of a loop's n variables in each of its rounds.
func rounds(over any, n int) [][]any {
	var list [][]any
	for _, v := range elements(over) {
		values := []any{v}
		if n > 1 {
			values = elements(v)
		}
		if len(values) != n {
			fail("#for wants %d values at a time, got %d", n, len(values))
		}
		list = append(list, values)
	}
	return list
}

// blockTo reads a block with the end of its directive.
func (p *parser) blockTo(enders ...string) (body []node, ender string) {
	body, ender = p.block(enders...)
	if strings.HasPrefix(ender, "end ") {
		p.endDirective(p.directiveBeganLine())
	}
	return body, ender
}

// directiveBeganLine is beginsLine for the directive that ends here.
func (p *parser) directiveBeganLine() bool {
	before := p.src[:p.pos]
	line := strings.TrimLeft(before[strings.LastIndexByte(before, '\n')+1:], " \t")
	return strings.LastIndexByte(line, '#') == 0
}

func (p *parser) condition(name string, own bool) node {
	type branch struct {
		when expr // nil for "else"
		body []node
	}
	var branches []branch
	when := p.directiveExpr(own)
	if name == "unless" {
		positive := when
		when = func(s *scope) any { return !truth(positive(s)) }
	}
	for ender := ""; ender != "end "+name; {
		var b branch
		b.when = when
		b.body, ender = p.blockTo("elif", "else if", "else", "end "+name)
		branches = append(branches, b)
		own := p.directiveBeganLine()
		switch ender {
		case "elif", "else if":
			when = p.directiveExpr(own)
		case "else":
			when = nil
			p.endDirective(own)
		}
	}
	return func(s *scope) {
		for _, b := range branches {
			if b.when == nil || truth(b.when(s)) {
				run(s, b.body)
				return
			}
		}
	}
}
