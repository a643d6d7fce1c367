// Package scm understands the URLs that name sources in a version control
// system, and the rules by which a builder trusts them.
//
// A URL has the form
//
//	scheme://[user@]host/path/to/repo?path/to/module#revision
//
// where only the user and the module may be missing.
package scm

import (
	"path"
	"slices"
	"strings"

	"github.com/toji-build/toji/koji"
)

// Type is the kind of a version control system, by Koji's name.
type Type string

// The types of systems. Only the first two can be checked out, see SCM.Supported.
const (
	Git    Type = "GIT"
	GitSSH Type = "GIT+SSH"
	SVN    Type = "SVN"
	SVNSSH Type = "SVN+SSH"
	CVS    Type = "CVS"
	CVSSSH Type = "CVS+SSH"
)

// schemes lists what a URL may begin with.
//
// Koji knows no git+file; it is there for repositories on the builder itself,
// which allowed_scms has to name with an empty host.
var schemes = map[string]Type{
	"git://": Git, "git+http://": Git, "git+https://": Git, "git+rsync://": Git, "git+file://": Git,
	"git+ssh://": GitSSH,
	"svn://":     SVN, "svn+http://": SVN, "svn+https://": SVN,
	"svn+ssh://": SVNSSH,
	"cvs://":     CVS,
	"cvs+ssh://": CVSSSH,
}

// SCM is a parsed URL.
type SCM struct {
	URL        string // as it was given
	Type       Type
	Scheme     string // with the slashes: "git+https://"
	User       string // "" if none; "user:password" from ParseWithPassword
	Host       string // with the port, if any
	Repository string // absolute path, without a slash at its end
	Module     string // path of the sources inside of the repository, or ""
	Revision   string
}

// IsURL reports whether url begins like the URL of a version control system, as
// opposed to the path of an uploaded source RPM.
func IsURL(url string) bool {
	_, ok := schemes[schemeOf(url)]
	return ok
}

// schemeOf returns url's scheme with "://", or "".
func schemeOf(url string) string {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok {
		return ""
	}
	return scheme + "://"
}

// Parse takes a URL apart. The error is a GenericError with Koji's text.
func Parse(url string) (SCM, error) {
	s, password, err := parse(url)
	if err != nil {
		return SCM{}, err
	}
	if password != "" {
		// Koji prints the password here.
		return SCM{}, koji.GenericErrorf("username:password format not supported: %s:***", s.User)
	}
	return s, nil
}

// ParseWithPassword is Parse for hosts that allow a password in the URL.
func ParseWithPassword(url string) (SCM, error) {
	s, password, err := parse(url)
	if err == nil && password != "" {
		s.User += ":" + password
	}
	return s, err
}

func parse(url string) (s SCM, password string, err error) {
	s = SCM{URL: url, Scheme: schemeOf(url)}
	typ, ok := schemes[s.Scheme]
	if !ok {
		return s, "", koji.GenericErrorf("Invalid scheme in scm url. Valid schemes are: %s", schemeNames())
	}
	s.Type = typ
	rest := url[len(s.Scheme):]
	rest, s.Revision, _ = strings.Cut(rest, "#")
	rest, s.Module, _ = strings.Cut(rest, "?")
	s.Module = strings.TrimRight(s.Module, "/")
	netloc, dir := rest, ""
	if i := strings.IndexByte(rest, '/'); i >= 0 {
		netloc, dir = rest[:i], rest[i:]
	}
	if n := strings.Count(netloc, "@"); n > 1 {
		return s, "", koji.GenericErrorf("Invalid username@hostname specified: ['%s']",
			strings.Join(strings.Split(netloc, "@"), "', '"))
	}
	s.Host = netloc
	if login, host, ok := strings.Cut(netloc, "@"); ok {
		s.Host = host
		s.User, password, _ = strings.Cut(login, ":")
	}
	if dir == "" {
		return s, "", koji.GenericErrorf("Unable to parse SCM URL: %s . Could not find the path element.", url)
	}
	if _, params, _ := strings.Cut(path.Base(dir), ";"); params != "" {
		return s, "", koji.GenericErrorf("Unable to parse SCM URL: %s . Params element %s should be empty.", url, params)
	}
	s.Repository = path.Clean(dir)
	if s.Revision == "" {
		return s, "", koji.GenericErrorf("Unable to parse SCM URL: %s . Could not find the fragment element.", url)
	}
	return s, password, s.check()
}

// check refuses what would be harmful on a command line or on disk. A revision
// is looked at as git gets it, too.
func (s SCM) check() error {
	local := s.Scheme == "git+file://"
	dir := s.CheckoutDir()
	bad := s.Repository == "/" ||
		dir == "" || dir == "." || dir == ".." || // such as /...git
		(s.Host == "") != local ||
		strings.HasPrefix(s.Host, "-") || strings.HasPrefix(s.User, "-") || strings.HasPrefix(s.Revision, "-") || strings.HasPrefix(s.FetchRef(), "-") ||
		strings.ContainsFunc(s.URL, func(r rune) bool { return r < ' ' || r == 0x7f })
	if bad {
		return koji.GenericErrorf("Invalid SCM URL: %q", s.URL)
	}
	if s.Module != "" {
		if _, err := koji.Under("/", s.Module); err != nil {
			return koji.GenericErrorf("Invalid SCM URL: %q: module: %w", s.URL, err)
		}
	}
	return nil
}

// schemeNames returns all schemes, sorted and separated by blanks.
func schemeNames() string {
	names := make([]string, 0, len(schemes))
	for name := range schemes {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// Supported returns a BuildError that says so if builders cannot check s out.
func (s SCM) Supported() error {
	if s.Type != Git && s.Type != GitSSH || s.Scheme == "git+rsync://" {
		return koji.BuildErrorf("cannot build from %s: no support for %s (only git is supported)", s.URL, s.Scheme)
	}
	if s.Type == GitSSH && s.User == "" {
		return koji.BuildErrorf("No user specified for repository access scheme: %s", s.Scheme)
	}
	return nil
}

// CloneURL returns what to give to git clone: the URL without "git+", module and
// revision. With ParseWithPassword it has the password in it.
func (s SCM) CloneURL() string {
	user := s.User
	if user != "" {
		user += "@"
	}
	return strings.TrimPrefix(s.Scheme, "git+") + user + s.Host + s.Repository
}

// CommonURL returns the clone URL of the repository "common" beside this one,
// which holds shared makefiles where Allow.UseCommon asks for it.
func (s SCM) CommonURL() string {
	common := s
	dir, suffix := s.Repository, ""
	switch {
	case strings.HasSuffix(dir, "/.git"):
		dir, suffix = strings.TrimSuffix(dir, "/.git"), "/.git"
	case strings.HasSuffix(dir, ".git"):
		suffix = ".git"
	}
	common.Repository = path.Join(path.Dir(dir), "common"+suffix)
	return common.CloneURL()
}

// CheckoutDir returns the name of the directory to clone into: the last part of
// the repository's path without ".git".
func (s SCM) CheckoutDir() string {
	dir := strings.TrimSuffix(s.Repository, "/.git")
	return strings.TrimSuffix(path.Base(dir), ".git")
}

// FetchRef returns what to ask the remote for to get the revision.
//
// Koji: "origin/branch" is a spelling from before it fetched by name.
func (s SCM) FetchRef() string { return strings.TrimPrefix(s.Revision, "origin/") }

// PolicyData returns the facts that the hub's policy build_from_scm decides on.
func (s SCM) PolicyData() map[string]any {
	var user any
	if s.User != "" {
		user, _, _ = strings.Cut(s.User, ":")
	}
	return map[string]any{
		"scm_url":        s.URL,
		"scm_scheme":     s.Scheme,
		"scm_user":       user,
		"scm_host":       s.Host,
		"scm_repository": s.Repository,
		"scm_module":     s.Module,
		"scm_revision":   s.Revision,
		"scm_type":       string(s.Type),
	}
}
