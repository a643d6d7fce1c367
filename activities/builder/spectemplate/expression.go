package spectemplate

import (
	"strconv"
	"strings"
)

// expr is an expression that was read: it comes to a value in a scope.
type expr func(*scope) any

// maxDepth bounds how deep expressions and blocks nest.
const maxDepth = 100

// deeper counts one level more, until the result is called.
func (p *parser) deeper() (leave func()) {
	if p.depth++; p.depth > maxDepth {
		fail("it is nested too deep")
	}
	return func() { p.depth-- }
}

func isNameStart(c byte) bool {
	return c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func isNamePart(c byte) bool { return isNameStart(c) || c >= '0' && c <= '9' }

func (p *parser) blanks() {
	p.pos = len(p.src) - len(strings.TrimLeft(p.rest(), " \t"))
}

// accept reads a sign, or a word, if it is next.
func (p *parser) accept(sign string) bool {
	p.blanks()
	if !strings.HasPrefix(p.rest(), sign) {
		return false
	}
	p.pos += len(sign)
	return true
}

// acceptWord is accept for a whole word.
func (p *parser) acceptWord(word string) bool {
	start := p.pos
	if p.accept(word) && (p.rest() == "" || !isNamePart(p.rest()[0])) {
		return true
	}
	p.pos = start
	return false
}

func (p *parser) expect(sign string) {
	if !p.accept(sign) {
		fail("%q is missing", sign)
	}
}

// ident reads a name, "" if there is none.
func (p *parser) ident() string {
	rest := p.rest()
	n := 0
	for n < len(rest) && (isNameStart(rest[n]) || n > 0 && isNamePart(rest[n])) {
		n++
	}
	p.pos += n
	return rest[:n]
}

// variable reads a name with or without its $.
func (p *parser) variable() string {
	p.accept("$")
	name := p.ident()
	if name == "" {
		fail("a name is missing")
	}
	return name
}

// expression reads one, of the weakest operators: or, then and, not.
func (p *parser) expression() expr {
	defer p.deeper()()
	left := p.conjunction()
	for p.acceptWord("or") {
		a, b := left, p.conjunction()
		left = func(s *scope) any {
			if v := a(s); truth(v) {
				return v
			}
			return b(s)
		}
	}
	return left
}

func (p *parser) conjunction() expr {
	left := p.negation()
	for p.acceptWord("and") {
		a, b := left, p.negation()
		left = func(s *scope) any {
			if v := a(s); !truth(v) {
				return v
			}
			return b(s)
		}
	}
	return left
}

func (p *parser) negation() expr {
	if p.acceptWord("not") {
		defer p.deeper()()
		e := p.negation()
		return func(s *scope) any { return !truth(e(s)) }
	}
	return p.comparison()
}

func (p *parser) comparison() expr {
	left := p.sum()
	for _, op := range []string{"==", "!=", "<=", ">=", "<", ">"} {
		if p.accept(op) {
			return binary(left, p.sum(), func(a, b any) any { return compare(op, a, b) })
		}
	}
	start := p.pos
	not := p.acceptWord("not")
	if p.acceptWord("in") {
		return binary(left, p.sum(), func(a, b any) any { return contains(b, a) != not })
	}
	p.pos = start
	return left
}

func (p *parser) sum() expr {
	left := p.product()
	for {
		switch {
		case p.accept("+"):
			left = binary(left, p.product(), plus)
		case p.accept("-"):
			left = binary(left, p.product(), func(a, b any) any { return number(a) - number(b) })
		default:
			return left
		}
	}
}

func (p *parser) product() expr {
	left := p.unary()
	for p.accept("*") {
		left = binary(left, p.unary(), func(a, b any) any { return number(a) * number(b) })
	}
	return left
}

func (p *parser) unary() expr {
	if p.accept("-") {
		defer p.deeper()()
		e := p.unary()
		return func(s *scope) any { return -number(e(s)) }
	}
	return p.trailers(p.primary(), true)
}

// primary reads a text, a number, a list, a name or something in brackets.
func (p *parser) primary() expr {
	p.accept("$")
	p.blanks()
	rest := p.rest()
	switch {
	case rest == "":
		fail("an expression is missing")
	case rest[0] == '\'' || rest[0] == '"':
		return constant(p.text())
	case rest[0] >= '0' && rest[0] <= '9':
		return constant(p.number())
	case isNameStart(rest[0]):
		return p.name()
	}
	if p.accept("[") {
		list := p.arguments("]")
		return func(s *scope) any { return values(s, list) }
	}
	if p.accept("(") || p.accept("{") {
		end := map[byte]string{'(': ")", '{': "}"}[p.src[p.pos-1]]
		e := p.expression()
		p.expect(end)
		return e
	}
	fail("cannot make sense of %q", strings.SplitN(rest, "\n", 2)[0])
	return nil
}

func (p *parser) text() string {
	quote := p.rest()[0]
	var b strings.Builder
	for p.pos++; p.pos < len(p.src); p.pos++ {
		switch c := p.src[p.pos]; {
		case c == quote:
			p.pos++
			return b.String()
		case c == '\n':
			fail("the text does not end")
		case c == '\\' && p.pos+1 < len(p.src):
			p.pos++
			switch e := p.src[p.pos]; e {
			case 'n':
				b.WriteByte('\n')
			case 't':
				b.WriteByte('\t')
			case '\\', '\'', '"':
				b.WriteByte(e)
			default:
				b.WriteString(p.src[p.pos-1 : p.pos+1])
			}
		default:
			b.WriteByte(c)
		}
	}
	fail("the text does not end")
	return ""
}

func (p *parser) number() int64 {
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
	}
	n, err := strconv.ParseInt(p.src[start:p.pos], 10, 64)
	if err != nil {
		fail("%s is too large", p.src[start:p.pos])
	}
	return n
}

// name reads a constant, a call of a function, or a variable.
func (p *parser) name() expr {
	name := p.ident()
	switch name {
	case "True", "False":
		return constant(name == "True")
	case "None":
		return constant(nil)
	}
	if strings.HasPrefix(p.rest(), "(") {
		p.pos++
		args := p.arguments(")")
		return func(s *scope) any { return call(name, values(s, args)) }
	}
	return variable(name)
}

// trailers reads what hangs on a value: .name, .method(...), [index]. Only within
// expressions may there be blanks between, and only there is a "." that no name
// follows an error.
func (p *parser) trailers(e expr, within bool) expr {
	for {
		if within {
			p.blanks()
		}
		rest := p.rest()
		switch {
		case len(rest) > 1 && rest[0] == '.' && isNameStart(rest[1]):
			p.pos++
			e = p.attribute(e, p.ident())
		case len(rest) > 0 && rest[0] == '[':
			p.pos++
			e = p.index(e)
		default:
			return e
		}
	}
}

func (p *parser) attribute(e expr, name string) expr {
	if !strings.HasPrefix(p.rest(), "(") {
		return func(s *scope) any { return attribute(e(s), name) }
	}
	p.pos++
	args := p.arguments(")")
	return func(s *scope) any { return method(e(s), name, values(s, args)) }
}

// index reads an index or a slice behind its bracket.
func (p *parser) index(e expr) expr {
	var from, to expr
	if !p.accept(":") {
		from = p.expression()
		if p.accept("]") {
			return func(s *scope) any { return index(e(s), from(s)) }
		}
		p.expect(":")
	}
	if !p.accept("]") {
		to = p.expression()
		p.expect("]")
	}
	return func(s *scope) any { return slice(e(s), optional(s, from), optional(s, to)) }
}

// arguments reads expressions up to the bracket that ends them.
func (p *parser) arguments(end string) (list []expr) {
	for !p.accept(end) {
		list = append(list, p.expression())
		if !p.accept(",") {
			p.expect(end)
			return list
		}
	}
	return list
}

func constant(v any) expr { return func(*scope) any { return v } }

func variable(name string) expr {
	return func(s *scope) any {
		v, ok := s.vars[name]
		if !ok {
			fail("cannot find '%s'", name)
		}
		return v
	}
}

func binary(a, b expr, op func(a, b any) any) expr {
	return func(s *scope) any { return op(a(s), b(s)) }
}

func optional(s *scope, e expr) any {
	if e == nil {
		return nil
	}
	return e(s)
}

func values(s *scope, list []expr) []any {
	out := make([]any, len(list))
	for i, e := range list {
		out[i] = e(s)
	}
	return out
}
