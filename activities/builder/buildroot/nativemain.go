package buildroot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/toji-build/toji/koji"
)

// NativeMain is the hidden command "toji native-build --spec FILE", by which the
// native driver makes a root and does one job in it; args are those after
// "native-build". It returns the exit status, with mock's meanings.
func NativeMain(args []string) int {
	flags := flag.NewFlagSet("native-build", flag.ContinueOnError)
	file := flags.String("spec", "", "what to do")
	private := flags.Bool("private", false, "set once the mount namespace is private")
	if err := flags.Parse(args); err != nil {
		return exitError
	}
	if !*private {
		err := privateMounts("--private", "--spec", *file)
		fmt.Fprintln(os.Stderr, err) // else it would not have returned
		return exitUnshare
	}
	spec, err := readNativeSpec(*file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitError
	}
	return runNative(context.Background(), spec)
}

// privateMounts starts this command anew in a mount namespace of its own. No
// mount is seen by the host, and all are gone when the last process is.
func privateMounts(args ...string) error {
	// unshare(2) acts on a thread; exec makes that thread the whole process.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("unshare mount namespace: %w", err)
	}
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	argv := append([]string{"toji", "native-build"}, args...)
	return fmt.Errorf("start anew: %w", syscall.Exec("/proc/self/exe", argv, os.Environ()))
}

func readNativeSpec(file string) (nativeSpec, error) {
	var spec nativeSpec
	b, err := os.ReadFile(file)
	if err != nil {
		return spec, err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber() // a tag's "1" must not become "1.0" in a macro
	if err := dec.Decode(&spec); err != nil {
		return spec, fmt.Errorf("read %s: %w", file, err)
	}
	return spec, nil
}

// runNative does the work and returns the exit status.
func runNative(ctx context.Context, spec nativeSpec) int {
	n, err := newNativeRun(spec)
	if err != nil {
		fmt.Fprintln(os.Stderr, "ERROR:", err)
		return exitRoot
	}
	defer n.logs.close()
	err = n.run(ctx)
	res := nativeResult{Doing: n.doing, Status: n.status}
	if n.mounted {
		var listErr error
		if res.Packages, listErr = InstalledPackages(ctx, n.mnt); err == nil {
			err = listErr
		}
	}
	if said, ok := errors.AsType[*koji.Error](err); ok {
		res.Said = said.Msg
	}
	b, jsonErr := json.Marshal(res)
	err = errors.Join(err, jsonErr, os.WriteFile(spec.Result, b, 0o644))
	if err == nil {
		return 0
	}
	n.logs.state("ERROR: %v", err)
	fmt.Fprintln(n.logs.root, "ERROR:", err)
	if coded, ok := errors.AsType[*codedError](err); ok {
		return coded.code
	}
	return exitRoot
}

// codedError is an error with the exit status that mock would have for it.
type codedError struct {
	code int
	err  error
}

func (e *codedError) Error() string { return e.err.Error() }
func (e *codedError) Unwrap() error { return e.err }

// coded gives err an exit status. An error that has one keeps it.
func coded(code int, err error) error {
	if _, has := errors.AsType[*codedError](err); err == nil || has {
		return err
	}
	return &codedError{code, err}
}
