package cli

import (
	"cmp"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func listAPI(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list-api [options] [method_name ...]",
		Short:   "Print the list of XML-RPC APIs",
		Example: "  toji list-api\n  toji list-api getTag",
		GroupID: info,
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			for _, name := range args {
				help, err := rpc.Invoke(cmd.Context(), h, api.MethodHelp, api.MethodParams{Method: name})
				if err != nil {
					return err
				}
				if help == "" {
					return usagef("Unknown method: %s", name)
				}
				printf(a.Stdout, "%s\n", help)
			}
			if len(args) > 0 {
				return nil
			}
			entries, err := rpc.Invoke(cmd.Context(), h, api.ListAPI, api.NoParams{})
			if err != nil {
				return err
			}
			slices.SortFunc(entries, func(x, y rpc.APIEntry) int { return cmp.Compare(x.Name, y.Name) })
			return a.show(cmd, entries, func(w io.Writer) {
				for _, e := range entries {
					printf(w, "%s%s\n", e.Name, e.ArgDesc)
					if deref(e.Doc) != "" {
						printf(w, "  description: %s\n", *e.Doc)
					}
				}
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}
