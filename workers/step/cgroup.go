package step

import (
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

// The files of a cgroup are described in the kernel's
// Documentation/admin-guide/cgroup-v2.rst.

// workCgroup makes a cgroup below the shim's for the command alone, which can
// then be killed without its shim.
func workCgroup(dir string) (work string, err error) {
	work = filepath.Join(dir, fmt.Sprintf("work-%d", os.Getpid()))
	if err := os.Mkdir(work, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make cgroup: %w", err)
	}
	return work, nil
}

// signalCgroup kills all processes of a cgroup and those below it.
func signalCgroup(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, "cgroup.kill"), os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteString("1")
		return errors.Join(err, f.Close())
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	// Linux before 5.14 has no cgroup.kill.
	pids, err := cgroupProcs(dir)
	for _, pid := range pids {
		unix.Kill(pid, unix.SIGKILL)
	}
	return err
}

// killDeadline is how long a killed process may take to vanish; one that is
// stuck in the kernel (a dead network mount) takes longer than anybody waits.
const killDeadline = 5 * time.Second

// killCgroup kills everything in a cgroup and returns when it is empty. A cgroup
// that is not there is empty.
func killCgroup(dir string) error {
	for deadline := time.Now().Add(killDeadline); ; {
		if err := signalCgroup(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("kill cgroup: %w", err)
		}
		left, err := populated(dir, 100*time.Millisecond)
		if err != nil || !left {
			return err
		}
		if time.Now().After(deadline) {
			pids, _ := cgroupProcs(dir)
			return fmt.Errorf("kill cgroup %s: processes are left: %v", dir, pids)
		}
	}
}

// populated reports whether a cgroup holds live processes, after waiting for
// that to change for up to wait.
func populated(dir string, wait time.Duration) (bool, error) {
	f, err := os.Open(filepath.Join(dir, "cgroup.events"))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	buf := make([]byte, 256)
	for range 2 {
		n, err := f.ReadAt(buf, 0)
		if n == 0 && err != nil {
			return false, nil // removed
		}
		if !strings.Contains(string(buf[:n]), "populated 1") {
			return false, nil
		}
		// The kernel announces a change of the file as an exceptional condition.
		p := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLPRI}}
		if _, err := unix.Poll(p, int(wait.Milliseconds())); err != nil && !errors.Is(err, unix.EINTR) {
			return true, err
		}
	}
	return true, nil
}

// cgroupProcs lists the processes of a cgroup and of those below it.
func cgroupProcs(dir string) ([]int, error) {
	var pids []int
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.Name() != "cgroup.procs" {
			return err
		}
		b, err := os.ReadFile(path)
		for line := range strings.FieldsSeq(string(b)) {
			pid, _ := strconv.Atoi(line)
			pids = append(pids, pid)
		}
		if errors.Is(err, unix.ENODEV) { // removed after it was opened
			return nil
		}
		return err
	})
	return pids, err
}

// removeTree removes an empty cgroup and those below it.
func removeTree(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := removeTree(filepath.Join(dir, e.Name())); err != nil {
				return err
			}
		}
	}
	// rmdir, not os.Remove: that would try unlink first, which says EPERM.
	err = unix.Rmdir(dir)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
