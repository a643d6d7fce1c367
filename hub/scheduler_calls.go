package hub

import (
	"context"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func bindScheduler(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetTaskRuns, func(ctx context.Context, p api.ViewParams) (any, error) {
		return h.Store.SchedulerView(ctx, store.TaskRuns, wantedByID(p))
	})
	rpc.Bind(r, api.GetSchedulerMessages, func(ctx context.Context, p api.ViewParams) (any, error) {
		return h.Store.SchedulerView(ctx, store.SchedulerMessages, wantedByID(p))
	})
	rpc.Bind(r, api.GetTaskRefusals, func(ctx context.Context, p api.TaskRefusalsParams) (any, error) {
		return h.Store.SchedulerView(ctx, store.TaskRefusals, query.Wanted{Clauses: p.Clauses, Fields: p.Fields})
	})
	rpc.Bind(r, api.GetHostData, h.getHostData)
	rpc.Bind(r, api.RunScheduler, h.runScheduler)
}

func wantedByID(p api.ViewParams) query.Wanted {
	if p.Opts == nil {
		p.Opts = map[string]any{"order": "id"}
	}
	return query.Wanted{Clauses: p.Clauses, Fields: p.Fields, Opts: p.Opts}
}

func (h *Hub) getHostData(ctx context.Context, p api.HostDataParams) ([]api.HostData, error) {
	rows, err := h.Store.HostsData(ctx, p.HostID)
	if err != nil {
		return nil, err
	}
	list := make([]api.HostData, len(rows))
	for i, row := range rows {
		list[i].HostID = row.HostID
		if list[i].Data, err = api.ParseJSON(string(row.Data)); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// runScheduler wakes the scheduler. Koji: the answer is false if it ran just
// now, which here never matters.
func (h *Hub) runScheduler(ctx context.Context, _ api.DoRunParams) (bool, error) {
	return true, h.Store.WakeScheduler(ctx)
}
