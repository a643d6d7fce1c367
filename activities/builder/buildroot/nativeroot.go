package buildroot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// nativeRun is one run of native-build.
type nativeRun struct {
	root     Root
	job      *Job
	archive  *Archive
	cacheDir string
	mnt      string // the root file system, once mounted
	home     string // HOME of rpm and dnf on the host
	logs     *nativeLogs
	doing    string // for nativeResult
	status   int    // for nativeResult
	mounted  bool
	baseLock *os.File // held until the process ends

	bubblewrap bool // the build user may have namespaces of its own
}

func newNativeRun(spec nativeSpec) (*nativeRun, error) {
	root := spec.Root
	n := &nativeRun{root: root, job: spec.Job, archive: spec.Archive, cacheDir: spec.CacheDir, mnt: root.RootDir(), home: filepath.Join(root.Dir(), "home")}
	if err := errors.Join(os.MkdirAll(root.ResultDir(), 0o755), os.MkdirAll(n.mnt, 0o755), os.MkdirAll(n.home, 0o700)); err != nil {
		return nil, err
	}
	n.bubblewrap = !spec.NoUserNamespaces && canSandbox(buildUser, n.mnt)
	var err error
	n.logs, err = openLogs(root.ResultDir())
	return n, err
}

func (n *nativeRun) run(ctx context.Context) error {
	if err := canRun(n.root.Arch); err != nil {
		return err
	}
	if err := n.writeHome(); err != nil {
		return err
	}
	if n.archive != nil {
		return n.save(ctx, n.archive)
	}
	if err := n.setUp(ctx); err != nil {
		return err
	}
	if n.job == nil {
		return nil
	}
	if err := n.buildFolder(); err != nil {
		return err
	}
	switch job := n.job; {
	case job.Rebuild != nil:
		return n.rebuild(ctx, job.Rebuild)
	case job.BuildSRPM != nil:
		return n.buildSRPM(ctx, job.BuildSRPM)
	case job.RebuildSRPM != nil:
		return n.rebuildSRPM(ctx, job.RebuildSRPM)
	case job.Install != nil:
		defer n.logs.phase("installing packages")()
		return n.dnf(ctx, n.mnt, append([]string{"install"}, job.Install.Packages...)...)
	}
	return n.command(ctx, n.job.Command)
}

func (n *nativeRun) command(ctx context.Context, c *Command) error {
	defer n.logs.phase("chroot %q", c.Argv)()
	err := n.inRoot(ctx, n.logs.root, sandbox{dir: c.Dir, root: !c.Unpriv, hostArch: c.HostArch}, c.Argv...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() > 0 {
		n.status = exit.ExitCode()
	}
	return errors.Join(coded(exitCommand, err), c.fetch(n.mnt))
}

// writeHome gives the host's rpm the database path of the roots: Debian's own
// rpm keeps its database below HOME. /proc and /sys are mounted while packages
// that own them are installed.
func (n *nativeRun) writeHome() error {
	const macros = "%_dbpath /var/lib/rpm\n%_netsharedpath /proc:/sys\n"
	err := os.WriteFile(filepath.Join(n.home, ".rpmmacros"), []byte(macros), 0o644)
	return errors.Join(err, os.WriteFile(n.dnfConf(), []byte(n.root.dnfConf("/var/cache/dnf", "/var/log/dnf.log")), 0o644))
}

func (n *nativeRun) dnfConf() string { return filepath.Join(n.home, "dnf.conf") }

// setUp mounts the root, which Init makes anew and a job finds as it was left.
func (n *nativeRun) setUp(ctx context.Context) error {
	defer n.logs.phase("chroot init")()
	fresh := n.job == nil
	if fresh {
		for _, layer := range []string{"upper", "work", "copy", "tmp"} {
			if err := os.RemoveAll(filepath.Join(n.root.Dir(), layer)); err != nil {
				return err
			}
		}
		if err := n.logs.hwInfo(ctx, n.root.Dir(), n.cacheDir); err != nil {
			return err
		}
	}
	base, err := n.base(ctx)
	if err != nil {
		return err
	}
	if err := n.mountRoot(ctx, base, fresh); err != nil {
		return err
	}
	n.mounted = true
	if err := mountAPI(n.mnt); err != nil {
		return err
	}
	if err := n.prepareInside(); err != nil {
		return fmt.Errorf("prepare the root: %w", err)
	}
	// Else a host that cannot do this would look like a package that fails.
	if err := n.inRoot(ctx, n.logs.root, sandbox{}, "/bin/sh", "-c", "uname -r"); err != nil {
		return fmt.Errorf("the sandbox does not work: %w", err)
	}
	return nil
}

// mountRoot mounts the root as a layer over the base, or as a copy of it where
// overlayfs does not work (on another overlayfs, for one).
func (n *nativeRun) mountRoot(ctx context.Context, base string, fresh bool) error {
	dir := n.root.Dir()
	copied := filepath.Join(dir, "copy")
	if _, err := os.Stat(copied); err != nil {
		err := mountOverlay(base, filepath.Join(dir, "upper"), filepath.Join(dir, "work"), n.mnt)
		if err == nil {
			return nil
		}
		if !fresh {
			return err
		}
		fmt.Fprintf(n.logs.root, "%v: copying %s\n", err, base)
		staging := copied + ".new"
		if err := os.RemoveAll(staging); err != nil {
			return err
		}
		if err := n.onHost(ctx, "cp", "-a", "--reflink=auto", base, staging); err != nil {
			return err
		}
		if err := os.Rename(staging, copied); err != nil {
			return err
		}
	}
	return bind(copied, n.mnt)
}

// mountOverlay mounts upper over lower at mnt; see the kernel's
// Documentation/filesystems/overlayfs.rst.
func mountOverlay(lower, upper, work, mnt string) error {
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	opts := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", escapeOverlay(lower), escapeOverlay(upper), escapeOverlay(work))
	if err := unix.Mount("overlay", mnt, "overlay", 0, opts); err != nil {
		return fmt.Errorf("mount overlay: %w", err)
	}
	return nil
}

// mountAPI mounts what programs and package scripts expect of the kernel.
func mountAPI(root string) error {
	mounts := []struct {
		source, target, fstype string
		flags                  uintptr
		data                   string
	}{
		{"proc", "proc", "proc", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC, ""},
		{"sysfs", "sys", "sysfs", unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_RDONLY, ""},
		{"tmpfs", "dev", "tmpfs", unix.MS_NOSUID, "mode=0755"},
	}
	for _, m := range mounts {
		dir := filepath.Join(root, m.target)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.source, dir, m.fstype, m.flags, m.data); err != nil {
			return fmt.Errorf("mount %s: %w", dir, err)
		}
	}
	for _, dev := range []string{"null", "zero", "full", "random", "urandom", "tty"} {
		node := filepath.Join(root, "dev", dev)
		if err := os.WriteFile(node, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount("/dev/"+dev, node, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("mount %s: %w", node, err)
		}
	}
	return os.Symlink("/proc/self/fd", filepath.Join(root, "dev/fd"))
}

// unmountAPI undoes mountAPI.
func unmountAPI(root string) error {
	var errs []error
	for _, dir := range []string{"dev", "sys", "proc"} {
		errs = append(errs, unmountBelow(filepath.Join(root, dir)))
	}
	return errors.Join(errs...)
}

// onHost runs a command outside of the root, with its output in root.log.
func (n *nativeRun) onHost(ctx context.Context, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.home, "LANG=C.UTF-8", "TERM=vt100"}
	return n.logs.run(n.logs.root, cmd, argv)
}
