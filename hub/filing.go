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

// writeFile writes a file that takes the place of an older one at once. What a try
// that died has left is taken over by the next one.
func writeFile(name string, content io.Reader) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	temp := filepath.Join(filepath.Dir(name), ".new-"+filepath.Base(name))
	lock, err := takeFile(temp)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := fillFile(temp, content); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return os.Rename(temp, name)
}

// takeFile makes a file, unless it is there, and keeps others who take it waiting
// until it is closed.
func takeFile(name string) (*os.File, error) {
	for {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		} else if err == nil {
			mine, err := f.Stat()
			there, e := os.Lstat(name)
			if err == nil && e == nil && os.SameFile(mine, there) {
				return f, nil
			}
		}
		f.Close() // who had it has put it into its place
	}
}

func fillFile(name string, content io.Reader) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_TRUNC, 0)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	return errors.Join(err, f.Chmod(0o644), f.Close())
}
