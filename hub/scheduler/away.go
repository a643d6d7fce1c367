package scheduler

import (
	"context"
	"time"
)

const (
	// awayFor is how long a builder may be without a connection before its tasks are
	// given to others: upgrades and restarts take less.
	awayFor = 30 * time.Second
	// awayEvery is how often it is looked for such hosts.
	awayEvery = 5 * time.Second
)

// watchHosts frees the tasks of hosts that went away. It begins when builders have
// had the time to come back to a hub that was away itself.
func (s *Scheduler) watchHosts(ctx context.Context) {
	began := time.Now()
	tick := time.NewTicker(awayEvery)
	defer tick.Stop()
	for last := began; ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := time.Now()
		if now.Sub(last) > awayFor {
			began = now // this process stood still
		}
		last = now
		if now.Sub(began) < awayFor {
			continue
		}
		freed, err := s.store.FreeAway(ctx, awayFor)
		if len(freed) > 0 {
			s.log.WarnContext(ctx, "hosts went away, their tasks are free again", "tasks", freed)
		}
		if err != nil {
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "scheduler: cannot look for hosts that went away", "error", err)
			}
			began = now // nor could they report
		}
	}
}
