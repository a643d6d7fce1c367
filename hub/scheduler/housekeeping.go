package scheduler

import (
	"context"
	"time"
)

// learnEvery is how fresh the knowledge is of how long tasks take.
const learnEvery = time.Minute

// housekeeping does what no task waits for.
func (s *Scheduler) housekeeping(ctx context.Context) {
	every := time.NewTicker(learnEvery)
	defer every.Stop()
	for {
		s.learn(ctx)
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

func (s *Scheduler) learn(ctx context.Context) {
	if err := s.store.LearnDurations(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "scheduler: estimates are not up to date", "error", err)
	}
}
