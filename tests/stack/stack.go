// Package stack runs a whole Toji for tests and benchmarks: the real program,
// bin/toji dev, with PostgreSQL, Temporal, a hub and a builder, on free ports in
// a directory of its own.
package stack

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/profile"
)

// Options say what to run.
type Options struct {
	Toji   string    // path of the program; bin/toji of the source tree
	Dir    string    // of the stack; anybody must be able to pass through
	Output io.Writer // what it prints; discarded when nil
	Args   []string  // more arguments
}

// Stack is a running Toji.
type Stack struct {
	Dir    string
	Env    map[string]string // what DIR/env says: TOJI_URL, TOJI_TOPDIR ...
	Client *client.Client    // logged in as the admin

	opts Options
	cmd  *exec.Cmd
	done chan struct{} // closed when the program has ended
	mu   sync.Mutex
	said []string // what it printed
}

// Start starts a stack and waits until it is ready.
func Start(ctx context.Context, o Options) (*Stack, error) {
	s := &Stack{Dir: o.Dir, opts: o, done: make(chan struct{})}
	args := append([]string{"dev", "--dir", o.Dir, "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0", "--temporal-ui", "127.0.0.1:0"}, o.Args...)
	s.cmd = exec.Command(cmp.Or(o.Toji, "../../bin/toji"), args...)
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.cmd.Stderr = s.cmd.Stdout
	ready := make(chan struct{})
	if err := s.run(out, ready); err != nil {
		return nil, err
	}
	select {
	case <-ready:
	case <-s.done:
		return nil, fmt.Errorf("toji dev ended before it was ready:\n%s", s.Said())
	case <-ctx.Done():
		return nil, errors.Join(fmt.Errorf("toji dev is not ready:\n%s", s.Said()), s.Kill())
	}
	if err := s.connect(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// run starts the program, which does not outlive us, and reads what it says.
func (s *Stack) run(out io.Reader, ready chan<- struct{}) error {
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	started := make(chan error)
	go func() {
		// Pdeathsig is about the parent's thread: this one lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.read(out, ready)
		}
	}()
	return <-started
}

func (s *Stack) read(out io.Reader, ready chan<- struct{}) {
	defer close(s.done)
	told := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line := lines.Text()
		s.mu.Lock()
		s.said = append(s.said, line)
		s.mu.Unlock()
		if s.opts.Output != nil {
			fmt.Fprintln(s.opts.Output, line)
		}
		if strings.Contains(line, "ready after") && !told {
			told = true
			close(ready)
		}
	}
	_ = s.cmd.Wait() // how it ended is in what it said
}

// Said is what the program has printed.
func (s *Stack) Said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.said, "\n")
}

// connect reads what the stack says of itself and logs in as its admin.
func (s *Stack) connect(ctx context.Context) error {
	text, err := os.ReadFile(filepath.Join(s.Dir, "env"))
	if err != nil {
		return err
	}
	s.Env = map[string]string{}
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			s.Env[name] = strings.ReplaceAll(strings.TrimSuffix(strings.TrimPrefix(value, "'"), "'"), `'\''`, "'")
		}
	}
	p, err := profile.Load(profile.Options{Config: filepath.Join(s.Dir, "koji.conf"), Profile: "toji"})
	if err != nil {
		return err
	}
	s.Client, err = client.New(client.Options{
		Server: p.Server, Cert: p.Cert, ServerCA: p.ServerCA, Logger: slog.New(slog.DiscardHandler), AnonRetry: true, OfflineRetry: true, MaxRetries: 60, RetryInterval: 500 * time.Millisecond,
	})
	if err != nil {
		return err
	}
	return s.Client.LoginCert(ctx)
}

// Stop ends the stack as Ctrl-C does.
func (s *Stack) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
		return nil
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("toji dev did not stop within 30 s"), s.Kill())
	}
}

// Kill ends the program by SIGKILL; what it started has to end by itself.
func (s *Stack) Kill() error {
	err := s.cmd.Process.Kill()
	<-s.done
	return err
}

// PID is the process ID of toji dev.
func (s *Stack) PID() int { return s.cmd.Process.Pid }

// Task returns a task's row.
func (s *Stack) Task(ctx context.Context, id int64) (api.Task, error) {
	var t api.Task
	v, err := rpc.Invoke(ctx, s.Client, api.GetTaskInfo, api.TaskInfoParams{TaskID: id, Strict: true})
	if err != nil {
		return t, err
	}
	return t, rpc.Into(v, &t)
}
