package hub

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/toji-build/toji/koji"
)

// filing moves files from below work/ to where they stay, each with a relative
// symbolic link left in its old place, as Koji does.
//
// It is done last in the transaction that records the files. When that fails
// after all, or the process dies, some files may have been moved, which nothing
// in the database refers to: the next try of the same call finds them by the
// links, and a try with other files replaces them.
type filing struct {
	work  string      // the work directory
	moved [][2]string // what was moved by this try, from and to
}

// source returns where the file rel below work/ lies: there, or in its final
// place to if an earlier try has moved it. There has to be a regular file.
func (f *filing) source(rel, to string) (string, error) {
	from, err := koji.Under(f.work, rel)
	if err != nil {
		return "", err
	}
	if isRegular(from) {
		return from, nil
	}
	if to != "" && isRegular(to) && wasMoved(from, to) {
		return to, nil
	}
	if _, err := os.Stat(from); err == nil {
		return "", koji.GenericErrorf("Error importing archive file, %s is not a regular file", from)
	}
	return "", koji.GenericErrorf("No such file: %s", from)
}

func isRegular(name string) bool {
	info, err := os.Lstat(name)
	return err == nil && info.Mode().IsRegular()
}

// wasMoved tells whether from is what a move to to leaves behind: the link, or
// nothing if the process died in between.
func wasMoved(from, to string) bool {
	target, err := os.Readlink(from)
	if errors.Is(err, fs.ErrNotExist) {
		return true
	}
	link, relErr := filepath.Rel(filepath.Dir(from), to)
	return err == nil && relErr == nil && target == link
}

// move puts the file rel below work/ to its final place. It is no error if an
// earlier try did so.
func (f *filing) move(rel, to string) error {
	from, err := koji.Under(f.work, rel)
	if err != nil {
		return err
	}
	link, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		return fmt.Errorf("move %s: %w", from, err)
	}
	if isRegular(from) {
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			return fmt.Errorf("move %s: %w", from, err)
		}
		if err := rename(from, to); err != nil {
			return fmt.Errorf("move %s: %w", from, err)
		}
		f.moved = append(f.moved, [2]string{from, to})
	} else if !isRegular(to) || !wasMoved(from, to) {
		return koji.GenericErrorf("Error importing archive file, %s is not a regular file", from)
	}
	if err := os.Symlink(link, from); err != nil && !errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("move %s: %w", from, err)
	}
	return nil
}

// undo puts the files that this try moved back, as far as it can.
func (f *filing) undo() error {
	var errs []error
	for _, m := range f.moved {
		if err := rename(m[1], m[0]); err != nil { // takes the place of the link
			errs = append(errs, err)
		}
	}
	f.moved = nil
	return errors.Join(errs...)
}

// rename is os.Rename that copies from one file system to another. The new file
// is whole from the moment it is there.
func rename(from, to string) error {
	err := os.Rename(from, to)
	if !errors.Is(err, syscall.EXDEV) {
		return err
	}
	if err := copyFile(from, to); err != nil {
		return err
	}
	return os.Remove(from)
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	return writeFile(to, in)
}

// writeFile writes a file that takes the place of an older one at once.
func writeFile(name string, content io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(tmp.Name())
		}
	}()
	_, err = io.Copy(tmp, content)
	if err = errors.Join(err, tmp.Chmod(0o644), tmp.Close()); err != nil {
		return err
	}
	return os.Rename(tmp.Name(), name)
}
