package builder

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/koji/api"
)

// machine is where the hub's knowledge of this host comes from.
type machine struct {
	dir      string // whose disk counts
	proc     string // /proc
	versions map[string]string
}

// report is how the machine is now. What cannot be read stays zero: the hub only
// shows it.
func (m machine) report(notReady string) api.HostReport {
	r := api.HostReport{NotReady: notReady, CPUs: int64(runtime.NumCPU()), Versions: m.versions}
	var disk unix.Statfs_t
	if err := unix.Statfs(m.dir, &disk); err == nil {
		r.DiskFree, r.DiskTotal = int64(disk.Bavail)*disk.Bsize, int64(disk.Blocks)*disk.Bsize
	}
	if text, err := os.ReadFile(filepath.Join(m.proc, "loadavg")); err == nil {
		first, _, _ := strings.Cut(string(text), " ")
		r.LoadAverage, _ = strconv.ParseFloat(first, 64)
	}
	if text, err := os.ReadFile(filepath.Join(m.proc, "meminfo")); err == nil {
		r.MemoryTotal, r.MemoryFree = memoryOf(text, "MemTotal"), memoryOf(text, "MemAvailable")
	}
	return r
}

// memoryOf finds a line such as "MemTotal:  16318412 kB" and returns bytes.
func memoryOf(meminfo []byte, name string) int64 {
	for line := range bytes.Lines(meminfo) {
		if rest, ok := strings.CutPrefix(string(line), name+":"); ok {
			kib, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kib << 10
		}
	}
	return 0
}

// versionPattern finds the number in what programs say for --version.
var versionPattern = regexp.MustCompile(`\d+(\.\w+)+\S*`)

// versions are those of the programs that results depend on.
func versions(ctx context.Context, toji string) map[string]string {
	v := map[string]string{"toji": toji}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		v["kernel"] = unix.ByteSliceToString(name.Release[:])
	}
	if os := osName("/etc/os-release"); os != "" {
		v["os"] = os
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, program := range []string{"rpm", "mock", "dnf", "createrepo_c"} {
		text, err := exec.CommandContext(ctx, program, "--version").Output()
		if number := versionPattern.Find(text); err == nil && number != nil {
			v[program] = string(number)
		}
	}
	return v
}

// osName is the distribution's name, with its version.
func osName(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, ok := strings.CutPrefix(lines.Text(), "PRETTY_NAME="); ok {
			return strings.Trim(name, `"'`)
		}
	}
	return ""
}

// notReady says why the host takes no more tasks; "" if it does.
func (d *Daemon) notReady() string {
	if end := d.drained(); end != nil {
		return "it ends its tasks for a " + end.Error()
	}
	var disk unix.Statfs_t
	if err := unix.Statfs(d.cfg.WorkDir, &disk); err != nil {
		return fmt.Sprintf("disk space of %s: %v", d.cfg.WorkDir, err)
	}
	if free := disk.Bavail * uint64(disk.Bsize) >> 20; free < uint64(d.cfg.MinSpace) {
		return fmt.Sprintf("too little room in %s: %d MiB are wanted", d.cfg.WorkDir, d.cfg.MinSpace)
	}
	return ""
}
