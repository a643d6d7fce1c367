package cli

import (
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func listUsers(a *app) *cobra.Command {
	var kind, prefix, perm string
	var inherited bool
	cmd := &cobra.Command{
		Use:     "list-users [options]",
		Short:   "List of users",
		Example: "  toji list-users --perm=tag --inherited-perm",
		GroupID: admin,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if inherited && perm == "" {
				return usagef("inherited_perm option must be used with perm option")
			}
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			p := api.ListUsersParams{Prefix: ptr(prefix), InheritedPerm: inherited}
			if p.UserType, err = userType(kind); err != nil {
				return err
			}
			if perm != "" {
				perms, err := rpc.Invoke(cmd.Context(), h, api.GetAllPerms, api.NoParams{})
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(perms, func(p api.Permission) bool { return p.Name == perm }) {
					return failuref("Invalid permission: %s", perm)
				}
				p.Perm = perm
			}
			rows, err := rpc.Invoke(cmd.Context(), h, api.ListUsers, p)
			if err != nil {
				return err
			}
			return a.show(cmd, rows.List, func(w io.Writer) {
				for _, user := range rows.List {
					printf(w, "%s\n", user.Name)
				}
			})
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&kind, "usertype", "NORMAL", "list users that have a given usertype: NORMAL, HOST, GROUP, or any for all")
	fs.StringVar(&prefix, "prefix", "", "list users that have a given prefix")
	fs.StringVar(&perm, "perm", "", "list users that have a given permission")
	fs.BoolVar(&inherited, "inherited-perm", false, "consider inherited permissions")
	jsonFlag(cmd)
	return cmd
}

// userType returns the number of a kind of users, nil for all kinds.
func userType(name string) (any, error) {
	for _, t := range []koji.UserType{koji.UserNormal, koji.UserHost, koji.UserGroup} {
		if strings.EqualFold(name, t.String()) {
			return int64(t), nil
		}
	}
	if strings.EqualFold(name, "any") || strings.EqualFold(name, "all") {
		return nil, nil
	}
	return nil, failuref("Invalid usertype: %s", name)
}
