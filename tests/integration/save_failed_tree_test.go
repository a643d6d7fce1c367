package integration

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// failedRoot has a build fail and returns its buildArch task with the buildroot.
func (l *lab) failedRoot(t *testing.T) (arch, root int64) {
	t.Helper()
	id := l.build(t, l.srpm(t, "fail-build", 0), "plain", nil)
	l.failed(t, id)
	arch = l.child(t, id, "buildArch").ID
	roots := call(t, l, api.ListBuildroots, api.ListBuildrootsParams{TaskID: &arch}).List
	require.Len(t, roots, 1)
	return arch, roots[0].ID
}

// savedTree lists the files in the archive that a saveFailedTree task left, below
// the root's own folder.
func (l *lab) savedTree(t *testing.T, task int64, archive string) []string {
	t.Helper()
	file := filepath.Join(l.Env["TOJI_TOPDIR"], "work", koji.PathInfo{}.TaskRel(task), archive)
	out, err := exec.Command("tar", "--list", "--file", file).Output()
	require.NoError(t, err)
	var names []string
	for line := range strings.Lines(string(out)) {
		_, name, ok := strings.Cut(strings.TrimSpace(line), "/root/")
		require.True(t, ok, line)
		names = append(names, name)
	}
	return names
}

// The buildroot of a failed build is kept, and is sent to whoever may have it.
func TestSaveFailedTree(t *testing.T) {
	t.Parallel()
	l := start(t)
	arch, root := l.failedRoot(t)
	archive := fmt.Sprintf("broot-%d.tar.gz", root)

	id := call(t, l, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root})
	l.closed(t, id)
	require.Nil(t, l.result(t, id))
	task := l.task(t, id)
	require.Equal(t, 3.0, task.Weight)
	require.Equal(t, *l.task(t, arch).HostID, *task.HostID)
	names := l.savedTree(t, id, archive)
	require.Contains(t, names, "builddir/build/SPECS/fail-build.spec")
	require.NotContains(t, names, "etc/passwd")

	id = call(t, l, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root, Full: true})
	l.closed(t, id)
	names = l.savedTree(t, id, archive)
	require.Contains(t, names, "builddir/build/SPECS/fail-build.spec")
	require.Contains(t, names, "etc/passwd")
	for _, name := range names {
		require.False(t, strings.HasPrefix(name, "proc/") && name != "proc/", name)
	}

	_, err := rpc.Invoke(t.Context(), l.login(t, "stranger"), api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root})
	require.ErrorContains(t, err, "Only owner of failed task or 'admin' can run this task.")
}

// What is not kept any more is no mystery.
func TestFailedRootIsGone(t *testing.T) {
	t.Parallel()
	l := start(t)
	_, root := l.failedRoot(t)
	dirs, err := filepath.Glob(filepath.Join(l.dir, "stack", "*", "roots", fmt.Sprintf("*-%d-*", root)))
	require.NoError(t, err)
	require.Len(t, dirs, 1)
	require.FileExists(t, filepath.Join(dirs[0], "failed"))
	require.NoError(t, os.RemoveAll(dirs[0]))
	id := call(t, l, api.SaveFailedTree, api.SaveFailedTreeParams{BuildrootID: root})
	require.Contains(t, l.failed(t, id).Msg, "Buildroot directory is missing")
}
