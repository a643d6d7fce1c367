package scheduler

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji/api"
)

// Verdicts says of each host of a free task's channel what keeps the task from
// it now. A task that needs no host, or is not free, has none.
func (s *Scheduler) Verdicts(ctx context.Context, id int64) ([]api.HostVerdict, error) {
	t, err := s.store.WaitingTask(ctx, id, s.inHub, s.opts.SoftRefusal)
	if err != nil || t == nil {
		return nil, err
	}
	sit, err := s.situation(ctx)
	if err != nil {
		return nil, err
	}
	s.classify(t, sit)
	p := newPlacement(s.opts, sit)
	key := p.keyOf(t)
	list := []api.HostVerdict{}
	for _, h := range p.hosts {
		v := key.admits(h)
		if v == fits {
			v = p.takes(h, t)
		}
		if v != elsewhere {
			list = append(list, api.HostVerdict{HostID: h.ID, Host: h.Name, Code: v.code(), Detail: p.detail(v, h, t)})
		}
	}
	return list, nil
}

// code names a verdict for programs.
func (v verdict) code() string {
	return [...]string{"free", "elsewhere", "wrong-arch", "disabled", "not-ready", "quarantined", "maintenance", "not-able", "refused", "ends-too-late", "full"}[v]
}

// detail explains a verdict in a few words.
func (p *placement) detail(v verdict, h *machine, t *store.WaitingTask) string {
	switch v {
	case wrongArch:
		return "builds for " + h.Arches
	case quarantined:
		switch {
		case h.Probe:
			return "its probe is chosen"
		case h.Until == nil:
			return "until enable-host"
		}
		return "until " + moment(*h.Until)
	case maintained:
		return "until " + moment(h.Maintenance.Ends) + reasonOf(h)
	case endsTooLate:
		return "maintenance begins at " + moment(h.Maintenance.Starts) + reasonOf(h)
	case unable:
		switch {
		case len(h.Methods) > 0:
			return "its kojid does not know " + t.Method + " tasks"
		case h.Site || t.Site:
			return "its worker does not serve " + t.Method + " tasks"
		}
		return "Toji has no workflow for " + t.Method + " tasks"
	case refuses:
		for i, host := range t.Refused {
			if host == h.ID && i < len(t.Refusals) {
				return t.Refusals[i]
			}
		}
	case full:
		return fmt.Sprintf("load %.2f of %.2f, %s", h.Load, h.Capacity, tasks(h.Tasks))
	}
	return ""
}

func reasonOf(h *machine) string {
	if h.Maintenance.Reason == "" {
		return ""
	}
	return ": " + h.Maintenance.Reason
}
