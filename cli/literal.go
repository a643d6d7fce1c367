package cli

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// plainValue reads an argument that is not quoted: an integer, a float, None,
// True or False, and a text otherwise.
func plainValue(s string) any {
	if v, ok := number(s); ok {
		return v
	}
	switch s {
	case "None":
		return nil
	case "True":
		return true
	case "False":
		return false
	}
	return s
}

func number(s string) (any, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if strings.ContainsAny(s, "xX_pP") { // numbers in Go only
		return nil, false
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil
}

// parsePython reads a Python literal: None, a boolean, a number, a string, or a
// list, tuple or dictionary of such.
func parsePython(s string) (any, error) {
	p := pyParser{s}
	v, err := p.value()
	if err != nil {
		return nil, err
	}
	if p.skip(); p.rest != "" {
		return nil, fmt.Errorf("unexpected %q", p.rest)
	}
	return v, nil
}

// pyParser is a recursive descent over the rest of a text.
type pyParser struct{ rest string }

func (p *pyParser) skip() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take skips the token if it comes next.
func (p *pyParser) take(token string) bool {
	p.skip()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *pyParser) value() (any, error) {
	switch {
	case p.take("["):
		return p.items("]")
	case p.take("("):
		return p.tuple()
	case p.take("{"):
		return p.dict()
	}
	if p.rest == "" {
		return nil, errors.New("unexpected end")
	}
	for _, prefix := range []string{"", "u", "b"} {
		after, ok := strings.CutPrefix(p.rest, prefix)
		if ok && after != "" && (after[0] == '\'' || after[0] == '"') {
			p.rest = after
			s, err := p.text()
			if prefix == "b" && err == nil {
				return []byte(s), nil
			}
			return s, err
		}
	}
	return p.word()
}

// word reads a number or a constant.
func (p *pyParser) word() (any, error) {
	end := strings.IndexAny(p.rest, " \t\r\n,:()[]{}'\"")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	switch v := plainValue(word).(type) {
	case string:
		return nil, fmt.Errorf("%q is no literal", word)
	default:
		return v, nil
	}
}

// items reads the rest of a list.
func (p *pyParser) items(end string) ([]any, error) {
	list := []any{}
	for !p.take(end) {
		v, err := p.value()
		if err != nil {
			return nil, err
		}
		list = append(list, v)
		if !p.take(",") {
			if !p.take(end) {
				return nil, fmt.Errorf("expected , or %s at %q", end, p.rest)
			}
			break
		}
	}
	return list, nil
}

// tuple reads the rest of a tuple, or of a value in parentheses.
func (p *pyParser) tuple() (any, error) {
	before := p.rest
	list, err := p.items(")")
	if err != nil {
		return nil, err
	}
	inside := strings.TrimRight(before[:len(before)-len(p.rest)-1], " \t\r\n")
	if len(list) == 1 && !strings.HasSuffix(inside, ",") {
		return list[0], nil
	}
	return list, nil
}

func (p *pyParser) dict() (any, error) {
	m := map[string]any{}
	for !p.take("}") {
		key, err := p.value()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, fmt.Errorf("dictionary key %v must be string", key)
		}
		if !p.take(":") {
			return nil, fmt.Errorf("expected : at %q", p.rest)
		}
		if m[name], err = p.value(); err != nil {
			return nil, err
		}
		if !p.take(",") {
			if !p.take("}") {
				return nil, fmt.Errorf("expected , or } at %q", p.rest)
			}
			break
		}
	}
	return m, nil
}

// escapes are the characters that a backslash makes of one letter.
var escapes = map[byte]string{
	'n': "\n", 't': "\t", 'r': "\r", 'b': "\b", 'f': "\f", 'a': "\a", 'v': "\v", '0': "\x00",
	'\\': `\`, '\'': `'`, '"': `"`, '\n': "",
}

// digits are the number of hexadecimal digits that a letter after a backslash takes.
var digits = map[byte]int{'x': 2, 'u': 4, 'U': 8}

// text reads a string, which starts with its quote.
func (p *pyParser) text() (string, error) {
	quote := p.rest[:1]
	p.rest = p.rest[1:]
	var b strings.Builder
	for p.rest != "" {
		c := p.rest[0]
		p.rest = p.rest[1:]
		switch {
		case string(c) == quote:
			return b.String(), nil
		case c != '\\':
			b.WriteByte(c)
		default:
			if err := p.escape(&b); err != nil {
				return "", err
			}
		}
	}
	return "", errors.New("string without end")
}

// escape reads what stands after a backslash.
func (p *pyParser) escape(b *strings.Builder) error {
	if p.rest == "" {
		return errors.New("string without end")
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	if n := digits[c]; n > 0 {
		code, err := strconv.ParseUint(p.rest[:min(n, len(p.rest))], 16, 32)
		if err != nil || len(p.rest) < n || code > utf8.MaxRune {
			return fmt.Errorf("bad escape \\%c", c)
		}
		b.WriteRune(rune(code))
		p.rest = p.rest[n:]
		return nil
	}
	if s, ok := escapes[c]; ok {
		b.WriteString(s)
	} else {
		b.WriteString(`\` + string(c))
	}
	return nil
}
