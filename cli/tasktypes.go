package cli

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func listTaskTypes(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-task-types [options]",
		Short:   "List the types of tasks that the hub takes",
		Example: "  toji list-task-types\n  toji list-task-types --json",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			list, err := a.findTaskTypes(cmd.Context())
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(w io.Writer) {
				for _, t := range list {
					printf(w, "%s %s (%s)\n", padded(t.Name, 20), t.Title, makers(t.Permission))
				}
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}

func (a *app) findTaskTypes(ctx context.Context) ([]api.TaskType, error) {
	h, err := a.anonymous(ctx)
	if err != nil {
		return nil, err
	}
	return rpc.Invoke(ctx, h, api.ListTaskTypes, api.NoParams{})
}

// taskTypeNames are the types of the hub.
func (a *app) taskTypeNames(ctx context.Context) ([]string, error) {
	types, err := a.findTaskTypes(ctx)
	list := make([]string, len(types))
	for i, t := range types {
		list[i] = t.Name + "\t" + t.Title
	}
	return list, err
}
