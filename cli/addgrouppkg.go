package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func addGroupPkg(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "add-group-pkg [options] <tag> <group> <pkg> [<pkg> ...]",
		Short:   "Add a package to a group's package listing",
		Example: "  toji add-group-pkg f40-build build bash gcc make",
		GroupID: admin,
		Args:    nargs(3, -1, "You must specify a tag name, group name, and one or more package names"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			for _, pkg := range args[2:] {
				p := api.GroupPackageListAddParams{TagInfo: args[0], GrpInfo: args[1], PkgName: pkg}
				if _, err := rpc.Invoke(cmd.Context(), h, api.GroupPackageListAdd, p); err != nil {
					return err
				}
			}
			return nil
		},
	}
	a.complete(cmd, nil, a.tags)
	return cmd
}
