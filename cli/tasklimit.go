package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func setTaskLimit(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "set-task-limit <owner|channel> <name> <tasks|none>",
		Short: "Limit the tasks on hosts for an owner or a channel",
		Long: "Limit how many tasks hosts carry at once for an owner or a channel. Tasks that wait for their subtasks do not count.\n" +
			"With none, what the hub's configuration says for all holds again.",
		Example: "  toji set-task-limit owner rebuilder 40\n  toji set-task-limit channel image 4\n  toji set-task-limit owner rebuilder none",
		GroupID: admin,
		Args:    nargs(3, 3, "Please specify owner or channel, its name, and a number of tasks or none"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := api.SetTaskLimitParams{Kind: args[0], Info: args[1]}
			if args[2] != "none" {
				n, err := parseInt(args[2])
				if err != nil {
					return usagef("the limit is a number of tasks or none, not %q", args[2])
				}
				p.Tasks = &n
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			_, err = rpc.Invoke(cmd.Context(), h, api.SetTaskLimit, p)
			return err
		},
	}
}

func listTaskLimits(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-task-limits [options]",
		Short:   "List the limits of tasks on hosts for owners and channels",
		Example: "  toji list-task-limits",
		GroupID: info,
		Args:    nargs(0, 0, "This command takes no arguments"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			limits, err := rpc.Invoke(cmd.Context(), h, api.GetTaskLimits, api.NoParams{})
			if err != nil {
				return err
			}
			return a.show(cmd, limits, func(w io.Writer) {
				for _, l := range limits {
					printf(w, "%-8s %-30s %d\n", l.Kind, l.Name, l.Tasks)
				}
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}
