package hub

import (
	"context"

	"github.com/toji-build/toji/hub/scheduler"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindScheduling(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetWhy, h.getWhy)
	rpc.Bind(r, api.GetTaskLimits, h.getTaskLimits)
	rpc.Bind(r, api.SetTaskLimit, h.setTaskLimit)
	rpc.Bind(r, api.GetMaintenances, h.getMaintenances)
	rpc.Bind(r, api.AddMaintenance, h.addMaintenance)
	rpc.Bind(r, api.RemoveMaintenance, h.removeMaintenance)
}

func schedulerOptions(c config.Scheduler) scheduler.Options {
	return scheduler.Options{
		MaxJobs: c.MaxJobs, Overcommit: c.CapacityOvercommit, SoftRefusal: c.SoftRefusalTimeout.Std(), HostSilence: c.ReadyTimeout.Std(),
		Fairness: c.Fairness, OwnerTasks: c.OwnerTasks, OwnerShare: c.OwnerShare, ChannelTasks: c.ChannelTasks,
	}
}

func quarantine(c config.Scheduler) store.Quarantine {
	return store.Quarantine{Failures: c.QuarantineFailures, First: c.QuarantineFirst.Std(), Longest: c.QuarantineLongest.Std()}
}

func (h *Hub) getWhy(ctx context.Context, p api.TaskIDParams) (*api.Why, error) {
	w, err := h.Store.Why(ctx, p.TaskID)
	if err != nil || w == nil {
		return nil, err
	}
	w.Hosts, err = h.Sched.Verdicts(ctx, p.TaskID)
	return w, err
}

func (h *Hub) getTaskLimits(ctx context.Context, _ api.NoParams) ([]api.TaskLimit, error) {
	return h.Store.TaskLimits(ctx)
}

func (h *Hub) setTaskLimit(ctx context.Context, p api.SetTaskLimitParams) (rpc.None, error) {
	if p.Tasks != nil && (*p.Tasks < 0 || *p.Tasks > 1<<31-1) {
		return rpc.None{}, koji.ParameterErrorf("Invalid number of tasks: %d", *p.Tasks)
	}
	var id int64
	switch p.Kind {
	case api.LimitOwner:
		user, err := h.User(ctx, p.Info, true)
		if err != nil {
			return rpc.None{}, err
		}
		id = user.ID
	case api.LimitChannel:
		channel, err := h.existingChannel(ctx, p.Info)
		if err != nil {
			return rpc.None{}, err
		}
		id = channel.ID
	default:
		return rpc.None{}, koji.ParameterErrorf("Limits are of kind owner or channel, not %s", p.Kind)
	}
	return rpc.None{}, h.Store.SetTaskLimit(ctx, p.Kind, id, p.Tasks)
}

func (h *Hub) getMaintenances(ctx context.Context, p api.MaintenancesParams) ([]api.Maintenance, error) {
	if p.Host == nil {
		return h.Store.Maintenances(ctx, nil)
	}
	host, err := h.existingHost(ctx, p.Host)
	if err != nil {
		return nil, err
	}
	return h.Store.Maintenances(ctx, &host.ID)
}

func (h *Hub) addMaintenance(ctx context.Context, p api.AddMaintenanceParams) (int64, error) {
	host, err := h.existingHost(ctx, p.Host)
	if err != nil {
		return 0, err
	}
	const farFuture = 1e11 // beyond the year 5000
	if !(p.Starts >= 0 && p.Starts < farFuture && p.Ends < farFuture) {
		return 0, koji.ParameterErrorf("Invalid time of maintenance")
	}
	starts, ends := koji.FromTS(p.Starts), koji.FromTS(p.Ends)
	if !starts.Before(ends.Time) || !ends.After(h.Now()) {
		return 0, koji.ParameterErrorf("Maintenance must end after its beginning and after now")
	}
	return h.Store.AddMaintenance(ctx, host.ID, session.From(ctx).UserID, starts.Time, ends.Time, p.Reason)
}

func (h *Hub) removeMaintenance(ctx context.Context, p api.RemoveMaintenanceParams) (bool, error) {
	return h.Store.RemoveMaintenance(ctx, p.ID)
}
