package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func bindRepoQueue(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.RepoGetExternalRepoData, h.repoGetExternalRepoData)
	rpc.Bind(r, api.RepoSetRequestPriority, h.repoSetRequestPriority)
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
