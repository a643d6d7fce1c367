package step

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// ErrLost tells that a step's shim has gone without saying how the command
// ended: the host was restarted, or somebody killed the shim.
var ErrLost = errors.New("step lost: its process is gone and left no exit status")

// Step is a command that was started, maybe by an earlier life of the daemon.
type Step struct {
	dir  string
	spec Spec
	shim identity
}

// Start runs spec under a shim whose files are in dir, which it makes. When it
// returns, the command runs and Attach(dir) finds it. An error means that
// nothing runs. Canceling ctx later does not touch the step.
func Start(ctx context.Context, dir string, spec Spec) (*Step, error) {
	if err := spec.validate(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("start step: %w", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, pidFile)); err == nil {
		return nil, fmt.Errorf("start step: %s was used before", dir)
	}
	spec.HasLifeline = spec.Lifeline != nil
	if err := writeJSON(dir, specFile, spec, 0o600); err != nil {
		return nil, fmt.Errorf("start step: %w", err)
	}
	if err := launch(ctx, dir, spec); err != nil {
		return nil, fmt.Errorf("start step %s: %w", dir, err)
	}
	return Attach(dir)
}

// launch starts the shim and returns when it has started the command.
func launch(ctx context.Context, dir string, spec Spec) error {
	argv := spec.Shim
	if len(argv) == 0 {
		argv = Self("run-step")
	}
	ready, report, err := os.Pipe()
	if err != nil {
		return err
	}
	defer ready.Close()
	cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], "--dir", dir)...)
	cmd.Env = DefaultEnv
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if spec.Cgroup != "" {
		group, err := os.Open(spec.Cgroup)
		if err != nil {
			report.Close()
			return err
		}
		defer group.Close()
		// A process that is moved later makes the whole machine wait for a grace period.
		cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(group.Fd())
	}
	cmd.ExtraFiles = []*os.File{report}
	if spec.Lifeline != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, spec.Lifeline)
	}
	err = cmd.Start()
	report.Close()
	if err != nil {
		return err
	}
	go cmd.Wait() // only to reap: what counts is in DIR/exit
	stop := context.AfterFunc(ctx, func() { ready.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	msg, err := io.ReadAll(ready)
	switch {
	case err != nil:
		cmd.Process.Signal(unix.SIGUSR1)
		return errors.Join(ctx.Err(), err)
	case string(msg) != readyOK:
		// Nothing runs and nothing will: the directory is free again.
		return errors.Join(fmt.Errorf("shim: %s", msg), os.RemoveAll(dir))
	}
	return nil
}

// Self returns the start of a command line that runs this very program with a
// hidden subcommand. It works after an upgrade has replaced the program's file.
func Self(subcommand string) []string { return []string{"/proc/self/exe", subcommand} }

// Attach finds the step that was started in dir. If it was never started or
// its shim is gone, that is what Wait says. A dir that holds no step is
// fs.ErrNotExist.
func Attach(dir string) (*Step, error) {
	s := &Step{dir: dir}
	if err := readJSON(dir, specFile, &s.spec); err != nil {
		return nil, fmt.Errorf("attach to step: %w", err)
	}
	err := readJSON(dir, pidFile, &s.shim)
	if errors.Is(err, fs.ErrNotExist) {
		// The daemon died between writing the spec and the shim's first act. A
		// claim of our own keeps a late shim from starting anything.
		if _, err = claim(dir, identity{}); err == nil {
			err = readJSON(dir, pidFile, &s.shim)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("attach to step: %w", err)
	}
	return s, nil
}

// Dir returns the directory of the step's files.
func (s *Step) Dir() string { return s.dir }

// PID returns the pid of the shim.
func (s *Step) PID() int { return s.shim.PID }

// Wait returns how the command ended, as soon as no process of it is left. It
// returns ErrLost if that cannot be known, and ctx's error when ctx is done
// first; the step goes on in that case.
func (s *Step) Wait(ctx context.Context) (Exit, error) {
	if exit, err := s.exit(); !errors.Is(err, fs.ErrNotExist) {
		return exit, err
	}
	if err := s.shim.wait(ctx); err != nil {
		return Exit{}, fmt.Errorf("wait for step %s: %w", s.dir, err)
	}
	exit, err := s.exit()
	if errors.Is(err, fs.ErrNotExist) {
		return Exit{}, fmt.Errorf("step %s: %w", s.dir, ErrLost)
	}
	return exit, err
}

func (s *Step) exit() (Exit, error) {
	var exit Exit
	err := readJSON(s.dir, exitFile, &exit)
	return exit, err
}

// Kill ends everything that the step has started and returns when nothing is
// left: at once, or after Spec.StopSignals had their time. A step that has
// ended is no error. When ctx is done first, what is left is killed the hard
// way, and an error tells if even that did not help.
func (s *Step) Kill(ctx context.Context) error {
	sig := unix.SIGUSR1
	if len(s.spec.StopSignals) > 0 {
		sig = unix.SIGTERM
	}
	alive, err := s.shim.signal(sig)
	if alive {
		err = s.shim.wait(ctx)
	}
	if err == nil && s.shim.Work == "" {
		return nil
	}
	if err != nil {
		if _, sigErr := s.shim.signal(unix.SIGKILL); sigErr != nil {
			return fmt.Errorf("kill step %s: %w", s.dir, errors.Join(err, sigErr))
		}
		if s.shim.Work == "" {
			return fmt.Errorf("kill step %s: the shim did not answer: %w", s.dir, err)
		}
	}
	// Also when all went well: a shim that was killed before leaves its command behind.
	if err := killCgroup(s.shim.Work); err != nil {
		return fmt.Errorf("kill step %s: %w", s.dir, err)
	}
	return nil
}
