package scheduler

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
)

// placement is one round's decision.
type placement struct {
	opts    Options
	anyHost map[string]bool
	hosts   []*store.BuildHost
	byID    map[int64]*store.BuildHost
	owners  map[int64]float64 // weight that hosts carry for an owner
}

func newPlacement(o Options, anyHost map[string]bool, hosts []store.BuildHost, owners []store.OwnerLoad) *placement {
	p := &placement{opts: o, anyHost: anyHost, byID: map[int64]*store.BuildHost{}, owners: map[int64]float64{}}
	for i := range hosts {
		p.hosts = append(p.hosts, &hosts[i])
		p.byID[hosts[i].ID] = &hosts[i]
	}
	for _, o := range owners {
		p.owners[o.OwnerID] = o.Weight
	}
	return p
}

// place chooses a host for each task that can have one, and says of each other
// one why it waits. Waits that are recorded already are left out.
func (p *placement) place(tasks []store.WaitingTask) (assigned []store.Assignment, waits []store.Wait) {
	for _, t := range p.order(tasks) {
		host, code, reason := p.choose(t)
		switch {
		case host != nil:
			host.Load += t.Weight
			host.Tasks++
			assigned = append(assigned, store.Assignment{TaskID: t.ID, HostID: host.ID, Weight: t.Weight})
		case code != t.WaitCode || reason != t.Reason:
			waits = append(waits, store.Wait{TaskID: t.ID, Code: code, Reason: reason})
		}
	}
	return assigned, waits
}

// order sorts by priority. Within one priority the owner for whom hosts carry
// the least goes first, with the weight of the owner's tasks further ahead in
// this order counted in; so that nobody's thousand tasks stand before
// another's one.
func (p *placement) order(tasks []store.WaitingTask) []*store.WaitingTask {
	type ranked struct {
		task   *store.WaitingTask
		behind float64
	}
	carried := map[int64]float64{}
	for o, w := range p.owners {
		carried[o] = w
	}
	list := make([]ranked, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		list[i] = ranked{t, carried[t.OwnerID]}
		carried[t.OwnerID] += t.Weight
	}
	slices.SortStableFunc(list, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.task.Priority, b.task.Priority), cmp.Compare(a.behind, b.behind))
	})
	sorted := make([]*store.WaitingTask, len(list))
	for i, r := range list {
		sorted[i] = r.task
	}
	return sorted
}

// tally counts the hosts that fall out, and for which reason.
type tally struct{ inChannel, ofArch, quarantined, ready, willing int }

// choose finds the least loaded host that may take t, or says why none does.
func (p *placement) choose(t *store.WaitingTask) (best *store.BuildHost, code, reason string) {
	var n tally
	for _, h := range p.hosts {
		anyHost := p.anyHost[t.Method]
		if !anyHost && !slices.Contains(h.Channels, t.ChannelID) {
			continue
		}
		n.inChannel++
		if !anyHost && t.Arch != "noarch" && !hasArch(h, t.Arch) {
			continue
		}
		n.ofArch++
		if h.Quarantined {
			n.quarantined++
			continue
		}
		if !h.Ready {
			continue
		}
		n.ready++
		if slices.Contains(t.Refused, h.ID) {
			continue
		}
		n.willing++
		if p.hasRoom(h, t) && (best == nil || rank(h, t) < rank(best, t)) {
			best = h
		}
	}
	if best == nil {
		code, reason = n.reason(t)
	}
	return best, code, reason
}

// reason says why none of the hosts will do.
func (n tally) reason(t *store.WaitingTask) (code, reason string) {
	switch {
	case n.inChannel == 0:
		return "no-channel", fmt.Sprintf("no enabled host is in channel %s", t.Channel)
	case n.ofArch == 0:
		return "no-arch", fmt.Sprintf("no enabled host in channel %s builds for %s", t.Channel, t.Arch)
	case n.ready == 0:
		reason = fmt.Sprintf("none of %s in channel %s for %s is ready", hosts(n.ofArch), t.Channel, t.Arch)
		if n.quarantined > 0 {
			reason += fmt.Sprintf(" (%d in quarantine after trouble in a row; enable-host ends that)", n.quarantined)
		}
		return "no-ready-host", reason
	case n.willing == 0:
		return "refused", fmt.Sprintf("refused by %s", hosts(n.ready))
	}
	return "no-capacity", fmt.Sprintf("%s busy; waiting for capacity in channel %s", hosts(n.willing), t.Channel)
}

func hasArch(h *store.BuildHost, arch string) bool {
	for a := range strings.FieldsSeq(h.Arches) {
		if a == arch {
			return true
		}
	}
	return false
}

// hasRoom follows Koji: a host is full when what it has left would not carry
// the task's weight less the overcommit.
func (p *placement) hasRoom(h *store.BuildHost, t *store.WaitingTask) bool {
	return h.Capacity-h.Load > max(0, t.Weight-p.opts.Overcommit) && h.Tasks < cmp.Or(h.MaxJobs, p.opts.MaxJobs)
}

// rank is lower for a host that has less to do in relation to its size. Another
// host is better than one that had trouble with the task, however busy it is.
func rank(h *store.BuildHost, t *store.WaitingTask) float64 {
	const trouble = 1e6
	r := (h.Load + float64(h.Tasks)*0.01) / max(h.Capacity, 0.01)
	for _, failed := range t.Failed {
		if failed == h.ID {
			r += trouble
		}
	}
	return r
}

func hosts(n int) string {
	if n == 1 {
		return "1 host"
	}
	return fmt.Sprintf("%d hosts", n)
}
