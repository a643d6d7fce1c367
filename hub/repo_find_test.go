package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/tasks"
)

// A task that waits for a repository fails with its request, and does not ask
// for the same again and again.
func TestGivenUpRequest(t *testing.T) {
	l := newLife(t)
	want := tasks.WaitrepoParams{Tag: tasks.Ref{Name: "other"}, MinEvent: "last"}
	search, err := l.FindRepo(l.ctx, 100, 2, want)
	require.NoError(t, err)
	require.Nil(t, search.Repo)
	require.Equal(t, "waiting for a repository of other (request 1)", search.Reason)

	l.exec(`UPDATE repo_queue SET tries = 4, task_id = 101`)
	require.NoError(t, l.Store.DropRequest(l.ctx, 1))
	_, err = l.FindRepo(l.ctx, 100, 2, search.Want)
	require.EqualError(t, err, "Request 1 for a repository of other was given up after 4 tries, the last of which is task 101")

	// One that begins later has a request of its own, which the first one can wait for.
	l.exec(`INSERT INTO task (id, state, owner, method, arch, channel_id, create_time) VALUES (102, 1, 2, 'waitrepo', 'noarch', 1, now() + interval '1 second')`)
	for _, id := range []int64{102, 100} {
		search, err = l.FindRepo(l.ctx, id, 2, search.Want)
		require.NoError(t, err)
		require.Equal(t, "waiting for a repository of other (request 2)", search.Reason)
	}
	n, err := database.One[int](l.ctx, l.Store.DB, `SELECT count(*) FROM repo_queue`)
	require.NoError(t, err)
	require.Equal(t, 2, n)
}
