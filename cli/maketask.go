package cli

import (
	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func makeTask(a *app) *cobra.Command {
	var channel, priority, arch *string
	var watch bool
	cmd := &cobra.Command{
		Use:     "make-task [options] <method> [<arg> ...]",
		Short:   "Create an arbitrary task",
		Example: "  toji make-task --watch sleep 5",
		GroupID: admin,
		Args:    nargs(1, -1, "Please specify task method at least"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			list := make([]any, len(args)-1)
			for i, arg := range args[1:] {
				list[i] = plainValue(arg)
			}
			kw := map[string]any{"method": args[0], "arglist": list}
			for name, value := range map[string]*string{"channel": channel, "priority": priority, "arch": arch} {
				if value != nil {
					kw[name] = *value
				}
			}
			id, err := rpc.Invoke(cmd.Context(), h, api.MakeTask, api.ArgsParams{Args: []any{xmlrpc.Keywords(kw)}})
			if err != nil {
				return err
			}
			printf(a.Stdout, "Created task id %d\n", id)
			if !watch || a.Background() {
				return nil
			}
			return a.watchUnlessAlone(cmd.Context(), h, &watch, id)
		},
	}
	fs := cmd.Flags()
	optionalText(fs, &channel, "channel", "set channel")
	optionalText(fs, &priority, "priority", "set priority")
	fs.BoolVar(&watch, "watch", false, "watch the task")
	optionalText(fs, &arch, "arch", "set arch")
	a.complete(cmd, flagNames{"channel": a.channels}, methods)
	return cmd
}
