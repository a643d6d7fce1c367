package koji

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestGlob(t *testing.T) {
	for _, c := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b", true}, {"**", "x", true},
		{"a*", "abc", true}, {"a*c", "abcbc", true}, {"a*c", "abcb", false}, {"*.conf", ".conf", true},
		{"a?c", "abc", true}, {"a?c", "ac", false}, {"?", "é", true}, {"f4[0-2]", "f41", true}, {"f4[0-2]", "f43", false},
		{"[!a]", "b", true}, {"[!a]", "a", false}, {"[]]", "]", true}, {"[!]]", "]", false}, {"[a-]", "-", true},
		{"[", "[", true}, {"[a", "[a", true}, {"[!", "[!", true}, {"[]", "[]", true}, {"[z-a]", "m", false},
		{"/rpms/*", "/rpms/foo.git", true}, {"FOO", "foo", false}, {"*a*b*", "xxaxxbxx", true},
		{`\*`, "*", false},
		{strings.Repeat("a*", 30) + "b", strings.Repeat("a", 200), false}, // no exponential search
	} {
		require.Equal(t, c.want, Glob(c.pattern, c.s), "%q ~ %q", c.s, c.pattern)
	}
}
