// Package scheduler gives tasks to hosts.
//
// One hub of several is the leader (an advisory lock) and decides; it is woken
// by changes of tasks and hosts (NOTIFY), never by a sleep. Each round reads the
// hosts and the front of each line of waiting tasks, decides in memory and writes
// all its assignments, and the reason why each other task still waits, in one
// transaction. place.go, bin.go and reason.go make up the decision; they know
// neither database nor clock.
//
// Beside that the leader learns how long tasks take and removes what is old.
package scheduler

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/task"
)

// leaderLock is the advisory lock of the leader ("tojischd").
const leaderLock = 0x746f6a6973636864

// How tasks of one priority are put in order.
const (
	FairOwners = "owner" // those of the owner for whom hosts do the least go first
	FairNot    = "none"  // the oldest go first
)

// Options are the scheduler's settings.
type Options struct {
	MaxJobs     int           // tasks of one host at once, unless the host says otherwise; default 15
	Overcommit  float64       // how far above its capacity a host may be loaded; default 5, as Koji's CapacityOvercommit
	SoftRefusal time.Duration // how long a host that refused a task is not asked again; default 15 min
	HostSilence time.Duration // after this a host that is not heard of is not ready; default 3 min

	Fairness     string         // FairOwners by default, or FairNot
	OwnerTasks   int            // tasks that hosts carry at once for an owner without a limit of its own; 0: any number
	ChannelTasks map[string]int // the same for a channel, by its name
	OwnerShare   float64        // part of the capacity for a channel and arch that one owner may have; default 1
}

func (o Options) withDefaults() Options {
	o.MaxJobs = cmp.Or(o.MaxJobs, 15)
	o.Overcommit = cmp.Or(o.Overcommit, 5)
	o.SoftRefusal = cmp.Or(o.SoftRefusal, 15*time.Minute)
	o.HostSilence = cmp.Or(o.HostSilence, 3*time.Minute)
	o.Fairness = cmp.Or(o.Fairness, FairOwners)
	o.OwnerShare = cmp.Or(o.OwnerShare, 1)
	return o
}

// Scheduler assigns tasks.
type Scheduler struct {
	store   *store.Store
	log     *slog.Logger
	opts    Options
	inHub   []string // methods of types that need no host
	weights map[string]float64
	anyHost map[string]bool
}

// New makes a scheduler over s.
func New(s *store.Store, log *slog.Logger, o Options) *Scheduler {
	sch := &Scheduler{store: s, log: log, opts: o.withDefaults(), weights: map[string]float64{}, anyHost: map[string]bool{}}
	for _, e := range task.All() {
		if e.Queue == task.Host {
			sch.weights[e.Method], sch.anyHost[e.Method] = e.Weight, e.AnyHost
		} else {
			sch.inHub = append(sch.inHub, e.Method)
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
	go s.housekeeping(ctx)
	go s.watchHosts(ctx)
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
			if err := s.lookAfter(ctx); err != nil && ctx.Err() == nil {
				s.log.WarnContext(ctx, "scheduler: cannot look after hosts and tasks", "error", err)
			}
		}
		began := time.Now()
		if err := s.Round(ctx); err != nil && ctx.Err() == nil {
			s.log.WarnContext(ctx, "scheduler: round failed, the next one tries again", "error", err)
		}
		gather(ctx, min(time.Since(began), gatherMax))
	}
}

// How long Koji's own builder may be silent before its tasks are given to others,
// and how long it may leave a task unopened; both as Koji has them.
const (
	lostAfter   = 15 * time.Minute
	unopenedFor = 5 * time.Minute
)

// lookAfter does what no change of a task or host calls for.
func (s *Scheduler) lookAfter(ctx context.Context) error {
	lost, err := s.store.FreeLost(ctx, unopenedFor, lostAfter)
	if len(lost) > 0 {
		s.log.WarnContext(ctx, "tasks were lost by their hosts and are free again", "tasks", lost)
	}
	return errors.Join(err, s.store.EndStaleRuns(ctx), s.store.ExpireHosts(ctx, s.opts.HostSilence), s.store.RecordBehind(ctx, s.inHub))
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

// front is how many tasks of one line are looked at: as many as there is room for
// on all hosts, within these bounds. The round that fills the hosts is followed
// by another one.
const (
	frontLeast = 10
	frontMost  = 200
)

// Round looks at the waiting tasks once.
func (s *Scheduler) Round(ctx context.Context) error {
	if any, err := s.store.AnyWaiting(ctx, s.inHub); err != nil || !any {
		return err
	}
	sit, err := s.situation(ctx)
	if err != nil {
		return err
	}
	if sit.tasks, err = s.store.WaitingTasks(ctx, s.inHub, s.opts.SoftRefusal, s.front(sit.hosts)); err != nil {
		return err
	}
	for i := range sit.tasks {
		s.classify(&sit.tasks[i], sit)
	}
	assigned, waits := newPlacement(s.opts, sit).place(sit.tasks)
	s.tell(ctx, sit.hosts, assigned)
	if len(assigned)+len(waits) == 0 {
		return nil
	}
	return s.store.Assign(ctx, assigned, waits)
}

// classify adds what the task's type says. Koji: a task's row has a weight of its
// own only while a host has it, and weighs 1 until kojid says otherwise.
func (s *Scheduler) classify(t *store.WaitingTask, sit situation) {
	weight, known := s.weights[t.Method]
	if !known {
		weight, t.Site = sit.sites[t.Method]
	}
	t.Weight, t.Foreign = weight, !known && !t.Site
	if t.Foreign {
		t.Weight = 1
	}
}

// situation reads what the scheduler decides upon, but for the tasks.
func (s *Scheduler) situation(ctx context.Context) (sit situation, err error) {
	sit.anyHost = s.anyHost
	if sit.hosts, sit.busy, err = s.store.BuildHosts(ctx); err != nil {
		return sit, err
	}
	types, err := s.store.SiteTypes(ctx)
	if err != nil {
		return sit, err
	}
	sit.sites = make(map[string]float64, len(types))
	for _, t := range types {
		sit.sites[t.Name] = t.Weight
	}
	sit.limits, err = s.store.TaskLimits(ctx)
	return sit, err
}

func (s *Scheduler) front(hosts []store.BuildHost) int {
	room := 0
	for _, h := range hosts {
		if h.Enabled && h.Ready && h.Load < h.Capacity {
			room += max(0, cmp.Or(h.MaxJobs, s.opts.MaxJobs)-h.Tasks)
		}
	}
	return min(max(room+1, frontLeast), frontMost)
}

func (s *Scheduler) tell(ctx context.Context, hosts []store.BuildHost, assigned []store.Assignment) {
	if len(assigned) == 0 {
		return
	}
	names := make(map[int64]string, len(hosts))
	for _, h := range hosts {
		names[h.ID] = h.Name
	}
	for _, a := range assigned {
		s.log.InfoContext(ctx, "task assigned", "task", a.TaskID, "host", names[a.HostID])
	}
}
