package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func freeTask(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "free-task [options] <task_id> [<task_id> ...]",
		Short:   "Free a task",
		Long:    "Free a task: take it from its host, so that it is assigned anew.",
		Example: "  toji free-task 123",
		GroupID: admin,
		RunE: func(cmd *cobra.Command, args []string) error {
			ids, err := taskIDs(args, "task_id must be an integer")
			if err != nil {
				return err
			}
			if len(ids) == 0 {
				return usagef("please specify at least one task_id")
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			for _, id := range ids {
				if _, err := rpc.Invoke(cmd.Context(), h, api.FreeTask, api.TaskIDParams{TaskID: id}); err != nil {
					return err
				}
			}
			return nil
		},
	}
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// taskIDs reads the ids of tasks.
func taskIDs(args []string, message string) ([]int64, error) {
	ids := make([]int64, len(args))
	for i, arg := range args {
		var err error
		if ids[i], err = parseInt(arg); err != nil {
			return nil, usagef("%s", message)
		}
	}
	return ids, nil
}
