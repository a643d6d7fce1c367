package cli

import (
	"io"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func version(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "version",
		Short:   "Report client and hub versions",
		Long:    "Report client and hub versions: those of Koji that they are compatible with. `toji --version` is Toji's own.",
		Example: "  toji version",
		GroupID: misc,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			hubVersion, err := rpc.Invoke(cmd.Context(), h, api.GetKojiVersion, api.NoParams{})
			if isFault(err) {
				hubVersion = "Can't determine (older than 1.23)"
			} else if err != nil {
				return err
			}
			data := map[string]string{"client": compatVersion, "toji": Version, "hub": hubVersion}
			return a.show(cmd, data, func(w io.Writer) {
				printf(w, "Client: %s\nHub:    %s\n", compatVersion, hubVersion)
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}
