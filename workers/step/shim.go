package step

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// What the shim tells its parent through the pipe that it inherits: readyOK, or
// the reason why it did not start the command.
const (
	readyFD    = 3
	lifelineFD = 4
	readyOK    = "ok"
)

// Main is the shim, "toji run-step --dir DIR"; args are those after "run-step".
// Its exit status is 0 unless it could not do its own work.
//
// SIGTERM stops the command politely (Spec.StopSignals), SIGUSR1 kills it.
func Main(args []string) int {
	syscall.CloseOnExec(readyFD)
	syscall.CloseOnExec(lifelineFD)
	report := os.NewFile(readyFD, "ready")
	sh, err := startShim(args)
	if err != nil {
		fmt.Fprint(report, err)
		report.Close()
		return 1
	}
	io.WriteString(report, readyOK)
	report.Close()
	exit := sh.watch()
	if err := writeJSON(sh.dir, exitFile, exit, 0o644); err != nil {
		return 1
	}
	return 0
}

// shim runs one command.
type shim struct {
	dir      string
	spec     Spec
	self     identity
	main     int // the command's pid
	started  time.Time
	signals  chan os.Signal
	ended    chan syscall.WaitStatus // the command's own status
	empty    chan struct{}           // closed when no child is left
	lifeline chan struct{}           // closed at EOF
}

func startShim(args []string) (*shim, error) {
	flags := flag.NewFlagSet("run-step", flag.ContinueOnError)
	dir := flags.String("dir", "", "the step's directory")
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	sh := &shim{dir: *dir, signals: make(chan os.Signal, 8), ended: make(chan syscall.WaitStatus, 1),
		empty: make(chan struct{}), lifeline: make(chan struct{})}
	if err := readJSON(sh.dir, specFile, &sh.spec); err != nil {
		return nil, err
	}
	// Before anything is claimed: a signal must never end the shim. Those without
	// a meaning are caught, not ignored: the command would inherit that.
	signal.Notify(sh.signals, unix.SIGTERM, unix.SIGUSR1)
	signal.Notify(make(chan os.Signal, 1), unix.SIGHUP, unix.SIGINT, unix.SIGPIPE)
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("become subreaper: %w", err)
	}
	if err := sh.claim(); err != nil {
		return nil, err
	}
	if err := sh.startCommand(); err != nil {
		if sh.self.Work != "" {
			os.Remove(sh.self.Work)
		}
		return nil, err
	}
	go sh.reap()
	if sh.spec.HasLifeline {
		go sh.watchLifeline()
	}
	return sh, nil
}

// claim makes the command's cgroup and writes DIR/pid.
func (sh *shim) claim() (err error) {
	if sh.self, err = identify(os.Getpid()); err != nil {
		return err
	}
	if sh.spec.Cgroup != "" {
		if sh.self.Work, err = workCgroup(sh.spec.Cgroup); err != nil {
			return err
		}
	}
	mine, err := claim(sh.dir, sh.self)
	if err == nil && !mine {
		err = errors.New("somebody else has the step")
	}
	return err
}

func (sh *shim) startCommand() error {
	syscall.Umask(sh.umask())
	env := sh.spec.Env
	if len(env) == 0 {
		env = DefaultEnv
	}
	path, err := lookPath(sh.spec.Argv[0], env)
	if err != nil {
		return err
	}
	cmd := exec.Command(path, sh.spec.Argv[1:]...)
	cmd.Args[0] = sh.spec.Argv[0]
	cmd.Env = env
	cmd.Dir = sh.spec.Dir
	if cmd.Dir == "" {
		cmd.Dir = "/"
	}
	attr := &syscall.SysProcAttr{Setsid: true}
	cmd.SysProcAttr = attr
	if u := sh.spec.User; u != nil {
		attr.Credential = &syscall.Credential{Uid: u.UID, Gid: u.GID, Groups: u.Groups}
	}
	if sh.self.Work != "" {
		dir, err := os.Open(sh.self.Work)
		if err != nil {
			return err
		}
		defer dir.Close()
		attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
	}
	if sh.spec.Log != "" {
		// Not through a symlink: the folder may be one that builds can write to.
		log, err := os.OpenFile(sh.spec.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY|unix.O_NOFOLLOW, 0o644)
		if err != nil {
			return err
		}
		defer log.Close()
		cmd.Stdout, cmd.Stderr = log, log
	}
	sh.started = time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	sh.main = cmd.Process.Pid
	return nil
}

func (sh *shim) umask() int {
	if sh.spec.Umask != 0 {
		return sh.spec.Umask
	}
	return 0o022
}

// lookPath finds name in the PATH of env, not in the shim's own.
func lookPath(name string, env []string) (string, error) {
	if strings.Contains(name, "/") {
		return name, nil
	}
	for _, kv := range env {
		list, ok := strings.CutPrefix(kv, "PATH=")
		if !ok {
			continue
		}
		for _, dir := range filepath.SplitList(list) {
			p := filepath.Join(dir, name)
			if filepath.IsAbs(p) && unix.Access(p, unix.X_OK) == nil {
				return p, nil
			}
		}
	}
	return "", fmt.Errorf("%s: %w", name, exec.ErrNotFound)
}

// reap waits for all children, those that were orphaned to us too.
func (sh *shim) reap() {
	defer close(sh.empty)
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil: // ECHILD
			return
		case pid == sh.main:
			sh.ended <- status
		}
	}
}

func (sh *shim) watchLifeline() {
	io.Copy(io.Discard, os.NewFile(lifelineFD, "lifeline"))
	close(sh.lifeline)
}

// watch sees the command to its end, by itself or by force, and returns when
// no process of it is left.
func (sh *shim) watch() Exit {
	exit := Exit{StartedAt: sh.started}
	var timeout, grace <-chan time.Time
	if sh.spec.Timeout > 0 {
		timeout = time.After(sh.spec.Timeout)
	}
	polite := sh.spec.StopSignals
	stop := func() {
		if len(polite) == 0 {
			sh.kill()
			return
		}
		syscall.Kill(sh.main, polite[0])
		polite = polite[1:]
		grace = time.After(sh.grace())
	}
	for {
		select {
		case status := <-sh.ended:
			exit.Code = status.ExitStatus()
			if status.Signaled() {
				exit.Signal = int(status.Signal())
			}
			sh.kill() // what the command left behind
			sh.removeCgroup()
			exit.FinishedAt = time.Now()
			return exit
		case <-timeout:
			exit.TimedOut = true
			stop()
		case <-grace:
			stop()
		case sig := <-sh.signals:
			if sig == unix.SIGUSR1 {
				polite = nil
			}
			if !exit.Killed || sig == unix.SIGUSR1 {
				exit.Killed = true
				stop()
			}
		case <-sh.lifeline:
			exit.Killed = true
			sh.lifeline = nil
			sh.kill()
		}
	}
}

func (sh *shim) grace() time.Duration {
	if sh.spec.Grace > 0 {
		return sh.spec.Grace
	}
	return defaultGrace
}
