package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// editTargetOptions are those of edit-target.
type editTargetOptions struct{ rename, buildTag, destTag string }

func editTarget(a *app) *cobra.Command {
	var o editTargetOptions
	cmd := &cobra.Command{
		Use:     "edit-target [options] <name>",
		Short:   "Set the name, build_tag, and/or dest_tag of an existing build target to new values",
		Example: "  toji edit-target f40 --dest-tag f40-updates-candidate",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify a build target"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.editTarget(cmd.Context(), &o, args[0])
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.rename, "rename", "", "specify new name for target")
	fs.StringVar(&o.buildTag, "build-tag", "", "specify a different build tag")
	fs.StringVar(&o.destTag, "dest-tag", "", "specify a different destination tag")
	a.complete(cmd, flagNames{"build-tag": a.tags, "dest-tag": a.tags}, a.targets)
	return cmd
}

func (a *app) editTarget(ctx context.Context, o *editTargetOptions, name string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	if err := needPerm(ctx, h, "target"); err != nil {
		return err
	}
	target, err := rpc.Invoke(ctx, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: name})
	if err != nil {
		return err
	}
	if target == nil {
		return koji.GenericErrorf("No such build target: %s", name)
	}
	p := api.EditBuildTargetParams{
		BuildTargetInfo: target.Name, Name: target.Name, BuildTag: target.BuildTagName, DestTag: target.DestTagName,
	}
	if o.rename != "" {
		p.Name = o.rename
	}
	if o.buildTag != "" {
		tag, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: o.buildTag})
		switch {
		case err != nil:
			return err
		case tag == nil:
			return failuref("No such tag: %s", o.buildTag)
		case deref(tag.Arches) == "":
			return failuref("Build tag has no arches: %s", o.buildTag)
		}
		p.BuildTag = o.buildTag
	}
	if o.destTag != "" {
		tag, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: o.destTag})
		switch {
		case err != nil:
			return err
		case tag == nil:
			return failuref("No such destination tag: %s", o.destTag)
		}
		p.DestTag = o.destTag
	}
	_, err = rpc.Invoke(ctx, h, api.EditBuildTarget, p)
	return err
}

func removeTarget(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "remove-target [options] <name>",
		Short:   "Remove a build target",
		Example: "  toji remove-target f40",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify a build target to remove"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if err := needPerm(ctx, h, "target"); err != nil {
				return err
			}
			target, err := rpc.Invoke(ctx, h, api.GetBuildTarget, api.GetBuildTargetParams{Info: args[0]})
			if err != nil {
				return err
			}
			if target == nil {
				return failuref("No such build target: %s", args[0])
			}
			_, err = rpc.Invoke(ctx, h, api.DeleteBuildTarget, api.DeleteBuildTargetParams{BuildTargetInfo: target.ID})
			return err
		},
	}
	a.complete(cmd, nil, a.targets)
	return cmd
}
