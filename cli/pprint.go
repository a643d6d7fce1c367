package cli

import (
	"io"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/toji-build/toji/koji/xmlrpc"
)

// pprintWidth is the width of a line of pprint.
const pprintWidth = 80

// pprint writes a decoded value as Python's module of that name does: what fits
// is on one line, else each item has its own, and long texts are broken between
// words. The output of `call` is read by scripts.
func pprint(w io.Writer, v any) error {
	p := pprinter{}
	p.value(v, 0, 0, true)
	p.b.WriteByte('\n')
	_, err := io.WriteString(w, p.b.String())
	return err
}

// pformat returns what pprint would write, without the line break at its end.
func pformat(v any) string {
	p := pprinter{}
	p.value(v, 0, 0, true)
	return p.b.String()
}

type pprinter struct{ b strings.Builder }

// value writes v at column indent, where allowance columns have to stay free for
// what closes the line. top is the value that is not part of another.
func (p *pprinter) value(v any, indent, allowance int, top bool) {
	text := xmlrpc.Repr(v)
	if utf8.RuneCountInString(text) <= pprintWidth-indent-allowance {
		p.b.WriteString(text)
		return
	}
	switch v := v.(type) {
	case map[string]any:
		p.dict(v, indent, allowance)
	case []any:
		p.list(v, indent, allowance)
	case string:
		p.text(v, indent, allowance, top)
	default:
		p.b.WriteString(text)
	}
}

func (p *pprinter) dict(m map[string]any, indent, allowance int) {
	p.b.WriteByte('{')
	names := slices.Sorted(maps.Keys(m))
	for i, name := range names {
		key := xmlrpc.Repr(name) + ": "
		p.b.WriteString(key)
		p.value(m[name], indent+1+utf8.RuneCountInString(key), room(i, len(names), allowance), false)
		p.next(i, len(names), indent)
	}
	p.b.WriteByte('}')
}

func (p *pprinter) list(items []any, indent, allowance int) {
	p.b.WriteByte('[')
	for i, item := range items {
		p.value(item, indent+1, room(i, len(items), allowance), false)
		p.next(i, len(items), indent)
	}
	p.b.WriteByte(']')
}

// room returns the columns needed behind item i of n: for a comma, or for the
// closing bracket and what comes after it.
func room(i, n, allowance int) int {
	if i == n-1 {
		return allowance + 1
	}
	return 1
}

// next starts the line of the item after i.
func (p *pprinter) next(i, n, indent int) {
	if i < n-1 {
		p.b.WriteString(",\n" + strings.Repeat(" ", indent+1))
	}
}

// text writes a string in as many adjacent literals as it needs lines.
func (p *pprinter) text(s string, indent, allowance int, top bool) {
	if top {
		indent++
		allowance++
	}
	var chunks []string
	lines := strings.SplitAfter(s, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		width := pprintWidth - indent
		reserve := 0
		if i == len(lines)-1 {
			reserve = allowance
		}
		chunks = append(chunks, fold(line, width, reserve)...)
	}
	if len(chunks) == 1 {
		p.b.WriteString(chunks[0])
		return
	}
	text := strings.Join(chunks, "\n"+strings.Repeat(" ", indent))
	if top {
		text = "(" + text + ")"
	}
	p.b.WriteString(text)
}

// fold breaks a line between its words into literals of at most width columns;
// the last of them leaves reserve columns more. A long word stays whole.
func fold(line string, width, reserve int) []string {
	if literal := xmlrpc.Repr(line); utf8.RuneCountInString(literal) <= width-reserve {
		return []string{literal}
	}
	var chunks []string
	current := ""
	parts := wordsOf(line)
	for i, word := range parts {
		if i == len(parts)-1 {
			width -= reserve
		}
		if longer := xmlrpc.Repr(current + word); utf8.RuneCountInString(longer) <= width {
			current += word
			continue
		}
		if current != "" {
			chunks = append(chunks, xmlrpc.Repr(current))
		}
		current = word
	}
	if current != "" {
		chunks = append(chunks, xmlrpc.Repr(current))
	}
	return chunks
}

// wordsOf splits a line into words, each with the space behind it.
func wordsOf(line string) []string {
	var words []string
	const space = " \t\n\r\v\f"
	for line != "" {
		word := strings.IndexAny(line, space)
		if word < 0 {
			return append(words, line)
		}
		rest := strings.TrimLeft(line[word:], space)
		words = append(words, line[:len(line)-len(rest)])
		line = rest
	}
	return words
}
