package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/hubconf"
)

// hubConfigCommand returns the command about the hub's configuration.
func hubConfigCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Make the hub's configuration",
		Example: "  toji hub config import /etc/koji-hub/hub.conf > toji.toml",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var plugins string
	imp := &cobra.Command{
		Use:   "import FILE",
		Short: "Print Toji's configuration for Koji's hub.conf",
		Long: `Reads hub.conf, hub.conf.d/*.conf beside it, and the configuration of the plugins
in the directory plugins beside it, and prints what they say as Toji's TOML, with
the policies. What has no meaning for Toji, and passwords, are left out and told
on the standard error.`,
		Example: "  toji hub config import /etc/koji-hub/hub.conf > toji.toml",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if plugins == "" {
				plugins = filepath.Join(filepath.Dir(args[0]), "plugins")
			}
			made, err := hubconf.Import(args[0], plugins)
			if err != nil {
				return err
			}
			for _, n := range made.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), n)
			}
			if _, err := fmt.Fprint(cmd.OutOrStdout(), made.TOML); err != nil {
				return err
			}
			_, err = config.Parse("the result", []byte(made.TOML))
			return err
		},
	}
	imp.Flags().StringVar(&plugins, "plugins", "", "`directory` of the plugins' configuration")
	cmd.AddCommand(imp)
	return cmd
}
