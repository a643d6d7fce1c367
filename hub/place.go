package hub

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/koji"
)

// trashDir is where a directory that is to go is moved first, next to its kind:
// nobody finds half of it.
const trashDir = ".trash"

// place is a directory with directories of the same kind in it, two levels down:
// work/tasks/4711/14711, scratch/alice/task_4711, work/cli-build/1234.
type place struct {
	name string // below the top directory, such as vol/slow/work/tasks
	root *os.Root
}

// openPlace opens a directory below the top directory, nil if there is none. It may
// be a symbolic link, as whoever set up the disks likes it; below it none leads out.
func (h *Hub) openPlace(name string) (*place, error) {
	root, err := os.OpenRoot(h.Paths.TopDir + "/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return &place{name, root}, err
}

// removeAll removes what is noted, each by itself; told is called for each, if it is
// not nil. What goes wrong is logged and stays noted: the next sweep tries again.
func (h *Hub) removeAll(ctx context.Context, ids []int64, told func(store.Removal, error)) error {
	for _, id := range ids {
		var failed error
		err := h.Store.Remove(ctx, id, func(r store.Removal) error {
			if failed = h.remove(r); failed != nil {
				h.Log.ErrorContext(ctx, "cannot remove files", obs.Path, r.Place+"/"+r.Rel, obs.Error, failed)
			}
			if told != nil {
				told(r, failed)
			}
			return failed
		})
		if err != nil && failed == nil {
			return err
		}
	}
	return nil
}

// remove removes what is noted, unless it has come back meanwhile: a build that is
// not deleted any more, or files that were changed since.
func (h *Hub) remove(r store.Removal) error {
	if r.State != nil && *r.State != koji.BuildDeleted && *r.State != koji.BuildCanceled {
		return nil
	}
	p, err := h.openPlace(r.Place)
	if err != nil || p == nil {
		return err
	}
	defer p.root.Close()
	if r.BuildID == nil {
		u, err := p.measure(r.Rel)
		if err != nil || u.newest.After(r.Since.Time) {
			return err
		}
	}
	return p.discard(r.Rel)
}

// discard removes what is at a path of the place, and is done if there is nothing.
func (p *place) discard(rel string) error {
	aside := trashDir + "/" + strings.ReplaceAll(rel, "/", "_")
	err := p.root.Mkdir(trashDir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := p.root.RemoveAll(aside); err != nil {
		return err
	}
	if err := p.root.Rename(rel, aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return p.root.RemoveAll(aside)
}

// usage is what a directory holds.
type usage struct {
	bytes, files int64
	newest       time.Time // when something in it changed last
}

// measure looks through a directory, or at a file. A file that has other names as
// well holds no bytes of its own.
func (p *place) measure(rel string) (u usage, err error) {
	err = fs.WalkDir(p.root.FS(), rel, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed meanwhile
		}
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return nil
		}
		if info.ModTime().After(u.newest) {
			u.newest = info.ModTime()
		}
		if st, ok := info.Sys().(*syscall.Stat_t); ok && info.Mode().IsRegular() {
			u.files++
			if st.Nlink == 1 {
				u.bytes += info.Size()
			}
		}
		return nil
	})
	return u, err
}

// entries lists up to limit paths PARENT/NAME that come after a path, in order, of
// the parents that ok accepts. A parent that is a file counts by itself. Symbolic
// links and hidden files are left out.
func (p *place) entries(ok func(parent string) bool, after string, limit int) (found []string, err error) {
	parents, err := fs.ReadDir(p.root.FS(), ".")
	if err != nil {
		return nil, err
	}
	behind := strings.Split(after, "/")
	for _, parent := range parents {
		if parent.Name() < behind[0] || passedOver(parent) || !ok(parent.Name()) {
			continue
		}
		rels, err := p.below(parent)
		if err != nil {
			return nil, err
		}
		for _, rel := range rels {
			if slices.Compare(strings.Split(rel, "/"), behind) > 0 {
				found = append(found, rel)
			}
		}
		if len(found) >= limit {
			return found[:limit], nil
		}
	}
	return found, nil
}

// below lists what is in a directory, or the file itself.
func (p *place) below(parent fs.DirEntry) (rels []string, err error) {
	if !parent.IsDir() {
		return []string{parent.Name()}, nil
	}
	children, err := fs.ReadDir(p.root.FS(), parent.Name())
	for _, child := range children {
		if !passedOver(child) {
			rels = append(rels, parent.Name()+"/"+child.Name())
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // removed meanwhile
	}
	return rels, err
}

func passedOver(d fs.DirEntry) bool {
	return strings.HasPrefix(d.Name(), ".") || !d.IsDir() && !d.Type().IsRegular()
}
