package devstack

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// layoutVersion is the version of what DIR holds. It is raised when a newer
// program could not go on with an older DIR.
const layoutVersion = 1

// state is DIR/dev.json: what a start must know of the starts before it.
type state struct {
	Version int `json:"version"`
	// Ports of services on 127.0.0.1, and of addresses that were given with port 0.
	Ports map[string]int `json:"ports"`
}

// directory is DIR, locked for this process.
type directory struct {
	path  string
	lock  *os.File
	state state
	// unclean says that the last stack in it did not stop in order.
	unclean bool
}

// openDirectory locks dir, which it makes, and reads what it holds.
func openDirectory(dir string) (*directory, error) {
	// The database's user passes through.
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	d := &directory{path: dir, lock: lock}
	if err := d.open(); err != nil {
		lock.Close()
		return nil, err
	}
	return d, nil
}

func (d *directory) open() error {
	holder, err := os.ReadFile(d.lock.Name())
	if err != nil {
		return err
	}
	err = unix.Flock(int(d.lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return fmt.Errorf("another toji dev (process %s) works in %s; stop it, or choose another directory with --dir", strings.TrimSpace(string(holder)), d.path)
	}
	if err != nil {
		return fmt.Errorf("lock %s: %w", d.path, err)
	}
	d.unclean = len(holder) > 0
	if err := d.readState(); err != nil {
		return err
	}
	return d.note(fmt.Sprintf("%d\n", os.Getpid()))
}

func (d *directory) readState() error {
	text, err := os.ReadFile(d.file("dev.json"))
	if errors.Is(err, fs.ErrNotExist) {
		d.state = state{Version: layoutVersion, Ports: map[string]int{}}
		return d.saveState()
	}
	if err == nil {
		err = json.Unmarshal(text, &d.state)
	}
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w; choose another directory with --dir", d.file("dev.json"), err)
	case d.state.Version > layoutVersion:
		return fmt.Errorf("%s was made by a newer toji (layout %d, this one knows %d); use that one, or choose another directory with --dir", d.path, d.state.Version, layoutVersion)
	case d.state.Version < layoutVersion:
		return fmt.Errorf("%s was made by an older toji (layout %d, this one wants %d); choose another directory with --dir", d.path, d.state.Version, layoutVersion)
	}
	if d.state.Ports == nil {
		d.state.Ports = map[string]int{}
	}
	return nil
}

func (d *directory) saveState() error {
	text, err := json.MarshalIndent(d.state, "", "\t")
	if err != nil {
		return err
	}
	return replaceFile(d.file("dev.json"), append(text, '\n'), 0o644)
}

// file returns the path of something below DIR.
func (d *directory) file(elem ...string) string {
	return filepath.Join(append([]string{d.path}, elem...)...)
}

// note writes who has the lock; nothing when the stack has stopped in order.
func (d *directory) note(text string) error {
	if err := d.lock.Truncate(0); err != nil {
		return err
	}
	_, err := d.lock.WriteAt([]byte(text), 0)
	return err
}

// close gives the directory to the next.
func (d *directory) close() error {
	return errors.Join(d.note(""), d.lock.Close())
}

// replaceFile writes a file so that a crash leaves the old one or the new one.
func replaceFile(path string, text []byte, mode fs.FileMode) error {
	temp := path + ".new"
	if err := os.WriteFile(temp, text, mode); err != nil {
		return err
	}
	// The mode of a file that a crash has left here stays.
	if err := os.Chmod(temp, mode); err != nil {
		return err
	}
	return os.Rename(temp, path)
}
