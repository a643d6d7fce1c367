package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// addPkgOptions are those of add-pkg.
type addPkgOptions struct {
	owner, extraArches string
	force              bool
}

func addPkg(a *app) *cobra.Command {
	var o addPkgOptions
	cmd := &cobra.Command{
		Use:     "add-pkg [options] --owner <owner> <tag> <package> [<package> ...]",
		Short:   "Add a package to the listing for tag",
		Example: "  toji add-pkg --owner alice f40 hello bash",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a tag and at least one package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.owner == "" {
				return usagef("Please specify an owner for the package(s)")
			}
			return a.addPkg(cmd.Context(), o, args[0], args[1:])
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.owner, "owner", "", "specify owner")
	fs.StringVar(&o.extraArches, "extra-arches", "", "specify extra arches")
	fs.BoolVar(&o.force, "force", false, "override blocks if necessary")
	a.complete(cmd, nil, a.tags)
	return cmd
}

func (a *app) addPkg(ctx context.Context, o addPkgOptions, tag string, packages []string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	owner, err := userID(ctx, h, o.owner)
	if err != nil {
		return err
	}
	if owner == 0 {
		return failuref("No such user: %s", o.owner)
	}
	dest, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: tag})
	if err != nil {
		return err
	}
	if dest == nil {
		return failuref("No such tag: %s", tag)
	}
	listed, err := packagesOf(ctx, h, api.ListPackagesParams{TagID: dest.ID, WithBlocked: true})
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(listed))
	for _, p := range listed {
		known[p.PackageName] = true
	}
	p := api.PackageListAddParams{TagInfo: tag, Owner: o.owner, Block: false, Force: o.force}
	if o.extraArches != "" {
		if p.ExtraArches, err = parseArches(o.extraArches); err != nil {
			return err
		}
	}
	var batch rpc.Batch
	var results []*rpc.Result[rpc.None]
	for _, name := range packages {
		if known[name] {
			printf(a.Stdout, "Package %s already exists in tag %s\n", name, tag)
			continue
		}
		p.PkgInfo = name
		results = append(results, rpc.Add(&batch, api.PackageListAdd, p))
	}
	printf(a.Stdout, "Adding %d packages to tag %s\n", len(results), dest.Name)
	return doAll(ctx, h, &batch, results)
}

// packagesOf lists packages with what tags say about them.
func packagesOf(ctx context.Context, c rpc.Caller, p api.ListPackagesParams) ([]api.TagPackage, error) {
	v, err := rpc.Invoke(ctx, c, api.ListPackages, p)
	if err != nil {
		return nil, err
	}
	var list []api.TagPackage
	err = rpc.Into(v, &list)
	return list, err
}

// doAll makes the calls of a batch and returns the first fault among them.
func doAll[R any](ctx context.Context, c rpc.Caller, b *rpc.Batch, results []*rpc.Result[R]) error {
	if err := b.Do(ctx, c); err != nil {
		return err
	}
	for _, r := range results {
		if r.Err != nil {
			return r.Err
		}
	}
	return nil
}
