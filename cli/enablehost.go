package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

func enableHost(a *app) *cobra.Command {
	return a.switchHosts("enable-host", "enabled", api.EnableHost)
}

func disableHost(a *app) *cobra.Command {
	return a.switchHosts("disable-host", "disabled", api.DisableHost)
}

// switchHosts returns the command that enables or disables hosts.
func (a *app) switchHosts(name, state string, m rpc.Method[api.HostnameParams, rpc.None]) *cobra.Command {
	var comment *string
	cmd := &cobra.Command{
		Use:     name + " [options] <hostname> [<hostname> ...]",
		Short:   "Mark one or more hosts as " + state,
		Example: "  toji " + name + " builder1.example.org --comment \"new disk\"",
		GroupID: admin,
		Args:    nargs(1, -1, "At least one host must be specified"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ctx := cmd.Context()
			h, err := a.login(ctx)
			if err != nil {
				return err
			}
			missing, err := missingHosts(ctx, h, args)
			if err != nil {
				return err
			}
			for _, host := range missing {
				printf(a.Stdout, "No such host: %s\n", host)
			}
			if len(missing) > 0 {
				return failuref("No changes made. Please correct the command line.")
			}
			var batch rpc.Batch
			var faults []func() error
			for _, host := range args {
				faults = append(faults, fault(rpc.Add(&batch, m, api.HostnameParams{Hostname: host})))
				if comment != nil {
					changes := map[string]any{"comment": *comment}
					faults = append(faults, fault(rpc.Add(&batch, api.EditHost, api.EditHostParams{HostInfo: host, Changes: changes})))
				}
			}
			return doEach(ctx, h, &batch, faults)
		},
	}
	optionalText(cmd.Flags(), &comment, "comment", "comment indicating why the host(s) are being "+state)
	a.complete(cmd, nil, a.hosts, more)
	return cmd
}

// missingHosts returns the names that no host has.
func missingHosts(ctx context.Context, c rpc.Caller, names []string) ([]string, error) {
	var batch rpc.Batch
	results := make([]*rpc.Result[*api.Host], len(names))
	for i, name := range names {
		results[i] = rpc.Add(&batch, api.GetHost, api.GetHostParams{HostInfo: name})
	}
	if err := doAll(ctx, c, &batch, results); err != nil {
		return nil, err
	}
	var missing []string
	for i, r := range results {
		if r.Value == nil {
			missing = append(missing, names[i])
		}
	}
	return missing, nil
}

// doEach makes the calls of a batch and returns the first of their faults.
func doEach(ctx context.Context, c rpc.Caller, b *rpc.Batch, faults []func() error) error {
	if err := b.Do(ctx, c); err != nil {
		return err
	}
	for _, fault := range faults {
		if err := fault(); err != nil {
			return err
		}
	}
	return nil
}

func editHost(a *app) *cobra.Command {
	var arches, description, comment *string
	var capacity *float64
	cmd := &cobra.Command{
		Use:     "edit-host <hostname> [<hostname> ...] [options]",
		Short:   "Edit a host",
		Example: "  toji edit-host builder1.example.org --capacity 8 --arches \"x86_64 i686\"",
		GroupID: admin,
		Args:    nargs(1, -1, "Please specify a hostname"),
		RunE: func(cmd *cobra.Command, args []string) error {
			changes := map[string]any{}
			if arches != nil {
				list, err := parseArches(*arches)
				if err != nil {
					return err
				}
				changes["arches"] = list
			}
			if capacity != nil {
				changes["capacity"] = *capacity
			}
			for name, value := range map[string]*string{"description": description, "comment": comment} {
				if value != nil {
					changes[name] = *value
				}
			}
			return a.editHosts(cmd.Context(), args, changes)
		},
	}
	fs := cmd.Flags()
	optionalText(fs, &arches, "arches", "space or comma-separated list of supported architectures")
	fs.Var(optional[float64]{&capacity, parseFloat, "float"}, "capacity", "capacity of this host")
	optionalText(fs, &description, "description", "description of this host")
	optionalText(fs, &comment, "comment", "a brief comment about this host")
	a.complete(cmd, nil, a.hosts, more)
	return cmd
}

func (a *app) editHosts(ctx context.Context, hosts []string, changes map[string]any) error {
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	missing, err := missingHosts(ctx, h, hosts)
	if err != nil {
		return err
	}
	for _, host := range missing {
		printf(a.Stderr, "No such host: %s\n", host)
	}
	if len(missing) > 0 {
		return failuref("No changes made, please correct the command line")
	}
	var batch rpc.Batch
	results := make([]*rpc.Result[bool], len(hosts))
	for i, host := range hosts {
		results[i] = rpc.Add(&batch, api.EditHost, api.EditHostParams{HostInfo: host, Changes: changes})
	}
	if err := doAll(ctx, h, &batch, results); err != nil {
		return err
	}
	for i, host := range hosts {
		if results[i].Value {
			printf(a.Stdout, "Edited %s\n", host)
		} else {
			printf(a.Stdout, "No changes made to %s\n", host)
		}
	}
	return nil
}
