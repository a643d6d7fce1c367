package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func grantPermission(a *app) *cobra.Command {
	var create bool
	var description string
	cmd := &cobra.Command{
		Use:     "grant-permission [options] <permission> <user> [<user> ...]",
		Short:   "Grant a permission to a user",
		Example: "  toji grant-permission tag alice bob",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a permission and at least one user"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			users, err := findUsers(cmd.Context(), h, args[1:])
			if err != nil {
				return err
			}
			if description != "" && !create {
				return usagef("Option new must be specified with option description.")
			}
			for _, user := range users {
				p := api.GrantPermissionParams{UserInfo: user.Name, Permission: args[0], Create: create, Description: ptr(description)}
				if _, err := rpc.Invoke(cmd.Context(), h, api.GrantPermission, p); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&create, "new", false, "create this permission if the permission does not exist")
	cmd.Flags().StringVar(&description, "description", "", "add description about new permission")
	return cmd
}

// findUsers returns users that have to exist.
func findUsers(ctx context.Context, c rpc.Caller, names []string) ([]*api.User, error) {
	users := make([]*api.User, len(names))
	for i, name := range names {
		user, err := rpc.Invoke(ctx, c, api.GetUser, api.GetUserParams{UserInfo: name, KrbPrincs: true})
		if err != nil {
			return nil, err
		}
		if user == nil {
			return nil, usagef("No such user: %s", name)
		}
		users[i] = user
	}
	return users, nil
}

func revokePermission(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "revoke-permission <permission> <user> [<user> ...]",
		Short:   "Revoke a permission from a user",
		Example: "  toji revoke-permission tag alice",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a permission and at least one user"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			users, err := findUsers(cmd.Context(), h, args[1:])
			if err != nil {
				return err
			}
			for _, user := range users {
				p := api.RevokePermissionParams{UserInfo: user.Name, Permission: args[0]}
				if _, err := rpc.Invoke(cmd.Context(), h, api.RevokePermission, p); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

func listPermissions(a *app) *cobra.Command {
	var user string
	var mine bool
	cmd := &cobra.Command{
		Use:     "list-permissions [options]",
		Short:   "List user permissions",
		Example: "  toji list-permissions\n  toji list-permissions --mine",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			perms, err := findPermissions(cmd.Context(), h, user, mine)
			if err != nil {
				return err
			}
			slices.SortFunc(perms, func(x, y permissionRow) int { return cmp.Compare(x.Name, y.Name) })
			return a.show(cmd, perms, func(w io.Writer) { a.printPermissions(w, perms) })
		},
	}
	cmd.Flags().StringVar(&user, "user", "", "list permissions for the given user")
	cmd.Flags().BoolVar(&mine, "mine", false, "list your permissions")
	a.quietFlag(cmd, "do not print the header information")
	jsonFlag(cmd)
	return cmd
}

// permissionRow is a permission with what it means, or with whom a user has it from.
type permissionRow struct {
	Name        string  `rpc:"name"`
	Description *string `rpc:"description"`
}

// findPermissions lists the permissions of a user, or all.
func findPermissions(ctx context.Context, c rpc.Caller, name string, mine bool) ([]permissionRow, error) {
	if name == "" && !mine {
		perms, err := rpc.Invoke(ctx, c, api.GetAllPerms, api.NoParams{})
		rows := make([]permissionRow, len(perms))
		for i, p := range perms {
			rows[i] = permissionRow{p.Name, p.Description}
		}
		return rows, err
	}
	var info any = name
	if mine {
		me, err := rpc.Invoke(ctx, c, api.GetLoggedInUser, api.NoParams{})
		if err != nil {
			return nil, err
		}
		if me == nil {
			return nil, failuref("You are not logged in")
		}
		info = me.ID
	}
	user, err := rpc.Invoke(ctx, c, api.GetUser, api.GetUserParams{UserInfo: info, KrbPrincs: true})
	if err != nil {
		return nil, err
	}
	if user == nil {
		return nil, failuref("No such user: %s", name)
	}
	sources, err := rpc.Invoke(ctx, c, api.GetUserPermsInheritance, api.GetUserPermsInheritanceParams{UserID: user.ID})
	var rows []permissionRow
	for perm, groups := range sources {
		rows = append(rows, permissionRow{perm, inheritedFrom(groups)})
	}
	return rows, err
}

// inheritedFrom says which groups a permission comes from, nil if only the user
// himself has it.
func inheritedFrom(groups []*string) *string {
	if len(groups) == 1 && groups[0] == nil {
		return nil
	}
	names := make([]string, len(groups))
	for i, g := range groups {
		names[i] = deref(g)
	}
	text := "inherited from: " + strings.Join(names, ", ")
	return &text
}

func (a *app) printPermissions(w io.Writer, perms []permissionRow) {
	widest := len("Permission name   ")
	for _, p := range perms {
		widest = max(widest, len(p.Name))
	}
	if !a.global.quiet {
		head := pad("Permission name", widest)
		if len(perms) > 0 && deref(perms[0].Description) != "" {
			head += pad("   Description", 53)
		}
		printf(w, "%s\n%s\n", head, strings.Repeat("-", len(head)))
	}
	for _, p := range perms {
		line := pad(p.Name, widest)
		if deref(p.Description) != "" {
			line += "   " + *p.Description
		}
		printf(w, "%s\n", line)
	}
}
