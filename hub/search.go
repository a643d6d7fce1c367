package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindSearch(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.Search, h.search)
}

func (h *Hub) search(ctx context.Context, p api.SearchParams) (none rpc.Rows[api.IDName], err error) {
	if p.Terms == "" {
		return none, koji.GenericErrorf("empty search terms")
	}
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return none, err
	}
	if p.Type == "file" {
		// Koji: files are not searched any more, which is no error.
		return query.Apply([]api.IDName{}, opts)
	}
	if !store.Searchable(p.Type) {
		return none, koji.GenericErrorf("No such search type: %s", p.Type)
	}
	return h.Store.Search(ctx, p.Type, p.Terms, store.Match(p.MatchType), opts)
}
