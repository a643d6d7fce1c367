package hub

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
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

// What a newRepo task that failed has made for single arches is where the next one
// begins, until there is a later repository.
func TestFailedRepoIsReused(t *testing.T) {
	l := newLife(t)
	l.exec(`SELECT setval('repo_id_seq', 1); UPDATE tag_config SET arches = 'x86_64 aarch64' WHERE tag_id = 1; UPDATE task SET method = 'newRepo'`)
	dest := tasks.NewRepoParams{Tag: tasks.Ref{Name: "dest"}}
	failed, err := l.InitRepo(l.ctx, 100, dest)
	require.NoError(t, err)
	require.Equal(t, int64(1), failed.OldRepo)
	require.Empty(t, failed.OldRepos)
	for id, arch := range map[int64]string{102: "x86_64", 103: "aarch64"} {
		l.uploadText(fmt.Sprintf("tasks/%d/%[1]d", id), "repomd.xml", "<repomd/>")
		request, err := xmlrpc.MarshalRequest("createrepo", failed.RepoID, arch, nil)
		require.NoError(t, err)
		result, err := xmlrpc.MarshalResult([]any{fmt.Sprintf("tasks/%d/%[1]d", id), []any{"repomd.xml"}})
		require.NoError(t, err)
		_, err = l.Store.Exec(l.ctx, `INSERT INTO task (id, state, owner, parent, method, request, result, arch, channel_id)
			VALUES ($1, CASE WHEN $1 = 102 THEN 2 ELSE 5 END, 2, 100, 'createrepo', $2, $3, 'noarch', 1)`, id, request, result)
		require.NoError(t, err)
	}
	for range 2 {
		require.NoError(t, l.AbandonRepo(l.ctx, failed.RepoID))
	}
	require.FileExists(t, l.Paths.Repo("dest", failed.RepoID)+"/x86_64/repodata/repomd.xml")
	require.NoDirExists(t, l.Paths.Repo("dest", failed.RepoID)+"/aarch64/repodata")

	next, err := l.InitRepo(l.ctx, 101, dest)
	require.NoError(t, err)
	require.Equal(t, int64(1), next.OldRepo)
	require.Equal(t, map[string]int64{"x86_64": failed.RepoID}, next.OldRepos)
	require.NoError(t, l.FinishRepo(l.ctx, FinishRepoRequest{TaskID: 101, RepoID: next.RepoID}))
	last, err := l.InitRepo(l.ctx, 0, dest)
	require.NoError(t, err)
	require.Equal(t, next.RepoID, last.OldRepo)
	require.Empty(t, last.OldRepos)
}
