package step

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// GroupsConfig says where the cgroups of a daemon are.
type GroupsConfig struct {
	// Name tells the daemons of one machine apart; "toji" when empty.
	Name string
	// StateDir is where cgroup2 is mounted, as StateDir/cgroup2, on a host
	// that has not mounted it.
	StateDir string
	// Log gets one warning when there are no cgroups; slog.Default when nil.
	Log *slog.Logger
}

// Groups are the cgroups of a daemon's tasks. Without usable cgroups it still
// works: its Group values then have no path, and killing is left to the shims.
type Groups struct {
	dir string // "" without cgroups
}

// OpenGroups finds or makes the daemon's cgroup: in the cgroup2 hierarchy that
// is mounted, else in one that it mounts itself.
func OpenGroups(cfg GroupsConfig) (*Groups, error) {
	name, log := cmp.Or(cfg.Name, "toji"), cfg.Log
	if log == nil {
		log = slog.Default()
	}
	if !validName.MatchString(name) {
		return nil, fmt.Errorf("open cgroups: bad name %q", name)
	}
	dir, err := openCgroup2(name, cfg.StateDir)
	if err != nil {
		log.Warn("no cgroups: processes of a build are found as descendants of its shim only", "err", err)
		return &Groups{}, nil
	}
	// Best effort: on a host with cgroup v1 the controllers are taken.
	enableControllers(filepath.Dir(dir))
	enableControllers(dir)
	return &Groups{dir: dir}, nil
}

var validName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.:-]*$`)

func openCgroup2(name, stateDir string) (string, error) {
	var tried error
	for _, mnt := range []string{"/sys/fs/cgroup", "/sys/fs/cgroup/unified"} {
		if !isCgroup2(mnt) {
			continue
		}
		for _, parent := range []string{mnt, filepath.Join(mnt, ownCgroup())} {
			dir := filepath.Join(parent, name)
			err := makeCgroup(dir)
			if err == nil {
				return dir, nil
			}
			tried = errors.Join(tried, err)
		}
	}
	if tried != nil || stateDir == "" {
		return "", cmp.Or(tried, errors.New("cgroup2 is not mounted"))
	}
	mnt := filepath.Join(stateDir, "cgroup2")
	if err := mountCgroup2(mnt); err != nil {
		return "", err
	}
	dir := filepath.Join(mnt, name)
	return dir, makeCgroup(dir)
}

func mountCgroup2(mnt string) error {
	if isCgroup2(mnt) {
		return nil
	}
	if err := os.MkdirAll(mnt, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("toji", mnt, "cgroup2", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mount cgroup2: %w", err)
	}
	return nil
}

func isCgroup2(dir string) bool {
	var st unix.Statfs_t
	return unix.Statfs(dir, &st) == nil && st.Type == unix.CGROUP2_SUPER_MAGIC
}

// ownCgroup returns this process's path in the cgroup2 hierarchy: the line with
// hierarchy 0 of /proc/self/cgroup.
func ownCgroup() string {
	b, _ := os.ReadFile("/proc/self/cgroup")
	for line := range strings.Lines(string(b)) {
		if path, ok := strings.CutPrefix(line, "0::"); ok {
			return strings.TrimSpace(path)
		}
	}
	return "/"
}

func makeCgroup(dir string) error {
	if err := os.Mkdir(dir, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return unix.Access(filepath.Join(dir, "cgroup.procs"), unix.W_OK)
}

func enableControllers(dir string) {
	for _, c := range []string{"+memory", "+pids"} {
		_ = os.WriteFile(filepath.Join(dir, "cgroup.subtree_control"), []byte(c), 0o644)
	}
}

// Supported reports whether the host has usable cgroups.
func (g *Groups) Supported() bool { return g.dir != "" }

// Limits of a task; 0 is none. They hold where the host has the controllers.
type Limits struct {
	Memory int64 // bytes
	PIDs   int
}

// Task makes the cgroup of a task, or opens it if it is there.
func (g *Groups) Task(id string, limits Limits) (*Group, error) {
	if !validName.MatchString(id) {
		return nil, fmt.Errorf("cgroup of task: bad id %q", id)
	}
	if g.dir == "" {
		return &Group{}, nil
	}
	dir := filepath.Join(g.dir, id)
	if err := makeCgroup(dir); err != nil {
		return nil, fmt.Errorf("cgroup of task %s: %w", id, err)
	}
	setLimit(dir, "memory.max", limits.Memory)
	setLimit(dir, "pids.max", int64(limits.PIDs))
	return &Group{dir: dir}, nil
}

func setLimit(dir, file string, n int64) {
	if n > 0 {
		_ = os.WriteFile(filepath.Join(dir, file), []byte(strconv.FormatInt(n, 10)), 0o644)
	}
}

// Sweep kills and removes the cgroups of all tasks but those for which keep
// returns true: leftovers of an earlier life of the daemon. It returns the ids
// of those it ended.
func (g *Groups) Sweep(keep func(id string) bool) ([]string, error) {
	if g.dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(g.dir)
	if err != nil {
		return nil, fmt.Errorf("sweep cgroups: %w", err)
	}
	var swept []string
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || keep(e.Name()) {
			continue
		}
		if err := (&Group{dir: filepath.Join(g.dir, e.Name())}).Remove(); err != nil {
			errs = append(errs, err)
			continue
		}
		swept = append(swept, e.Name())
	}
	return swept, errors.Join(errs...)
}

// Group is the cgroup of one task: of its shims, and below it of their commands.
type Group struct {
	dir string // "" without cgroups
}

// Path returns the directory of the cgroup for Spec.Cgroup, "" without cgroups.
func (g *Group) Path() string { return g.dir }

// Procs lists the processes of the task.
func (g *Group) Procs() ([]int, error) {
	if g.dir == "" {
		return nil, nil
	}
	return cgroupProcs(g.dir)
}

// Remove kills whatever is in the cgroup, the shims too, and removes it.
func (g *Group) Remove() error {
	if g.dir == "" {
		return nil
	}
	if err := killCgroup(g.dir); err != nil {
		return err
	}
	if err := removeTree(g.dir); err != nil {
		return fmt.Errorf("remove cgroup %s: %w", g.dir, err)
	}
	return nil
}
