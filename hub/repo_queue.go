package hub

import (
	"context"
	"encoding/json"
	"time"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindRepoQueue(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.RepoGetExternalRepoData, h.repoGetExternalRepoData)
	rpc.Bind(r, api.RepoSetRequestPriority, h.repoSetRequestPriority)
	rpc.Bind(r, api.RepoSetExternalRepoData, h.repoSetExternalRepoData)
	rpc.Bind(r, api.RepoQuery, func(ctx context.Context, p api.RepoQueryParams) (any, error) {
		return h.Store.RepoView(ctx, store.Repos, query.Wanted(p))
	})
	rpc.Bind(r, api.RepoQueryQueue, func(ctx context.Context, p api.ViewParams) (any, error) {
		return h.Store.RepoView(ctx, store.RepoQueue, query.Wanted(p))
	})
	rpc.Bind(r, api.GetActiveRepos, h.getActiveRepos)
	rpc.Bind(r, api.MergeScratch, h.mergeScratch)
	rpc.Bind(r, api.RepoAutoRequests, func(ctx context.Context, _ api.NoParams) (rpc.None, error) {
		return rpc.None{}, h.AutoRequests(ctx, session.From(ctx).UserID)
	})
	rpc.Bind(r, api.RepoCheckQueue, func(ctx context.Context, _ api.NoParams) (rpc.None, error) {
		return rpc.None{}, h.Store.WakeRepoKeeper(ctx)
	})
	rpc.Bind(r, api.RepoUpdateEndEvents, func(ctx context.Context, _ api.NoParams) (rpc.None, error) {
		return rpc.None{}, h.UpdateRepoEnds(ctx)
	})
}

func (h *Hub) repoGetExternalRepoData(ctx context.Context, p api.RepoExternalDataParams) (api.Extra, error) {
	id, err := h.lookupID(ctx, store.ExternalRepos, p.ERepo)
	if err != nil {
		return nil, err
	}
	return h.Store.ExternalRepoData(ctx, id)
}

// repoSetRequestPriority does nothing, as Koji, if there is no such request.
func (h *Hub) repoSetRequestPriority(ctx context.Context, p api.RepoSetPriorityParams) (rpc.None, error) {
	return rpc.None{}, h.Store.SetRequestPriority(ctx, p.ReqID, p.Priority)
}

func (h *Hub) repoSetExternalRepoData(ctx context.Context, p api.SetExternalRepoDataParams) (rpc.None, error) {
	id, err := h.lookupID(ctx, store.ExternalRepos, p.ExternalRepoID)
	if err != nil {
		return rpc.None{}, err
	}
	data, err := json.Marshal(p.Data)
	if err != nil {
		return rpc.None{}, koji.ParameterErrorf("data: %v", err)
	}
	return rpc.None{}, h.Store.SetExternalRepoData(ctx, id, string(data))
}

func (h *Hub) getActiveRepos(ctx context.Context, _ api.NoParams) (any, error) {
	return h.Store.RepoView(ctx, store.Repos, query.Wanted{
		Clauses: []any{[]any{"state", "!=", int64(koji.RepoDeleted)}},
		Fields: []any{"id", "tag_id", "create_event", "create_ts", "state", "dist", "task_id", "tag_name", "creation_ts", "state_ts",
			"end_event", "opts"},
	})
}

// PriorityAuto is the priority of requests for repositories that nobody waits
// for. One that somebody makes for the same raises it.
const PriorityAuto = PriorityDefault + 5

// AutoRequests asks, on the account of owner, for a repository of each tag that
// has the extra setting repo.auto, unless there is one that is not older than
// the lag which is configured, or which the tag's setting repo.lag gives.
func (h *Hub) AutoRequests(ctx context.Context, owner int64) error {
	tags, err := h.Store.AutoTags(ctx)
	if err != nil {
		return err
	}
	for _, t := range tags {
		lag := h.Repo.AutoLag.Std()
		if t.Lag != nil {
			lag = time.Duration(*t.Lag) * time.Second
		}
		min, err := h.laggingEvent(ctx, t.ID, lag)
		if err != nil {
			return err
		}
		if min == nil {
			continue
		}
		f := readyRepo(t.ID, nil)
		f.MinEvent = min
		if repo, err := h.Store.LatestRepo(ctx, f); err != nil || repo != nil {
			if err != nil {
				return err
			}
			continue
		}
		w := store.WantedRepo{TagID: t.ID, MinEvent: min, Opts: "{}", OwnerID: owner, Priority: PriorityAuto}
		if _, _, err := h.Store.RequestRepo(ctx, w); err != nil {
			return err
		}
	}
	return nil
}

// UpdateRepoEnds records of each ready repository whose tag has changed since
// the event that changed it.
func (h *Hub) UpdateRepoEnds(ctx context.Context) error {
	repos, err := h.Store.OpenRepos(ctx)
	if err != nil {
		return err
	}
	for _, r := range repos {
		tags, external, err := h.tagSources(ctx, r.TagID, &r.Event, true)
		if err != nil {
			return err
		}
		end, err := h.Store.FirstChange(ctx, tags, external, r.Event)
		if err != nil {
			return err
		}
		if end == nil {
			continue
		}
		if err := h.Store.SetRepoEnd(ctx, r.ID, *end); err != nil {
			return err
		}
	}
	return nil
}
