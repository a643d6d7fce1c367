package step

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// ErrDetach as the cause of a canceled context (context.WithCancelCause) means
// that the daemon ends and its steps go on: Run leaves them alone.
var ErrDetach = errors.New("the daemon goes, its steps stay")

// Runner runs the named steps of one task, each once. What Run has started in
// an earlier life of the daemon, the same Run finds again.
type Runner struct {
	// Dir is where the steps have their directories.
	Dir string
	// Group is the task's cgroup; none when nil.
	Group *Group
	// Lifeline and Shim are handed to each step, see Spec.
	Lifeline *os.File
	Shim     []string
	// KillTimeout is how long Run waits for a canceled step; 30 s when 0.
	KillTimeout time.Duration
}

// Run runs spec as the step name and returns how it ended: at once if it has
// ended before, after waiting for it if it runs already. When ctx is done the
// step is killed, except for the cause ErrDetach, and ctx's cause returned.
//
// A step that was lost, or killed by somebody else, is reported as ErrLost once;
// the next Run starts anew.
func (r Runner) Run(ctx context.Context, name string, spec Spec) (Exit, error) {
	s, err := r.open(ctx, name, spec)
	if err != nil {
		return Exit{}, err
	}
	exit, err := s.Wait(ctx)
	if err == nil && exit.Killed && ctx.Err() == nil {
		err = fmt.Errorf("step %s was killed: %w", s.dir, ErrLost)
	}
	switch {
	case errors.Is(err, ErrLost):
		return exit, errors.Join(err, r.bury(s))
	case ctx.Err() == nil:
		return exit, err
	case errors.Is(context.Cause(ctx), ErrDetach):
		return exit, context.Cause(ctx)
	}
	timeout := r.KillTimeout
	if timeout == 0 {
		timeout = 30 * time.Second
	}
	killCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), timeout)
	defer cancel()
	if err := s.Kill(killCtx); err != nil {
		return exit, err
	}
	return exit, context.Cause(ctx)
}

// startTimeout bounds the start of a process, which takes milliseconds unless the
// disk is away.
const startTimeout = time.Minute

func (r Runner) open(ctx context.Context, name string, spec Spec) (*Step, error) {
	dir := filepath.Join(r.Dir, name)
	s, err := Attach(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if r.Group != nil {
			spec.Cgroup = r.Group.Path()
		}
		spec.Lifeline, spec.Shim = r.Lifeline, r.Shim
		// Whether a step is killed or left alone when ctx ends is known once it runs.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), startTimeout)
		defer cancel()
		return Start(ctx, dir, spec)
	case err == nil && !slices.Equal(s.spec.Argv, spec.Argv):
		return nil, fmt.Errorf("step %s runs another command: %q", dir, s.spec.Argv)
	}
	return s, err
}

// bury makes room for another try and ends what a dead shim may have left.
func (r Runner) bury(s *Step) error {
	var killed error
	if s.shim.Work != "" {
		killed = killCgroup(s.shim.Work)
	}
	lost := s.dir + ".lost"
	return errors.Join(killed, os.RemoveAll(lost), os.Rename(s.dir, lost))
}
