package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// hostDetails is what hostinfo shows.
type hostDetails struct {
	api.Host
	Channels   []api.Channel   `rpc:"channels"`
	Buildroots []api.Buildroot `rpc:"buildroots"` // those in use
	Status     *api.HostStatus `rpc:"status"`     // nil from a stock hub
}

func hostInfo(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "hostinfo [options] <hostname> [<hostname> ...]",
		Short:   "Print basic information about a host",
		Example: "  toji hostinfo builder1.example.org",
		GroupID: info,
		Args:    nargs(1, -1, "Please specify a host"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			var missing error
			for _, arg := range args {
				d, err := hostDetailsOf(cmd.Context(), h, arg)
				if err != nil {
					return err
				}
				if d == nil {
					printf(a.Stderr, "No such host: %s\n\n", arg)
					missing = errFailed
					continue
				}
				if err := a.show(cmd, d, func(w io.Writer) { a.printHost(w, d) }); err != nil {
					return err
				}
			}
			return missing
		},
	}
	jsonFlag(cmd)
	a.complete(cmd, nil, a.hosts, more)
	return cmd
}

// hostDetailsOf returns nil for a host that does not exist.
func hostDetailsOf(ctx context.Context, c rpc.Caller, name string) (*hostDetails, error) {
	host, err := rpc.Invoke(ctx, c, api.GetHost, api.GetHostParams{HostInfo: ref(name)})
	if err != nil || host == nil {
		return nil, err
	}
	d := &hostDetails{Host: *host}
	if d.Channels, err = rpc.Invoke(ctx, c, api.ListChannels, api.ListChannelsParams{HostID: host.ID}); err != nil {
		return nil, err
	}
	for _, state := range []koji.BuildrootState{koji.BuildrootInit, koji.BuildrootWaiting, koji.BuildrootBuilding} {
		rows, err := rpc.Invoke(ctx, c, api.ListBuildroots, api.ListBuildrootsParams{HostID: &host.ID, State: int64(state)})
		if err != nil {
			return nil, err
		}
		d.Buildroots = append(d.Buildroots, rows.List...)
	}
	return d, d.addStatus(ctx, c)
}

// addStatus adds what a Toji hub knows beyond Koji.
func (d *hostDetails) addStatus(ctx context.Context, c rpc.Caller) error {
	list, err := rpc.Invoke(ctx, c, api.GetHostStatus, api.NoParams{})
	if isFault(err) {
		return nil
	}
	for i := range list {
		if list[i].ID == d.ID {
			d.Status = &list[i]
		}
	}
	return err
}

func (a *app) printHost(w io.Writer, d *hostDetails) {
	printf(w, "Name: %s\n", d.Name)
	printf(w, "ID: %d\n", d.ID)
	printf(w, "Arches: %s\n", deref(d.Arches))
	printf(w, "Capacity: %s\n", pformat(d.Capacity))
	printf(w, "Task Load: %.2f\n", d.TaskLoad)
	printText(w, "Description:", deref(d.Description))
	printText(w, "Comment:", deref(d.Comment))
	printf(w, "Enabled: %s\n", inWords(d.Enabled))
	printf(w, "Ready: %s\n", inWords(d.Ready))
	update := "never"
	if d.UpdateTS != nil {
		update = a.longTime(d.UpdateTS)
	}
	printf(w, "Last Update: %s\n", update)
	names := make([]string, len(d.Channels))
	for i, c := range d.Channels {
		names[i] = c.Name
	}
	printf(w, "Channels: %s\n", strings.Join(names, " "))
	a.printHostStatus(w, d.Status)
	printf(w, "Active Buildroots:\n")
	if len(d.Buildroots) == 0 {
		printf(w, "None\n")
		return
	}
	const row = "%-50s %-10s %-20s\n"
	printf(w, row, "NAME", "STATE", "CREATION TIME")
	for _, b := range d.Buildroots {
		created, _, _ := strings.Cut(b.CreateEventTime.String(), ".")
		state := koji.BuildrootState(deref(b.State)).String()
		printf(w, row, deref(b.TagName)+"-"+orNone(&b.ID)+"-"+orNone(b.RepoID), state, created)
	}
}

// printHostStatus prints how a host is by what a Toji hub knows of it.
func (a *app) printHostStatus(w io.Writer, s *api.HostStatus) {
	if s == nil {
		return
	}
	r := s.Report
	if !s.Ready && r.NotReady != "" {
		printf(w, "Not ready: %s\n", r.NotReady)
	}
	printf(w, "Tasks: %d, weight %.2f\n", s.Tasks, s.Load)
	if s.QuarantinedAt != nil {
		printf(w, "Quarantined: since %s: %s\n", a.asctime(s.QuarantinedAt.TS()), deref(s.Reason))
	}
	switch {
	case s.Probe != nil:
		printf(w, "Probe: task %d\n", *s.Probe)
	case s.Until != nil:
		printf(w, "Probe: from %s\n", a.asctime(s.Until.TS()))
	}
	if m := s.Maintenance; m != nil {
		printf(w, "Maintenance: %s - %s %s\n", a.asctime(m.Starts.TS()), a.asctime(m.Ends.TS()), m.Reason)
	}
	if r.CPUs > 0 {
		printf(w, "Load average: %.2f on %d CPUs\n", r.LoadAverage, r.CPUs)
		printf(w, "Memory: %s free of %s\n", gib(r.MemoryFree), gib(r.MemoryTotal))
		printf(w, "Disk: %s free of %s\n", gib(r.DiskFree), gib(r.DiskTotal))
	}
	for _, name := range slices.Sorted(maps.Keys(r.Versions)) {
		printf(w, "Version of %s: %s\n", name, r.Versions[name])
	}
}

func gib(bytes int64) string { return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30)) }

// printText prints a text of several lines behind its heading.
func printText(w io.Writer, heading, text string) {
	if text == "" {
		printf(w, "%s\n", heading)
		return
	}
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	printf(w, "%s %s\n", heading, lines[0])
	for _, line := range lines[1:] {
		printf(w, "%*s%s\n", len(heading)+1, "", line)
	}
}

func inWords(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
