package cli

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// failLog is the file that tells why a task failed.
const failLog = "task_failed.log"

// downloadLogsOptions are those of download-logs.
type downloadLogsOptions struct {
	recurse, nvr, resume bool
	match                []string
	dir                  string
}

func downloadLogs(a *app) *cobra.Command {
	var o downloadLogsOptions
	cmd := &cobra.Command{
		Use:   "download-logs [options] <task_id> [<task_id> ...]",
		Short: "Download logs for task",
		Long: "Download the logs of tasks, or with --nvr of builds, to a directory. Failed tasks get a file more,\n" +
			failLog + ", with the reason.",
		Example: "  toji download-logs -r 123\n  toji download-logs --nvr hello-1.0-1",
		GroupID: download,
		Args:    nargs(1, -1, "Please specify at least one task id or n-v-r"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			l := logSaver{app: a, hub: h, downloadLogsOptions: o}
			for _, arg := range args {
				if err := l.save(cmd.Context(), arg); err != nil {
					return err
				}
			}
			return nil
		},
	}
	fs := cmd.Flags()
	fs.BoolVarP(&o.recurse, "recurse", "r", false, "process children of this task as well")
	fs.BoolVar(&o.nvr, "nvr", false, "get the logs for the task associated with this build Name-Version-Release")
	fs.StringArrayVarP(&o.match, "match", "m", nil, "get only log filenames matching `pattern` (a glob). May be used multiple times")
	fs.BoolVarP(&o.resume, "continue", "c", false, "continue previous download")
	fs.StringVarP(&o.dir, "dir", "d", "kojilogs", "write logs to `directory`")
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// logSaver saves logs of the hub to files.
type logSaver struct {
	*app
	hub *hub
	downloadLogsOptions
}

// save saves the logs of the task, or with --nvr of the build, that arg names.
func (l *logSaver) save(ctx context.Context, arg string) error {
	if !l.nvr {
		id, err := parseInt(arg)
		if err != nil {
			return failuref("Task id must be a number: %s", xmlrpc.Repr(arg))
		}
		return l.saveTask(ctx, id, l.dir, l.recurse)
	}
	b, err := rpc.Invoke(ctx, l.hub, api.GetBuild, api.BuildParams{BuildInfo: arg})
	switch {
	case err != nil:
		return err
	case b == nil:
		return failuref("There is no build with n-v-r: %s", arg)
	case b.State == koji.BuildComplete:
		printf(l.Stdout, "Using build ID: %d\n", b.ID)
		return l.saveBuild(ctx, b, arg)
	case b.TaskID != nil:
		printf(l.Stdout, "Build %s is %s\nUsing task ID: %d\n", arg, b.State, *b.TaskID)
		return l.saveTask(ctx, *b.TaskID, l.dir, true)
	}
	printf(l.Stdout, "Unable to download build %s (state=%s)\n", arg, b.State)
	return nil
}

func (l *logSaver) wanted(name string) bool {
	for _, pattern := range l.match {
		if koji.Glob(pattern, name) {
			return true
		}
	}
	return len(l.match) == 0
}

// saveBuild saves the logs that a finished build keeps.
func (l *logSaver) saveBuild(ctx context.Context, b *api.Build, name string) error {
	logs, err := rpc.Invoke(ctx, l.hub, api.GetBuildLogs, api.OneBuildParams{Build: b.ID})
	if err != nil {
		return err
	}
	d := downloader{app: l.app, hub: l.hub}
	for _, log := range logs {
		if !strings.HasSuffix(log.Name, ".log") || !l.wanted(log.Name) {
			continue
		}
		url := strings.TrimRight(l.hub.profile.TopURL, "/") + "/" + log.Path
		file := filepath.Join(l.dir, name, log.Dir, filepath.Base(log.Name))
		if !filepath.IsLocal(filepath.Join(name, log.Dir)) {
			return failuref("The hub names a file outside of this directory: %s", file)
		}
		if err := d.file(ctx, url, file, 0); err != nil {
			return err
		}
	}
	return nil
}

// saveTask saves the logs of a task below dir, and of its children below those.
func (l *logSaver) saveTask(ctx context.Context, id int64, dir string, recurse bool) error {
	v, err := rpc.Invoke(ctx, l.hub, api.GetTaskInfo, api.TaskInfoParams{TaskID: id})
	if err != nil {
		return err
	}
	var t *api.Task
	if err := rpc.Into(v, &t); err != nil {
		return err
	}
	if t == nil {
		return failuref("No such task: %d", id)
	}
	files, err := outputOf(ctx, l.hub, id)
	if err != nil {
		return err
	}
	dir = filepath.Join(dir, fmt.Sprintf("%s-%d", t.Arch, id))
	count := 0
	switch state := koji.TaskState(t.State); {
	case state == koji.TaskFailed && l.wanted(failLog):
		if err := l.saveFailure(ctx, id, dir); err != nil {
			return err
		}
		count++
	case !state.Finished():
		printf(l.Stderr, "Task %d is %s\n\n", id, state)
	}
	for _, f := range files {
		if strings.HasSuffix(f.name, ".log") && l.wanted(f.name) {
			if err := l.saveLog(ctx, id, f, dir); err != nil {
				return err
			}
			count++
		}
	}
	if !recurse {
		if count == 0 {
			printf(l.Stderr, "No logs found for task %d. Perhaps try --recurse?\n\n", id)
		}
		return nil
	}
	return l.saveChildren(ctx, id, dir)
}

func (l *logSaver) saveChildren(ctx context.Context, id int64, dir string) error {
	children, err := childrenOf(ctx, l.hub, id, false)
	if err != nil {
		return err
	}
	for _, child := range children {
		if err := l.saveTask(ctx, child.ID, dir, true); err != nil {
			return err
		}
	}
	return nil
}

// saveFailure writes down why a task failed.
func (l *logSaver) saveFailure(ctx context.Context, id int64, dir string) error {
	v, err := rpc.Invoke(ctx, l.hub, api.GetTaskResult, api.TaskResultParams{TaskID: id, RaiseFault: true})
	text := pformat(v)
	if isFault(err) {
		text = describe(err) + "\n"
	} else if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	file := filepath.Join(dir, failLog)
	printf(l.Stdout, "Writing: %s\n", file)
	return os.WriteFile(file, []byte(text), 0o666)
}

func (l *logSaver) saveLog(ctx context.Context, id int64, f outputFile, dir string) error {
	if f.volume != "" && f.volume != "DEFAULT" {
		dir = filepath.Join(dir, f.volume)
	}
	if !filepath.IsLocal(f.name) || !filepath.IsLocal(f.volume) && f.volume != "" {
		return failuref("The hub names a file outside of this directory: %s", f.name)
	}
	file := filepath.Join(dir, f.name)
	if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
		return err
	}
	verb, mode, offset := "Downloading", os.O_TRUNC, int64(0)
	if info, err := os.Stat(file); l.resume && err == nil {
		verb, mode, offset = "Continuing", os.O_APPEND, info.Size()
	}
	printf(l.Stdout, "%s: %s\n", verb, file)
	out, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|mode, 0o666)
	if err != nil {
		return err
	}
	defer out.Close()
	for {
		data, err := readOutput(ctx, l.hub, id, f, offset, 102400)
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return out.Close()
		}
		if _, err := out.Write(data); err != nil {
			return err
		}
		offset += int64(len(data))
	}
}

// readOutput reads a piece of a file that a task has put out; empty at its end.
func readOutput(ctx context.Context, c rpc.Caller, id int64, f outputFile, offset, size int64) ([]byte, error) {
	p := api.DownloadTaskOutputParams{TaskID: id, FileName: f.name, Offset: &offset, Size: &size, Volume: f.volume}
	text, err := rpc.Invoke(ctx, c, api.DownloadTaskOutput, p)
	if err != nil {
		return nil, err
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil, fmt.Errorf("output %s of task %d: %w", f.name, id, err)
	}
	return data, nil
}
