package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func blockPkg(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "block-pkg [options] <tag> <package> [<package> ...]",
		Short:   "Block a package in the listing for tag",
		Example: "  toji block-pkg f40 hello",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a tag and at least one package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			check := packageCheck{inherited: true, complaint: "Package %s doesn't exist in tag %s"}
			return a.changePkgs(cmd.Context(), api.PackageListBlock, check, force, args)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "override blocks and owner if necessary")
	a.complete(cmd, nil, a.tags)
	return cmd
}

func removePkg(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "remove-pkg [options] <tag> <package> [<package> ...]",
		Short:   "Remove a package from the listing for tag",
		Example: "  toji remove-pkg f40 hello",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a tag and at least one package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			check := packageCheck{complaint: "Package %s is not in tag %s"}
			return a.changePkgs(cmd.Context(), api.PackageListRemove, check, force, args)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "override blocks if necessary")
	a.complete(cmd, nil, a.tags)
	return cmd
}

func unblockPkg(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "unblock-pkg [options] <tag> <package> [<package> ...]",
		Short:   "Unblock a package in the listing for tag",
		Example: "  toji unblock-pkg f40 hello",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a tag and at least one package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.changePkgs(cmd.Context(), api.PackageListUnblock, packageCheck{}, false, args)
		},
	}
	a.complete(cmd, nil, a.tags)
	return cmd
}

// packageCheck is how packages are looked for in a tag before they are changed.
type packageCheck struct {
	inherited bool
	complaint string // about a package, in a tag, that is not there; "" for no check
}

// changePkgs does the same to several packages of a tag, which args begin with.
func (a *app) changePkgs(ctx context.Context, m rpc.Method[api.PackageListParams, rpc.None], check packageCheck, force bool, args []string) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	tag, packages := args[0], args[1:]
	if check.complaint != "" {
		if err := a.checkPkgs(ctx, h, check, tag, packages); err != nil {
			return err
		}
	}
	var batch rpc.Batch
	var results []*rpc.Result[rpc.None]
	for _, pkg := range packages {
		results = append(results, rpc.Add(&batch, m, api.PackageListParams{TagInfo: tag, PkgInfo: pkg, Force: force}))
	}
	return doAll(ctx, h, &batch, results)
}

func (a *app) checkPkgs(ctx context.Context, h *hub, check packageCheck, name string, packages []string) error {
	tag, err := rpc.Invoke(ctx, h, api.GetTag, api.GetTagParams{TagInfo: name})
	if err != nil {
		return err
	}
	if tag == nil {
		return failuref("No such tag: %s", name)
	}
	listed, err := packagesOf(ctx, h, api.ListPackagesParams{TagID: tag.ID, Inherited: check.inherited, WithBlocked: true})
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(listed))
	for _, p := range listed {
		known[p.PackageName] = true
	}
	for _, pkg := range packages {
		if !known[pkg] {
			printf(a.Stderr, check.complaint+"\n", pkg, name)
			err = errFailed
		}
	}
	return err
}

func setPkgOwner(a *app) *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:     "set-pkg-owner [options] <owner> <tag> <package> [<package> ...]",
		Short:   "Set the owner for a package",
		Example: "  toji set-pkg-owner alice f40 hello",
		GroupID: admin,
		Args:    nargs(3, -1, "Please specify an owner, a tag, and at least one package"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			var batch rpc.Batch
			var results []*rpc.Result[rpc.None]
			for _, pkg := range args[2:] {
				p := api.PackageListSetOwnerParams{TagInfo: args[1], PkgInfo: pkg, Owner: args[0], Force: force}
				results = append(results, rpc.Add(&batch, api.PackageListSetOwner, p))
			}
			return doAll(cmd.Context(), h, &batch, results)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "force operation")
	a.complete(cmd, nil, nothing, a.tags)
	return cmd
}
