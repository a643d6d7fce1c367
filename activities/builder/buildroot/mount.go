package buildroot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mountsBelow lists the mount points at and below dir, the deepest first. See
// proc_pid_mountinfo(5).
func mountsBelow(dir string) ([]string, error) {
	b, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	var points []string
	for line := range strings.Lines(string(b)) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		point := unescape.Replace(fields[4])
		if point == dir || strings.HasPrefix(point, dir+"/") {
			// Later lines are mounted over earlier ones.
			points = append([]string{point}, points...)
		}
	}
	return points, nil
}

// unmountBelow unmounts everything at and below dir.
func unmountBelow(dir string) error {
	points, err := mountsBelow(dir)
	if err != nil {
		return err
	}
	var errs []error
	for _, p := range points {
		if err := unix.Unmount(p, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW); err != nil {
			errs = append(errs, fmt.Errorf("unmount %s: %w", p, err))
		}
	}
	return errors.Join(errs...)
}

// removeRoot removes a root's directory. It refuses while something is mounted
// below: what is removed then may be the host's.
func removeRoot(dir string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := unmountBelow(dir); err != nil {
		return fmt.Errorf("remove buildroot: %w", err)
	}
	left, err := mountsBelow(dir)
	if err != nil || len(left) > 0 {
		return fmt.Errorf("remove buildroot: still mounted: %v (%w)", left, err)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove buildroot: %w", err)
	}
	return nil
}

// bind shows the directory src at dst, too.
func bind(src, dst string) error {
	if err := unix.Mount(src, dst, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind %s: %w", dst, err)
	}
	return nil
}

// escapeOverlay escapes what separates the options of an overlay mount.
func escapeOverlay(path string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(path)
}
