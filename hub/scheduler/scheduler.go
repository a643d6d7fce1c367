// Package scheduler gives tasks to hosts.
//
// One hub of several is the leader (an advisory lock) and decides; it is woken
// by changes of tasks and hosts (NOTIFY), never by a sleep. Each round reads all
// waiting tasks and all hosts in three queries, decides in memory (place.go,
// which knows neither database nor clock) and writes all its assignments, and
// the reason why each other task still waits, in one transaction.
package scheduler

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
)

// leaderLock is the advisory lock of the leader ("tojischd").
const leaderLock = 0x746f6a6973636864

// Options are the scheduler's settings.
type Options struct {
	MaxJobs     int           // tasks of one host at once, unless the host says otherwise; default 15
	Overcommit  float64       // how far above its capacity a host may be loaded; default 5, as Koji's CapacityOvercommit
	SoftRefusal time.Duration // how long a host that refused a task is not asked again; default 15 min
	HostSilence time.Duration // after this a host that is not heard of is not ready; default 3 min
}

// Scheduler assigns tasks.
type Scheduler struct {
	store   *store.Store
	log     *slog.Logger
	opts    Options
	methods []string // of types that need a host
	weights map[string]float64
	anyHost map[string]bool
}

// New makes a scheduler over s.
func New(s *store.Store, log *slog.Logger, o Options) *Scheduler {
	o.MaxJobs = cmp.Or(o.MaxJobs, 15)
	o.Overcommit = cmp.Or(o.Overcommit, 5)
	o.SoftRefusal = cmp.Or(o.SoftRefusal, 15*time.Minute)
	o.HostSilence = cmp.Or(o.HostSilence, 3*time.Minute)
	sch := &Scheduler{store: s, log: log, opts: o, weights: map[string]float64{}, anyHost: map[string]bool{}}
	for _, e := range task.All() {
		if e.Queue == task.Host {
			sch.methods = append(sch.methods, e.Method)
			sch.weights[e.Method], sch.anyHost[e.Method] = e.Weight, e.AnyHost
		}
	}
	return sch
}

// Run schedules while it is the leader, until ctx is done.
func (s *Scheduler) Run(ctx context.Context) error {
	return s.store.Lead(ctx, leaderLock, s.lead)
}

func (s *Scheduler) lead(ctx context.Context) error {
	wake := make(chan struct{}, 1)
	go s.rounds(ctx, wake)
	return s.store.Listen(ctx, func(string, string) {
		select {
		case wake <- struct{}{}:
		default: // a round is due already; it will see this change, too
		}
	}, "toji_sched")
}

// sweep bounds how long a host that fell silent is taken for ready, and how
// long a missed notification can delay a task.
const sweep = 15 * time.Second

func (s *Scheduler) rounds(ctx context.Context, wake <-chan struct{}) {
	tick := time.NewTicker(sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-tick.C:
			if err := s.store.ExpireHosts(ctx, s.opts.HostSilence); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "scheduler: cannot expire hosts", "error", err)
			}
		}
		began := time.Now()
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "scheduler: round failed, the next one tries again", "error", err)
		}
		gather(ctx, min(time.Since(began), gatherMax))
	}
}

// gatherMax bounds how long changes gather.
const gatherMax = 250 * time.Millisecond

// gather leaves changes alone for as long as a round takes, so that with
// thousands of tasks waiting a busy system does not do rounds all the time.
// With few a round takes a few milliseconds.
func gather(ctx context.Context, pause time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// Round looks at all waiting tasks once.
func (s *Scheduler) Round(ctx context.Context) error {
	tasks, hosts, owners, err := s.store.Waiting(ctx, s.methods, s.opts.SoftRefusal)
	if err != nil || len(tasks) == 0 {
		return err
	}
	for i := range tasks {
		// Koji: a task's row has a weight of its own only while a host has it.
		tasks[i].Weight = s.weights[tasks[i].Method]
	}
	p := newPlacement(s.opts, s.anyHost, hosts, owners)
	assigned, waits := p.place(tasks)
	for _, a := range assigned {
		s.log.InfoContext(ctx, "task assigned", "task", a.TaskID, "host", p.byID[a.HostID].Name)
	}
	if len(assigned)+len(waits) == 0 {
		return nil
	}
	return s.store.Assign(ctx, assigned, waits)
}
