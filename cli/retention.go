package cli

import (
	"context"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func gcCommand(a *app) *cobra.Command {
	return retentionCommand(a, api.RetentionGC, cobra.Command{
		Use:   "gc [options]",
		Short: "Clean up builds that nobody needs",
		Long: "The garbage collector prunes tags by a policy, puts untagged builds into the trashcan, and deletes\n" +
			"those that are there for long. --dry-run tells what it would do, and why. See docs/howto/retention.md.",
		Example: "  toji gc --dry-run\n  toji gc run --step prune\n  toji gc report --json",
	})
}

func retention(a *app) *cobra.Command {
	return retentionCommand(a, api.RetentionSweep, cobra.Command{
		Use:   "retention [options]",
		Short: "Clean up what is old: rows, uploads, output of tasks",
		Long: "Sweeps remove what is older than the hub's configuration says. --dry-run tells what one would\n" +
			"remove, and why. See docs/howto/retention.md.",
		Example: "  toji retention --dry-run\n  toji retention run --step uploads\n  toji retention report",
	})
}

// retentionOptions are those of a run.
type retentionOptions struct {
	dryRun, noWait bool
	steps          []string
}

// retentionCommand is the command for one kind of clean-up, with its subcommands.
func retentionCommand(a *app, kind string, cmd cobra.Command) *cobra.Command {
	var o retentionOptions
	cmd.GroupID = admin
	cmd.Args = noArgs
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if !o.dryRun {
			return cmd.Help()
		}
		return a.clean(cmd, kind, o)
	}
	o.flags(&cmd)
	for _, sub := range []*cobra.Command{runRetention(a, kind), reportRetention(a, kind), listRetention(a, kind)} {
		sub.DisableFlagsInUseLine = true
		cmd.AddCommand(sub)
	}
	return &cmd
}

func (o *retentionOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVarP(&o.dryRun, "dry-run", "n", false, "tell what would be done, and do nothing")
	f.StringArrayVar(&o.steps, "step", nil, "only this `step`; may be repeated (default what the configuration says)")
	f.BoolVar(&o.noWait, "nowait", false, "print the number of the run, and do not wait for it")
	jsonFlag(cmd)
}

func runRetention(a *app, kind string) *cobra.Command {
	var o retentionOptions
	cmd := &cobra.Command{
		Use:     "run [options]",
		Short:   "Do it now",
		Example: "  toji " + retentionName(kind) + " run",
		Args:    noArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.clean(cmd, kind, o) },
	}
	o.flags(cmd)
	return cmd
}

func retentionName(kind string) string {
	if kind == api.RetentionSweep {
		return "retention"
	}
	return kind
}

// retentionPoll is how often a run is looked at that is waited for.
const retentionPoll = time.Second

// clean starts a run, waits for it and prints its report.
func (a *app) clean(cmd *cobra.Command, kind string, o retentionOptions) error {
	ctx := cmd.Context()
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	id, err := rpc.Invoke(ctx, h, api.StartRetention, api.StartRetentionParams{Kind: kind, DryRun: o.dryRun, Steps: o.steps})
	if err != nil {
		return err
	}
	if o.noWait {
		printf(a.Stdout, "%d\n", id)
		return nil
	}
	report, err := retentionReport(ctx, h, kind, &id)
	for err == nil && report.Ended == nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(retentionPoll):
			report, err = retentionReport(ctx, h, kind, &id)
		}
	}
	if err != nil {
		return err
	}
	return a.showRetention(cmd, report)
}

// retentionReport returns the report of a run, or of the latest of its kind.
func retentionReport(ctx context.Context, c rpc.Caller, kind string, id *int64) (*api.RetentionReport, error) {
	report, err := rpc.Invoke(ctx, c, api.GetRetentionReport, api.RetentionReportParams{Kind: kind, Run: id})
	if err == nil && report == nil {
		err = koji.GenericErrorf("there was no such run")
	}
	return report, err
}

func reportRetention(a *app, kind string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "report [options] [run]",
		Short:   "Tell what a run did, by default the latest, and why",
		Example: "  toji " + retentionName(kind) + " report\n  toji " + retentionName(kind) + " report 17 --json",
		Args:    nargs(0, 1, "This command takes one run at most"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var id *int64
			if len(args) > 0 {
				n, err := parseInt(args[0])
				if err != nil {
					return usagef("a run is a number, not %q", args[0])
				}
				id = &n
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			report, err := retentionReport(cmd.Context(), h, kind, id)
			if err != nil {
				return err
			}
			return a.showRetention(cmd, report)
		},
	}
	jsonFlag(cmd)
	return cmd
}

func listRetention(a *app, kind string) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "list [options]",
		Short:   "List the latest runs",
		Example: "  toji " + retentionName(kind) + " list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			runs, err := rpc.Invoke(cmd.Context(), h, api.GetRetentionRuns, api.RetentionRunsParams{Kind: &kind, Limit: 20})
			if err != nil {
				return err
			}
			return a.show(cmd, runs, func(w io.Writer) {
				for _, r := range runs {
					printf(w, "%s\n", columns(strconv.FormatInt(r.ID, 10), 6, a.asctime(r.Requested.TS()), 24, retentionState(r), 14, startedBy(r)))
				}
			})
		},
	}
	jsonFlag(cmd)
	return cmd
}

func startedBy(r api.RetentionRun) string {
	by := "by the schedule"
	if r.User != nil {
		by = "by " + *r.User
	}
	if r.DryRun {
		by += ", dry run"
	}
	return by
}

func retentionState(r api.RetentionRun) string {
	switch {
	case r.Ended == nil && len(r.Steps) > 0:
		return "at " + r.Steps[0]
	case len(r.Failures) > 0:
		return "failed in part"
	}
	return "done"
}

// showRetention prints a report as a table, with a sum for each action.
func (a *app) showRetention(cmd *cobra.Command, r *api.RetentionReport) error {
	return a.show(cmd, r, func(w io.Writer) {
		printf(w, "Run %d, %s, %s: %s\n", r.ID, a.asctime(r.Requested.TS()), startedBy(r.RetentionRun), retentionState(r.RetentionRun))
		wide := 0
		for _, i := range r.Items {
			wide = max(wide, len(i.Subject))
		}
		sums := map[string]*api.RetentionItem{}
		for _, i := range r.Items {
			printf(w, "  %s\n", columns(i.Step, 18, i.Action, 7, i.Subject, min(wide, 60), amount(i), 18, i.Reason))
			if sums[i.Action] == nil {
				sums[i.Action] = &api.RetentionItem{Action: i.Action}
			}
			sums[i.Action].Rows += i.Rows
			sums[i.Action].Bytes += i.Bytes
		}
		for _, f := range r.Failures {
			printf(w, "  step failed: %s\n", f)
		}
		if len(r.Items) == 0 {
			printf(w, "  nothing to do\n")
		}
		for _, action := range slices.Sorted(maps.Keys(sums)) {
			printf(w, "%s: %s\n", action, amount(*sums[action]))
		}
	})
}

// amount is how much there is to an item.
func amount(i api.RetentionItem) string {
	if i.Bytes == 0 {
		return strconv.FormatInt(i.Rows, 10)
	}
	return strconv.FormatInt(i.Rows, 10) + ", " + size(i.Bytes)
}

// size is a number of bytes as people read it.
func size(bytes int64) string {
	f, units := float64(bytes), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for len(units) > 1 && f >= 1024 {
		f, units = f/1024, units[1:]
	}
	return strconv.FormatFloat(f, 'f', 1, 64) + " " + units[0]
}
