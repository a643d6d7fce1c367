package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/devstack"
)

func devCommand() *cobra.Command {
	var o devstack.Options
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run everything on this machine, for development and trials",
		Long: "Runs PostgreSQL, Temporal, a hub and a builder on this machine until Ctrl-C, with all data in one\n" +
			"directory. The next start on the same directory goes on where this one stopped.",
		Example: "  toji dev --dir /srv/toji-dev\n" +
			"  toji dev --dir /srv/toji-dev --listen 0.0.0.0:8080 --tls-listen 0.0.0.0:8443 --admin alice",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.Toji, err = os.Executable(); err != nil {
				return fmt.Errorf("find the program itself: %w", err)
			}
			o.Output = cmd.OutOrStdout()
			stack, err := devstack.New(o)
			if err != nil {
				return err
			}
			// A second signal ends this process at once, and with it everything.
			ctx, stop := untilSignal(cmd.Context(), true)
			defer stop()
			return stack.Run(ctx)
		},
	}
	fs := cmd.Flags()
	fs.StringVar(&o.Dir, "dir", "", "keep everything in `DIR`")
	fs.StringVar(&o.Listen, "listen", "127.0.0.1:8080", "`address` of the hub; with port 0 a free one, the same at every start")
	fs.StringVar(&o.TLSListen, "tls-listen", "127.0.0.1:8443", "`address` of the hub's TLS listener")
	fs.StringVar(&o.TemporalUI, "temporal-ui", "127.0.0.1:8233", "`address` of Temporal's web pages")
	fs.StringVar(&o.Admin, "admin", "admin", "`name` of the first user, an admin")
	fs.StringVar(&o.PasswordFile, "admin-password-file", "", "`file` with the first user's password; without one, only the certificate logs in")
	fs.BoolVar(&o.Empty, "empty", false, "only the schema, the first user and a hub that answers: tasks stay free")
	fs.StringVar(&o.SMTP, "smtp", "", "send mail about builds and tags, to NAME@localhost, through the relay at `address`")
	fs.StringVar(&o.Database, "database", "", "use the database at `DSN` instead of a private cluster")
	fs.StringVar(&o.Temporal, "temporal", "", "use the Temporal at `address` instead of a private one")
	fs.StringVar(&o.TemporalServer, "temporal-server", "", "`path` of the program temporal-server; by default beside toji, then in PATH")
	fs.SortFlags = false
	return cmd
}
