package builder

import (
	"context"
	"strconv"
	"sync"

	"github.com/toji-build/toji/workers/step"
)

// shutdown knows the jobs under way, one for each task, and ends their frames
// without ending their steps.
type shutdown struct {
	mu       sync.Mutex
	jobs     map[int64]*job // by task
	draining bool           // no more jobs begin
	gone     bool
	left     chan struct{} // closed when gone
}

func newShutdown() *shutdown { return &shutdown{jobs: map[int64]*job{}, left: make(chan struct{})} }

// enter registers a job, as soon as it may begin. A daemon that drains leaves it
// to the next one. An earlier job of the task does not know yet that nobody wants
// it and is waited for, as both use one folder; if it is the same activity,
// tried again, its steps go on.
func (s *shutdown) enter(ctx context.Context, j *job) error {
	for {
		var wait <-chan struct{}
		earlier, ok := s.add(j)
		switch {
		case ok:
			return nil
		case earlier == nil:
			wait = s.left
		case earlier.attempt == j.attempt:
			earlier.cancel(step.ErrDetach)
			wait = earlier.done
		default:
			earlier.cancel(errCanceled)
			wait = earlier.done
		}
		select {
		case <-wait:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if wait == s.left {
			return step.ErrDetach
		}
	}
}

// add registers a job. It returns false when the daemon drains, or when the task
// has a job already, and then that one.
func (s *shutdown) add(j *job) (earlier *job, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining || s.gone {
		return nil, false
	}
	if earlier = s.jobs[j.task.ID]; earlier != nil {
		return earlier, false
	}
	s.jobs[j.task.ID] = j
	return nil, true
}

func (s *shutdown) remove(j *job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.jobs, j.task.ID)
	close(j.done)
}

// StopRequest names a task that was cancelled.
type StopRequest struct {
	TaskID int64 `json:"task"`
}

// Stop ends the work of a task at once. By itself it would only learn of the
// cancel with its next heartbeat, and still does if it is not to be found here.
func (a *Activities) Stop(_ context.Context, req StopRequest) error {
	a.down.mu.Lock()
	defer a.down.mu.Unlock()
	if j := a.down.jobs[req.TaskID]; j != nil {
		j.cancel(errCanceled)
	}
	return nil
}

// Drain has no more jobs begin: those that come wait for the next daemon.
func (c Control) Drain() {
	down := c.activities.down
	down.mu.Lock()
	defer down.mu.Unlock()
	down.draining = true
}

// Detach has all activities end while their steps go on: the daemon is about to
// stop, and another one will find them.
func (c Control) Detach() {
	down := c.activities.down
	down.mu.Lock()
	defer down.mu.Unlock()
	if down.gone {
		return
	}
	down.gone = true
	close(down.left)
	for _, j := range down.jobs {
		j.cancel(step.ErrDetach)
	}
}

// Running is the number of activities under way.
func (c Control) Running() int {
	down := c.activities.down
	down.mu.Lock()
	defer down.mu.Unlock()
	return len(down.jobs)
}

// RunningRoots are the ids of the buildroots of activities under way.
func (c Control) RunningRoots() map[string]bool {
	a := c.activities
	a.down.mu.Lock()
	defer a.down.mu.Unlock()
	roots := map[string]bool{}
	for id := range a.down.jobs {
		roots[a.rootOf(strconv.FormatInt(id, 10))] = true
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
