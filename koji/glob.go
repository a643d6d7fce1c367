package koji

import (
	"slices"
	"strings"
)

// Glob reports whether all of s matches a shell pattern of the kind Python's
// fnmatch takes, which Koji's settings and policies are written in: "*" is any
// run of characters, also of slashes, "?" any one, "[a-z]" and "[!a-z]" one of a
// set. There is no escaping; a "[" that is never closed stands for itself.
func Glob(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	pi, ti := 0, 0
	star, mark := -1, 0 // where the last "*" is, and what it has swallowed so far
	for ti < len(t) {
		if pi < len(p) && p[pi] == '*' {
			star, mark = pi, ti
			pi++
			continue
		}
		if pi < len(p) {
			if n, ok := globOne(p[pi:], t[ti]); ok {
				pi += n
				ti++
				continue
			}
		}
		if star < 0 {
			return false
		}
		mark++
		pi, ti = star+1, mark
	}
	return strings.Trim(string(p[pi:]), "*") == ""
}

// globOne matches r against the first element of p, which is not "*", and
// returns how many runes of p that element has.
func globOne(p []rune, r rune) (n int, ok bool) {
	switch p[0] {
	case '?':
		return 1, true
	case '[':
		if end := setEnd(p); end > 0 {
			return end + 1, inSet(p[1:end], r)
		}
	}
	return 1, p[0] == r
}

// setEnd returns the index of the "]" that closes the set p begins with, or 0.
// A "]" in the first place is a member.
func setEnd(p []rune) int {
	i := 1
	if i < len(p) && p[i] == '!' {
		i++
	}
	if i < len(p) && p[i] == ']' {
		i++
	}
	if end := slices.Index(p[min(i, len(p)):], ']'); end >= 0 {
		return i + end
	}
	return 0
}

// inSet reports whether r is in a set such as "a-z_" or "!0-9".
func inSet(set []rune, r rune) bool {
	negate := set[0] == '!'
	if negate {
		set = set[1:]
	}
	for i := 0; i < len(set); i++ {
		lo, hi := set[i], set[i]
		if i+2 < len(set) && set[i+1] == '-' {
			hi = set[i+2]
			i += 2
		}
		if lo <= r && r <= hi {
			return !negate
		}
	}
	return negate
}
