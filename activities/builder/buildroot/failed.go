package buildroot

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// failedMark is the file that marks the root of a task that failed. Its time is
// that of the failure; its content is the root's size, once that was measured.
const failedMark = "failed"

// ID is the buildroot's id in a root's name; "" if it is none.
func ID(name string) string {
	if !rootName.MatchString(name) {
		return ""
	}
	parts := strings.Split(name, "-")
	return parts[len(parts)-2]
}

// Find returns the directory of the root with the id; fs.ErrNotExist if there is none.
func Find(baseDir, id string) (string, error) {
	dirs, err := filepath.Glob(filepath.Join(baseDir, "*-"+id+"-*"))
	if err != nil {
		return "", err
	}
	for _, dir := range dirs {
		if ID(filepath.Base(dir)) == id {
			return dir, nil
		}
	}
	return "", fs.ErrNotExist
}

// MarkFailed has a root kept for people to look at; dir is its Root.Dir.
func MarkFailed(dir string) error {
	f, err := os.OpenFile(filepath.Join(dir, failedMark), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// Failed tells whether a root is marked as that of a task that failed.
func Failed(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, failedMark))
	return err == nil
}

// Retention bounds the roots of failed tasks that are kept.
type Retention struct {
	Age   time.Duration // since the failure
	Count int
	Bytes uint64 // of all together
}

// Keep returns the names of the failed roots below baseDir to keep: the latest.
func (r Retention) Keep(baseDir string, now time.Time) (map[string]bool, error) {
	marks, err := filepath.Glob(filepath.Join(baseDir, "*", failedMark))
	if err != nil {
		return nil, err
	}
	type root struct {
		dir  string
		when time.Time
	}
	var roots []root
	for _, mark := range marks {
		if info, err := os.Lstat(mark); err == nil && now.Sub(info.ModTime()) < r.Age {
			roots = append(roots, root{filepath.Dir(mark), info.ModTime()})
		}
	}
	slices.SortFunc(roots, func(a, b root) int { return cmp.Or(b.when.Compare(a.when), cmp.Compare(a.dir, b.dir)) })
	keep := map[string]bool{}
	var sum uint64
	for _, failed := range roots[:min(len(roots), r.Count)] {
		size, err := failedSize(failed.dir, failed.when)
		if err != nil {
			return nil, err
		}
		if sum += size; sum > r.Bytes {
			break
		}
		keep[filepath.Base(failed.dir)] = true
	}
	return keep, nil
}

// failedSize is how many bytes of disk a failed root takes. It is measured once.
func failedSize(dir string, when time.Time) (uint64, error) {
	mark := filepath.Join(dir, failedMark)
	text, err := os.ReadFile(mark)
	if err != nil {
		return 0, err
	}
	if size, err := strconv.ParseUint(string(text), 10, 64); err == nil {
		return size, nil
	}
	size, err := diskUsage(dir)
	if err != nil {
		return 0, err
	}
	err = os.WriteFile(mark, []byte(strconv.FormatUint(size, 10)), 0o644)
	return size, errors.Join(err, os.Chtimes(mark, when, when))
}

// diskUsage sums what the files below dir take of the disk.
func diskUsage(dir string) (sum uint64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		sum += uint64(info.Sys().(*syscall.Stat_t).Blocks) * 512
		return nil
	})
	return sum, err
}
