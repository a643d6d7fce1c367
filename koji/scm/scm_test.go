package scm

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

func TestParse(t *testing.T) {
	for url, want := range map[string]SCM{
		"git://git.example.org/rpms/foo#abc": {Type: Git, Scheme: "git://",
			Host: "git.example.org", Repository: "/rpms/foo", Revision: "abc"},
		"git+https://joe@git.example.org:8443//rpms/./foo.git/?sub/dir/#origin/main": {Type: Git, Scheme: "git+https://",
			User: "joe", Host: "git.example.org:8443", Repository: "/rpms/foo.git", Module: "sub/dir", Revision: "origin/main"},
		"git+ssh://git@git.example.org/~me/foo#v1;2": {Type: GitSSH, Scheme: "git+ssh://",
			User: "git", Host: "git.example.org", Repository: "/~me/foo", Revision: "v1;2"},
		"git+file:///srv/git/foo#HEAD": {Type: Git, Scheme: "git+file://",
			Repository: "/srv/git/foo", Revision: "HEAD"},
		"svn+https://svn.example.org/repo?trunk/foo#12": {Type: SVN, Scheme: "svn+https://",
			Host: "svn.example.org", Repository: "/repo", Module: "trunk/foo", Revision: "12"},
	} {
		got, err := Parse(url)
		require.NoError(t, err)
		want.URL = url
		require.Equal(t, want, got)
		require.True(t, IsURL(url))
	}
}

func TestParseErrors(t *testing.T) {
	for url, want := range map[string]string{
		"http://example.org/foo#1":    "Invalid scheme in scm url. Valid schemes are: cvs+ssh:// cvs:// git+file:// git+http:// ",
		"cli-build/123/foo.src.rpm":   "Invalid scheme in scm url.",
		"git://a@b@host/foo#1":        "Invalid username@hostname specified: ['a', 'b', 'host']",
		"git://joe:secret@host/foo#1": "username:password format not supported: joe:***",
		"git://host?foo#1":            "Unable to parse SCM URL: git://host?foo#1 . Could not find the path element.",
		"git://host/foo":              "Unable to parse SCM URL: git://host/foo . Could not find the fragment element.",
		"git://host/foo;x=1#1":        "Unable to parse SCM URL: git://host/foo;x=1#1 . Params element x=1 should be empty.",
		"git://host/#1":               `Invalid SCM URL: "git://host/#1"`,
		"git:///foo#1":                `Invalid SCM URL: "git:///foo#1"`,
		"git+file://host/foo#1":       `Invalid SCM URL: "git+file://host/foo#1"`,
		"git://host/rpms/...git#1":    `Invalid SCM URL: "git://host/rpms/...git#1"`,
		"git://host/.git#1":           `Invalid SCM URL: "git://host/.git#1"`,
		"git://-oProxy=x/foo#1":       `Invalid SCM URL: "git://-oProxy=x/foo#1"`,
		"git://host/foo#--upload":     `Invalid SCM URL: "git://host/foo#--upload"`,
		"git://host/foo#origin/--up":  `Invalid SCM URL: "git://host/foo#origin/--up"`,
		"git://host/foo#a\nb":         `Invalid SCM URL: "git://host/foo#a\nb"`,
		"git://host/foo?a/../../b#1":  `Invalid SCM URL: "git://host/foo?a/../../b#1": module: invalid path`,
		"git://host/foo?/etc#1":       `Invalid SCM URL: "git://host/foo?/etc#1": module: invalid path`,
	} {
		_, err := Parse(url)
		require.ErrorContains(t, err, want)
		require.True(t, koji.IsFault(err, koji.FaultGeneric))
	}
	require.False(t, IsURL("cli-build/123/foo.src.rpm"))
}

func TestParseWithPassword(t *testing.T) {
	s, err := ParseWithPassword("git+https://joe:secret@host/foo#1")
	require.NoError(t, err)
	require.Equal(t, "https://joe:secret@host/foo", s.CloneURL())
	require.Equal(t, "joe", s.PolicyData()["scm_user"], "a password is nothing for the policy")
}

func TestSupported(t *testing.T) {
	for url, want := range map[string]string{
		"git+https://host/foo#1":   "",
		"git+ssh://git@host/foo#1": "",
		"git+ssh://host/foo#1":     "No user specified for repository access scheme: git+ssh://",
		"svn://host/foo#1":         "no support for svn:// (only git is supported)",
		"cvs+ssh://host/foo#1":     "no support for cvs+ssh:// (only git is supported)",
		"git+rsync://host/foo#1":   "no support for git+rsync:// (only git is supported)",
	} {
		s, err := Parse(url)
		require.NoError(t, err)
		err = s.Supported()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.True(t, koji.IsFault(err, koji.FaultBuild))
	}
}

func TestCheckout(t *testing.T) {
	for _, c := range []struct{ url, clone, common, dir, ref string }{
		{"git://h/rpms/foo#origin/f40", "git://h/rpms/foo", "git://h/rpms/common", "foo", "f40"},
		{"git+https://u@h/rpms/foo.git#1", "https://u@h/rpms/foo.git", "https://u@h/rpms/common.git", "foo", "1"},
		{"git+ssh://u@h/rpms/foo/.git#1", "ssh://u@h/rpms/foo/.git", "ssh://u@h/rpms/common/.git", "foo", "1"},
		{"git+file:///srv/foo#1", "file:///srv/foo", "file:///srv/common", "foo", "1"},
	} {
		s, err := Parse(c.url)
		require.NoError(t, err)
		require.Equal(t, c.clone, s.CloneURL())
		require.Equal(t, c.common, s.CommonURL())
		require.Equal(t, c.dir, s.CheckoutDir())
		require.Equal(t, c.ref, s.FetchRef())
	}
}

func TestAllowed(t *testing.T) {
	const list = "nonsense !git.example.org:/private/* git.example.org:/rpms/*:no:fedpkg,sources " +
		"git.example.org:/plain/* git.example.org:/bare/*:off: *.example.com:*:yes"
	for _, c := range []struct {
		host, repo string
		want       *Allow
	}{
		{"git.example.org", "/rpms/foo", &Allow{SourceCmd: []string{"fedpkg", "sources"}}},
		{"git.example.org", "/rpms/deep/foo", &Allow{SourceCmd: []string{"fedpkg", "sources"}}},
		{"git.example.org", "/plain/foo", &Allow{UseCommon: true, SourceCmd: []string{"make", "sources"}}},
		{"git.example.org", "/bare/foo", &Allow{}},
		{"a.example.com", "/x", &Allow{UseCommon: true, SourceCmd: []string{"make", "sources"}}},
		{"git.example.org", "/private/foo", nil},
		{"evil.org", "/rpms/foo", nil},
	} {
		got, err := SCM{Host: c.host, Repository: c.repo}.Allowed(list)
		if c.want == nil {
			require.EqualError(t, err, c.host+":"+c.repo+" is not in the list of allowed SCMs")
			require.True(t, koji.IsFault(err, koji.FaultBuild))
			continue
		}
		require.NoError(t, err)
		require.Equal(t, *c.want, got)
	}
}

func TestAllowedByPolicy(t *testing.T) {
	s := SCM{Host: "h", Repository: "/r"}
	before := &Allow{UseCommon: true, SourceCmd: []string{"fedpkg", "sources"}}
	for _, c := range []struct {
		answer string
		before *Allow
		want   Allow
		err    string
	}{
		{"allow", nil, Allow{SourceCmd: []string{"make", "sources"}}, ""},
		{"allow", before, Allow{SourceCmd: []string{"fedpkg", "sources"}}, ""},
		{"Allowed use_common make srpm", before, Allow{UseCommon: true, SourceCmd: []string{"make", "srpm"}}, ""},
		{"yes none", before, Allow{}, ""},
		{"deny not from there", nil, Allow{}, "SCM: h:/r is not allowed, reason: not from there"},
		{"", nil, Allow{}, "SCM: h:/r is not allowed, reason: None"},
	} {
		got, err := s.AllowedByPolicy(c.answer, c.before)
		if c.err != "" {
			require.EqualError(t, err, c.err)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, c.want, got, c.answer)
	}
}
