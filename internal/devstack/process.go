package devstack

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// lifelineFD is the descriptor under which a child finds its lifeline.
const lifelineFD = 3

// program is a command line of a child that writes a log in slog's format.
type program struct {
	name     string
	argv     []string
	lifeline *os.File // read end of a pipe of which only we hold the other
	logFile  string
	console  *console
}

// process is a program that runs. It does not outlive us: the kernel kills it
// when the thread that started it ends, and it kills itself when its lifeline
// does, which the processes that it starts in turn inherit.
type process struct {
	os   *os.Process
	done chan struct{} // closed when it has ended
	err  error         // how; read after done
	last lastWords
}

// start starts the program.
func (p program) start(context.Context) (child, error) {
	log, err := openLog(p.logFile)
	if err != nil {
		return nil, err
	}
	output, w, err := os.Pipe()
	if err != nil {
		log.Close()
		return nil, err
	}
	c := &process{done: make(chan struct{})}
	var logged sync.WaitGroup
	logged.Go(func() {
		defer log.Close()
		defer output.Close()
		c.copyLog(log, output, p)
	})
	started := make(chan error)
	go func() {
		// Pdeathsig is about the parent's thread: this one lives as long as the child.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		cmd := p.command(w)
		err := cmd.Start()
		w.Close()
		c.os = cmd.Process
		started <- err
		if err == nil {
			c.err = cmd.Wait()
		}
		// Something that it started may still hold the pipe.
		_ = output.SetReadDeadline(time.Now().Add(time.Second))
		logged.Wait()
		close(c.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	return c, nil
}

func (p program) command(output *os.File) *exec.Cmd {
	cmd := exec.Command(p.argv[0], p.argv[1:]...)
	cmd.Args = append(cmd.Args, "--lifeline", fmt.Sprint(lifelineFD))
	cmd.Stdout, cmd.Stderr = output, output
	cmd.ExtraFiles = []*os.File{p.lifeline}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		// Ctrl-C in a terminal is for us alone, who stop them in order.
		Setpgid:   true,
		Pdeathsig: syscall.SIGKILL,
	}
	return cmd
}

func (c *process) copyLog(log io.Writer, output io.Reader, p program) {
	lines := bufio.NewReader(output)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			// A full disk must not stop the child.
			_, _ = io.WriteString(log, line)
			line = strings.TrimRight(line, "\n")
			c.last.hear(line)
			if topic, text, ok := warning(line); ok {
				p.console.warn(p.name, topic, text)
			}
		}
		if err != nil {
			return
		}
	}
}

// Wait returns how the process ended, with its own last words.
func (c *process) Wait() error {
	<-c.done
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	if words := c.last.words(); words != "" {
		return fmt.Errorf("%s: %s", how, words)
	}
	return fmt.Errorf("%s", how)
}

// Stop asks the process to end, and kills it when ctx is done before it has.
func (c *process) Stop(ctx context.Context) error {
	// The only error is that it has ended.
	_ = c.os.Signal(syscall.SIGTERM)
	select {
	case <-c.done:
	case <-ctx.Done():
		_ = c.os.Kill()
		<-c.done
	}
	return nil
}

// lastWords remembers what is most likely the reason for a program's end.
type lastWords struct {
	mu    sync.Mutex
	line  string
	grave bool
}

// hear takes the next line. A grave one gives way only to another grave one,
// as stacks follow a panic; all others to the next.
func (l *lastWords) hear(line string) {
	grave := false
	for _, mark := range []string{"level=ERROR", "panic:", "fatal error:"} {
		grave = grave || strings.Contains(line, mark)
	}
	if _, text, ok := warning(line); ok {
		line = text
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if (grave || !l.grave) && strings.TrimSpace(line) != "" && !strings.Contains(line, "level=") {
		l.line, l.grave = line, grave
	}
}

func (l *lastWords) words() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.line
}

// maxLog is the size from which on a log is put aside at a start.
const maxLog = 16 << 20

// openLog opens a log to append to. The one before the last large one goes.
func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".old"); err != nil {
			return nil, err
		}
	}
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
}
