package cli

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func addGroup(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add-group <tag> <group>",
		Short:   "Add a group to a tag",
		Example: "  toji add-group f40-build build",
		GroupID: admin,
		Args:    nargs(2, 2, "Please specify a tag name and a group name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, tag, group := cmd.Context(), args[0], args[1]
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if err := needPerm(ctx, h, "tag"); err != nil {
				return err
			}
			found, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: tag})
			if err != nil {
				return err
			}
			if found == nil {
				return failuref("No such tag: %s", tag)
			}
			groups, err := rpc.Invoke(ctx, h, api.GetTagGroups, api.GetTagGroupsParams{Tag: tag, InclPkgs: true, InclReqs: true})
			if err != nil {
				return err
			}
			if slices.ContainsFunc(groups, func(g api.TagGroup) bool { return g.Name == group }) {
				return failuref("Group %s already exists for tag %s", group, tag)
			}
			_, err = rpc.Invoke(ctx, h, api.GroupListAdd, api.GroupListAddParams{TagInfo: tag, GrpInfo: group})
			return err
		},
	}
	a.complete(cmd, nil, a.tags)
	return cmd
}
