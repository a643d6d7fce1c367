package integration

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// chainBuild makes a chainbuild task.
func (l *lab) chainBuild(t *testing.T, target string, opts map[string]any, levels ...[]string) int64 {
	t.Helper()
	return call(t, l, api.ChainBuild, api.ChainBuildParams{Srcs: levels, Target: target, Opts: opts})
}

// A package of the second level is built with what the first one made. The chain
// fails there, and goes on from there when it is submitted again.
func TestChainBuild(t *testing.T) {
	t.Parallel()
	l := start(t)
	hello, other, user := l.srpm(t, "hello-noarch", 0), l.srpm(t, "multi", 0), l.srpm(t, "use-noarch", 0)
	first, _ := l.repository(t, "hello-noarch", hello)
	beside, _ := l.repository(t, "multi", other)
	second, _ := l.repository(t, "use-noarch", user)

	// The source of the second level is not there at first.
	dir := filepath.Join(l.dir, "git", user.release)
	require.NoError(t, os.Rename(dir, dir+".away"))
	failed := l.chainBuild(t, "chain", nil, []string{first, beside}, []string{second})
	l.failed(t, failed)
	l.completed(t, hello.nvr, "chain", 2)
	l.completed(t, other.nvr, "chain", 4)
	tasks := l.children(t, failed)
	require.Len(t, tasks["build"], 3)
	require.Equal(t, "build 0,0", *tasks["build"][0].Label)
	require.Equal(t, int(koji.TaskClosed), tasks["waitrepo"][0].State)
	require.Equal(t, "wait 1", *tasks["waitrepo"][0].Label)

	require.NoError(t, os.Rename(dir+".away", dir))
	again := call(t, l, api.ResubmitTask, api.ResubmitTaskParams{TaskID: failed})
	l.closed(t, again)
	l.completed(t, user.nvr, "chain", 2)
	require.Contains(t, l.buildrootOf(t, user.nvr), hello.nvr)
	tasks = l.children(t, again)
	require.Len(t, tasks["build"], 1, "the first level is not built again")
	require.Equal(t, "build 1,0", *tasks["build"][0].Label)
}

func TestChainBuildRefusals(t *testing.T) {
	t.Parallel()
	l := start(t)
	levels := [][]string{{"git://example.com/a#1"}, {"git://example.com/b#1"}}
	require.Equal(t, "--scratch is not allowed with chain-builds",
		l.failed(t, l.chainBuild(t, "chain", map[string]any{"scratch": true}, levels...)).Msg)
	require.Equal(t, "unknown build target: nowhere", l.failed(t, l.chainBuild(t, "nowhere", nil, levels...)).Msg)
}
