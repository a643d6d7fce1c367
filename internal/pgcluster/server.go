package pgcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// settings of every cluster. What is committed is on disk: a task's state must
// survive a power cut. Memory is kept small beside builds.
var settings = map[string]string{
	"fsync":              "on",
	"synchronous_commit": "on",
	"full_page_writes":   "on",
	"shared_buffers":     "128MB",
	"max_connections":    "200",
	"listen_addresses":   "127.0.0.1",
	"timezone":           "UTC",
	"log_timezone":       "UTC",
	"log_line_prefix":    "",
	"lc_messages":        "C", // explain reads the messages
	"logging_collector":  "off",
}

// server is a running postmaster.
type server struct {
	process *os.Process
	done    chan struct{} // closed when it has ended
	err     error         // how it ended; read after done
	stopped atomic.Bool   // it was told to end
	tail    tail
}

// Start makes the data directory if there is none, ends a server that an earlier
// process left behind on it, starts the server and waits until it takes
// connections. The server is killed when this process dies.
func (c *Cluster) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil && c.server.running() {
		return errors.New("pgcluster: started already")
	}
	// prepare removes the socket, so the old server goes first.
	if err := c.stopOld(ctx); err != nil {
		return err
	}
	if err := c.prepare(ctx); err != nil {
		return err
	}
	if err := c.checkPort(); err != nil {
		return err
	}
	s, err := c.spawn()
	if err != nil {
		return fmt.Errorf("pgcluster: start postgres: %w", err)
	}
	c.server = s
	if err := c.awaitReady(ctx, s); err != nil {
		s.stop(syscall.SIGQUIT)
		<-s.done
		return err
	}
	c.log.InfoContext(ctx, "postgres is ready", "dir", c.dir, "port", c.port, "pid", s.process.Pid)
	return nil
}

// checkPort fails early and clearly; the server itself would only log why.
func (c *Cluster) checkPort() error {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", c.port))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("pgcluster: port %d is in use; choose another, or stop what listens there (`ss -ltnp sport = :%d`)", c.port, c.port)
	}
	if err != nil {
		return fmt.Errorf("pgcluster: %w", err)
	}
	return l.Close()
}

func (c *Cluster) command() *exec.Cmd {
	all := maps.Clone(settings)
	maps.Copy(all, c.opts.Settings)
	all["port"] = fmt.Sprint(c.port)
	all["unix_socket_directories"] = c.socket()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.data())
	for _, name := range slices.Sorted(maps.Keys(all)) {
		cmd.Args = append(cmd.Args, "-c", name+"="+all[name])
	}
	cmd.Dir = "/" // the server goes to its data directory itself
	cmd.SysProcAttr = c.owner.attributes()
	// Ctrl-C in a terminal is for our process alone, which stops the server last.
	cmd.SysProcAttr.Setpgid = true
	// Immediate shutdown; the next start recovers.
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	return cmd
}

// spawn starts the server on a thread that lives as long as it does: the kernel
// sends Pdeathsig when the parent *thread* ends.
func (c *Cluster) spawn() (*server, error) {
	s := &server{done: make(chan struct{})}
	output, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	started := make(chan error)
	var logged sync.WaitGroup
	logged.Go(func() { s.copyLog(output, c.log) })
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := c.command()
		cmd.Stdout, cmd.Stderr = w, w
		err := cmd.Start()
		w.Close()
		s.process = cmd.Process
		started <- err
		if err == nil {
			s.err = cmd.Wait()
		}
		logged.Wait()
		close(s.done)
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return s, nil
}

// copyLog hands on the server's messages until it and its children are gone.
func (s *server) copyLog(r io.ReadCloser, log *slog.Logger) {
	defer r.Close()
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		s.tail.add(lines.Text())
		level := slog.LevelDebug
		if severe(lines.Text()) {
			level = slog.LevelWarn
		}
		log.Log(context.Background(), level, "postgres: "+lines.Text())
	}
	// A line too long for the scanner must not block the server.
	_, _ = io.Copy(io.Discard, r)
}

func severe(line string) bool {
	return strings.HasPrefix(line, "FATAL:") || strings.HasPrefix(line, "PANIC:") || strings.HasPrefix(line, "WARNING:")
}

// awaitReady polls the status that the server writes to its pid file, as pg_ctl
// does.
func (c *Cluster) awaitReady(ctx context.Context, s *server) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if file, err := readPidFile(c.data()); err == nil && file.pid == s.process.Pid && file.ready {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("pgcluster: postgres is not ready yet: %w", context.Cause(ctx))
		case <-s.done:
			return fmt.Errorf("pgcluster: postgres did not start: %s", s.tail.reason(s.err))
		case <-tick.C:
		}
	}
}

// Wait blocks until the server has ended. It returns nil when Stop ended it, and
// what went wrong otherwise.
func (c *Cluster) Wait() error {
	c.mu.Lock()
	s := c.server
	c.mu.Unlock()
	if s == nil {
		return errors.New("pgcluster: not started")
	}
	<-s.done
	if s.stopped.Load() {
		return nil
	}
	return fmt.Errorf("pgcluster: postgres ended: %s", s.tail.reason(s.err))
}

// Stop ends the server: fast, which disconnects clients and writes a checkpoint,
// or at once when ctx is done before that is through. It returns when the server
// is gone, and does nothing when none runs.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	s := c.server
	c.mu.Unlock()
	if s == nil {
		return nil
	}
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		s.stop(sig)
		select {
		case <-s.done:
			return nil
		case <-ctx.Done():
		}
		// The immediate shutdown has a time of its own.
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		ctx = late
	}
	<-s.done
	return nil
}

func (s *server) stop(sig syscall.Signal) {
	s.stopped.Store(true)
	// The only error is that the process has ended.
	_ = s.process.Signal(sig)
}

func (s *server) running() bool {
	select {
	case <-s.done:
		return false
	default:
		return true
	}
}

// tail keeps the last lines of the log, to tell why the server ended.
type tail struct {
	mu    sync.Mutex
	lines []string
}

func (t *tail) add(line string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lines = append(t.lines, line)
	if len(t.lines) > 20 {
		t.lines = t.lines[1:]
	}
}

// reason returns how the server ended, with its own last words on what was fatal.
func (t *tail) reason(err error) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	how := "exit status 0"
	if err != nil {
		how = err.Error()
	}
	for _, line := range slices.Backward(t.lines) {
		for _, word := range []string{"FATAL:", "PANIC:", "postgres:"} {
			if rest, ok := strings.CutPrefix(line, word); ok {
				return fmt.Sprintf("%s (%s)", strings.TrimSpace(rest), how)
			}
		}
	}
	return how
}
