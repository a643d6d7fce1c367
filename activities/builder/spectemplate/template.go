package spectemplate

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	// maxSize bounds what a template may come to, in bytes, and any value on the way.
	// Spec files are far smaller.
	maxSize = 1 << 20
	// maxRounds bounds the rounds of all loops together.
	maxRounds = 1 << 16
)

// Render fills in a template. Values are strings, int64, bool, nil, []any and
// map[string]any of these. An error names the line.
func Render(text string, values map[string]any) (string, error) {
	p := &parser{src: text}
	s := &scope{vars: maps.Clone(values)}
	err := p.try(func() {
		body, _ := p.block()
		run(s, body)
	})
	return s.out.String(), err
}

// scope is a template being filled in. Loops and #set share its variables, as with
// Cheetah.
type scope struct {
	vars   map[string]any
	out    strings.Builder
	rounds int // of loops, so far
}

func (s *scope) write(text string) {
	bounded(s.out.Len() + len(text))
	s.out.WriteString(text)
}

// node is a part of a template: it writes what it comes to.
type node func(*scope)

// problem is what is wrong with a template. Deep in the recursions it is thrown,
// and try makes an error of it.
type problem struct{ error }

func fail(format string, args ...any) { panic(problem{fmt.Errorf(format, args...)}) }

// parser reads a template.
type parser struct {
	src   string
	pos   int
	depth int
}

// try runs f and returns the problem that it throws, with the line where p is.
func (p *parser) try(f func()) (err error) {
	defer func() {
		if thrown := recover(); thrown != nil {
			problem, ok := thrown.(problem)
			if !ok {
				panic(thrown)
			}
			err = problem.error
			if located, ok := errors.AsType[*lineError](err); ok {
				err = located
			} else {
				err = &lineError{p.line(p.pos), err}
			}
		}
	}()
	f()
	return nil
}

// lineError is a problem in a line.
type lineError struct {
	line int
	err  error
}

func (e *lineError) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }
func (e *lineError) Unwrap() error { return e.err }

func (p *parser) line(pos int) int { return 1 + strings.Count(p.src[:min(pos, len(p.src))], "\n") }

// at gives problems of an expression the line where it begins.
func (p *parser) at(pos int, e expr) expr {
	line := p.line(pos)
	return func(s *scope) any {
		defer func() {
			if thrown, ok := recover().(problem); ok {
				if _, located := errors.AsType[*lineError](thrown.error); !located {
					thrown.error = &lineError{line, thrown.error}
				}
				panic(thrown)
			}
		}()
		return e(s)
	}
}

func (p *parser) rest() string { return p.src[p.pos:] }

// block reads up to one of the enders, which it returns, or to the end of the
// template if there are none. Enders are directives: "else", "end if".
func (p *parser) block(enders ...string) (nodes []node, ender string) {
	defer p.deeper()()
	var pending strings.Builder
	flush := func() {
		if text := pending.String(); text != "" {
			nodes = append(nodes, func(s *scope) { s.write(text) })
		}
		pending.Reset()
	}
	for p.pos < len(p.src) {
		next := strings.IndexAny(p.rest(), `\$#`)
		if next < 0 {
			next = len(p.rest())
		}
		pending.WriteString(p.rest()[:next])
		if p.pos += next; p.pos == len(p.src) {
			break
		}
		switch rest := p.rest(); {
		case strings.HasPrefix(rest, `\$`), strings.HasPrefix(rest, `\#`):
			pending.WriteByte(rest[1])
			p.pos += 2
		case rest[0] == '$' && p.isPlaceholder():
			flush()
			nodes = append(nodes, echo(p.placeholder()))
		case rest[0] == '#' && p.isDirective():
			own := p.beginsLine()
			if own {
				text := pending.String()
				pending.Reset()
				pending.WriteString(strings.TrimRight(text, " \t"))
			}
			flush()
			name := p.directiveName()
			if slices.Contains(enders, name) {
				p.pos += len(name) + 1
				return nodes, name
			}
			if n := p.directive(name, own); n != nil {
				nodes = append(nodes, n)
			}
		default:
			pending.WriteByte(rest[0])
			p.pos++
		}
	}
	flush()
	if len(enders) > 0 {
		fail("#%s is missing", enders[len(enders)-1])
	}
	return nodes, ""
}

func (p *parser) isPlaceholder() bool {
	rest := p.rest()
	return len(rest) > 1 && (rest[1] == '{' || isNameStart(rest[1]))
}

// placeholder reads ${...} or $name with what hangs on it.
func (p *parser) placeholder() expr {
	start := p.pos
	p.pos++
	if p.rest()[0] == '{' {
		p.pos++
		e := p.expression()
		p.expect("}")
		return p.at(start, e)
	}
	return p.at(start, p.trailers(p.name(), false))
}

// echo writes what an expression comes to. Cheetah: nothing for None.
func echo(e expr) node {
	return func(s *scope) {
		if v := e(s); v != nil {
			s.write(str(v))
		}
	}
}

// run writes a block.
func run(s *scope, body []node) {
	for _, n := range body {
		n(s)
	}
}
