package builder

import (
	"context"
	"strconv"
	"sync"

	"github.com/toji-build/toji/workers/step"
)

// shutdown ends the frames of all jobs without ending their steps.
type shutdown struct {
	mu   sync.Mutex
	gone bool
	jobs map[*job]struct{}
}

func newShutdown() *shutdown { return &shutdown{jobs: map[*job]struct{}{}} }

// add registers a job; it returns false when the daemon goes already.
func (s *shutdown) add(j *job) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gone {
		return false
	}
	s.jobs[j] = struct{}{}
	return true
}

func (s *shutdown) remove(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, j)
}

// Detach has all activities end while their steps go on: the daemon is about to
// stop, and another one will find them.
func (a *Activities) Detach() {
	a.down.mu.Lock()
	defer a.down.mu.Unlock()
	a.down.gone = true
	for j := range a.down.jobs {
		j.cancel(step.ErrDetach)
	}
}

// Running is the number of activities under way.
func (a *Activities) Running() int {
	a.down.mu.Lock()
	defer a.down.mu.Unlock()
	return len(a.down.jobs)
}

// RunningRoots are the ids of the buildroots of activities under way.
func (a *Activities) RunningRoots() map[string]bool {
	a.down.mu.Lock()
	defer a.down.mu.Unlock()
	roots := map[string]bool{}
	for j := range a.down.jobs {
		roots[a.rootOf(strconv.FormatInt(j.task.ID, 10))] = true
	}
	return roots
}

// causeOf is why ctx ended, or err when it has not.
func causeOf(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
