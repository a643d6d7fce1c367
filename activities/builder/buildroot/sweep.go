package buildroot

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Keep says what Sweep leaves of a root.
type Keep int

// What Sweep leaves.
const (
	KeepNothing Keep = iota
	KeepResults      // packages and logs
	KeepAll
)

// rootName matches Root.Name: mock's directory may hold roots of other people.
var rootName = regexp.MustCompile(`-\d+-\d+$`)

// Sweep removes roots, or what they need to run, from baseDir: at a worker's
// start those that nobody uses anymore, later those that got old. keep decides
// by name (Root.Name) and the time of the last change of the results. Whatever
// is mounted in a root is unmounted first. It returns the names of the roots
// that it has touched.
func Sweep(baseDir string, keep func(name string, used time.Time) Keep) ([]string, error) {
	entries, err := os.ReadDir(baseDir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("sweep buildroots: %w", err)
	}
	var swept []string
	var errs []error
	for _, e := range entries {
		dir := filepath.Join(baseDir, e.Name())
		if !e.IsDir() || !rootName.MatchString(e.Name()) {
			continue
		}
		var touched bool
		switch keep(e.Name(), lastUse(dir)) {
		case KeepAll:
			continue
		case KeepResults:
			touched, err = removeContents(dir)
		default:
			touched, err = true, removeRoot(dir)
		}
		errs = append(errs, err)
		if touched && err == nil {
			swept = append(swept, e.Name())
		}
	}
	return swept, errors.Join(errs...)
}

// lastUse returns when something was last written for a root.
func lastUse(dir string) time.Time {
	var last time.Time
	for _, f := range []string{"", "result", "result/state.log", "result/build.log", "result/root.log"} {
		if info, err := os.Stat(filepath.Join(dir, f)); err == nil && info.ModTime().After(last) {
			last = info.ModTime()
		}
	}
	return last
}

// removeContents removes everything of a root but its results.
func removeContents(dir string) (touched bool, err error) {
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		if e.Name() != "result" {
			touched = true
			err = errors.Join(err, removeRoot(filepath.Join(dir, e.Name())))
		}
	}
	return touched, err
}

// RemoveMockConfigs removes mock's configuration files of roots that Sweep has
// removed; configDir is Config.MockConfigDir.
func RemoveMockConfigs(configDir string, roots []string) (err error) {
	for _, name := range roots {
		rm := os.Remove(mockConfigFile(configDir, name))
		if !errors.Is(rm, fs.ErrNotExist) {
			err = errors.Join(err, rm)
		}
	}
	return err
}

// SweepBases removes base roots of the native driver that were not used since
// before, and of the others all but the max last used. What is in use stays.
// It returns the names of those it removed.
func SweepBases(cacheDir string, before time.Time, max int) ([]string, error) {
	locks, err := filepath.Glob(filepath.Join(cacheDir, "*.lock"))
	if err != nil {
		return nil, err
	}
	type base struct {
		dir  string
		used time.Time
	}
	var bases []base
	for _, lock := range locks {
		if info, err := os.Stat(lock); err == nil {
			bases = append(bases, base{strings.TrimSuffix(lock, ".lock"), info.ModTime()})
		}
	}
	slices.SortFunc(bases, func(a, b base) int { return b.used.Compare(a.used) })
	var removed []string
	var errs []error
	for i, b := range bases {
		if i < max && !b.used.Before(before) {
			continue
		}
		ok, err := removeBase(b.dir)
		errs = append(errs, err)
		if ok {
			removed = append(removed, filepath.Base(b.dir))
		}
	}
	return removed, errors.Join(errs...)
}

// removeBase removes a base, and what was left of making it, unless it is in use.
func removeBase(dir string) (bool, error) {
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR, 0)
	if err != nil {
		return false, err
	}
	defer lock.Close()
	if err := flock(lock, unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return false, nil // in use
	}
	// The lock's file goes last, while it is locked: tryBase notices.
	err = errors.Join(removeRoot(dir), removeRoot(dir+".new"))
	if err == nil {
		err = os.Remove(lock.Name())
	}
	return err == nil, err
}

// DiskSize returns how many bytes the file system that holds path has.
func DiskSize(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("disk space of %s: %w", path, err)
	}
	return st.Blocks * uint64(st.Bsize), nil
}

// DiskFree returns how many bytes unprivileged users can still write to the file
// system that holds path.
func DiskFree(path string) (uint64, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return 0, fmt.Errorf("disk space of %s: %w", path, err)
	}
	return st.Bavail * uint64(st.Bsize), nil
}
