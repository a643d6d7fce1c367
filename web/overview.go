package web

import (
	"net/http"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// overviewRows is how many of each the overview shows.
const overviewRows = 12

// overview is the home page.
type overview struct {
	Running     []taskRow
	Waiting     []taskRow
	Builds      []api.ListedBuild
	Hosts       []hostRow
	MoreRunning bool
	MoreWaiting bool
}

func (s *Site) loadOverview(r *http.Request) (*view, error) {
	tasks := func(order string, states ...any) api.ListTasksParams {
		return api.ListTasksParams{
			Opts:      map[string]any{"state": states, "decode": true},
			QueryOpts: map[string]any{"order": order, "limit": int64(overviewRows + 1)},
		}
	}
	var b rpc.Batch
	running := rpc.Add(&b, api.ListTasks, tasks("-start_time,-id", int64(koji.TaskOpen), int64(koji.TaskAssigned)))
	waiting := rpc.Add(&b, api.ListTasks, tasks("priority,id", int64(koji.TaskFree)))
	builds := rpc.Add(&b, api.ListBuilds, api.ListBuildsParams{QueryOpts: map[string]any{"order": "-build_id", "limit": int64(overviewRows)}})
	status := rpc.Add(&b, api.GetHostStatus, api.NoParams{})
	hosts := rpc.Add(&b, api.ListHosts, api.ListHostsParams{})
	if err := s.do(r, &b); err != nil {
		return nil, err
	}
	if err := firstError(running.Err, waiting.Err, builds.Err, status.Err, hosts.Err); err != nil {
		return nil, err
	}
	o := &overview{Builds: builds.Value.List, Hosts: hostRows(status.Value, hosts.Value)}
	o.Running, o.MoreRunning = atMost(taskRows(running.Value.List), overviewRows)
	o.Waiting, o.MoreWaiting = atMost(taskRows(waiting.Value.List), overviewRows)
	names := hostNamesOf(status.Value)
	for i := range o.Running {
		o.Running[i].Host = names[deref(o.Running[i].HostID)]
	}
	return &view{Title: "Overview", Live: "/events", Body: o}, s.explain(r, o.Waiting, names)
}

// atMost returns the first n of list, and whether there are more.
func atMost[T any](list []T, n int) ([]T, bool) {
	return list[:min(n, len(list))], len(list) > n
}
