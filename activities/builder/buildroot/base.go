package buildroot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A base root is CACHE/KEY/root. CACHE/KEY.lock is locked exclusively by whoever
// makes or removes it, shared by whoever has it mounted; its time is that of the
// last use.

// baseKey names the base that a root is made of: by all that goes into it.
func (r Root) baseKey() string {
	facts, err := json.Marshal(struct {
		Version int // of how bases are made
		DNF     string
		Group   string
		Arch    string
		Extra   []any
	}{1, r.dnfConf("", ""), r.group(), r.targetArch(), []any{r.Extra["mock.module_setup_commands"], r.Extra["mock.releasever"]}})
	if err != nil {
		panic(err) // values that came from JSON
	}
	sum := sha256.Sum256(facts)
	return r.Arch + "-" + hex.EncodeToString(sum[:12])
}

// base returns the directory of the base root, made if it is not there. Several
// builds that want the same make it once. The lock is held until the process ends.
func (n *nativeRun) base(ctx context.Context) (string, error) {
	if err := os.MkdirAll(n.cacheDir, 0o755); err != nil {
		return "", err
	}
	dir := filepath.Join(n.cacheDir, n.root.baseKey())
	for {
		found, err := n.tryBase(ctx, dir)
		if found || err != nil {
			return filepath.Join(dir, "root"), err
		}
	}
}

// tryBase locks the base if it is there, else makes it and wants to be called again.
func (n *nativeRun) tryBase(ctx context.Context, dir string) (found bool, err error) {
	lock, err := os.OpenFile(dir+".lock", os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return false, err
	}
	defer func() {
		if !found {
			lock.Close()
		} else {
			n.baseLock = lock
		}
	}()
	if err := flock(lock, unix.LOCK_SH); err != nil {
		return false, err
	}
	if _, err := os.Stat(dir); err == nil && isAt(lock, lock.Name()) {
		fmt.Fprintf(n.logs.root, "Using base root %s\n", dir)
		now := time.Now()
		return true, os.Chtimes(lock.Name(), now, now)
	}
	// Changing the kind of a lock is not atomic, so look again afterwards.
	if err := flock(lock, unix.LOCK_EX); err != nil {
		return false, err
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) && isAt(lock, lock.Name()) {
		return false, n.makeBase(ctx, dir)
	}
	return false, nil
}

// isAt tells whether an open file still has its name: SweepBases removes locks,
// and a lock without a name locks nobody out.
func isAt(f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := os.Stat(name)
	return err == nil && os.SameFile(mine, there)
}

func flock(f *os.File, how int) error {
	for {
		if err := unix.Flock(int(f.Fd()), how); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// makeBase makes a base in a staging directory and publishes it by its rename.
func (n *nativeRun) makeBase(ctx context.Context, dir string) error {
	defer n.logs.phase("installing minimal buildroot with dnf")()
	staging := dir + ".new"
	root := filepath.Join(staging, "root")
	if err := os.RemoveAll(staging); err != nil { // left by a build that was killed
		return err
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := mountAPI(root); err != nil {
		return err
	}
	for _, args := range n.moduleSetup() {
		if err := n.dnf(ctx, root, args...); err != nil {
			return err
		}
	}
	if err := n.dnf(ctx, root, "install", "@"+n.root.group()); err != nil {
		return err
	}
	if err := addBuildUser(root); err != nil {
		return fmt.Errorf("add the build user: %w", err)
	}
	if err := unmountAPI(root); err != nil {
		return err
	}
	return os.Rename(staging, dir)
}

// moduleSetup returns dnf's arguments for the tag's mock.module_setup_commands,
// a list like [["enable", "perl:5.30"]].
func (n *nativeRun) moduleSetup() [][]string {
	list, _ := n.root.Extra["mock.module_setup_commands"].([]any)
	var cmds [][]string
	for _, e := range list {
		pair, _ := e.([]any)
		args := []string{"module"}
		for _, word := range pair {
			args = append(args, text(word))
		}
		cmds = append(cmds, args)
	}
	return cmds
}

// dnf runs the host's package manager on a root. What it fails on is nearly
// always the repository's content, so that has mock's exit status for it.
func (n *nativeRun) dnf(ctx context.Context, root string, args ...string) error {
	argv := []string{"dnf", "-y", "-c", n.dnfConf(), "--installroot", root, "--setopt=keepcache=0"}
	// Debian's dnf loads the plugin "local", which wants to write outside.
	argv = append(argv, "--disableplugin=local")
	if v, ok := n.root.Extra["mock.releasever"]; ok {
		argv = append(argv, "--releasever="+text(v))
	}
	if is32on64(n.root.Arch) {
		argv = append(argv, "--forcearch="+n.root.rpmArch())
	}
	return coded(exitDeps, n.onHost(ctx, append(argv, args...)...))
}

// addBuildUser adds mock's build user to the root's accounts.
func addBuildUser(root string) error {
	in, err := os.OpenRoot(root)
	if err != nil {
		return err
	}
	defer in.Close()
	for file, line := range map[string]string{
		"etc/passwd": fmt.Sprintf("mockbuild:x:%d:%d::/builddir:/bin/sh\n", buildUser.UID, buildUser.GID),
		"etc/group":  fmt.Sprintf("mock:x:%d:\n", buildUser.GID),
	} {
		old, err := in.ReadFile(file)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		name, _, _ := strings.Cut(line, ":")
		if strings.Contains("\n"+string(old), "\n"+name+":") {
			continue
		}
		if len(old) > 0 && !strings.HasSuffix(string(old), "\n") {
			line = "\n" + line
		}
		if err := in.WriteFile(file, append(old, line...), 0o644); err != nil {
			return err
		}
	}
	return nil
}
