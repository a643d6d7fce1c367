package buildroot

import (
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"

	"github.com/toji-build/toji/workers/step"
)

// Where the kernel gives users no namespaces of their own (in a chroot, or by
// kernel.unprivileged_userns_clone=0), or where the build user may not pass to
// the roots (below /root), bubblewrap cannot run as that user. There root makes
// the namespaces, by util-linux' unshare, and becomes the build user when it
// enters the root.

// canSandbox says whether the build user may run bubblewrap on the folder.
func canSandbox(user step.User, dir string) bool {
	id, group := fmt.Sprint(user.UID), fmt.Sprint(user.GID)
	cmd := exec.Command("bwrap", "--unshare-user", "--uid", id, "--gid", group, "--unshare-pid",
		"--ro-bind", "/", "/", "--ro-bind", dir, "/tmp", "/bin/true")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: user.UID, Gid: user.GID}}
	return cmd.Run() == nil
}

// enterScript furnishes the root within the new namespaces and runs the command
// there. Arguments: root, number of binds, the binds (outside, inside, options),
// then the environment and what enters the root.
//
// The shell stays: a change of user in the process that unshare started would
// clear the signal that ends all with it.
const enterScript = `set -e
root=$1 binds=$2; shift 2
mount -t proc proc "$root/proc"
mount --rbind /sys "$root/sys"; mount -o remount,bind,ro "$root/sys"
mount -t tmpfs -o mode=1755 tmpfs "$root/dev"
mkdir "$root/dev/pts" "$root/dev/shm"
for d in null zero full random urandom tty; do : > "$root/dev/$d"; mount --bind "/dev/$d" "$root/dev/$d"; done
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"; ln -s /proc/self/fd "$root/dev/fd"
ln -s fd/0 "$root/dev/stdin"; ln -s fd/1 "$root/dev/stdout"; ln -s fd/2 "$root/dev/stderr"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
while [ "$binds" -gt 0 ]; do mount --bind -o "$3" "$1" "$root/$2"; shift 3; binds=$((binds - 1)); done
hostname mock
env -i "$@" && exit 0 || exit $?
`

// unshared runs a command in the root as bwrap does, without user namespaces.
func (n *nativeRun) unshared(ctx context.Context, s sandbox, argv ...string) *exec.Cmd {
	args := []string{"unshare", "--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"}
	if !n.root.Network {
		args = append(args, "--net")
	}
	args = append(args, "--", "/bin/sh", "-c", enterScript, "sh", n.mnt, fmt.Sprint(len(n.root.Binds)+len(n.mounts(s))))
	for _, outside := range slices.Sorted(maps.Keys(n.root.Binds)) {
		args = append(args, outside, strings.TrimPrefix(n.root.Binds[outside], "/"), "ro")
	}
	for _, dir := range n.mounts(s) {
		args = append(args, dir, strings.TrimPrefix(dir, "/"), "rw")
	}
	args = append(args, n.insideEnv()...)
	// No program of the root runs before the command: the tiny one's shell and env
	// take busybox' own rpm for rpm.
	args = append(args, "setpriv", "--no-new-privs", "unshare", "--root", n.mnt, "--wd", s.folder())
	if !s.root {
		args = append(args, "--setgid", fmt.Sprint(buildUser.GID), "--setuid", fmt.Sprint(buildUser.UID))
	}
	args = append(append(args, "--"), argv...)
	if is32on64(n.root.Arch) && !s.hostArch {
		args = append([]string{"setarch", n.root.rpmArch()}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	return cmd
}
