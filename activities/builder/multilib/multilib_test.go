package multilib_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder/multilib"
)

const file = `# what the rules do not find
[runtime]
white: perl-libs, valgrind
    glibc-static
black: tomcat-native
[devel]
white=perl-devel
black=dmraid-devel mkinitrd-devel
`

func TestWants(t *testing.T) {
	rules, err := multilib.Parse(file)
	require.NoError(t, err)
	for _, c := range []struct {
		name            string
		files, provides []string
		want            bool
	}{
		{name: "bash", files: []string{"/usr/bin/bash", "/usr/lib64/bash/basename"}},
		{name: "zlib", files: []string{"/usr/lib64/libz.so.1"}, want: true},
		{name: "zlib-devel", files: []string{"/usr/lib64/libz.so"}, want: true},
		{name: "glibc", files: []string{"/lib64/libc.so.6"}, want: true},
		{name: "nss_db", files: []string{"/lib64/libnss_db.so"}, want: true},
		{name: "pam_krb5", files: []string{"/lib64/security/pam_krb5.so"}, want: true},
		{name: "mesa-dri-drivers", files: []string{"/usr/lib64/dri/i965_dri.so"}, want: true},
		{name: "gtk2-engines", files: []string{"/usr/lib64/gtk-2.0/2.10.0/engines/libclearlooks.so"}, want: true},
		{name: "gtk2-odd", files: []string{"/usr/lib64/gtk-2.0/2.10.0/others/lib.so"}},
		{name: "qt5-style", files: []string{"/usr/lib64/qt5/plugins/styles/libstyle.so"}, want: true},
		{name: "mariadb-libs", files: []string{"/etc/ld.so.conf.d/mariadb.conf"}, want: true},
		{name: "python3-libs", files: []string{"/usr/lib64/python3.12/lib-dynload/x.so.1"}},
		{name: "strace", want: true},
		{name: "valgrind", want: true},
		{name: "glibc-static", want: true},
		{name: "perl-devel", want: true},
		{name: "dmraid-devel", files: []string{"/usr/lib64/libdmraid.so.1"}},
		{name: "tomcat-native", files: []string{"/usr/lib64/libtcnative-1.so.0"}},
		{name: "ghc-mtl-devel"},
		{name: "kernel", provides: []string{"kernel"}, want: true},
		{name: "kernel-tools", provides: []string{"kernel-tools"}},
		{name: "kernel-headers", provides: []string{"glibc-kernheaders-devel"}, want: true},
	} {
		require.Equal(t, c.want, rules.Wants(multilib.Package{Name: c.name, Files: c.files, Provides: c.provides}), c.name)
	}
}

func TestBadRules(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "there is no list white in section [runtime]",
		"[runtime]\nwhite: a\nblack: ": "there is no list white in section [devel]",
		"white: a\n":                   `line 1: cannot make sense of "white: a"`,
		"[runtime]\nodd\n":             `line 2: cannot make sense of "odd"`,
	} {
		_, err := multilib.Parse(text)
		require.EqualError(t, err, want)
	}
	_, err := multilib.Read(t.TempDir() + "/none")
	require.ErrorContains(t, err, "no such file")
}
