package howto

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// page is a page of docs/howto, with its blocks by what stands behind the fence.
type page map[string]string

var fenced = regexp.MustCompile("(?ms)^```(\\w+ \\S+)\n(.*?)^```$")

func readPage(t *testing.T, name string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../docs/howto", name))
	require.NoError(t, err)
	p := page{}
	for _, m := range fenced.FindAllStringSubmatch(string(text), -1) {
		require.NotContains(t, p, m[1], "there twice")
		p[m[1]] = m[2]
	}
	require.NotEmpty(t, p)
	return p
}

// write writes the page's files below dir and changes those that it changes.
func (p page) write(t *testing.T, dir string) {
	t.Helper()
	for info, text := range p {
		kind, name, _ := strings.Cut(info, " ")
		file := filepath.Join(dir, name)
		switch kind {
		case "go":
			require.NoFileExists(t, file)
			require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		case "diff":
			change(t, file, text)
		}
	}
}

// change adds the lines that begin with + behind the others, which the file has
// once.
func change(t *testing.T, file, diff string) {
	t.Helper()
	var before, after strings.Builder
	for line := range strings.Lines(diff) {
		require.Contains(t, " +", line[:1], "lines are kept or added")
		if line[0] == ' ' {
			before.WriteString(line[1:])
		}
		after.WriteString(line[1:])
	}
	old, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(string(old), before.String()), "%s in %s", before.String(), file)
	require.NoError(t, os.WriteFile(file, []byte(strings.Replace(string(old), before.String(), after.String(), 1)), 0o644))
}

// run runs the page's commands of the name in dir, and returns what they print.
func (p page) run(t *testing.T, name, dir string, env ...string) string {
	t.Helper()
	script := p["sh "+name]
	require.NotEmpty(t, script)
	return command(t, dir, env, "bash", "-euc", script)
}

func command(t *testing.T, dir string, env []string, argv ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), argv[0], argv[1:]...)
	// As the tree is built by make: what is in the cache need not be built again.
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append([]string{"GOFLAGS=-trimpath"}, env...)...)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	return string(out)
}
