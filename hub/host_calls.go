package hub

import (
	"context"
	"encoding/json"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindHostCalls(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HostGetID, h.hostGetID)
	rpc.Bind(r, api.HostGetHost, h.hostGetHost)
	rpc.Bind(r, api.HostIsEnabled, h.hostIsEnabled)
	rpc.Bind(r, api.HostUpdateHost, h.hostUpdateHost)
	rpc.Bind(r, api.HostSetHostData, h.hostSetHostData)
	rpc.Bind(r, api.HostGetTasks, h.hostGetTasks)
	rpc.Bind(r, api.HostGetHostTasks, h.hostGetHostTasks)
	rpc.Bind(r, api.HostGetLoadData, h.hostGetLoadData)
	rpc.Bind(r, api.HostSetTaskWeight, h.hostSetTaskWeight)
	rpc.Bind(r, api.HostRefuseTask, h.hostRefuseTask)
	rpc.Bind(r, api.GetHostStatus, h.getHostStatus)
	rpc.Bind(r, api.TrustHost, h.trustHost)
}

// callingHost is the host that calls, by a session that it has for itself.
func (h *Hub) callingHost(ctx context.Context) (*api.Host, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return nil, err
	}
	return h.Host(ctx, id, true)
}

func (h *Hub) hostGetID(ctx context.Context, _ api.NoParams) (int64, error) {
	return session.From(ctx).AssertHost()
}

func (h *Hub) hostGetHost(ctx context.Context, _ api.NoParams) (*api.Host, error) {
	return h.callingHost(ctx)
}

func (h *Hub) hostIsEnabled(ctx context.Context, _ api.NoParams) (bool, error) {
	host, err := h.callingHost(ctx)
	if err != nil {
		return false, err
	}
	return host.Enabled, nil
}

func (h *Hub) hostUpdateHost(ctx context.Context, p api.UpdateHostParams) (rpc.None, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return rpc.None{}, err
	}
	if !(p.TaskLoad >= 0) { // nor NaN
		return rpc.None{}, koji.ParameterErrorf("Invalid task load: %v", p.TaskLoad)
	}
	if err := h.Store.CheckInHost(ctx, id, p.TaskLoad, p.Ready); err != nil || p.Data == nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.SetHostData(ctx, id, p.Data)
}

func (h *Hub) hostSetHostData(ctx context.Context, p api.SetHostDataParams) (rpc.None, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return rpc.None{}, err
	}
	// Koji: older builders send JSON.
	if text, ok := p.HostData.(string); ok {
		if err := json.Unmarshal([]byte(text), &p.HostData); err != nil {
			return rpc.None{}, koji.ParameterErrorf("Host data is not JSON: %w", err)
		}
	}
	data, ok := p.HostData.(map[string]any)
	if !ok {
		return rpc.None{}, koji.ParameterErrorf("Host data should be a dictionary")
	}
	return rpc.None{}, h.Store.SetHostData(ctx, id, data)
}

func (h *Hub) hostGetTasks(ctx context.Context, _ api.NoParams) ([]api.AssignedTask, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return nil, err
	}
	return h.Store.AssignedTasks(ctx, id)
}

func (h *Hub) hostGetHostTasks(ctx context.Context, _ api.NoParams) ([]api.OpenHostTask, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return nil, err
	}
	return h.Store.OpenTasks(ctx, id)
}

func (h *Hub) hostGetLoadData(ctx context.Context, _ api.NoParams) ([]any, error) {
	host, err := h.callingHost(ctx)
	if err != nil {
		return nil, err
	}
	channels, err := h.Store.Channels(ctx, &host.ID, nil, nil)
	if err != nil {
		return nil, err
	}
	loaded := api.LoadedHost{Host: *host, Channels: make([]int64, len(channels))}
	for i, c := range channels {
		loaded.Channels[i] = c.ID
	}
	given, err := h.Store.AssignedTasks(ctx, host.ID)
	return []any{[]api.LoadedHost{loaded}, given}, err
}

func (h *Hub) hostSetTaskWeight(ctx context.Context, p api.SetTaskWeightParams) (rpc.None, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return rpc.None{}, err
	}
	if !(p.Weight >= 0) { // nor NaN, which no load comes back from
		return rpc.None{}, koji.ParameterErrorf("Invalid weight: %v", p.Weight)
	}
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.SetTaskWeight(ctx, p.TaskID, p.Weight)
}

func (h *Hub) hostRefuseTask(ctx context.Context, p api.RefuseTaskParams) (rpc.None, error) {
	id, err := session.From(ctx).AssertHost()
	if err != nil {
		return rpc.None{}, err
	}
	t, err := h.Store.Task(ctx, p.TaskID)
	switch {
	case err != nil:
		return rpc.None{}, err
	case t == nil:
		return rpc.None{}, errNoRow
	case t.HostID == nil || *t.HostID != id:
		h.Log.WarnContext(ctx, "host refused a task that it does not have", "host", id, "task", p.TaskID)
		return rpc.None{}, nil
	}
	return rpc.None{}, h.Store.RefuseTask(ctx, p.TaskID, id, p.Soft, p.Msg)
}

func (h *Hub) getHostStatus(ctx context.Context, _ api.NoParams) ([]api.HostStatus, error) {
	return h.Store.HostStatus(ctx)
}

func (h *Hub) trustHost(ctx context.Context, p api.TrustHostParams) (bool, error) {
	host, err := h.existingHost(ctx, p.Host)
	if err != nil {
		return false, err
	}
	return h.Store.TrustHost(ctx, host.ID)
}
