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

// listHostsOptions are those of list-hosts.
type listHostsOptions struct {
	arches                             []string
	channel                            string
	ready, enabled                     *bool
	showChannels, comment, description bool
}

func listHosts(a *app) *cobra.Command {
	var o listHostsOptions
	cmd := &cobra.Command{
		Use:     "list-hosts [options]",
		Short:   "Print the host listing",
		Example: "  toji list-hosts --enabled --channel default\n  toji list-hosts --arch aarch64 --show-channels",
		GroupID: info,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			hosts, err := o.find(cmd.Context(), h)
			if err != nil {
				return err
			}
			if len(hosts) == 0 && !wantsJSON(cmd) {
				printf(a.Stderr, "No hosts found.\n")
				return nil
			}
			return a.show(cmd, hosts, func(w io.Writer) { a.printHosts(w, hosts, o) })
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&o.arches, "arch", nil, "specify an `architecture`")
	fs.StringVar(&o.channel, "channel", "", "specify a channel")
	choice(fs, &o.ready, true, "ready", "limit to ready hosts")
	choice(fs, &o.ready, false, "not-ready", "limit to not ready hosts")
	choice(fs, &o.enabled, true, "enabled", "limit to enabled hosts")
	choice(fs, &o.enabled, false, "not-enabled", "limit to not enabled hosts")
	choice(fs, &o.enabled, false, "disabled", "alias for --not-enabled")
	fs.BoolVar(&o.showChannels, "show-channels", false, "show host's channels")
	fs.BoolVar(&o.comment, "comment", false, "show comments")
	fs.BoolVar(&o.description, "description", false, "show descriptions")
	a.quietFlag(cmd, "do not print header information")
	jsonFlag(cmd)
	a.complete(cmd, flagNames{"channel": a.channels})
	return cmd
}

// hostRow is a host with its channels, where these were asked for.
type hostRow struct {
	api.Host
	Channels []api.Channel `rpc:"channels,omitempty"`
}

// find lists the hosts that the options ask for, by name.
func (o *listHostsOptions) find(ctx context.Context, c rpc.Caller) ([]hostRow, error) {
	p := api.ListHostsParams{Ready: o.ready, Enabled: o.enabled}
	if o.arches != nil {
		p.Arches = o.arches
	}
	if o.channel != "" {
		id, err := channelID(ctx, c, o.channel)
		if err != nil {
			return nil, err
		}
		if id == 0 {
			return nil, usagef("No such channel: %s", o.channel)
		}
		p.ChannelID = id
	}
	hosts, err := rpc.Invoke(ctx, c, api.ListHosts, p)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(hosts, func(x, y api.Host) int { return cmp.Compare(x.Name, y.Name) })
	rows := make([]hostRow, len(hosts))
	for i, host := range hosts {
		rows[i].Host = host
	}
	if o.showChannels {
		return rows, addChannels(ctx, c, rows)
	}
	return rows, nil
}

// addChannels asks for the channels of all hosts.
func addChannels(ctx context.Context, c rpc.Caller, rows []hostRow) error {
	var batch rpc.Batch
	results := make([]*rpc.Result[[]api.Channel], len(rows))
	for i, row := range rows {
		results[i] = rpc.Add(&batch, api.ListChannels, api.ListChannelsParams{HostID: row.ID})
	}
	err := doAll(ctx, c, &batch, results)
	for i, r := range results {
		rows[i].Channels = r.Value
	}
	return err
}

func (a *app) printHosts(w io.Writer, hosts []hostRow, o listHostsOptions) {
	widest := 0
	for _, h := range hosts {
		widest = max(widest, len(h.Name))
	}
	if !a.global.quiet {
		head := pad("Hostname", widest) + " Enb Rdy Load/Cap  Arches           " + pad("Last Update", 36)
		if o.description {
			head += pad("Description", 51)
		}
		if o.comment {
			head += pad("Comment", 51)
		}
		if o.showChannels {
			head += "Channels"
		}
		printf(w, "%s\n%s\n", head, strings.Repeat("-", len(head)))
	}
	for _, h := range hosts {
		update := "-"
		if h.UpdateTS != nil {
			update = a.longTime(h.UpdateTS)
		}
		arches := strings.Join(strings.Fields(deref(h.Arches)), ",")
		printf(w, "%-*s %-3s %-3s %4.1f/%-4.1f %-16s %-35s", widest, h.Name, yesNo(h.Enabled), yesNo(h.Ready), h.TaskLoad, h.Capacity, arches, update)
		if o.description {
			printf(w, " %-50s", truncated(deref(h.Description), 47))
		}
		if o.comment {
			printf(w, " %-50s", truncated(deref(h.Comment), 47))
		}
		if o.showChannels {
			printf(w, " %s", channelNames(h.Channels))
		}
		printf(w, "\n")
	}
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-len(s))) }

func yesNo(b bool) string {
	if b {
		return "Y"
	}
	return "N"
}

// channelNames lists channels, with a star at those that are disabled.
func channelNames(channels []api.Channel) string {
	names := make([]string, len(channels))
	for i, c := range channels {
		names[i] = c.Name
		if !c.Enabled {
			names[i] = "*" + c.Name
		}
	}
	slices.Sort(names)
	return strings.Join(names, ",")
}
