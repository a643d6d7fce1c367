package hub

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestRepoStates(t *testing.T) {
	l := newLife(t)
	l.exec(`INSERT INTO repo (id, tag_id, state) SELECT 10 + state, 1, state FROM generate_series(0, 4) AS state;
		INSERT INTO buildroot (id, br_type) VALUES (7, 0), (8, 0);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state) VALUES (7, 1, 12, 100, 1);
		INSERT INTO standard_buildroot (buildroot_id, host_id, repo_id, task_id, state, retire_event) VALUES (8, 1, 14, 101, 3, get_event())`)
	set := func(id, state int64) api.SetRepoStateParams { return api.SetRepoStateParams{RepoID: id, State: state} }
	admin := asLabuser(t, "repo")

	refused(t, asLabuser(t), l.Hub, api.RepoSetState, set(11, 2), koji.FaultActionNotAllowed, "repo permission required (logged in as labuser)")
	refused(t, admin, l.Hub, api.RepoSetState, set(11, 7), koji.FaultParameter, "Unknown repo state: 7")
	refused(t, admin, l.Hub, api.RepoSetState, set(99, 1), koji.FaultGeneric, errNoRow.Msg)
	refused(t, admin, l.Hub, api.RepoSetState, set(12, 1), koji.FaultGeneric, "Invalid repo state transition for repo 12: EXPIRED -> READY")
	refused(t, admin, l.Hub, api.RepoSetState, set(13, 4), koji.FaultGeneric, "Repo 13 is deleted")
	refused(t, admin, l.Hub, api.RepoExpire, api.RepoStateParams{RepoID: 14}, koji.FaultGeneric, "Invalid repo state transition for repo 14: PROBLEM -> EXPIRED")
	must(t, admin, l.Hub, api.RepoExpire, api.RepoStateParams{RepoID: 12})
	must(t, admin, l.Hub, api.RepoProblem, api.RepoStateParams{RepoID: 10})

	users := must(t, admin, l.Hub, api.RepoReferences, api.RepoStateParams{RepoID: 12})
	require.Len(t, users, 1)
	require.Equal(t, int64(7), users[0].ID)
	require.Equal(t, int64(1), must(t, admin, l.Hub, api.RepoDelete, api.RepoStateParams{RepoID: 12}))
	require.Equal(t, int64(0), must(t, admin, l.Hub, api.RepoDelete, api.RepoStateParams{RepoID: 14}))

	rows := must(t, t.Context(), l.Hub, api.RepoQuery, api.RepoQueryParams{
		Clauses: []any{[]any{"id", []any{int64(10), int64(12), int64(14)}}, []any{"dist", "is", false}},
		Fields:  []any{"id", "state", "tag_name"}, Opts: map[string]any{"order": "id"},
	})
	require.Equal(t, []map[string]any{
		{"id": int64(10), "state": int64(4), "tag_name": "dest"},
		{"id": int64(12), "state": int64(2), "tag_name": "dest"},
		{"id": int64(14), "state": int64(3), "tag_name": "dest"},
	}, rows)
	get := func(p api.GetRepoParams) *api.Repo {
		p.Tag = "dest"
		return must(t, t.Context(), l.Hub, api.GetRepo, p)
	}
	require.Equal(t, int64(11), get(api.GetRepoParams{}).ID, "the ready one")
	require.Equal(t, int64(11), get(api.GetRepoParams{Event: new(int64(0))}).ID, "event 0 is none")
	require.Equal(t, int64(14), get(api.GetRepoParams{Event: new(int64(1 << 30))}).ID, "at an event the state is of no account")
	active := must(t, t.Context(), l.Hub, api.GetActiveRepos, api.NoParams{})
	require.Len(t, active, 4, "all but the two deleted ones")
}

// A ready repository fulfils the requests that its options satisfy.
func TestReadyByHand(t *testing.T) {
	l := newLife(t)
	l.exec(`INSERT INTO repo (id, tag_id, state, opts, custom_opts) VALUES (10, 1, 0, '{"src": true, "maven": false}', '{"src": true}')`)
	request := func(opts map[string]any) api.RepoAnswer {
		return must(t, l.ctx, l.Hub, api.RepoRequestMethod, api.RepoRequestParams{Tag: "dest", AtEvent: new(int64(1)), Opts: opts})
	}
	l.exec(`UPDATE repo SET create_event = 1 WHERE id = 10`)
	plain, src := request(nil), request(map[string]any{"src": true})
	must(t, l.ctx, l.Hub, api.RepoSetState, api.SetRepoStateParams{RepoID: 10, State: 1})

	queue := must(t, t.Context(), l.Hub, api.RepoQueryQueue, api.ViewParams{
		Clauses: []any{[]any{"opts", "@>", `{}`}}, Fields: []any{"id", "active", "repo_id", "opts", "owner_name"}, Opts: map[string]any{"order": "id"}})
	require.Equal(t, []map[string]any{
		{"id": plain.Request.ID, "active": true, "repo_id": nil, "opts": map[string]any{}, "owner_name": "kojiadmin"},
		{"id": src.Request.ID, "active": false, "repo_id": int64(10), "opts": map[string]any{"src": true}, "owner_name": "kojiadmin"},
	}, queue)
}

func TestAutoRequests(t *testing.T) {
	l := newLife(t)
	l.exec(`INSERT INTO tag_extra (tag_id, key, value, creator_id) VALUES (1, 'repo.auto', 'true', 1), (2, 'repo.auto', 'false', 1), (2, 'repo.lag', '5', 1)`)
	for range 2 {
		must(t, asLabuser(t, "repo"), l.Hub, api.RepoAutoRequests, api.NoParams{})
	}
	queue := must(t, t.Context(), l.Hub, api.RepoQueryQueue, api.ViewParams{Fields: []any{"tag_name", "priority", "owner_name"}})
	require.Equal(t, []map[string]any{{"tag_name": "dest", "priority": int64(25), "owner_name": "labuser"}}, queue)
	must(t, asLabuser(t, "repo"), l.Hub, api.RepoCheckQueue, api.NoParams{})
}

// What was seen of an external repository changes the tags that use it, and ends
// the time for which their repositories show them.
func TestExternalRepoData(t *testing.T) {
	l := newLife(t)
	must(t, l.ctx, l.Hub, api.CreateExternalRepo, api.CreateExternalRepoParams{Name: "fedora", URL: "http://example.com/$arch/"})
	must(t, l.ctx, l.Hub, api.AddExternalRepoToTag, api.AddExternalRepoToTagParams{TagInfo: "dest", RepoInfo: "fedora", Priority: 1})
	l.exec(`UPDATE repo SET create_event = (SELECT max(id) FROM events), end_event = NULL`)
	must(t, l.ctx, l.Hub, api.RepoUpdateEndEvents, api.NoParams{})
	require.Nil(t, must(t, l.ctx, l.Hub, api.RepoInfo, api.RepoInfoParams{RepoID: 1}).EndEvent)

	seen := api.SetExternalRepoDataParams{ExternalRepoID: "fedora", Data: map[string]any{"max_ts": 1790000000.5}}
	refused(t, asLabuser(t), l.Hub, api.RepoSetExternalRepoData, seen, koji.FaultActionNotAllowed, "repo permission required (logged in as labuser)")
	for range 2 {
		must(t, l.ctx, l.Hub, api.RepoSetExternalRepoData, seen)
	}
	data := must(t, l.ctx, l.Hub, api.RepoGetExternalRepoData, api.RepoExternalDataParams{ERepo: "fedora"})
	require.Equal(t, api.Extra{"max_ts": 1790000000.5}, data)

	must(t, l.ctx, l.Hub, api.RepoUpdateEndEvents, api.NoParams{})
	repo := must(t, l.ctx, l.Hub, api.RepoInfo, api.RepoInfoParams{RepoID: 1})
	require.NotNil(t, repo.EndEvent)
	require.Greater(t, *repo.EndEvent, repo.CreateEvent)
}
