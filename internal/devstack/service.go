package devstack

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// settled is how long a child has to live for its next end to be a new
	// trouble and not the same again.
	settled = 10 * time.Second
	// backoffMin and backoffMax bound the pause before a child that died again
	// is started again. The first time there is none.
	backoffMin = 100 * time.Millisecond
	backoffMax = 5 * time.Second
	// firstTries is how often a child may die before it was ever ready.
	firstTries = 3
	// startPatience is how long a service may take to become ready.
	startPatience = 2 * time.Minute
)

// child is something that was started.
type child interface {
	// Wait blocks until it has ended and returns why.
	Wait() error
	// Stop ends it in order, or hard when ctx is done.
	Stop(ctx context.Context) error
}

// service is a child that is kept alive: started again whenever it ends.
type service struct {
	name    string
	launch  func(context.Context) (child, error)
	ready   func(context.Context) error // returns when the child serves; nil if launch waits for that
	grace   time.Duration               // for stopping in order
	logFile string                      // where to read more
	console *console

	up       atomic.Bool
	cancel   context.CancelFunc // nil before start
	launched chan struct{}      // closed when the first child runs
	done     chan struct{}      // closed when the child is stopped for good
	failed   error              // why it was given up; read after done
}

// start starts the service and returns when it is ready, or cannot become so.
func (s *service) start(ctx context.Context) error {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel, s.launched, s.done = cancel, make(chan struct{}), make(chan struct{})
	go func() {
		defer close(s.done)
		s.failed = s.supervise(run)
	}()
	err := s.awaitReady(ctx)
	if err != nil {
		s.stop()
	}
	return err
}

func (s *service) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startPatience, fmt.Errorf("not ready after %v", startPatience))
	defer cancel()
	ready := make(chan error, 1)
	go func() { ready <- s.firstReady(ctx) }()
	select {
	case err := <-ready:
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return fmt.Errorf("%s: %w (its log is %s)", s.name, err, s.logFile)
		}
		s.up.Store(true)
		return nil
	case <-s.done:
		return fmt.Errorf("%s: %w (its log is %s)", s.name, s.failed, s.logFile)
	}
}

func (s *service) firstReady(ctx context.Context) error {
	select {
	case <-s.launched:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if s.ready == nil {
		return nil
	}
	return s.ready(ctx)
}

// stop stops the service, if it was started, and returns when its child is gone.
func (s *service) stop() {
	if s.cancel == nil {
		return
	}
	s.cancel()
	<-s.done
}

// supervise keeps a child alive until ctx is done. It gives up, with the reason,
// when the first ones die before the service was ready.
func (s *service) supervise(ctx context.Context) error {
	launched := sync.OnceFunc(func() { close(s.launched) })
	for deaths := 0; ; {
		began := time.Now()
		err := s.live(ctx, launched)
		if ctx.Err() != nil {
			return nil
		}
		if time.Since(began) > settled {
			deaths = 0
		}
		deaths++
		if !s.up.Load() && deaths >= firstTries {
			return err
		}
		pause := backoff(deaths)
		s.console.say("%s ended, starting it again%s: %v", s.name, after(pause), err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// live starts a child and waits for its end, or ends it when ctx is done.
func (s *service) live(ctx context.Context, launched func()) error {
	c, err := s.launch(ctx)
	if err != nil {
		return err
	}
	launched()
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.grace)
		defer cancel()
		err := c.Stop(grace)
		<-ended
		return err
	}
}

// backoff returns the pause after that many deaths in a row.
func backoff(deaths int) time.Duration {
	if deaths <= 1 {
		return 0
	}
	return min(backoffMin<<min(deaths-2, 10), backoffMax)
}

func after(pause time.Duration) string {
	if pause == 0 {
		return ""
	}
	return fmt.Sprintf(" in %v", pause)
}
