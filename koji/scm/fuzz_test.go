package scm

import (
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

// What of a URL gets onto git's command line and into file names is neither an
// option nor a way out of the directory.
func FuzzParse(f *testing.F) {
	for _, url := range []string{
		"git+https://joe:secret@git.example.org:8443//rpms/./foo.git/?sub/dir/#origin/main", "git+ssh://git@h/~me/foo#v1;2",
		"git+file:///srv/git/foo#HEAD", "svn+https://h/repo?trunk/foo#12", "git://host/foo#origin/--up", "git://h/a?b/../c#1",
		"git://h/..git#1", "git://h/...git#1", "git://h/.git#1", "git://h/a/../..#1", "cvs://h/..?..#..",
	} {
		f.Add(url)
	}
	f.Fuzz(func(t *testing.T, url string) {
		s, err := ParseWithPassword(url)
		if err != nil {
			require.Equal(t, koji.FaultGeneric, koji.FaultOf(err))
			return
		}
		require.True(t, IsURL(url))
		require.Equal(t, url, s.URL)
		for _, arg := range []string{s.CloneURL(), s.CommonURL(), s.FetchRef(), s.Revision, s.Host, s.User} {
			require.False(t, strings.HasPrefix(arg, "-"), "%q is an option", arg)
			require.NotContains(t, arg, "\x00")
		}
		dir := path.Join("/work", s.CheckoutDir())
		require.Equal(t, "/work", path.Dir(dir), "%q is not a directory of its own", s.CheckoutDir())
		module := path.Join(dir, s.Module)
		require.True(t, module == dir || strings.HasPrefix(module, dir+"/"), "module %q", s.Module)

		if _, err := Parse(url); err != nil {
			require.NotContains(t, err.Error(), ":"+password(s)+"@", "the password shows")
		}
	})
}

// password is what stands behind the user's name, or a text that stands nowhere.
func password(s SCM) string {
	if _, password, ok := strings.Cut(s.User, ":"); ok {
		return password
	}
	return "\x00"
}
