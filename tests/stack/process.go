package stack

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// Process is a running process.
type Process struct {
	PID, Parent int
	Command     string // with arguments
	RSS         int64  // bytes in memory
}

// Processes lists the processes below the stack, however deep, but not the
// builds', which live by themselves.
func (s *Stack) Processes() ([]Process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	below := map[int]bool{s.PID(): true}
	var found []Process
	for grown := true; grown; {
		grown = false
		for _, p := range all {
			if below[p.Parent] && !below[p.PID] {
				below[p.PID], grown = true, true
				found = append(found, p)
			}
		}
	}
	return found, nil
}

// Mentioning lists all processes whose command line holds the text.
func Mentioning(text string) ([]Process, error) {
	all, err := processes()
	if err != nil {
		return nil, err
	}
	var found []Process
	for _, p := range all {
		if strings.Contains(p.Command, text) && p.PID != os.Getpid() {
			found = append(found, p)
		}
	}
	return found, nil
}

// Child finds the child of toji dev whose command line holds the text.
func (s *Stack) Child(text string) (Process, error) {
	all, err := s.Processes()
	if err != nil {
		return Process{}, err
	}
	for _, p := range all {
		if p.Parent == s.PID() && strings.Contains(p.Command, text) {
			return p, nil
		}
	}
	return Process{}, fmt.Errorf("toji dev has no child %q", text)
}

// KillChild sends SIGKILL to the child whose command line holds the text.
func (s *Stack) KillChild(text string) error {
	p, err := s.Child(text)
	if err != nil {
		return err
	}
	return syscall.Kill(p.PID, syscall.SIGKILL)
}

func processes() ([]Process, error) {
	dirs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var all []Process
	for _, dir := range dirs {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		cmdline, err := os.ReadFile(dir + "/cmdline")
		if err != nil {
			continue // it has ended
		}
		status, err := os.ReadFile(dir + "/status")
		if err != nil {
			continue
		}
		p := Process{PID: pid, Command: strings.TrimSpace(strings.ReplaceAll(string(cmdline), "\x00", " "))}
		zombie := false
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			fields := strings.Fields(value)
			switch {
			case len(fields) == 0:
			case key == "PPid":
				p.Parent, _ = strconv.Atoi(fields[0])
			case key == "State":
				zombie = fields[0] == "Z"
			case key == "VmRSS":
				kib, _ := strconv.ParseInt(fields[0], 10, 64)
				p.RSS = kib << 10
			}
		}
		if !zombie {
			all = append(all, p)
		}
	}
	return all, nil
}
