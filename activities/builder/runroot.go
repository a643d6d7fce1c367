package builder

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/workers/step"
)

// RunrootRequest is a runroot task with the repository that fills its buildroot.
type RunrootRequest struct {
	Task   task.Task           `json:"task"`
	Params tasks.RunrootParams `json:"params"`
	RepoID int64               `json:"repo_id"`
}

// Runroot runs a command as root in a buildroot and returns a sentence that says
// that it went well.
func (a *Activities) Runroot(ctx context.Context, req RunrootRequest) (string, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (string, error) {
		return j.runroot(ctx, req.Params, req.RepoID)
	})
}

func (j *job) runroot(ctx context.Context, p tasks.RunrootParams, repoID int64) (string, error) {
	cmd, err := commandOf(p.Command)
	if err != nil {
		return "", err
	}
	mounts, err := allowedMounts(j.cfg.RunrootMounts, p.Mounts)
	if err != nil {
		return "", err
	}
	if p.Weight != nil {
		j.setWeight(ctx, max(*p.Weight, 0.5))
	}
	r, err := j.makeRoot(ctx, rootSpec{tag: p.Root, repoID: repoID, arch: p.Arch, network: true, mounts: mounts, newChroot: p.NewChroot})
	if err != nil {
		return "", err
	}
	if len(p.Packages) > 0 {
		if _, err := r.build(ctx, buildroot.Job{Install: &buildroot.Install{Packages: p.Packages}}); err != nil {
			return "", err
		}
	}
	if err := j.runCommand(ctx, r, cmd, p); err != nil {
		return "", err
	}
	if err := j.logs.flush(ctx); err != nil {
		return "", infrastructure(err)
	}
	r.expire(ctx)
	return cmd.name + " completed successfully", nil
}

// runrootLog is where the command's output is inside of the root.
const runrootLog = "/builddir/runroot.log"

// runrootScript runs its arguments with their output in runrootLog, and in what
// the root's own log shows while they run.
const runrootScript = `set -o pipefail; "$@" </dev/null 2>&1 | tee ` + runrootLog

// runCommand runs the command and sends its logs, however it ends.
func (j *job) runCommand(ctx context.Context, r *root, cmd command, p tasks.RunrootParams) error {
	c := &buildroot.Command{
		Name: "runroot", Argv: append([]string{"/bin/sh", "-c", runrootScript, "runroot"}, cmd.argv...), HostArch: p.SkipArch,
		Fetch: append([]string{runrootLog}, p.UploadLogs...), FetchTo: filepath.Join(j.dir, "fetched"),
	}
	result, failed := r.build(ctx, buildroot.Job{Command: c})
	if ctx.Err() != nil {
		return failed
	}
	for _, file := range c.Fetch {
		name := path.Base(file)
		if _, err := os.Lstat(filepath.Join(c.FetchTo, name)); err != nil {
			if failed == nil {
				failed = koji.BuildrootErrorf("there is no file %s in the buildroot", file).WithKind(koji.KindPackage)
			}
			continue
		}
		if file == runrootLog && failed != nil {
			failed = cmd.failure(result.Exit, failed)
		}
		if _, err := j.uploadResult(ctx, c.FetchTo, name); err != nil {
			return err
		}
	}
	return failed
}

// command is a runroot task's command.
type command struct {
	name string // as the result names it
	argv []string
}

// commandOf reads a command: a string is a line for the shell, a list is one
// command with its arguments.
func commandOf(v any) (command, error) {
	var words, argv []string
	switch v := v.(type) {
	case string:
		words, argv = strings.Fields(v), []string{"/bin/sh", "-c", v}
	case []any:
		for _, e := range v {
			word, ok := e.(string)
			if !ok {
				return command{}, koji.GenericErrorf("Invalid type for value '%v' in the command: only strings are taken", e)
			}
			argv = append(argv, word)
		}
		words = argv
	}
	if len(words) == 0 {
		return command{}, koji.GenericErrorf("There is no command to run")
	}
	// Koji: what sets a variable is not the command's name.
	name := "(none)"
	if i := slices.IndexFunc(words, func(w string) bool { return !strings.Contains(w, "=") }); i >= 0 {
		name = path.Base(words[i])
	}
	return command{name: name, argv: argv}, nil
}

// failure is what it means that the command, whose log is there, failed: it ran,
// so that it is not the host's fault unless something killed it.
func (c command) failure(exit step.Exit, err error) error {
	if exit.Signal != 0 || exit.Code == 0 {
		return err
	}
	return koji.BuildrootErrorf("%s exited with status %d", c.name, exit.Code).WithKind(koji.KindPackage)
}

// allowedMounts checks the directories that a task wants to write to against
// those that the host allows. Links are refused, whoever made them.
func allowedMounts(allowed, wanted []string) ([]string, error) {
	var mounts []string
	for _, dir := range wanted {
		if len(allowed) == 0 {
			return nil, koji.GenericErrorf("read-write mount point is not safe: %s: this host allows none (runroot_mounts)", dir)
		}
		if !filepath.IsAbs(dir) || !isBelow(dir, allowed) {
			return nil, koji.GenericErrorf("read-write mount point is not safe: %s", dir)
		}
		real, err := filepath.EvalSymlinks(dir)
		if err != nil {
			return nil, koji.GenericErrorf("No such directory or mount: %s", dir)
		}
		if info, err := os.Stat(real); err != nil || !info.IsDir() {
			return nil, koji.GenericErrorf("No such directory or mount: %s", dir)
		}
		if real != filepath.Clean(dir) {
			return nil, koji.GenericErrorf("read-write mount point is not safe: %s is a link to %s", dir, real)
		}
		mounts = append(mounts, real)
	}
	return mounts, nil
}

// isBelow tells whether dir is one of the directories or below one.
func isBelow(dir string, directories []string) bool {
	return slices.ContainsFunc(directories, func(top string) bool {
		rel, err := filepath.Rel(top, dir)
		return err == nil && filepath.IsLocal(rel)
	})
}
