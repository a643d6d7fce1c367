package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"syscall"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
)

// uploadTarget is a file below work/ that the caller may write, in a directory
// that nothing leads out of.
type uploadTarget struct {
	dir  *os.Root
	name string
	path string // absolute, for messages
}

// uploadDir checks the name of a directory below work/ and returns it clean.
func uploadDir(dir, name string) (string, error) {
	if strings.Contains(name, "/") || strings.HasPrefix(name, ".") || name == "" {
		return "", koji.GenericErrorf("Invalid upload filename: %s", name)
	}
	clean := path.Clean(dir)
	if clean == ".." || strings.HasPrefix(clean, "../") || path.IsAbs(clean) || strings.ContainsRune(clean, 0) {
		return "", koji.GenericErrorf("Invalid upload directory: %s", dir)
	}
	return clean, nil
}

// openUpload checks that the caller may write the file and makes its directory.
func (h *Hub) openUpload(ctx context.Context, dir, name, volume string) (*uploadTarget, error) {
	clean, err := uploadDir(dir, name)
	if err != nil {
		return nil, err
	}
	if err := h.checkVolume(ctx, volume); err != nil {
		return nil, err
	}
	owned := true
	if parts := strings.Split(clean, "/"); parts[0] == "tasks" {
		if err := h.checkTaskUpload(ctx, dir, parts); err != nil {
			return nil, err
		}
		owned = false
	}
	root, err := h.workDir(volume, clean, true)
	if err != nil {
		return nil, err
	}
	if owned {
		if err := own(root, session.From(ctx).UserID, dir); err != nil {
			root.Close()
			return nil, err
		}
	}
	return &uploadTarget{dir: root, name: name, path: path.Join(h.Paths.Work(volume), clean, name)}, nil
}

func (h *Hub) checkVolume(ctx context.Context, volume string) error {
	if volume == "" || volume == "DEFAULT" {
		return nil
	}
	row, err := h.Store.Lookup(ctx, store.Volumes, store.Ref{Name: volume})
	if err == nil && row == nil {
		return koji.GenericErrorf("No such entry in table volume: %s", volume)
	}
	return err
}

// checkTaskUpload lets only the host that runs a task write to the task's output.
func (h *Hub) checkTaskUpload(ctx context.Context, dir string, parts []string) error {
	if len(parts) < 3 {
		return koji.GenericErrorf("Invalid task upload directory: %s", dir)
	}
	id, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return koji.GenericErrorf("Invalid task upload directory: %s", dir)
	}
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return err
	}
	_, err = h.AssertTaskHost(ctx, id)
	return err
}

// workDir opens a directory below work/ of a volume.
func (h *Hub) workDir(volume, dir string, create bool) (*os.Root, error) {
	top, err := os.OpenRoot(h.Paths.TopDir)
	if err != nil {
		return nil, err
	}
	defer top.Close()
	rel := path.Join(strings.TrimPrefix(h.Paths.Work(volume), h.Paths.TopDir+"/"), dir)
	if create {
		if err := top.MkdirAll(rel, 0o755); err != nil {
			return nil, diskError(err, rel)
		}
	}
	root, err := top.OpenRoot(rel)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err != nil {
		return nil, koji.GenericErrorf("Invalid upload directory: %s", dir)
	}
	return root, nil
}

// own makes the directory the user's, by a note in it, unless it is another's.
func own(root *os.Root, userID int64, dir string) error {
	f, err := root.OpenFile(".user", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err == nil {
		_, err = fmt.Fprint(f, userID)
		return diskError(errors.Join(err, f.Close()), dir)
	}
	if !errors.Is(err, fs.ErrExist) {
		return diskError(err, dir)
	}
	text, err := root.ReadFile(".user")
	if err != nil {
		return err
	}
	if owner, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && owner == userID {
		return nil
	}
	return koji.GenericErrorf("Invalid upload directory, not owner: %s", dir)
}

// Close lets go of the directory.
func (t *uploadTarget) Close() error { return t.dir.Close() }

// exists reports whether there is such a file. Anything but a file is an error.
func (t *uploadTarget) exists() (bool, error) {
	st, err := t.dir.Lstat(t.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return false, nil
	case err != nil:
		return false, t.failed(err)
	case st.Mode()&fs.ModeSymlink != 0:
		return false, koji.GenericErrorf("destination is a symlink: %s", t.path)
	case !st.Mode().IsRegular():
		return false, koji.GenericErrorf("destination not a file: %s", t.path)
	}
	return true, nil
}

// open opens the file and locks it against other uploads.
func (t *uploadTarget) open(flag int) (*os.File, error) {
	f, err := t.dir.OpenFile(t.name, flag|syscall.O_NOFOLLOW, 0o644)
	if err != nil {
		return nil, t.failed(err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, koji.LockErrorf("%s is being written by another upload", t.path)
	}
	return f, nil
}

// takeBack removes what came of a piece that could not be written: the whole file
// if it is new, or what lies behind the piece's offset, if that is one. The client
// sends the piece again.
func (t *uploadTarget) takeBack(f *os.File, existed bool, offset int64) error {
	st, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !existed:
		return t.dir.Remove(t.name)
	case offset < 0 || offset >= st.Size():
		return nil
	}
	return f.Truncate(offset)
}

func (t *uploadTarget) failed(err error) error { return diskError(err, t.path) }

// diskError tells a full disk from other trouble.
func diskError(err error, name string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return koji.GenericErrorf("the hub's disk is full: cannot write %s", name).WithKind(koji.KindInfrastructure)
	}
	return fmt.Errorf("upload %s: %w", name, err)
}
