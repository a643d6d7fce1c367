package hub

import (
	"context"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindRepoStates(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.RepoSetState, func(ctx context.Context, p api.SetRepoStateParams) (rpc.None, error) {
		return rpc.None{}, h.SetRepoState(ctx, p.RepoID, koji.RepoState(p.State))
	})
	rpc.Bind(r, api.RepoExpire, func(ctx context.Context, p api.RepoStateParams) (rpc.None, error) {
		return rpc.None{}, h.SetRepoState(ctx, p.RepoID, koji.RepoExpired)
	})
	rpc.Bind(r, api.RepoProblem, func(ctx context.Context, p api.RepoStateParams) (rpc.None, error) {
		return rpc.None{}, h.SetRepoState(ctx, p.RepoID, koji.RepoProblem)
	})
	rpc.Bind(r, api.RepoReferences, func(ctx context.Context, p api.RepoStateParams) ([]api.RepoReference, error) {
		return h.Store.RepoReferences(ctx, p.RepoID)
	})
	rpc.Bind(r, api.RepoDelete, h.repoDelete)
}

// SetRepoState moves a repository to a later state; to the one that it is in is
// no change, and out of DELETED there is no way. READY fulfils the requests that
// the repository satisfies.
func (h *Hub) SetRepoState(ctx context.Context, id int64, state koji.RepoState) error {
	if state < koji.RepoInit || state > koji.RepoProblem {
		return koji.ParameterErrorf("Unknown repo state: %d", state)
	}
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		old, err := h.Store.LockRepo(ctx, id)
		switch {
		case err != nil:
			return err
		case old == nil:
			return errNoRow
		case *old > state && state != koji.RepoDeleted:
			return koji.GenericErrorf("Invalid repo state transition for repo %d: %s -> %s", id, *old, state)
		case *old == state:
			return nil
		case *old == koji.RepoDeleted:
			return koji.GenericErrorf("Repo %d is deleted", id)
		case state == koji.RepoReady:
			return h.Store.RepoReady(ctx, id)
		}
		_, err = h.Store.SetRepoState(ctx, id, state, *old)
		return err
	})
}

func (h *Hub) repoDelete(ctx context.Context, p api.RepoStateParams) (int64, error) {
	if _, err := h.Store.LockRepo(ctx, p.RepoID); err != nil {
		return 0, err
	}
	users, err := h.Store.RepoReferences(ctx, p.RepoID)
	if err != nil || len(users) > 0 {
		return int64(len(users)), err
	}
	return 0, h.SetRepoState(ctx, p.RepoID, koji.RepoDeleted)
}
