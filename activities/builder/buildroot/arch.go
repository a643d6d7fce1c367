package buildroot

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/koji"
)

// arch32 has the 32-bit arches that 64-bit hosts run as they are.
var arch32 = map[string]string{"i386": "x86_64", "armhfp": "aarch64", "arm": "aarch64", "ppc": "ppc64", "s390": "s390x"}

// canRun tells whether programs of a root's arch run on this host.
func canRun(arch string) error {
	host := hostArch()
	if arch = koji.CanonArch(arch); arch != host && arch32[arch] != host {
		return coded(exitArch, fmt.Errorf("a host of arch %s cannot run %s", host, arch))
	}
	return nil
}

// exitArch is mock's exit status for an arch that the host cannot build for.
const exitArch = 6

func hostArch() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return ""
	}
	return koji.CanonArch(unix.ByteSliceToString(u.Machine[:]))
}

// is32on64 tells that the kernel has to pretend to be 32-bit.
func is32on64(arch string) bool { return arch32[koji.CanonArch(arch)] == hostArch() }

// rpmArch returns the root's arch as rpm and setarch know it.
func (r Root) rpmArch() string {
	if a := r.targetArch(); a != "i386" {
		return strings.ReplaceAll(a, "armhfp", "armv7hl")
	}
	return "i686"
}
