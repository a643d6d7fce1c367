package scheduler

import (
	"container/heap"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/store"
)

// verdict is what keeps a task from a host.
type verdict int

const (
	fits verdict = iota
	// What keeps all tasks of a bin from a host.
	elsewhere // it is not in the channel
	wrongArch
	disabled
	notReady
	quarantined
	maintained // it is in maintenance
	// What keeps one task from a host.
	unable // it does not know the task's type
	refuses
	endsTooLate // after the begin of maintenance
	full
	verdicts int = iota
)

// binKey names the hosts that are there for a channel and an arch; all are for
// tasks about hosts.
type binKey struct {
	channel int64
	arch    string
	any     bool
}

// bin is the hosts of one channel and arch, as they are for all tasks.
type bin struct {
	binKey
	count [verdicts]int
	kojid int        // hosts of the channel that are enabled and run Koji's own builder
	known []*machine // those that are in the channel and of the arch, enabled or not
	ready []*machine
	ends  endTimes // seconds until tasks on them end, in which others begin
}

func newMachine(h *store.BuildHost) *machine {
	return &machine{BuildHost: h, arches: strings.Fields(h.Arches)}
}

func (p *placement) keyOf(t *store.WaitingTask) binKey {
	if p.anyHost[t.Method] {
		return binKey{any: true}
	}
	return binKey{channel: t.ChannelID, arch: t.Arch}
}

func (p *placement) binOf(t *store.WaitingTask) *bin {
	key := p.keyOf(t)
	b := p.bins[key]
	if b == nil {
		b = &bin{binKey: key}
		for _, h := range p.hosts {
			v := key.admits(h)
			b.count[v]++
			if v != elsewhere && h.Enabled && len(h.Methods) > 0 {
				b.kojid++
			}
			if v != elsewhere && v != wrongArch {
				b.known = append(b.known, h)
			}
			if v == fits {
				b.ready = append(b.ready, h)
				b.ends = append(b.ends, h.ends...)
			}
		}
		heap.Init(&b.ends)
		p.bins[key] = b
	}
	return b
}

// admits says whether a host is there for tasks of the bin at all.
func (k binKey) admits(h *machine) verdict {
	switch {
	case !k.any && !slices.Contains(h.Channels, k.channel):
		return elsewhere
	case !k.any && k.arch != "noarch" && !slices.Contains(h.arches, k.arch):
		return wrongArch
	case !h.Enabled:
		return disabled
	case h.Quarantined && (!h.Probe || k.any):
		return quarantined
	case !h.Maintenance.Ends.IsZero() && h.Maintenance.StartsIn <= 0:
		return maintained
	case !h.Ready:
		return notReady
	}
	return fits
}

// takes says whether a host of its bin that is ready may get t now.
func (p *placement) takes(h *machine, t *store.WaitingTask) verdict {
	m := h.Maintenance
	switch {
	case !p.knows(h, t):
		return unable
	case slices.Contains(t.Refused, h.ID):
		return refuses
	case h.Probe && h.probed:
		return quarantined
	case !m.Ends.IsZero() && t.Takes > m.StartsIn:
		return endsTooLate
	case !p.hasRoom(h, t):
		return full
	}
	return fits
}

// knows says whether a host's builder knows the task's type: Koji's own says so
// itself; a site's worker knows its own and those about the host; Toji's worker
// knows those that have a workflow.
func (p *placement) knows(h *machine, t *store.WaitingTask) bool {
	switch {
	case len(h.Methods) > 0:
		return slices.Contains(h.Methods, t.Method)
	case h.Site || t.Site:
		return serves(h, t) || p.anyHost[t.Method]
	}
	return !t.Foreign
}

// serves says whether the site's worker of a host serves the task's type.
func serves(h *machine, t *store.WaitingTask) bool { return slices.Contains(h.Serves, t.Method) }

// hasRoom follows Koji: a host is full when what it has left would not carry
// the task's weight less the overcommit.
func (p *placement) hasRoom(h *machine, t *store.WaitingTask) bool {
	most := h.MaxJobs
	if most == 0 {
		most = p.opts.MaxJobs
	}
	return h.Capacity-h.Load > max(0, t.Weight-p.opts.Overcommit) && h.Tasks < most
}

// endTimes is a heap: the soonest first.
type endTimes []float64

func (e endTimes) Len() int           { return len(e) }
func (e endTimes) Less(i, j int) bool { return e[i] < e[j] }
func (e endTimes) Swap(i, j int)      { e[i], e[j] = e[j], e[i] }
func (e *endTimes) Push(x any)        { *e = append(*e, x.(float64)) }
func (e *endTimes) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// expectEnds tells the hosts when their tasks end. Those of which nobody knows,
// or which take longer than expected, tell nothing.
func (p *placement) expectEnds(busy []store.BusyTask) {
	byID := make(map[int64]*machine, len(p.hosts))
	for _, h := range p.hosts {
		byID[h.ID] = h
	}
	for _, t := range busy {
		if h := byID[t.HostID]; h != nil && t.EndsIn != nil && *t.EndsIn > 0 {
			h.ends = append(h.ends, *t.EndsIn)
		}
	}
}

// nextEnd is in how many seconds t will probably begin, for which no host has
// room: when the next task ends that no other one waits for; nil if nobody knows.
func (b *bin) nextEnd(t *store.WaitingTask) *float64 {
	if len(b.ends) == 0 {
		return nil
	}
	starts := b.ends[0]
	if t.Takes > 0 {
		b.ends[0] += t.Takes
		heap.Fix(&b.ends, 0)
	} else {
		heap.Pop(&b.ends)
	}
	return &starts
}
