package koji

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCanonArch(t *testing.T) {
	for in, want := range map[string]string{
		"i386": "i386", "i686": "i386", "athlon": "i386", "ia32e": "x86_64", "x86_64": "x86_64", "amd64": "amd64",
		"ppc64le": "ppc64le", "ppc64p7": "ppc64", "ppc": "ppc", "sparc64v": "sparc64", "sparcv9": "sparc",
		"alphaev6": "alpha", "armv7hl": "armhfp", "armhfp": "armhfp", "armv5tel": "arm", "arm64": "arm",
		"aarch64": "aarch64", "s390x": "s390x", "noarch": "noarch", "riscv64": "riscv64",
	} {
		require.Equal(t, want, CanonArch(in), in)
	}
	require.Equal(t, []string{"x86_64", "i386"}, CanonArches("x86_64 i686 i386"))
}

func TestParseArches(t *testing.T) {
	got, err := ParseArches("x86_64, ppc64le  aarch64")
	require.NoError(t, err)
	require.Equal(t, []string{"x86_64", "ppc64le", "aarch64"}, got)

	got, err = ParseArches("")
	require.NoError(t, err)
	require.Empty(t, got)

	_, err = ParseArchesStrict("x86_64,ppc64le")
	require.EqualError(t, err, "Architecture can be only [a-zA-Z0-9_-]")
	_, err = ParseArches("x86.64")
	require.Error(t, err)
}

func TestIsMultilib(t *testing.T) {
	require.True(t, IsMultilib("x86_64"))
	require.True(t, IsMultilib("amd64"))
	require.False(t, IsMultilib("aarch64"))
	require.False(t, IsMultilib("noarch"))
}

func TestConcreteArch(t *testing.T) {
	host := ArchOwner{"h1", "x86_64 i686"}
	for _, c := range []struct {
		host, tag ArchOwner
		preferred string
		want, err string
	}{
		{host, ArchOwner{"t", "i386 x86_64"}, "", "x86_64", ""},
		{host, ArchOwner{"t", "i386 x86_64"}, "i386", "i386", ""},
		{host, ArchOwner{"t", "i686"}, "x86_64", "i386", ""},
		{host, ArchOwner{"t", "s390x ppc64le"}, "", "", "host h1 (i386, x86_64) does not support any arches of tag t (ppc64le, s390x)"},
		{host, ArchOwner{"t", ""}, "", "", "No arch list for tag: t"},
		{ArchOwner{"h1", ""}, ArchOwner{"t", "s390x"}, "", "", "No arch list for this host: h1"},
	} {
		got, err := ConcreteArch(c.host, c.tag, c.preferred)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			require.True(t, IsFault(err, FaultBuild))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got)
	}
}

func TestBuildArchesList(t *testing.T) {
	list := func(s ...string) []string { return s }
	for name, c := range map[string]struct {
		b    BuildArches
		want []string
		err  string
	}{
		"the tag's":     {BuildArches{TagArches: "x86_64 i686"}, list("x86_64", "i686"), ""},
		"no arches":     {BuildArches{Tag: "f40", TagID: 7}, nil, "No arches for tag f40 [7]"},
		"extra arches":  {BuildArches{TagArches: "x86_64 i386", ExtraArches: "i686 s390x"}, list("x86_64", "i386", "i686"), ""},
		"duplicates":    {BuildArches{TagArches: "x86_64", ExtraArches: "x86_64"}, list("x86_64"), ""},
		"noarch":        {BuildArches{TagArches: "x86_64 i686", BuildArchs: list("noarch")}, list("noarch"), ""},
		"exclusive":     {BuildArches{TagArches: "x86_64 i686", ExclusiveArch: list("x86_64", "s390x")}, list("x86_64"), ""},
		"exclude":       {BuildArches{TagArches: "x86_64 i686", ExcludeArch: list("i686")}, list("x86_64"), ""},
		"none left":     {BuildArches{TagArches: "x86_64", ExclusiveArch: list("s390x")}, nil, "No matching arches were found"},
		"and noarch":    {BuildArches{TagArches: "x86_64 i686", ExclusiveArch: list("x86_64", "noarch")}, list("x86_64", "noarch"), ""},
		"noarch for":    {BuildArches{TagArches: "x86_64", BuildArchs: list("noarch"), ExclusiveArch: list("x86_64")}, list("noarch"), ""},
		"never noarch":  {BuildArches{TagArches: "x86_64", BuildArchs: list("noarch"), ExcludeArch: list("noarch")}, nil, "No matching arches were found"},
		"override":      {BuildArches{TagArches: "x86_64 i686", Override: "i686"}, list("i686"), ""},
		"bad override":  {BuildArches{TagArches: "x86_64", Override: "s390x"}, nil, "No matching arches were found"},
		"canonical tag": {BuildArches{TagArches: "i386", BuildArchs: list("i586", "i686")}, list("i586", "i686"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.b.List()
			if c.err != "" {
				require.EqualError(t, err, c.err)
				require.True(t, IsFault(err, FaultBuild))
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestBuildArchesListLeavesItsInputAlone(t *testing.T) {
	archs := append(make([]string, 0, 4), "noarch")
	b := BuildArches{TagArches: "x86_64", BuildArchs: archs}
	_, err := b.List()
	require.NoError(t, err)
	require.Equal(t, "", archs[:2][1])
}

func TestBuildArchesTaskArches(t *testing.T) {
	list := func(s ...string) []string { return s }
	for name, c := range map[string]struct {
		b    BuildArches
		arch string
		want []string
		err  string
	}{
		"canonical":        {BuildArches{TagArches: "x86_64 i686"}, "i686", list("i386"), ""},
		"free":             {BuildArches{TagArches: "x86_64 i686"}, "noarch", list("noarch"), ""},
		"exclusive":        {BuildArches{TagArches: "x86_64 i686", ExclusiveArch: list("x86_64")}, "noarch", list("x86_64"), ""},
		"excluded other":   {BuildArches{TagArches: "x86_64 i686", ExcludeArch: list("s390x")}, "noarch", list("noarch"), ""},
		"noarch_arches":    {BuildArches{TagArches: "x86_64 i686", NoarchArches: "i686 s390x"}, "noarch", list("i386"), ""},
		"none":             {BuildArches{TagArches: "x86_64", ExclusiveArch: list("s390x")}, "noarch", nil, "No valid arches were found. tag ['x86_64'], extra None,exclusive ['s390x'], exclude []"},
		"none with extras": {BuildArches{TagArches: "x86_64", NoarchArches: "arm"}, "noarch", nil, "No valid arches were found. tag ['x86_64'], extra 'arm',exclusive [], exclude []"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.b.TaskArches(c.arch)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}
