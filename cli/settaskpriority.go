package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func setTaskPriority(a *app) *cobra.Command {
	var priority *int64
	var recurse bool
	cmd := &cobra.Command{
		Use:     "set-task-priority [options] --priority=<priority> <task_id> [<task_id> ...]",
		Short:   "Set task priority",
		Example: "  toji set-task-priority --priority=5 --recurse 123",
		GroupID: admin,
		Args:    nargs(1, -1, "You must specify at least one task id"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if priority == nil {
				return usagef("You must specify --priority")
			}
			ids, err := taskIDs(args, "Task numbers must be integers")
			if err != nil {
				return err
			}
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if err := needAdmin(ctx, h); err != nil {
				return err
			}
			for _, id := range ids {
				p := api.SetTaskPriorityParams{TaskID: id, Priority: *priority, Recurse: recurse}
				if _, err := rpc.Invoke(ctx, h, api.SetTaskPriority, p); isFault(err) {
					printf(a.Stderr, "Can't update task priority on closed task: %d\n", id)
				} else if err != nil {
					return err
				}
			}
			return nil
		},
	}
	optionalInt(cmd.Flags(), &priority, "priority", "new priority, the smaller the sooner")
	cmd.Flags().BoolVar(&recurse, "recurse", false, "change priority of child tasks as well")
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// needAdmin is the error for a user who is not an admin.
func needAdmin(ctx context.Context, c rpc.Caller) error {
	ok, err := rpc.Invoke(ctx, c, api.HasPerm, api.HasPermParams{Perm: "admin"})
	if err != nil || ok {
		return err
	}
	user, err := rpc.Invoke(ctx, c, api.GetLoggedInUser, api.NoParams{})
	if err != nil {
		return err
	}
	if user == nil {
		return koji.ActionNotAllowedf("you must be logged in for this operation")
	}
	return koji.ActionNotAllowedf("admin permission required (logged in as %s)", user.Name)
}
