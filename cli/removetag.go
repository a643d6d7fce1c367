package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func removeTag(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove-tag [options] <name>",
		Short:   "Remove a tag",
		Example: "  toji remove-tag f38",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify a tag to remove"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if err := needPerm(ctx, h, "tag"); err != nil {
				return err
			}
			tag, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: args[0]})
			if err != nil {
				return err
			}
			if tag == nil {
				return failuref("No such tag: %s", args[0])
			}
			_, err = rpc.Invoke(ctx, h, api.DeleteTag, api.DeleteTagParams{TagInfo: tag.ID})
			return err
		},
	}
	a.complete(cmd, nil, a.tags)
	return cmd
}
