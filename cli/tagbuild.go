package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func tagBuild(a *app) *cobra.Command {
	var force bool
	var wait *bool
	cmd := &cobra.Command{
		Use:     "tag-build [options] <tag> <pkg> [<pkg> ...]",
		Short:   "Apply a tag to one or more builds",
		Example: "  toji tag-build f40 hello-1.0-1",
		Aliases: []string{"tag-pkg", "tag"},
		GroupID: bind,
		Args:    nargs(2, -1, "This command takes at least two arguments: a tag name/ID and one or more package n-v-r's"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			var tasks []int64
			for _, build := range args[1:] {
				id, err := rpc.Invoke(cmd.Context(), h, api.TagBuild, api.TagBuildParams{Tag: args[0], Build: build, Force: force})
				if err != nil {
					return err
				}
				tasks = append(tasks, id)
				printf(a.Stdout, "Created task %d\n", id)
			}
			return a.watchUnlessAlone(cmd.Context(), h, wait, tasks...)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "force operation")
	waitFlags(cmd, &wait, "wait on task, even if running in the background", "do not wait on task")
	a.complete(cmd, nil, a.tags)
	return cmd
}
