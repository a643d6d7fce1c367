package integration

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// build of a tag with two arches, of which one cannot be made: the next
// repository begins with what was made of the other.
func TestFailedRepoIsReused(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "multi", 0)
	l.closed(t, l.build(t, s, "plain", nil))
	tag := "reuse-" + s.release
	call(t, l, api.CreateTag, api.CreateTagParams{Name: tag, Arches: "x86_64 i686"})
	call(t, l, api.PackageListAdd, api.PackageListAddParams{TagInfo: tag, PkgInfo: "multi", Owner: "admin"})
	call(t, l, api.TagBuildBypass, api.TagBuildBypassParams{Tag: tag, Build: s.nvr})
	// There is no such file, and only one arch wants it.
	arch := func(arch string) {
		_, err := l.db.Exec(t.Context(), `UPDATE rpminfo SET arch = $1 WHERE build_id = $2 AND name = 'libmulti'`, arch, l.buildOf(t, s.nvr).ID)
		require.NoError(t, err)
	}
	arch("x86_64")
	failed := call(t, l, api.NewRepo, api.NewRepoParams{Tag: tag})
	l.failed(t, failed)
	made := l.createrepos(t, failed)
	require.Equal(t, int(koji.TaskClosed), made["i386"].State)
	require.Equal(t, int(koji.TaskFailed), made["x86_64"].State)
	repo := l.count(t, `SELECT id FROM repo WHERE task_id = $1 AND state = 4`, failed)
	require.Contains(t, l.file(t, "repos", tag, fmt.Sprint(repo), "i386", "repodata", "repomd.xml"), "<repomd")

	arch("noarch")
	again := call(t, l, api.NewRepo, api.NewRepoParams{Tag: tag})
	l.closed(t, again)
	made = l.createrepos(t, again)
	for arch, old := range map[string]int64{"i386": repo, "x86_64": 0} {
		request := call(t, l, api.GetTaskRequest, api.TaskParams{TaskID: made[arch].ID})
		if old == 0 {
			require.Nil(t, request[2], arch)
		} else {
			require.Equal(t, old, request[2], arch)
		}
		require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM repo WHERE task_id = $1 AND state = 1`, again))
	}
}

// createrepos are the parts of a newRepo task, by arch.
func (l *lab) createrepos(t *testing.T, id int64) map[string]api.TaskInfo {
	t.Helper()
	parts := map[string]api.TaskInfo{}
	for _, c := range l.children(t, id)["createrepo"] {
		parts[*c.Label] = c
	}
	return parts
}
