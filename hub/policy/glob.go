package policy

import (
	"regexp"
	"strings"
	"unicode/utf8"
)

// glob compiles a shell pattern as Python's fnmatch reads it: * and ? match
// slashes too, and a [ without its ] stands for itself.
func glob(pattern string) *regexp.Regexp {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			if n := classLen(pattern[i:]); n > 0 {
				b.WriteString(class(pattern[i+1 : i+n-1]))
				i += n - 1
				continue
			}
			b.WriteString(`\[`)
		default:
			_, size := utf8.DecodeRuneInString(pattern[i:])
			b.WriteString(regexp.QuoteMeta(pattern[i : i+size]))
			i += size - 1
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil { // a range such as [z-a]: matches nothing
		return never
	}
	return re
}

var never = regexp.MustCompile(`[^\x00-\x{10FFFF}]`)

// classLen returns the length of the [class] that s begins with, 0 if it has
// no end. A ] that comes first belongs to the class.
func classLen(s string) int {
	from := 1
	if from < len(s) && s[from] == '!' {
		from++
	}
	if from < len(s) && s[from] == ']' {
		from++
	}
	end := strings.IndexByte(s[min(from, len(s)):], ']')
	if end < 0 {
		return 0
	}
	return from + end + 1
}

func class(set string) string {
	set = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(set)
	if rest, ok := strings.CutPrefix(set, "!"); ok {
		return "[^" + rest + "]"
	}
	return "[" + set + "]"
}

// globs are patterns of which one has to match.
type globs []*regexp.Regexp

func compile(patterns []string) globs {
	g := make(globs, len(patterns))
	for i, p := range patterns {
		g[i] = glob(p)
	}
	return g
}

func (g globs) match(s string) bool {
	for _, re := range g {
		if re.MatchString(s) {
			return true
		}
	}
	return false
}

func (g globs) fails(s string) bool { return !g.match(s) }
