package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func addHostToChannel(a *app) *cobra.Command {
	var list, create, force bool
	cmd := &cobra.Command{
		Use:     "add-host-to-channel [options] <hostname> <channel>",
		Short:   "Add a host to a channel",
		Example: "  toji add-host-to-channel builder1.example.org createrepo",
		GroupID: admin,
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			if !list && len(args) != 2 {
				return usagef("Please specify a hostname and a channel")
			}
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			if list {
				return a.printChannels(ctx, h)
			}
			host, channel := args[0], args[1]
			if !create {
				if id, err := channelID(ctx, h, channel); err != nil {
					return err
				} else if id == 0 {
					return failuref("No such channel: %s", channel)
				}
			}
			if id, err := hostID(ctx, h, host); err != nil {
				return err
			} else if id == 0 {
				return failuref("No such host: %s", host)
			}
			_, err = rpc.Invoke(ctx, h, api.AddHostToChannel, api.AddHostToChannelParams{Hostname: host, ChannelName: channel, Create: create, Force: force})
			return err
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&list, "list", false, "list the channels")
	fs.BoolVar(&create, "new", false, "create channel if needed")
	fs.BoolVar(&force, "force", false, "force added, if possible")
	fs.Lookup("list").Hidden = true
	a.complete(cmd, nil, a.hosts, a.channels)
	return cmd
}

func (a *app) printChannels(ctx context.Context, h *hub) error {
	channels, err := rpc.Invoke(ctx, h, api.ListChannels, api.ListChannelsParams{})
	for _, c := range channels {
		printf(a.Stdout, "%s\n", c.Name)
	}
	return err
}
