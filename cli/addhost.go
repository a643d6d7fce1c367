package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func addHost(a *app) *cobra.Command {
	var principal *string
	var force bool
	cmd := &cobra.Command{
		Use:     "add-host [options] <hostname> <arch> [<arch> ...]",
		Short:   "Add a host",
		Example: "  toji add-host builder1.example.org x86_64 i686",
		GroupID: admin,
		Args:    nargs(2, -1, "Please specify a hostname and at least one arch"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx, host := cmd.Context(), args[0]
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			found, err := rpc.Invoke(ctx, h, api.GetHost, api.GetHostParams{HostInfo: host})
			if err != nil {
				return err
			}
			if found != nil {
				return failuref("%s is already in the database", host)
			}
			id, err := rpc.Invoke(ctx, h, api.AddHost, api.AddHostParams{Hostname: host, Arches: args[1:], KrbPrincipal: principal, Force: force})
			if err != nil {
				return err
			}
			printf(a.Stdout, "%s added: id %d\n", host, id)
			return nil
		},
	}
	optionalText(cmd.Flags(), &principal, "krb-principal", "set a non-default kerberos principal for the host")
	cmd.Flags().BoolVar(&force, "force", false, "if existing used is a regular user, convert it to a host")
	return cmd
}
