package cli

import (
	"github.com/spf13/cobra"
)

func watchTask(a *app) *cobra.Command {
	var f taskFilter
	cmd := &cobra.Command{
		Use:     "watch-task [options] <task id> [<task id> ...]",
		Short:   "Track progress of particular tasks",
		Long:    "Track progress of particular tasks and their subtasks. The exit status is 0 if all of them succeed.",
		Example: "  toji watch-task 123\n  toji watch-task --mine",
		Aliases: []string{"watch-tasks"},
		GroupID: monitor,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := a.tasksToWatch(cmd, &f, args)
			if err != nil || len(ids) == 0 {
				return err
			}
			return a.watch(cmd.Context(), a.hub, ids...)
		},
	}
	f.register(a, cmd, "just watch your tasks")
	a.quietFlag(cmd, "do not print the task information")
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// tasksToWatch returns the tasks that are named or that the options choose.
func (a *app) tasksToWatch(cmd *cobra.Command, f *taskFilter, args []string) ([]int64, error) {
	if len(args) > 0 && f.selects() {
		return nil, usagef("Selection options cannot be combined with a task list")
	}
	ids, err := taskIDs(args, "task id must be an integer")
	if err != nil {
		return nil, err
	}
	if len(ids) == 0 && !f.selects() {
		return nil, usagef("at least one task id must be specified")
	}
	open := a.anonymous
	if f.mine {
		open = a.login
	}
	h, err := open(cmd.Context())
	if err != nil || !f.selects() {
		return ids, err
	}
	tasks, err := a.findTasks(cmd.Context(), h, f)
	for _, t := range tasks {
		ids = append(ids, t.ID)
	}
	if err == nil && len(ids) == 0 {
		printf(a.Stdout, "(no tasks)\n")
	}
	return ids, err
}
