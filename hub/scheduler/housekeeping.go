package scheduler

import (
	"context"
	"time"
)

const (
	// learnEvery is how fresh the knowledge is of how long tasks take.
	learnEvery = time.Minute
	// pruneEvery is how often old rows are looked for.
	pruneEvery = time.Hour
)

// housekeeping does what no task waits for.
func (s *Scheduler) housekeeping(ctx context.Context) {
	learn, prune := time.NewTicker(learnEvery), time.NewTicker(pruneEvery)
	defer learn.Stop()
	defer prune.Stop()
	s.learn(ctx)
	for {
		select {
		case <-ctx.Done():
			return
		case <-learn.C:
			s.learn(ctx)
		case <-prune.C:
			s.prune(ctx)
		}
	}
}

func (s *Scheduler) learn(ctx context.Context) {
	if err := s.store.LearnDurations(ctx); err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "scheduler: estimates are not up to date", "error", err)
	}
}

func (s *Scheduler) prune(ctx context.Context) {
	gone, err := s.store.PruneSchedule(ctx, s.opts.KeepLogs, s.opts.KeepHistory)
	if err != nil && ctx.Err() == nil {
		s.log.WarnContext(ctx, "scheduler: old rows are left", "error", err)
	}
	if len(gone) > 0 {
		s.log.InfoContext(ctx, "scheduler: removed what is old", "rows", gone)
	}
}
