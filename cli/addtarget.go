package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func addTarget(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add-target <name> <build tag> <dest tag>",
		Short:   "Create a new build target",
		Long:    "Create a new build target. Builds for it run in a buildroot of the build tag and go to the destination tag,\nwhich has the target's name if it is left out.",
		Example: "  toji add-target f40 f40-build f40-candidate",
		GroupID: admin,
		Args: func(_ *cobra.Command, args []string) error {
			switch {
			case len(args) < 2:
				return usagef("Please specify a target name, a build tag, and destination tag")
			case len(args) > 3:
				return usagef("Incorrect number of arguments")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			name, buildTag, destTag := args[0], args[1], args[len(args)-1]
			if len(args) == 2 {
				destTag = name
			}
			return a.addTarget(cmd.Context(), name, buildTag, destTag)
		},
	}
	a.complete(cmd, nil, nothing, a.tags, a.tags)
	return cmd
}

func (a *app) addTarget(ctx context.Context, name, buildTag, destTag string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	if err := needPerm(ctx, h, "target"); err != nil {
		return err
	}
	source, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: buildTag})
	if err != nil {
		return err
	}
	dest, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: destTag})
	switch {
	case err != nil:
		return err
	case source == nil:
		return failuref("No such tag: %s", buildTag)
	case deref(source.Arches) == "":
		return failuref("Build tag has no arches: %s", buildTag)
	case dest == nil:
		return failuref("No such destination tag: %s", destTag)
	}
	_, err = rpc.Invoke(ctx, h, api.CreateBuildTarget, api.CreateBuildTargetParams{Name: name, BuildTag: buildTag, DestTag: destTag})
	return err
}
