package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// listChannelsOptions are those of list-channels.
type listChannelsOptions struct {
	simple, comment, description bool
	enabled                      *bool
	arch                         string
}

// channelRow is a channel with its hosts.
type channelRow struct {
	api.Channel
	Hosts []api.Host `rpc:"hosts"`
}

func listChannels(a *app) *cobra.Command {
	var o listChannelsOptions
	cmd := &cobra.Command{
		Use:     "list-channels [options]",
		Short:   "Print channels listing",
		Example: "  toji list-channels --enabled",
		GroupID: info,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			rows, err := o.find(cmd.Context(), h)
			if err != nil {
				return err
			}
			return a.show(cmd, rows, func(w io.Writer) { a.printChannelRows(w, &o, rows) })
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.simple, "simple", false, "print just list of channels without additional info")
	fs.BoolVar(&o.comment, "comment", false, "show comments")
	fs.BoolVar(&o.description, "description", false, "show descriptions")
	choice(fs, &o.enabled, true, "enabled", "limit to enabled channels")
	choice(fs, &o.enabled, false, "not-enabled", "limit to not enabled channels")
	choice(fs, &o.enabled, false, "disabled", "alias for --not-enabled")
	fs.StringVar(&o.arch, "arch", "", "limit to channels with specific arch")
	a.quietFlag(cmd, "do not print header information")
	jsonFlag(cmd)
	return cmd
}

func (o *listChannelsOptions) find(ctx context.Context, c rpc.Caller) ([]channelRow, error) {
	channels, err := rpc.Invoke(ctx, c, api.ListChannels, api.ListChannelsParams{Enabled: o.enabled})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(channels, func(x, y api.Channel) int { return cmp.Compare(x.Name, y.Name) })
	var batch rpc.Batch
	results := make([]*rpc.Result[[]api.Host], len(channels))
	for i, channel := range channels {
		p := api.ListHostsParams{ChannelID: channel.ID}
		if o.arch != "" {
			p.Arches = o.arch
		}
		results[i] = rpc.Add(&batch, api.ListHosts, p)
	}
	err = doAll(ctx, c, &batch, results)
	rows := make([]channelRow, len(channels))
	for i, channel := range channels {
		rows[i] = channelRow{channel, results[i].Value}
	}
	return rows, err
}

func (a *app) printChannelRows(w io.Writer, o *listChannelsOptions, rows []channelRow) {
	widest := 8
	for i, r := range rows {
		if i == 0 {
			widest = 0
		}
		widest = max(widest, len(r.title()))
	}
	if !a.global.quiet {
		head := "Channel"
		if !o.simple {
			head = pad(head, widest) + "Enabled  Ready Disbld   Load    Cap   Perc    "
		}
		if o.description && !o.simple {
			head += pad("Description", 53)
		}
		if o.comment && !o.simple {
			head += pad("Comment", 53)
		}
		printf(w, "%s\n%s\n", head, strings.Repeat("-", len(head)))
	}
	for _, r := range rows {
		if o.simple {
			printf(w, "%s\n", r.title())
			continue
		}
		r.print(w, widest, o)
	}
}

func (r *channelRow) title() string {
	if r.Enabled {
		return r.Name
	}
	return r.Name + " [disabled]"
}

func (r *channelRow) print(w io.Writer, widest int, o *listChannelsOptions) {
	var enabled, ready int
	var capacity, load, percent float64
	for _, h := range r.Hosts {
		if h.Enabled {
			enabled++
		}
		if h.Ready {
			ready++
		}
		capacity += h.Capacity
		load += h.TaskLoad
	}
	if capacity > 0 {
		percent = load / capacity * 100
	}
	printf(w, "%-*s %6d %6d %6d %6d %6d %6d%%", widest, r.title(), enabled, ready, len(r.Hosts)-enabled, int(load), int(capacity), int(percent))
	if o.description {
		printf(w, "   %-50s", truncated(deref(r.Description), 47))
	}
	if o.comment {
		printf(w, "   %-50s", truncated(deref(r.Comment), 47))
	}
	printf(w, "\n")
}

func addChannel(a *app) *cobra.Command {
	var description *string
	cmd := &cobra.Command{
		Use:     "add-channel [options] <channel_name>",
		Short:   "Add a channel",
		Example: "  toji add-channel big --description \"hosts with much memory\"",
		GroupID: admin,
		Args:    nargs(1, 1, "Please specify one channel name"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			id, err := rpc.Invoke(cmd.Context(), h, api.AddChannel, api.AddChannelParams{ChannelName: args[0], Description: description})
			if err != nil {
				return err
			}
			printf(a.Stdout, "%s added: id %d\n", args[0], id)
			return nil
		},
	}
	optionalText(cmd.Flags(), &description, "description", "description of channel")
	return cmd
}
