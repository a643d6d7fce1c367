package koji

import (
	"cmp"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Names that parse are printed as they were, and those that pass the check name
// a place below the top directory.
func FuzzParseNVRA(f *testing.F) {
	for _, s := range []string{
		"bash-5.2.26-3.fc40.x86_64", "2:bar-2.0-3.src.rpm", "a-b-c-1-2.noarch@koji.example.org", "gcc-c++-1:2-3.i686.rpm",
		"..-1-1.x86_64", "a-../..-1.src", "a--.-", "-1-1.x", "a-1-1", "a-1-1,draft_7.fc40",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if n, err := ParseNVR(s); err == nil {
			requireParsed(t, s, n)
			checkPlace(t, n)
		} else {
			require.Equal(t, FaultGeneric, FaultOf(err))
		}
		n, err := ParseNVRA(s)
		if err != nil {
			require.Equal(t, FaultGeneric, FaultOf(err))
			return
		}
		bare, _, _ := strings.Cut(s, "@")
		bare, ok := strings.CutSuffix(strings.TrimSuffix(bare, ".rpm"), "."+n.Arch)
		require.True(t, ok)
		requireParsed(t, bare, n.NVR)
		if n.Check() == nil {
			require.Equal(t, path.Base(n.Filename()), n.Filename())
			require.Equal(t, "top/"+n.Arch+"/"+n.Filename(), path.Join("top", PathInfo{}.RPM(n)))
		}
	})
}

func requireParsed(t *testing.T, s string, n NVR) {
	rest, ok := strings.CutSuffix(s, n.String())
	require.True(t, ok)
	if rest != "" {
		require.Equal(t, n.Epoch+":", rest)
	}
}

func checkPlace(t *testing.T, n NVR) {
	if n.Check() != nil {
		return
	}
	dir := PathInfo{TopDir: "/top"}.Build("", n)
	require.Equal(t, dir, path.Clean(dir))
	require.Equal(t, 4, strings.Count(strings.TrimPrefix(dir, "/top"), "/"))
}

// Versions have an order: the same seen from both sides, and without circles.
func FuzzCompareVersions(f *testing.F) {
	for _, s := range [][3]string{
		{"1.0", "1.0~rc1", "1.0^git1"}, {"10a", "10.1", "1b.fc17"}, {"", "~", "^"}, {"0001", "1", "a"}, {"1.Á.1", "1..1", "1~^2"},
		{"99999999999999999999999", "99999999999999999999998", "9"},
	} {
		f.Add(s[0], s[1], s[2])
	}
	f.Fuzz(func(t *testing.T, a, b, c string) {
		ab, bc, ac := CompareVersions(a, b), CompareVersions(b, c), CompareVersions(a, c)
		require.Zero(t, CompareVersions(a, a))
		require.Equal(t, -ab, CompareVersions(b, a))
		if ab <= 0 && bc <= 0 {
			require.Equal(t, cmp.Or(ab, bc), ac, "%q, %q and %q", a, b, c)
		}
	})
}
