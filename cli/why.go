package cli

import (
	"cmp"
	"context"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// whyDetails is what why shows: a task and its subtasks that have not ended.
type whyDetails struct {
	api.Why
	Subtasks []*whyDetails `rpc:"subtasks"`
}

func why(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "why [options] <task_id>",
		Short: "Explain why a task waits",
		Long: "Explain why a task is not further than it is: what it waits for and since when, until when it probably will,\n" +
			"and for a task that needs a host what keeps it from each of its channel. The same for its subtasks.",
		Example: "  toji why 123\n  toji why --json 123",
		GroupID: monitor,
		Args:    nargs(1, 1, "Please specify a task ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseInt(args[0])
			if err != nil {
				return failuref("a task ID is a number, not %q", args[0])
			}
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			d, err := readWhy(cmd.Context(), h, id)
			if err != nil {
				return err
			}
			return a.show(cmd, d, func(w io.Writer) { a.printWhy(w, d, 0) })
		},
	}
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tasks)
	return cmd
}

func readWhy(ctx context.Context, c rpc.Caller, id int64) (*whyDetails, error) {
	w, err := rpc.Invoke(ctx, c, api.GetWhy, api.TaskIDParams{TaskID: id})
	if err != nil {
		return nil, err
	}
	if w == nil {
		return nil, koji.GenericErrorf("No such task: %d", id)
	}
	d := &whyDetails{Why: *w}
	for _, child := range w.Children {
		sub, err := readWhy(ctx, c, child)
		if err != nil {
			return nil, err
		}
		d.Subtasks = append(d.Subtasks, sub)
	}
	return d, nil
}

// printWhy prints a task and its subtasks, these further to the right.
func (a *app) printWhy(w io.Writer, d *whyDetails, level int) {
	indent := strings.Repeat("  ", level)
	line := func(format string, args ...any) { printf(w, indent+format+"\n", args...) }
	state := koji.TaskState(d.State)
	line("Task %d (%s, %s, channel %s, of %s, priority %d): %s", d.TaskID, d.Method, d.Arch, d.Channel, d.Owner, d.Priority, strings.ToLower(state.String()))
	if d.Wait != nil {
		line("  Waits: %s", d.Wait.Reason)
		line("  Since: %s", a.asctime(d.Wait.Since.TS()))
		if d.Wait.ETA != nil {
			line("  Probably until: %s", a.asctime(d.Wait.ETA.TS()))
		}
	}
	a.printProgress(line, d)
	if len(d.Hosts) > 0 {
		line("  Hosts:")
	}
	for _, h := range d.Hosts {
		line("    %s", strings.TrimRight(padded(h.Host, 30)+" "+padded(h.Code, 14)+" "+h.Detail, " "))
	}
	for _, sub := range d.Subtasks {
		a.printWhy(w, sub, level+1)
	}
}

func padded(s string, width int) string { return s + strings.Repeat(" ", max(0, width-len(s))) }

// printProgress prints how far a task is that waits for nothing, and how long it
// takes.
func (a *app) printProgress(line func(string, ...any), d *whyDetails) {
	state := koji.TaskState(d.State)
	takes := time.Duration(deref(d.Takes) * float64(time.Second)).Round(time.Second)
	switch {
	case state.Finished():
		line("  It waits for nothing.")
		return
	case state == koji.TaskOpen && d.Started != nil:
		line("  Works on %s since: %s", cmp.Or(deref(d.Host), "the hub"), a.asctime(d.Started.TS()))
	case state == koji.TaskFree && d.Wait == nil:
		line("  The scheduler has not looked at it yet, or it is about to open.")
	}
	if takes > 0 {
		line("  Usually takes: %s", takes)
	}
}
