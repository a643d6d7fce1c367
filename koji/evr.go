package koji

import (
	"cmp"
	"strings"
)

// EVR is what decides which of two builds of a package is newer.
type EVR struct {
	Epoch            int64 // 0 if the package has none
	Version, Release string
}

// CompareEVR returns -1, 0 or 1 as a is older than, the same as or newer than b.
func CompareEVR(a, b EVR) int {
	return cmp.Or(
		cmp.Compare(a.Epoch, b.Epoch),
		CompareVersions(a.Version, b.Version),
		CompareVersions(a.Release, b.Release),
	)
}

// CompareVersions compares two versions, or two releases, by RPM's rules
// (rpm-version(7)): runs of digits compare as numbers and beat runs of
// letters, which compare as text; everything else only separates runs. A
// tilde sorts before everything, even the end, a caret after the end but
// before anything else.
func CompareVersions(a, b string) int {
	if a == b {
		return 0
	}
	for a != "" || b != "" {
		a, b = skipSeparators(a), skipSeparators(b)
		restA, markA := strings.CutPrefix(a, "~")
		restB, markB := strings.CutPrefix(b, "~")
		switch {
		case markA && markB:
			a, b = restA, restB
			continue
		case markA:
			return -1
		case markB:
			return 1
		}
		restA, markA = strings.CutPrefix(a, "^")
		restB, markB = strings.CutPrefix(b, "^")
		switch {
		case markA && markB:
			a, b = restA, restB
			continue
		case markA && b != "", markB && a == "":
			return -1
		case markA, markB:
			return 1
		}
		if a == "" || b == "" {
			break
		}
		c := 0
		if c, a, b = compareHeads(a, b); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b)) // one of them has ended
}

// compareHeads splits the first run off both a and b, neither of which is
// empty, and compares the two.
func compareHeads(a, b string) (c int, restA, restB string) {
	class := isLetter
	if isDigit(a[0]) {
		class = isDigit
	}
	x, restA := takeRun(a, class)
	y, restB := takeRun(b, class)
	switch {
	case y == "" && isDigit(x[0]): // runs of different kinds: the number is newer
		return 1, restA, restB
	case y == "":
		return -1, restA, restB
	}
	return compareRuns(x, y), restA, restB
}

// compareRuns compares two runs of the same kind.
func compareRuns(x, y string) int {
	if isDigit(x[0]) {
		x, y = strings.TrimLeft(x, "0"), strings.TrimLeft(y, "0")
		if c := cmp.Compare(len(x), len(y)); c != 0 {
			return c
		}
	}
	return strings.Compare(x, y)
}

// skipSeparators drops what is neither letter, digit, tilde nor caret.
func skipSeparators(s string) string {
	return strings.TrimLeftFunc(s, func(r rune) bool {
		return r > 0x7f || !isDigit(byte(r)) && !isLetter(byte(r)) && r != '~' && r != '^'
	})
}

// takeRun splits off the longest prefix of bytes of the class.
func takeRun(s string, class func(byte) bool) (run, rest string) {
	i := 0
	for i < len(s) && class(s[i]) {
		i++
	}
	return s[:i], s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
