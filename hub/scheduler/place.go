package scheduler

import (
	"cmp"
	"math"
	"slices"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji/api"
)

// situation is what a round decides upon.
type situation struct {
	hosts   []store.BuildHost
	busy    []store.BusyTask
	tasks   []store.WaitingTask
	limits  []api.TaskLimit
	anyHost map[string]bool    // methods of tasks about a host itself
	sites   map[string]float64 // weights of the task types that sites have added
}

// placement is one round's decision.
type placement struct {
	opts      Options
	anyHost   map[string]bool
	hosts     []*machine
	bins      map[binKey]*bin
	owners    map[int64]*tenant
	channels  map[int64]int // tasks on hosts
	ownerMax  map[int64]int
	channelMx map[int64]int
}

// machine is a host during a round.
type machine struct {
	*store.BuildHost
	arches []string
	ends   []float64 // in how many seconds its tasks end, by experience
	probed bool      // it has its probe
}

// tenant is an owner of tasks.
type tenant struct {
	tasks  int
	load   float64
	onHost map[int64]float64 // load by host
}

func newPlacement(o Options, s situation) *placement {
	p := &placement{
		opts: o, anyHost: s.anyHost, bins: map[binKey]*bin{}, owners: map[int64]*tenant{}, channels: map[int64]int{},
		ownerMax: map[int64]int{}, channelMx: map[int64]int{},
	}
	for i := range s.hosts {
		p.hosts = append(p.hosts, newMachine(&s.hosts[i]))
	}
	for _, t := range s.busy {
		if !t.Waiting {
			p.carry(t.OwnerID, t.ChannelID, t.HostID, t.Weight)
		}
	}
	for _, l := range s.limits {
		to := p.ownerMax
		if l.Kind == api.LimitChannel {
			to = p.channelMx
		}
		to[l.ID] = int(l.Tasks)
	}
	p.expectEnds(s.busy)
	return p
}

func (p *placement) owner(id int64) *tenant {
	t := p.owners[id]
	if t == nil {
		t = &tenant{onHost: map[int64]float64{}}
		p.owners[id] = t
	}
	return t
}

// carry counts a task that a host works on.
func (p *placement) carry(owner, channel, host int64, weight float64) {
	t := p.owner(owner)
	t.tasks++
	t.load += weight
	t.onHost[host] += weight
	p.channels[channel]++
}

// place chooses a host for each task that can have one, and says of each other
// one why it waits. Waits that are recorded already are left out.
func (p *placement) place(tasks []store.WaitingTask) (assigned []store.Assignment, waits []store.Wait) {
	for _, t := range p.order(tasks) {
		host, why := p.choose(t)
		if host == nil {
			if w := why.wait(t); news(t, w) {
				waits = append(waits, w)
			}
			continue
		}
		host.Load += t.Weight
		host.Tasks++
		host.probed = true
		if !p.anyHost[t.Method] {
			p.carry(t.OwnerID, t.ChannelID, host.ID, t.Weight)
		}
		assigned = append(assigned, store.Assignment{TaskID: t.ID, HostID: host.ID, Weight: t.Weight})
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
	for id, o := range p.owners {
		carried[id] = o.load
	}
	list := make([]ranked, len(tasks))
	for i := range tasks {
		t := &tasks[i]
		if list[i].task = t; p.opts.Fairness != FairNot {
			list[i].behind = carried[t.OwnerID]
			carried[t.OwnerID] += t.Weight
		}
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

// choose finds the least loaded host that may take t, or says why none does.
func (p *placement) choose(t *store.WaitingTask) (*machine, *answer) {
	b := p.binOf(t)
	why := &answer{bin: b}
	if why.limit = p.overLimit(t, b); why.limit != nil {
		return nil, why
	}
	var best *machine
	for _, h := range b.ready {
		v := p.takes(h, t)
		why.count[v]++
		if v == fits && (best == nil || rank(h, t) < rank(best, t)) {
			best = h
		}
	}
	if best == nil && why.count[full] > 0 {
		why.startsIn = b.nextEnd(t)
	}
	return best, why
}

// limit is a bound that keeps a task from all hosts.
type limit struct {
	code string
	at   float64
}

// overLimit returns the limit that t would break. A task about a host itself
// breaks none.
func (p *placement) overLimit(t *store.WaitingTask, b *bin) *limit {
	if b.any {
		return nil
	}
	o := p.owner(t.OwnerID)
	if most, ok := maximum(p.ownerMax, t.OwnerID, p.opts.OwnerTasks); ok && o.tasks >= most {
		return &limit{"owner-limit", float64(most)}
	}
	if most, ok := maximum(p.channelMx, t.ChannelID, p.opts.ChannelTasks[t.Channel]); ok && p.channels[t.ChannelID] >= most {
		return &limit{"channel-limit", float64(most)}
	}
	if share := p.opts.OwnerShare; share < 1 {
		var has, all float64
		for _, h := range b.ready {
			has += o.onHost[h.ID]
			all += h.Capacity
		}
		// Whatever its share, one task at a time is everybody's.
		if has > 0 && has+t.Weight > share*all {
			return &limit{"owner-share", share}
		}
	}
	return nil
}

// maximum is the limit of one owner or channel, or else that of all, where 0 is
// none.
func maximum(own map[int64]int, id int64, all int) (int, bool) {
	if n, ok := own[id]; ok {
		return n, true
	}
	return all, all > 0
}

// rank is lower for a host that has less to do in relation to its size. Another
// host is better than one that had trouble with the task, however busy it is; and
// a task that had any is no good probe.
func rank(h *machine, t *store.WaitingTask) float64 {
	const trouble, probe = 1e6, 1e3
	r := (h.Load + float64(h.Tasks)*0.01) / max(h.Capacity, 0.01)
	for _, failed := range t.Failed {
		if failed == h.ID {
			r += trouble
		}
	}
	if h.Probe && len(t.Failed) > 0 {
		r += probe
	}
	return r
}

// news says whether a wait is to be recorded: its reason changed, or the time
// until its end by more than an estimate is off anyway.
func news(t *store.WaitingTask, w store.Wait) bool {
	if w.Code != t.WaitCode || w.Reason != t.Reason || (w.StartsIn == nil) != (t.StartsIn == nil) {
		return true
	}
	const atLeast, part = 120, 0.25
	return w.StartsIn != nil && math.Abs(*w.StartsIn-*t.StartsIn) > max(atLeast, part**w.StartsIn)
}
