package pgcluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pidFile is what a server says of itself in postmaster.pid.
type pidFile struct {
	pid   int
	ready bool
}

func readPidFile(data string) (pidFile, error) {
	f, err := os.Open(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return pidFile{}, err
	}
	defer f.Close()
	var lines []string
	for scan := bufio.NewScanner(f); scan.Scan(); {
		lines = append(lines, strings.TrimSpace(scan.Text()))
	}
	if len(lines) == 0 {
		return pidFile{}, errors.New("empty postmaster.pid")
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		return pidFile{}, fmt.Errorf("read postmaster.pid: %w", err)
	}
	// The eighth line is the state; src/include/utils/pidfile.h lists all.
	return pidFile{pid: pid, ready: len(lines) >= 8 && lines[7] == "ready"}, nil
}

// stopOld ends what an earlier process left running on the data directory, and
// removes a pid file whose number another program may have by now.
func (c *Cluster) stopOld(ctx context.Context) error {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		left, err := c.processes()
		if err != nil {
			return err
		}
		if len(left) == 0 {
			break
		}
		c.log.WarnContext(ctx, "an old postgres runs on this data directory; stopping it", "dir", c.dir, "pids", left, "signal", sig.String())
		c.signalOld(left, sig)
		if err := c.awaitGone(ctx, 10*time.Second); err != nil {
			return err
		}
	}
	if left, err := c.processes(); err != nil {
		return err
	} else if len(left) > 0 {
		return fmt.Errorf("pgcluster: processes %v still use %s; end them and start again", left, c.data())
	}
	err := os.Remove(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("pgcluster: remove stale pid file: %w", err)
	}
	return nil
}

// signalOld asks the postmaster, which stops its children; without one the
// children themselves.
func (c *Cluster) signalOld(pids []int, sig syscall.Signal) {
	if file, err := readPidFile(c.data()); err == nil && sig != syscall.SIGKILL {
		for _, pid := range pids {
			if pid == file.pid {
				pids = []int{pid}
				break
			}
		}
	}
	for _, pid := range pids {
		// One that has ended meanwhile is what we want.
		_ = syscall.Kill(pid, sig)
	}
}

// awaitGone waits until no process is left or the time is over.
func (c *Cluster) awaitGone(ctx context.Context, patience time.Duration) error {
	late := time.After(patience)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		left, err := c.processes()
		if err != nil || len(left) == 0 {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("pgcluster: an old postgres still runs on %s: %w", c.data(), context.Cause(ctx))
		case <-late:
			return nil
		case <-tick.C:
		}
	}
}

// processes returns the servers, and their children, that work in the data
// directory: PostgreSQL makes it the current directory of each.
func (c *Cluster) processes() ([]int, error) {
	want, err := os.Stat(c.data())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pgcluster: %w", err)
	}
	procs, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("pgcluster: %w", err)
	}
	var pids []int
	for _, entry := range procs {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// Other users' processes cannot be read; they are not ours.
		exe, err := os.Readlink(filepath.Join("/proc", entry.Name(), "exe"))
		if err != nil || filepath.Base(strings.TrimSuffix(exe, " (deleted)")) != "postgres" {
			continue
		}
		cwd, err := os.Stat(filepath.Join("/proc", entry.Name(), "cwd"))
		if err == nil && os.SameFile(cwd, want) {
			pids = append(pids, pid)
		}
	}
	return pids, nil
}
