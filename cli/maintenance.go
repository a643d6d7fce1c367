package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func addMaintenance(a *app) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "add-maintenance [options] <hostname> <from> <to>",
		Short: "Plan maintenance of a host",
		Long: "Plan maintenance of a host: it gets no tasks in that time, and before it none that, by how long such tasks took,\n" +
			"would not have ended. Tasks that it has go on. " + timeHelp + ".",
		Example: "  toji add-maintenance --reason 'new disks' builder1.example.org '2026-12-31 12:00' '2026-12-31 14:00'",
		GroupID: admin,
		Args:    nargs(3, 3, "Please specify a host and the times from and to which it is in maintenance"),
		RunE: func(cmd *cobra.Command, args []string) error {
			p := api.AddMaintenanceParams{Host: args[0], Reason: reason}
			var err error
			if p.Starts, err = a.parseTime(args[1]); err != nil {
				return usagef("%w", err)
			}
			if p.Ends, err = a.parseTime(args[2]); err != nil {
				return usagef("%w", err)
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			id, err := rpc.Invoke(cmd.Context(), h, api.AddMaintenance, p)
			if err != nil {
				return err
			}
			printf(a.Stdout, "Maintenance %d of %s is planned\n", id, args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "what is done, for whoever asks why a task waits")
	a.complete(cmd, nil, a.hosts)
	return cmd
}

func removeMaintenance(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "remove-maintenance <id>",
		Short:   "Call maintenance of a host off, or end it",
		Example: "  toji list-maintenance\n  toji remove-maintenance 7",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify the id of a maintenance"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseInt(args[0])
			if err != nil {
				return usagef("the id of a maintenance is a number, not %q", args[0])
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			found, err := rpc.Invoke(cmd.Context(), h, api.RemoveMaintenance, api.RemoveMaintenanceParams{ID: id})
			if err == nil && !found {
				err = koji.GenericErrorf("No such maintenance: %d", id)
			}
			return err
		},
	}
}

func listMaintenance(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-maintenance [options] [hostname]",
		Short:   "List the maintenance of hosts that is planned or under way",
		Example: "  toji list-maintenance\n  toji list-maintenance builder1.example.org",
		GroupID: info,
		Args:    nargs(0, 1, "This command takes one host at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p api.MaintenancesParams
			if len(args) > 0 {
				p.Host = args[0]
			}
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			list, err := rpc.Invoke(cmd.Context(), h, api.GetMaintenances, p)
			if err != nil {
				return err
			}
			return a.show(cmd, list, func(w io.Writer) {
				for _, m := range list {
					printf(w, "%-5d %-30s %s - %s  %s\n", m.ID, m.Host, a.asctime(m.Starts.TS()), a.asctime(m.Ends.TS()), m.Reason)
				}
			})
		},
	}
	jsonFlag(cmd)
	a.complete(cmd, nil, a.hosts)
	return cmd
}
