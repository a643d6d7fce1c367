package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// identity names one process for good: a pid may be used again, a pid with its
// start time within one boot is not.
type identity struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat
	Boot  string `json:"boot"`
	Work  string `json:"work,omitempty"` // the command's own cgroup, if any
}

func identify(pid int) (identity, error) {
	start, err := startTime(pid)
	if err != nil {
		return identity{}, err
	}
	boot, err := bootID()
	return identity{PID: pid, Start: start, Boot: boot}, err
}

func bootID() (string, error) {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b)), err
}

// startTime reads field 22 of /proc/PID/stat; see proc(5).
func startTime(pid int) (string, error) {
	fields, err := statFields(pid)
	if err != nil {
		return "", err
	}
	return fields[19], nil
}

// statFields returns the fields of /proc/PID/stat from the third on: those
// after the command's name, which may itself hold blanks and parentheses.
func statFields(pid int) ([]string, error) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return nil, err
	}
	_, rest, ok := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 20 {
		return nil, fmt.Errorf("/proc/%d/stat: unknown format", pid)
	}
	return fields, nil
}

// open returns a pidfd of the process, or nil when it is gone.
func (id identity) open() (*os.File, error) {
	if id.PID == 0 {
		return nil, nil
	}
	fd, err := unix.PidfdOpen(id.PID, unix.PIDFD_NONBLOCK)
	if errors.Is(err, unix.ESRCH) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("pidfd of %d: %w", id.PID, err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	// Compared after the pidfd is held: from here on it cannot become another process.
	now, err := identify(id.PID)
	if err != nil || now.Start != id.Start || now.Boot != id.Boot {
		f.Close()
		return nil, nil
	}
	return f, nil
}

// wait returns when the process has ended or, with its error, when ctx is done.
func (id identity) wait(ctx context.Context) error {
	f, err := id.open()
	if f == nil || err != nil {
		return err
	}
	defer f.Close()
	stop := context.AfterFunc(ctx, func() { f.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var pollErr error
	err = conn.Read(func(fd uintptr) bool {
		p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
		n, err := unix.Poll(p, 0)
		if err != nil && !errors.Is(err, unix.EINTR) {
			pollErr = err
			return true
		}
		return n > 0
	})
	if ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		return ctx.Err()
	}
	return errors.Join(err, pollErr)
}

// signal sends sig to the process; it reports false when it is gone.
func (id identity) signal(sig unix.Signal) (bool, error) {
	f, err := id.open()
	if f == nil || err != nil {
		return false, err
	}
	defer f.Close()
	err = unix.PidfdSendSignal(int(f.Fd()), sig, nil, 0)
	if errors.Is(err, unix.ESRCH) {
		return false, nil
	}
	return err == nil, err
}

// claim writes DIR/pid unless it is there: the one who wrote it decides whether
// the step runs (the shim) or has never run (an Attach that found no shim).
func claim(dir string, id identity) (bool, error) {
	b, err := json.Marshal(id)
	if err != nil {
		return false, err
	}
	tmp, err := os.CreateTemp(dir, ".pid.*")
	if err != nil {
		return false, err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(append(b, '\n'))
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return false, err
	}
	err = os.Link(tmp.Name(), filepath.Join(dir, pidFile))
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	return err == nil, err
}
