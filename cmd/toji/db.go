package main

import (
	"context"
	"errors"
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
			Use: use, Short: short, Example: example, Args: cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				return withDatabase(cmd, file, run)
			},
		})
	}
	add("init", "Create the tables in an empty database", "  toji db init --config toji.toml", initDatabase)
	add("migrate", "Bring the tables up to date", "  toji db migrate --config toji.toml", migrate)
	add("check", "Compare the tables with those of Koji 1.35", "  toji db check --config toji.toml", check)
	add("adopt", "Take over the database of a Koji 1.35 hub", "  toji db adopt --config toji.toml", adopt)
	cmd.AddCommand(passwordCommand(&file))
	return cmd
}

// withDatabase runs a function on the database that the configuration names.
func withDatabase(cmd *cobra.Command, file string, run func(context.Context, *database.DB, *slog.Logger, io.Writer) error) error {
	c, err := config.Load(file)
	if err != nil {
		return err
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

func adopt(ctx context.Context, db *database.DB, log *slog.Logger, out io.Writer) error {
	if err := schema.Adopt(ctx, db, log); err != nil {
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

func check(ctx context.Context, db *database.DB, _ *slog.Logger, out io.Writer) error {
	differences, err := schema.Check(ctx, db)
	if err != nil {
		return err
	}
	for _, d := range differences {
		fmt.Fprintln(out, d)
	}
	if len(differences) > 0 {
		return errors.New("the database differs from Koji 1.35")
	}
	_, err = fmt.Fprintln(out, "The tables are those of Koji 1.35.")
	return err
}
