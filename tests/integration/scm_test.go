package integration

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// repository makes a git repository with the spec of a package and returns its
// URL at the commit.
func (l *lab) repository(t *testing.T, name string, s source) (url, hash string) {
	t.Helper()
	url = commit(t, filepath.Join(l.dir, "git", s.release, name), name+".spec", s.spec(t, name))
	_, hash, _ = strings.Cut(url, "#")
	return url, hash
}

// commit makes a git repository of a file and returns its URL at the commit.
func commit(t *testing.T, dir, name string, text []byte) (url string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, name), text, 0o644))
	git := func(args ...string) string {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=t", "-c", "user.email=t@example.org"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "git %v: %s", args, out)
		return strings.TrimSpace(string(out))
	}
	git("init", "--quiet")
	git("add", ".")
	git("commit", "--quiet", "-m", "first")
	return "git+file://" + dir + "#" + git("rev-parse", "HEAD")
}

func TestBuildFromGit(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "hello-noarch", 0)
	url, commit := l.repository(t, "hello-noarch", s)
	id := call(t, l, api.BuildTask, api.BuildTaskParams{Src: url, Target: "plain"})
	l.closed(t, id)
	b := l.completed(t, s.nvr, "plain", 2)
	require.Contains(t, *b.Source, commit)
	require.Equal(t, map[string]any{"source": map[string]any{"original_url": url}}, map[string]any(b.Extra.Object()))
	made := l.child(t, id, "buildSRPMFromSCM")
	require.Contains(t, l.output(t, made.ID, "checkout.log"), "hello-noarch")
}

func TestSourceNotAllowed(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "strict.example.org"
	l.builder(t, name, map[string]any{"allowed_scms": "git.example.org:/*:no"})
	url, _ := l.repository(t, "hello-noarch", l.srpm(t, "hello-noarch", 0))
	for url, text := range map[string]string{
		url:                                "is not in the list of allowed SCMs",
		"git://evil.example.org/x#main":    "evil.example.org:/x is not in the list of allowed SCMs",
		"git+https://git.example.org/x":    "Could not find the fragment element",
		"svn://git.example.org/x?trunk#12": "only git is supported",
	} {
		t.Run(url, func(t *testing.T) {
			t.Parallel()
			id := call(t, l, api.BuildTask, api.BuildTaskParams{Src: url, Target: "plain", Channel: name})
			fault := l.failed(t, id)
			require.Contains(t, fault.Msg, text)
			require.NotEqual(t, koji.KindInfrastructure, l.status(t, id).Failures[0].Class)
			l.nothingLeft(t, id)
		})
	}
}
