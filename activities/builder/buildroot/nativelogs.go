package buildroot

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// nativeLogs are the log files of a native build, mock's by name and meaning.
type nativeLogs struct {
	dir               string
	root, build, stat *os.File
}

func openLogs(dir string) (*nativeLogs, error) {
	l := &nativeLogs{dir: dir}
	var errs [3]error
	l.root, errs[0] = openLog(dir, "root.log")
	l.build, errs[1] = openLog(dir, "build.log")
	l.stat, errs[2] = openLog(dir, "state.log")
	return l, errors.Join(errs[:]...)
}

func openLog(dir, name string) (*os.File, error) {
	return os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
}

func (l *nativeLogs) close() {
	for _, f := range []*os.File{l.root, l.build, l.stat} {
		f.Close()
	}
}

// state writes a line to state.log and to the output of the process.
func (l *nativeLogs) state(format string, args ...any) {
	msg := fmt.Sprintf(format, args...)
	now := time.Now()
	fmt.Fprintf(l.stat, "%s,%03d - %s\n", now.Format(time.DateTime), now.Nanosecond()/1e6, msg)
	fmt.Println(msg)
}

// phase marks the start of a phase, and its end when the result is called.
func (l *nativeLogs) phase(format string, args ...any) (finish func()) {
	name := fmt.Sprintf(format, args...)
	l.state("Start: %s", name)
	return func() { l.state("Finish: %s", name) }
}

// run runs a command with its output in a log, announced as mock does under the
// arguments that matter. A command that fails is an *exec.ExitError.
func (l *nativeLogs) run(log *os.File, cmd *exec.Cmd, shown []string) error {
	fmt.Fprintf(log, "Executing command: %q\n", shown)
	cmd.Stdout, cmd.Stderr = log, log
	err := cmd.Run()
	fmt.Fprintf(log, "Child return code was: %d\n", cmd.ProcessState.ExitCode())
	if err != nil {
		return fmt.Errorf("command failed: %q: %w", shown, err)
	}
	return nil
}

// hwInfo writes hw_info.log: what machine this was.
func (l *nativeLogs) hwInfo(ctx context.Context, dirs ...string) error {
	log, err := os.Create(filepath.Join(l.dir, "hw_info.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	for _, part := range []struct {
		title string
		argv  []string
	}{
		{"CPU info:\n", []string{"lscpu"}},
		{"\n\nMemory:\n", []string{"free", "--human"}},
		{"\n\nStorage (chroot, cache):\n", append([]string{"df", "-H", "-T"}, dirs...)},
	} {
		fmt.Fprint(log, part.title)
		cmd := exec.CommandContext(ctx, part.argv[0], part.argv[1:]...)
		cmd.Stdout, cmd.Stderr = log, log
		if err := cmd.Run(); err != nil {
			fmt.Fprintln(log, err) // the log is only for people
		}
	}
	return nil
}
