package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// logChunk is how much of a log is asked for at once, in bytes.
const logChunk = 16384

func watchLogs(a *app) *cobra.Command {
	var f taskFilter
	l := logWatcher{app: a}
	cmd := &cobra.Command{
		Use:     "watch-logs [options] <task id> [<task id> ...]",
		Short:   "Watch logs in realtime",
		Example: "  toji watch-logs 123\n  toji watch-logs -f --log build.log 123",
		GroupID: monitor,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := l.find(cmd, &f, args)
			if err != nil || len(ids) == 0 {
				return err
			}
			return l.run(cmd.Context(), ids)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&l.log, "log", "", "watch only a specific log")
	fs.BoolVar(&f.mine, "mine", false, "watch logs for all your tasks, task_id arguments are forbidden in this case")
	fs.BoolVarP(&l.follow, "follow", "f", false, "follow spawned child tasks")
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// logWatcher prints what the logs of tasks gain.
type logWatcher struct {
	*app
	log    string // only this one; "" for all
	follow bool

	offsets map[string]int64 // by heading
	last    string           // heading of what was printed last
}

func (l *logWatcher) find(cmd *cobra.Command, f *taskFilter, args []string) ([]int64, error) {
	if !f.mine {
		return l.tasksToWatch(cmd, f, args)
	}
	h, err := l.login(cmd.Context())
	if err != nil {
		return nil, err
	}
	if len(args) > 0 {
		return nil, usagef("Selection options cannot be combined with a task list")
	}
	tasks, err := l.findTasks(cmd.Context(), h, f)
	ids := make([]int64, len(tasks))
	for i, t := range tasks {
		ids[i] = t.ID
	}
	if err == nil && len(ids) == 0 {
		printf(l.Stdout, "You've no active tasks.\n")
	}
	return ids, err
}

func (l *logWatcher) run(ctx context.Context, ids []int64) error {
	printf(l.Stdout, "Watching logs (this may be safely interrupted)...\n")
	l.offsets = map[string]int64{}
	seen := map[int64]bool{}
	for _, id := range ids {
		seen[id] = true
	}
	for {
		var running []int64
		for _, id := range ids {
			// The state comes first: what is written until the end is read after it.
			finished, err := l.finished(ctx, id)
			if err != nil {
				return err
			}
			if !finished {
				running = append(running, id)
			}
			if err := l.printLogs(ctx, id); err != nil {
				return err
			}
			if l.follow {
				if running, err = l.addChildren(ctx, id, seen, running); err != nil {
					return err
				}
			}
		}
		if ids = running; len(ids) == 0 {
			return nil
		}
		if err := sleep(ctx, l.hub.profile.PollInterval); err != nil {
			return err
		}
	}
}

func (l *logWatcher) finished(ctx context.Context, id int64) (bool, error) {
	v, err := rpc.Invoke(ctx, l.hub, api.GetTaskInfo, api.TaskInfoParams{TaskID: id})
	if err != nil {
		return false, err
	}
	var t *api.Task
	if err := rpc.Into(v, &t); err != nil {
		return false, err
	}
	if t == nil {
		printf(l.Stdout, "No such task id: %d\n", id)
		return false, errFailed
	}
	return koji.TaskState(t.State).Finished(), nil
}

func (l *logWatcher) addChildren(ctx context.Context, id int64, seen map[int64]bool, running []int64) ([]int64, error) {
	children, err := childrenOf(ctx, l.hub, id, false)
	for _, child := range children {
		if !seen[child.ID] {
			seen[child.ID] = true
			running = append(running, child.ID)
		}
	}
	return running, err
}

// printLogs prints what the logs of a task have gained since the last look.
func (l *logWatcher) printLogs(ctx context.Context, id int64) error {
	files, err := outputOf(ctx, l.hub, id)
	if err != nil {
		return err
	}
	for _, f := range files {
		if l.log != "" && f.name != l.log || l.log == "" && !strings.HasSuffix(f.name, "log") {
			continue
		}
		if err := l.printLog(ctx, id, f); err != nil {
			return err
		}
	}
	return nil
}

func (l *logWatcher) printLog(ctx context.Context, id int64, f outputFile) error {
	heading := fmt.Sprintf("%d:%s:%s:", id, f.volume, f.name)
	for {
		data, err := readOutput(ctx, l.hub, id, f, l.offsets[heading], logChunk)
		if err != nil {
			return err
		}
		if len(data) == 0 {
			return nil
		}
		if heading != l.last {
			if l.last != "" {
				printf(l.Stdout, "\n")
			}
			printf(l.Stdout, "==> %s <==\n", heading)
			l.last = heading
		}
		if _, err := l.Stdout.Write(data); err != nil {
			return err
		}
		l.offsets[heading] += int64(len(data))
	}
}

// outputFile is a file that a task has put out.
type outputFile struct{ name, volume string }

// outputOf lists the output of a task by name.
func outputOf(ctx context.Context, c rpc.Caller, id int64) ([]outputFile, error) {
	v, err := rpc.Invoke(ctx, c, api.ListTaskOutput, api.ListTaskOutputParams{TaskID: id, AllVolumes: true})
	if err != nil {
		return nil, err
	}
	var volumes map[string][]string
	if list, ok := v.([]any); !ok || len(list) > 0 { // Koji: some hubs answer an empty list for nothing
		if err := rpc.Into(v, &volumes); err != nil {
			return nil, err
		}
	}
	var files []outputFile
	for name, list := range volumes {
		for _, volume := range list {
			files = append(files, outputFile{name, volume})
		}
	}
	slices.SortFunc(files, func(x, y outputFile) int {
		return cmp.Or(cmp.Compare(x.name, y.name), cmp.Compare(x.volume, y.volume))
	})
	return files, nil
}
