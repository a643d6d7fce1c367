package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func addUser(a *app) *cobra.Command {
	var principal *string
	var disable bool
	cmd := &cobra.Command{
		Use:     "add-user <username> [options]",
		Short:   "Add a user",
		Example: "  toji add-user alice",
		GroupID: admin,
		Args:    oneUser("add"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			status := koji.UserActive
			if disable {
				status = koji.UserBlocked
			}
			p := api.CreateUserParams{Username: args[0], Status: &status, KrbPrincipal: principal}
			id, err := rpc.Invoke(cmd.Context(), h, api.CreateUser, p)
			if err != nil {
				return err
			}
			printf(a.Stdout, "Added user %s (%d)\n", args[0], id)
			return nil
		},
	}
	optionalText(cmd.Flags(), &principal, "principal", "the Kerberos principal for this user")
	cmd.Flags().BoolVar(&disable, "disable", false, "prohibit logins by this user")
	return cmd
}

func enableUser(a *app) *cobra.Command {
	return a.switchUser("enable", "Enable logins by a user", api.EnableUser)
}

func disableUser(a *app) *cobra.Command {
	return a.switchUser("disable", "Disable logins by a user", api.DisableUser)
}

func (a *app) switchUser(verb, short string, m rpc.Method[api.UserParams, rpc.None]) *cobra.Command {
	return &cobra.Command{
		Use:     verb + "-user <username>",
		Short:   short,
		Example: "  toji " + verb + "-user alice",
		GroupID: admin,
		Args:    oneUser(verb),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			_, err = rpc.Invoke(cmd.Context(), h, m, api.UserParams{Username: args[0]})
			return err
		},
	}
}

// oneUser checks that a command is given the name of one user to do something to.
func oneUser(verb string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < 1:
			return usagef("You must specify the username of the user to %s", verb)
		case len(args) > 1:
			return usagef("This command only accepts one argument (username)")
		}
		return nil
	}
}
