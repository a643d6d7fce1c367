package web

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// hostRow is a host in a list.
type hostRow struct {
	api.HostStatus
	Arches  string
	Comment string
}

// State is how a host is, in a word.
func (h hostRow) State() mark {
	switch {
	case !h.Enabled && h.Tasks > 0:
		return mark{"draining", markDone}
	case !h.Enabled:
		return mark{"disabled", markDone}
	case h.QuarantinedAt != nil && h.Probe != nil:
		return mark{"on probation", markBad}
	case h.QuarantinedAt != nil:
		return mark{"quarantined", markBad}
	case h.InMaintenance():
		return mark{"maintenance", markIdle}
	case !h.Ready:
		return mark{"not ready", markIdle}
	case h.Tasks > 0:
		return mark{"busy", markBusy}
	}
	return mark{"ready", markGood}
}

// InMaintenance says whether the host's maintenance has begun.
func (h hostRow) InMaintenance() bool {
	return h.Maintenance != nil && !h.Maintenance.Starts.After(time.Now())
}

// Versions are the names and versions of the host's programs, by name.
func (h hostRow) Versions() []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(h.Report.Versions)) {
		list = append(list, name+" "+h.Report.Versions[name])
	}
	return list
}

// hostList is a list of hosts with its filters.
type hostList struct {
	*listing
	Rows   []hostRow
	States []choice
	Arches []choice
	Filter bool
}

func hostRows(status []api.HostStatus, hosts []api.Host) []hostRow {
	byID := map[int64]*api.Host{}
	for i := range hosts {
		byID[hosts[i].ID] = &hosts[i]
	}
	rows := make([]hostRow, len(status))
	for i, st := range status {
		rows[i].HostStatus = st
		if h := byID[st.ID]; h != nil {
			rows[i].Arches, rows[i].Comment = deref(h.Arches), deref(h.Comment)
		}
	}
	return rows
}

func (s *Site) loadHosts(r *http.Request) (*view, error) {
	l, err := newListing(r, "name")
	if err != nil {
		return nil, err
	}
	var b rpc.Batch
	status := rpc.Add(&b, api.GetHostStatus, api.NoParams{})
	hosts := rpc.Add(&b, api.ListHosts, api.ListHostsParams{})
	arches := rpc.Add(&b, api.GetAllArches, api.NoParams{})
	if err := s.do(r, &b); err != nil {
		return nil, err
	}
	if err := firstError(status.Err, hosts.Err, arches.Err); err != nil {
		return nil, err
	}
	list := &hostList{listing: l, Arches: choices(l.Get("arch"), arches.Value...)}
	list.States = choices(l.Get("state"), "ready", "busy", "not ready", "maintenance", "quarantined", "on probation", "draining", "disabled")
	for _, row := range hostRows(status.Value, hosts.Value) {
		if state := l.Get("state"); state != "" && row.State().Text != state {
			continue
		}
		if arch := l.Get("arch"); arch != "" && !hasWord(row.Arches, arch) {
			continue
		}
		list.Rows = append(list.Rows, row)
	}
	list.Filter = l.Get("state") != "" || l.Get("arch") != ""
	return &view{Title: "Hosts", Live: "/events", Body: list}, nil
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// hostPage is all about one host.
type hostPage struct {
	hostRow
	Description string
	Channels    []api.Channel
	Current     []taskRow
	Recent      []taskRow
}

// recentTasks is how many finished tasks the page of a host shows.
const recentTasks = 15

func (s *Site) loadHost(r *http.Request) (*view, error) {
	name := r.PathValue("name")
	host, err := rpc.Invoke(r.Context(), s.opts.Caller, api.GetHost, api.GetHostParams{HostInfo: idOrName(name)})
	if err != nil {
		return nil, err
	}
	if host == nil {
		return nil, notFound("The page Hosts lists them all.", "There is no host %s.", name)
	}
	tasks := func(order string, limit int64, states ...koji.TaskState) api.ListTasksParams {
		list := make([]any, len(states))
		for i, state := range states {
			list[i] = int64(state)
		}
		return api.ListTasksParams{
			Opts:      map[string]any{"host_id": host.ID, "state": list, "decode": true},
			QueryOpts: map[string]any{"order": order, "limit": limit},
		}
	}
	var b rpc.Batch
	status := rpc.Add(&b, api.GetHostStatus, api.NoParams{})
	channels := rpc.Add(&b, api.ListChannels, api.ListChannelsParams{HostID: host.ID})
	current := rpc.Add(&b, api.ListTasks, tasks("id", 500, koji.TaskAssigned, koji.TaskOpen))
	recent := rpc.Add(&b, api.ListTasks, tasks("-completion_time", recentTasks, koji.TaskClosed, koji.TaskFailed, koji.TaskCanceled))
	if err := s.do(r, &b); err != nil {
		return nil, err
	}
	if err := firstError(status.Err, channels.Err, current.Err, recent.Err); err != nil {
		return nil, err
	}
	p := &hostPage{Description: deref(host.Description), Channels: channels.Value}
	for _, row := range hostRows(status.Value, []api.Host{*host}) {
		if row.ID == host.ID {
			p.hostRow = row
		}
	}
	p.Current, p.Recent = taskRows(current.Value.List), taskRows(recent.Value.List)
	for i := range p.Current {
		p.Current[i].Host = host.Name
	}
	for i := range p.Recent {
		p.Recent[i].Host = host.Name
	}
	return &view{Title: host.Name, Live: "/events", Body: p}, nil
}
