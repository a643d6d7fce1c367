package rpmfile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// build is a noarch package to build, and what may differ between two builds.
type build struct {
	host, epoch   string // build host, and build time in seconds
	content, mode string // of the one file
	requires      string
}

// rpmbuild builds it and returns the path of the RPM.
func (b build) rpmbuild(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("rpmbuild"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("rpmbuild is not installed")
		}
		t.Skip("rpmbuild is not installed")
	}
	dir := t.TempDir()
	spec := filepath.Join(dir, "same.spec")
	require.NoError(t, os.WriteFile(spec, fmt.Appendf(nil, `Name: same
Version: 1.0
Release: 1
Epoch: 3
Summary: A package
License: MIT
BuildArch: noarch
ExclusiveArch: x86_64 noarch
Requires: %s
%%description
Words.
%%install
mkdir -p %%{buildroot}/usr/share/same
echo %s > %%{buildroot}/usr/share/same/data
%%files
%%attr(%s, root, root) /usr/share/same/data
`, b.requires, b.content, b.mode), 0o644))
	cmd := exec.Command("rpmbuild", "-ba", "--define", "_topdir "+dir, "--define", "_buildhost "+b.host,
		"--define", "use_source_date_epoch_as_buildtime 1", "--define", "clamp_mtime_to_source_date_epoch 1", spec)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH="+b.epoch)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	src, err := Open(filepath.Join(dir, "SRPMS/same-1.0-1.src.rpm"))
	require.NoError(t, err)
	require.True(t, src.Source())
	require.Equal(t, []string{"x86_64", "noarch"}, src.Strings("EXCLUSIVEARCH"))
	require.Equal(t, []string{"noarch"}, src.Strings("BUILDARCHS"))
	return filepath.Join(dir, "RPMS/noarch/same-1.0-1.noarch.rpm")
}

func TestNoarchHash(t *testing.T) {
	first := build{host: "a.example.com", epoch: "1700000000", content: "text", mode: "0644", requires: "bash >= 5"}
	path := first.rpmbuild(t)
	require.NoError(t, VerifyFile(path))
	a := open(t, path)
	require.Equal(t, "same-3:1.0-1.noarch", a.NVRA().NEVRA())
	require.Equal(t, "a.example.com", a.Text("BUILDHOST"))

	for name, c := range map[string]struct {
		change func(*build)
		diff   []string
	}{
		"host, time and content": {func(b *build) {
			b.host, b.epoch, b.content = "b.example.com", "1700009999", "built-later"
		}, nil},
		"mode": {func(b *build) { b.mode = "0755" }, []string{
			"removed     FILE /usr/share/same/data mode=100644 owner=root:root flags=0 verify=4294967295 device=0",
			"added       FILE /usr/share/same/data mode=100755 owner=root:root flags=0 verify=4294967295 device=0",
		}},
		"dependency": {func(b *build) { b.requires = "bash >= 6" }, []string{
			"removed     REQUIRES bash >= 5 [12]",
			"added       REQUIRES bash >= 6 [12]",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			second := first
			c.change(&second)
			b := open(t, second.rpmbuild(t))
			require.NotEqual(t, a.PayloadHash(), b.PayloadHash())
			require.Equal(t, c.diff, NoarchDiff(a, b))
			require.Equal(t, c.diff == nil, a.NoarchHash() == b.NoarchHash())
		})
	}
	hash, err := NoarchHash(path)
	require.NoError(t, err)
	require.Equal(t, a.NoarchHash(), hash)
}
