package hub

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

func TestRemoveOldRepos(t *testing.T) {
	l := newLife(t)
	l.exec(`INSERT INTO repo (id, tag_id, state, state_time) SELECT id, 1, state, now() - age::interval FROM (VALUES
			(10, 2, '8 days'), (11, 4, '8 days'), (12, 2, '6 days'), (13, 1, '8 days'), (14, 2, '8 days'), (15, 2, '8 days'), (16, 0, '8 days')
		) AS r (id, state, age);
		INSERT INTO task (id, state, owner, method, arch, channel_id) VALUES (102, 2, 2, 'buildArch', 'noarch', 1);
		INSERT INTO buildroot (id, br_type) VALUES (14, 0), (15, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state) VALUES (14, 1, 14, 100, 2), (15, 1, 15, 102, 2)`)
	for id := int64(10); id <= 16; id++ {
		require.NoError(t, os.MkdirAll(filepath.Join(l.Paths.Repo("dest", id), "x86_64"), 0o755))
	}
	// A repository links to everything.
	require.NoError(t, os.Symlink(l.Paths.TopDir, filepath.Join(l.Paths.Repo("dest", 10), "x86_64/toplink")))

	keep := l.Repo.DeletedLifetime
	l.Repo.DeletedLifetime = 0
	require.NoError(t, l.RemoveOldRepos(l.ctx))
	require.DirExists(t, l.Paths.Repo("dest", 10))
	l.Repo.DeletedLifetime = keep
	require.NoError(t, l.RemoveOldRepos(l.ctx))
	gone := map[int64]string{10: "replaced", 11: "a problem", 15: "its task has ended"}
	for id := int64(10); id <= 16; id++ {
		state, err := database.One[koji.RepoState](l.ctx, l.Store.DB, `SELECT state FROM repo WHERE id = $1`, id)
		require.NoError(t, err)
		if _, ok := gone[id]; ok {
			require.Equal(t, koji.RepoDeleted, state, id)
			require.NoDirExists(t, l.Paths.Repo("dest", id))
			continue
		}
		require.NotEqual(t, koji.RepoDeleted, state, id)
		require.DirExists(t, l.Paths.Repo("dest", id))
	}
}
