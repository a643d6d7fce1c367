package builder

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDir makes the daemon's directory and takes it for this process: a second
// daemon would end what the first one works on. The lock ends with the process,
// if the file is not closed before.
func lockDir(dir string) (*os.File, error) {
	// The build user passes through.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, fmt.Errorf("another builder works in %s", dir)
	}
	return nil, fmt.Errorf("lock %s: %w", dir, err)
}
