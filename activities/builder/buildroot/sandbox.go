package buildroot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// sandbox says how a command runs in the root.
type sandbox struct {
	dir  string // "/" when empty
	root bool   // as root instead of the build user

	hostArch bool // the kernel does not pretend to be of the root's arch
}

func (s sandbox) folder() string { return cmp.Or(s.dir, "/") }

// inRoot runs a command in the root: own pid, ipc and uts namespaces, no network
// unless the root has it, and nothing survives it.
func (n *nativeRun) inRoot(ctx context.Context, log *os.File, s sandbox, argv ...string) error {
	enter := n.bwrap
	if !n.bubblewrap {
		enter = n.unshared
	}
	return n.logs.run(log, enter(ctx, s, argv...), argv)
}

// bwrap runs a command with bubblewrap, which itself runs as the build user, so
// that uid 1000 inside is uid 1000 on disk, and needs no privilege that a build
// could abuse.
func (n *nativeRun) bwrap(ctx context.Context, s sandbox, argv ...string) *exec.Cmd {
	args := []string{"bwrap", "--bind", n.mnt, "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/dev/shm",
		"--ro-bind", "/sys", "/sys", "--tmpfs", "/run",
		"--unshare-pid", "--unshare-ipc", "--unshare-uts", "--hostname", "mock",
		"--die-with-parent", "--new-session", "--clearenv", "--chdir", s.folder()}
	for _, outside := range slices.Sorted(maps.Keys(n.root.Binds)) {
		args = append(args, "--ro-bind", outside, n.root.Binds[outside])
	}
	for _, dir := range n.mounts(s) {
		args = append(args, "--bind", dir, dir)
	}
	if !n.root.Network {
		args = append(args, "--unshare-net")
	}
	for _, kv := range n.insideEnv() {
		name, value, _ := strings.Cut(kv, "=")
		args = append(args, "--setenv", name, value)
	}
	if s.root {
		args = append(args, "--cap-add", "ALL")
	} else {
		args = append(args, "--unshare-user", "--uid", fmt.Sprint(buildUser.UID), "--gid", fmt.Sprint(buildUser.GID))
	}
	if is32on64(n.root.Arch) && !s.hostArch {
		args = append([]string{"setarch", n.root.rpmArch()}, args...)
	}
	args = append(append(args, "--"), argv...)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if !s.root {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: buildUser.UID, Gid: buildUser.GID}}
	}
	return cmd
}

// mounts are the directories that a command may write to: root's only, as the
// build user may not even pass to them.
func (n *nativeRun) mounts(s sandbox) []string {
	if !s.root {
		return nil
	}
	return n.root.Mounts
}

// insideEnv is the environment of commands in the root: mock's, and the tag's.
func (n *nativeRun) insideEnv() []string {
	env := []string{"TERM=vt100", "SHELL=/bin/bash", "HOME=/builddir", "HOSTNAME=mock",
		"PATH=/usr/bin:/bin:/usr/sbin:/sbin", "LANG=C.UTF-8"}
	extra := n.root.env()
	for _, name := range slices.Sorted(maps.Keys(extra)) {
		env = append(env, name+"="+extra[name])
	}
	return env
}

// prepareInside makes what the root needs besides packages: mount points, the
// host's name resolution, and TmpDir.
func (n *nativeRun) prepareInside() error {
	in, err := os.OpenRoot(n.mnt)
	if err != nil {
		return err
	}
	defer in.Close()
	for _, dir := range slices.Concat(slices.Collect(maps.Values(n.root.Binds)), n.root.Mounts, []string{TmpDir, "/run"}) {
		if err := in.MkdirAll(strings.TrimPrefix(dir, "/"), 0o755); err != nil {
			return err
		}
	}
	if n.root.Network {
		for _, file := range []string{"etc/resolv.conf", "etc/hosts"} {
			if err := copyIn(in, "/"+file, file); err != nil {
				return err
			}
		}
	}
	if err := makeTmpDir(n.root.nativeTmp(), buildUser); err != nil {
		return err
	}
	return bind(n.root.nativeTmp(), filepath.Join(n.mnt, TmpDir))
}

// copyIn copies a small file of the host, if there is one, into the root.
func copyIn(in *os.Root, src, dst string) error {
	b, err := os.ReadFile(src)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	// Removed first: distributions ship resolv.conf as a link to nowhere.
	if err := in.Remove(dst); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return in.WriteFile(dst, b, 0o644)
}

// buildFolder makes the build user's home anew: results of an earlier job must
// not be taken for this one's.
func (n *nativeRun) buildFolder() error {
	home := filepath.Join(n.mnt, "builddir")
	if err := os.RemoveAll(home); err != nil {
		return fmt.Errorf("clear the build folder: %w", err)
	}
	dirs := []string{"", "build"}
	for _, d := range []string{"RPMS", "SPECS", "SRPMS", "SOURCES", "BUILD", "BUILDROOT", "originals"} {
		dirs = append(dirs, "build/"+d)
	}
	for _, d := range dirs {
		if err := makeTmpDir(filepath.Join(home, d), buildUser); err != nil {
			return fmt.Errorf("make the build folder: %w", err)
		}
	}
	var macros strings.Builder
	all := n.root.macros()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		fmt.Fprintf(&macros, "%s %s\n", name, strings.ReplaceAll(all[name], "\n", "\\\n"))
	}
	file := filepath.Join(home, ".rpmmacros")
	return errors.Join(os.WriteFile(file, []byte(macros.String()), 0o644), os.Lchown(file, int(buildUser.UID), int(buildUser.GID)))
}
