package koji

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestParseNVR(t *testing.T) {
	for in, want := range map[string]NVR{
		"foo-1.0-1":              {Name: "foo", Version: "1.0", Release: "1"},
		"foo-devel-1.0-1.fc40":   {Name: "foo-devel", Version: "1.0", Release: "1.fc40"},
		"2:bar-2.0-3":            {Name: "bar", Version: "2.0", Release: "3", Epoch: "2"},
		"foo-1.0-1.el9,draft_12": {Name: "foo", Version: "1.0", Release: "1.el9,draft_12"},
	} {
		got, err := ParseNVR(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for _, in := range []string{"", "foo", "foo-1.0", "foo-1.0-", "foo--1"} {
		_, err := ParseNVR(in)
		require.EqualError(t, err, "invalid format: "+in)
		require.True(t, IsFault(err, FaultGeneric))
	}
}

func TestParseNVRA(t *testing.T) {
	foo := NVR{Name: "foo", Version: "1.0", Release: "1.fc40"}
	for in, want := range map[string]NVRA{
		"foo-1.0-1.fc40.x86_64":          {NVR: foo, Arch: "x86_64"},
		"foo-1.0-1.fc40.src.rpm":         {NVR: foo, Arch: "src"},
		"foo-1.0-1.fc40.noarch@internal": {NVR: foo, Arch: "noarch", Location: "internal"},
	} {
		got, err := ParseNVRA(in)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, want.Arch == "src", got.Source())
		require.Equal(t, "foo-1.0-1.fc40."+want.Arch+".rpm", got.Filename())
	}
	for _, in := range []string{"foo-1-1", "foo-1-1.", "foo.rpm", "foo.x86_64"} {
		_, err := ParseNVRA(in)
		require.ErrorContains(t, err, "invalid format: ")
	}
	n, err := ParseNVRA("2:bar-2.0-3.noarch")
	require.NoError(t, err)
	require.Equal(t, "bar-2:2.0-3.noarch", n.NEVRA())
	require.Equal(t, "bar-2.0-3.noarch", n.String())
}

func TestCheckNVRA(t *testing.T) {
	good := NVRA{NVR: NVR{Name: "foo", Version: "1.0~rc1", Release: "1^git.fc40"}, Arch: "x86_64"}
	require.NoError(t, good.Check())
	for want, spoil := range map[string]func(*NVRA){
		`"-" character not allowed in version`: func(n *NVRA) { n.Version = "1-0" },
		`"-" character not allowed in release`: func(n *NVRA) { n.Release = "1-0" },
		`"." character not allowed in arch`:    func(n *NVRA) { n.Arch = "x86.64" },
		`invalid format: "..-1.0~rc1`:          func(n *NVRA) { n.Name = ".." },
		`invalid format: "foo--1^`:             func(n *NVRA) { n.Version = "" },
		`invalid format: "foo-1.0~rc1-1/../2`:  func(n *NVRA) { n.Release = "1/../2" },
	} {
		bad := good
		spoil(&bad)
		require.ErrorContains(t, bad.Check(), want)
	}
}

func TestDraftRelease(t *testing.T) {
	draft := DraftRelease("1.fc40", 123)
	require.Equal(t, "1.fc40,draft_123", draft)
	target, err := TargetRelease(draft)
	require.NoError(t, err)
	require.Equal(t, "1.fc40", target)
	_, err = TargetRelease("1.fc40")
	require.EqualError(t, err, "draft release: 1.fc40 is not in valid format")
}

func TestIsDebuginfo(t *testing.T) {
	for name, want := range map[string]bool{
		"foo": false, "foo-debuginfo": true, "foo-debugsource": true,
		"foo-debuginfo-common": true, "debuginfod": false,
	} {
		require.Equal(t, want, IsDebuginfo(name), name)
	}
}

func TestNameRules(t *testing.T) {
	r, err := NewNameRules(DefaultMaxNameLength, DefaultNamePattern, DefaultUserPattern)
	require.NoError(t, err)
	require.NoError(t, r.CheckName("f40-build/side+1"))
	require.NoError(t, r.CheckName("1..2"))
	for _, name := range []string{"..", "../../work/f40", "f40/../f41", "f40/.."} {
		require.EqualError(t, r.CheckName(name), "Name "+name+" must not lead upwards")
	}
	require.EqualError(t, r.CheckName("a b"), "Name a b does not match RegexNameInternal value")
	require.ErrorContains(t, r.CheckName(strings.Repeat("x", 257)), "is too long. Max length is 256 characters")
	require.NoError(t, r.CheckUser("joe@EXAMPLE.COM"))
	require.EqualError(t, r.CheckUser("joe+1"), "Name joe+1 does not match RegexUserName value")
	require.ErrorContains(t, r.CheckPrincipal("j o"), "Kerberos principal j o does not match")
	require.Error(t, r.CheckHost("host@example"))

	free, err := NewNameRules(0, "", "")
	require.NoError(t, err)
	require.NoError(t, free.CheckName(strings.Repeat("ö ", 500)))

	anchored, err := NewNameRules(0, "abc", "")
	require.NoError(t, err)
	require.Error(t, anchored.CheckName("xabc"), "patterns match from the start, as Python's match does")
	_, err = NewNameRules(0, "(", "")
	require.ErrorContains(t, err, "RegexNameInternal")
}
