package cli

import (
	"cmp"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func listTargets(a *app) *cobra.Command {
	var name *string
	cmd := &cobra.Command{
		Use:     "list-targets [options]",
		Short:   "List the build targets",
		Example: "  toji list-targets\n  toji list-targets --name f40",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			var p api.GetBuildTargetsParams
			if name != nil {
				p.Info = *name
			}
			rows, err := rpc.Invoke(cmd.Context(), h, api.GetBuildTargets, p)
			switch {
			case err != nil:
				return err
			case len(rows.List) == 0 && deref(name) != "":
				return usagef("No such build target: %s", *name)
			case len(rows.List) == 0:
				return usagef("No targets were found")
			}
			targets := rows.List
			slices.SortStableFunc(targets, func(x, y api.BuildTarget) int { return cmp.Compare(x.Name, y.Name) })
			return a.show(cmd, targets, func(w io.Writer) { a.printTargets(w, targets) })
		},
	}
	optionalText(cmd.Flags(), &name, "name", "specify the build target name")
	a.quietFlag(cmd, "do not print the header information")
	jsonFlag(cmd)
	a.complete(cmd, flagNames{"name": a.targets})
	return cmd
}

func (a *app) printTargets(w io.Writer, targets []api.BuildTarget) {
	const format = "%-30s %-30s %-30s\n"
	if !a.global.quiet {
		printf(w, format, "Name", "Buildroot", "Destination")
		printf(w, "%s\n", strings.Repeat("-", 93))
	}
	for _, t := range targets {
		printf(w, format, t.Name, t.BuildTagName, t.DestTagName)
	}
}
