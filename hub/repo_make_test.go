package hub

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// A hub that dies right after the commit is made up for by the next try.
func TestFinishRepoAgain(t *testing.T) {
	l := newLife(t)
	l.exec(`SELECT setval('repo_id_seq', 1)`)
	made, err := l.InitRepo(l.ctx, 100, tasks.NewRepoParams{Tag: tasks.Ref{Name: "other"}})
	require.NoError(t, err)
	req := FinishRepoRequest{TaskID: 100, RepoID: made.RepoID}
	link := filepath.Join(l.Paths.TopDir, "repos/other/latest")
	for range 2 {
		require.NoError(t, l.FinishRepo(l.ctx, req))
		target, err := os.Readlink(link)
		require.NoError(t, err)
		require.Equal(t, filepath.Base(l.Paths.Repo("other", made.RepoID)), target)
		require.NoError(t, os.Remove(link))
	}
	repo, err := l.Store.Repo(l.ctx, made.RepoID)
	require.NoError(t, err)
	require.Equal(t, int(koji.RepoReady), repo.State)
	require.NoError(t, l.AbandonRepo(l.ctx, made.RepoID), "too late")
	require.NoError(t, l.FinishRepo(l.ctx, req))
}
