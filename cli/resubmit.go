package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func resubmit(a *app) *cobra.Command {
	var wait *bool
	cmd := &cobra.Command{
		Use:     "resubmit [options] <task_id>",
		Short:   "Retry a canceled or failed task, using the same parameter as the original task.",
		Example: "  toji resubmit 123",
		GroupID: building,
		Args:    nargs(1, 1, "Please specify a single task ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			id, err := parseInt(args[0])
			if err != nil {
				return failuref("a task ID is a number, not %q", args[0])
			}
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if !a.global.quiet {
				r := taskReader{hub: h, verbose: true, stock: true}
				d, err := r.read(ctx, id)
				if err != nil {
					return err
				}
				printf(a.Stdout, "Resubmitting the following task:\n")
				a.printTaskTree(a.Stdout, d, 0)
			}
			newID, err := rpc.Invoke(ctx, h, api.ResubmitTask, api.ResubmitTaskParams{TaskID: id})
			if err != nil {
				return err
			}
			if !a.global.quiet {
				printf(a.Stdout, "Resubmitted task %d as new task %d\n", id, newID)
			}
			return a.watchUnlessAlone(ctx, h, wait, newID)
		},
	}
	waitFlags(cmd, &wait, "wait on task, even if running in the background", "don't wait on task")
	choice(cmd.Flags(), &wait, false, "nowatch", "an alias for --nowait")
	a.quietFlag(cmd, "do not print the task information")
	return cmd
}

// waitFlags gives cmd the options --wait and --nowait.
func waitFlags(cmd *cobra.Command, wait **bool, yes, no string) {
	choice(cmd.Flags(), wait, true, "wait", yes)
	choice(cmd.Flags(), wait, false, "nowait", no)
}
