// Package step runs one command outside of the daemon's life.
//
// A step is a directory and a small process, the shim, that owns the command:
//
//	daemon ── Start ──> shim (toji run-step --dir DIR) ──> command ──> ...
//	                      │ subreaper, own session            │
//	                      └ cgroup TASK ──────────────────────└ cgroup TASK/work-PID
//
//	DIR/spec.json   what to run, written by Start
//	DIR/pid         who the shim is: pid, start time, boot; written once, by the shim
//	DIR/exit        how the command ended; renamed into place
//
// The daemon can die and come back: Attach finds the step by its directory, and
// Wait and Kill work as before. The shim ends only when no process of the
// command is left, and it writes DIR/exit before it ends, so that its own end
// (a pidfd becomes readable) is the only event that anybody has to wait for.
package step

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Spec says what to run.
type Spec struct {
	// Argv is the command. Argv[0] is looked up in the PATH of Env.
	Argv []string `json:"argv"`
	// Env is the command's whole environment as KEY=value. When empty it is
	// DefaultEnv, never the daemon's own environment.
	Env []string `json:"env,omitempty"`
	// Dir is the working directory; "/" when empty.
	Dir string `json:"dir,omitempty"`
	// Log is the file that stdout and stderr are appended to; no log when empty.
	Log string `json:"log,omitempty"`
	// Cgroup is the directory of the task's cgroup, see Group.Path; "" for none.
	Cgroup string `json:"cgroup,omitempty"`
	// Timeout ends the command as Kill does; none when 0.
	Timeout time.Duration `json:"timeout,omitempty"`
	// StopSignals are sent to the command one after the other, Grace apart,
	// before everything is killed. Without any, everything is killed at once.
	StopSignals []syscall.Signal `json:"stop_signals,omitempty"`
	// Grace is the time that each of StopSignals has to work; 5 s when 0.
	Grace time.Duration `json:"grace,omitempty"`
	// User runs the command as somebody else; needs root.
	User *User `json:"user,omitempty"`
	// Umask of the command; 022 when 0.
	Umask int `json:"umask,omitempty"`

	// Lifeline is the read end of a pipe. When its write end is closed
	// everywhere, the shim kills the command and ends. No lifeline when nil.
	Lifeline *os.File `json:"-"`
	// HasLifeline is set by Start.
	HasLifeline bool `json:"has_lifeline,omitempty"`
	// Shim is the start of the shim's command line, to which "--dir DIR" is
	// added; this program's "run-step" when empty.
	Shim []string `json:"-"`
}

// User is an identity to run as.
type User struct {
	UID    uint32   `json:"uid"`
	GID    uint32   `json:"gid"`
	Groups []uint32 `json:"groups,omitempty"`
}

// DefaultEnv is the environment of a command whose Spec has none.
var DefaultEnv = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/"}

const defaultGrace = 5 * time.Second

func (s Spec) validate() error {
	if len(s.Argv) == 0 || s.Argv[0] == "" {
		return errors.New("step: no command")
	}
	return nil
}

// Exit says how a command ended.
type Exit struct {
	// Code is the exit status, -1 when a signal ended the command.
	Code int `json:"code"`
	// Signal is the number of the signal that ended the command, else 0.
	Signal int `json:"signal,omitempty"`
	// TimedOut tells that Spec.Timeout was over.
	TimedOut bool `json:"timed_out,omitempty"`
	// Killed tells that the command was told to stop, by Kill or by its lifeline.
	Killed bool `json:"killed,omitempty"`
	// StartedAt and FinishedAt are the host's clock. When FinishedAt was
	// written, no process of the command was left.
	StartedAt  time.Time `json:"started_at"`
	FinishedAt time.Time `json:"finished_at"`
}

// OK reports whether the command exited with status 0.
func (e Exit) OK() bool { return e.Code == 0 && e.Signal == 0 }

// String is the end of Koji's sentence about a command: "exited with status 1"
// or "was killed by signal 9".
func (e Exit) String() string {
	if e.Signal != 0 {
		return fmt.Sprintf("was killed by signal %d", e.Signal)
	}
	return fmt.Sprintf("exited with status %d", e.Code)
}

const (
	specFile = "spec.json"
	pidFile  = "pid"
	exitFile = "exit"
)

// writeJSON replaces dir/name as a whole.
func writeJSON(dir, name string, v any, mode os.FileMode) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+name+".new")
	if err := os.WriteFile(tmp, append(b, '\n'), mode); err != nil {
		return err
	}
	return os.Rename(tmp, filepath.Join(dir, name))
}

func readJSON(dir, name string, v any) error {
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("read %s: %w", filepath.Join(dir, name), err)
	}
	return nil
}
