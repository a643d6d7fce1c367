package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/schema"
)

// dbCommand returns the command that looks after the database.
func dbCommand() *cobra.Command {
	var file string
	cmd := &cobra.Command{
		Use:     "db",
		Short:   "Set up, update and check the database",
		Example: "  toji db migrate --config /etc/toji/toji.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.PersistentFlags().StringVar(&file, "config", "", "configuration `file` of the installation; its defaults if empty")
	add := func(use, short, example string, run func(context.Context, *database.DB, *slog.Logger, io.Writer) error) {
		cmd.AddCommand(&cobra.Command{
			Use: use + " [DSN]", Short: short, Example: example, Args: cobra.MaximumNArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return withDatabase(cmd, file, run, args...)
			},
		})
	}
	add("init", "Create the tables in an empty database", "  toji db init --config toji.toml", initDatabase)
	add("migrate", "Bring the tables up to date", "  toji db migrate --config toji.toml", migrate)
	add("check", "Say what of an existing Koji database fits, and what is to be done", "  toji db check \"host=db dbname=koji user=koji\"", check)
	add("adopt", "Add what is Toji's to the database of a Koji hub", "  toji db adopt --config toji.toml", adopt)
	cmd.AddCommand(passwordCommand(&file))
	return cmd
}

// withDatabase runs a function on the database that the configuration names, or
// on that of a DSN if there is one.
func withDatabase(cmd *cobra.Command, file string, run func(context.Context, *database.DB, *slog.Logger, io.Writer) error, dsn ...string) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	if len(dsn) > 0 {
		c.Database.DSN = dsn[0]
	}
	log := obs.NewLogger(cmd.ErrOrStderr(), c.Log, "db")
	db, err := database.Open(cmd.Context(), c.Database.DSN, database.Options{Name: "toji db", Log: log})
	if err != nil {
		return err
	}
	defer db.Close()
	return run(cmd.Context(), db, log, cmd.OutOrStdout())
}

func initDatabase(ctx context.Context, db *database.DB, log *slog.Logger, out io.Writer) error {
	n, err := schema.Applied(ctx, db)
	if err != nil {
		return err
	}
	if n > 0 {
		return fmt.Errorf("the database is set up already, at migration %d; `toji db migrate` brings it up to date", n)
	}
	return migrate(ctx, db, log, out)
}

func migrate(ctx context.Context, db *database.DB, log *slog.Logger, out io.Writer) error {
	if err := schema.Migrate(ctx, db, log); err != nil {
		return err
	}
	return printVersion(ctx, db, out)
}

func printVersion(ctx context.Context, db *database.DB, out io.Writer) error {
	n, err := schema.Applied(ctx, db)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "The database is at migration %d.\n", n)
	return err
}
