package cli

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// taskFilter are the options that choose tasks.
type taskFilter struct {
	mine                              bool
	user, arch, method, channel, host string
	before, after                     *float64
	all                               bool // finished ones, too
}

func (f *taskFilter) register(a *app, cmd *cobra.Command, mine string) {
	fs := cmd.Flags()
	fs.BoolVar(&f.mine, "mine", false, mine)
	fs.StringVar(&f.user, "user", "", "only tasks for this user")
	fs.StringVar(&f.arch, "arch", "", "only tasks for this architecture")
	fs.StringVar(&f.method, "method", "", "only tasks of this method")
	fs.StringVar(&f.channel, "channel", "", "only tasks in this channel")
	fs.StringVar(&f.host, "host", "", "only tasks for this host")
	a.complete(cmd, flagNames{"channel": a.channels, "host": a.hosts, "method": methods})
}

func (f *taskFilter) registerTimes(a *app, fs *pflag.FlagSet) {
	a.timeFlag(fs, &f.before, "before", "list tasks completed before this time, "+timeHelp)
	a.timeFlag(fs, &f.after, "after", "list tasks completed after this time (same format as for --before)")
	fs.BoolVar(&f.all, "all", false, "list also finished tasks (valid only with --after)")
}

// selects reports whether any option chooses tasks.
func (f *taskFilter) selects() bool {
	return f.mine || f.user != "" || f.arch != "" || f.method != "" || f.channel != "" || f.host != ""
}

func listTasks(a *app) *cobra.Command {
	var f taskFilter
	cmd := &cobra.Command{
		Use:     "list-tasks [options]",
		Short:   "Print the list of tasks",
		Example: "  toji list-tasks --mine\n  toji list-tasks --method buildArch --all --after 2026-01-01",
		GroupID: info,
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.all && f.after == nil {
				return usagef("--all must be used with --after")
			}
			h, err := a.login(cmd.Context())
			if err != nil {
				return err
			}
			tasks, err := a.findTasks(cmd.Context(), h, &f)
			if err != nil {
				return err
			}
			return a.show(cmd, tasks, func(w io.Writer) { a.printTasks(w, tasks) })
		},
	}
	f.register(a, cmd, "just print your tasks")
	f.registerTimes(a, cmd.Flags())
	a.quietFlag(cmd, "do not display the column headers")
	jsonFlag(cmd)
	return cmd
}

// findTasks lists the tasks that the options ask for, the urgent ones first.
func (a *app) findTasks(ctx context.Context, h *hub, f *taskFilter) ([]api.ListedTask, error) {
	opts := map[string]any{"decode": true}
	if !f.all {
		opts["state"] = []int{int(koji.TaskFree), int(koji.TaskOpen), int(koji.TaskAssigned)}
	}
	if f.after != nil {
		opts["startedAfter"] = *f.after
	}
	if f.before != nil {
		opts["startedBefore"] = *f.before
	}
	if f.arch != "" {
		arches, err := koji.ParseArches(f.arch)
		if err != nil {
			return nil, err
		}
		opts["arch"] = arches
	}
	if f.method != "" {
		opts["method"] = f.method
	}
	if err := a.addNames(ctx, h, f, opts); err != nil {
		return nil, err
	}
	p := api.ListTasksParams{Opts: opts, QueryOpts: map[string]any{"order": "priority,create_time"}}
	rows, err := rpc.Invoke(ctx, h, api.ListTasks, p)
	return rows.List, err
}

// addNames looks up whom and what the options name. Koji: what does not exist
// is told on the standard output.
func (a *app) addNames(ctx context.Context, h *hub, f *taskFilter, opts map[string]any) error {
	if f.mine && f.user != "" {
		return koji.GenericErrorf("Can't specify 'mine' and 'user' in same time")
	}
	if f.mine {
		me, err := rpc.Invoke(ctx, h, api.GetLoggedInUser, api.NoParams{})
		if err != nil {
			return err
		}
		if me == nil {
			printf(a.Stdout, "Unable to determine user\n")
			return errFailed
		}
		opts["owner"] = me.ID
	}
	for _, look := range []struct {
		name, what, opt string
		id              func(context.Context, rpc.Caller, string) (int64, error)
	}{
		{f.user, "user", "owner", userID},
		{f.channel, "channel", "channel_id", channelID},
		{f.host, "host", "host_id", hostID},
	} {
		if look.name == "" {
			continue
		}
		id, err := look.id(ctx, h, look.name)
		if err != nil {
			return err
		}
		if id == 0 {
			printf(a.Stdout, "No such %s: %s\n", look.what, look.name)
			return errFailed
		}
		opts[look.opt] = id
	}
	return nil
}

// userID returns the id of a user, 0 if there is none of the name.
func userID(ctx context.Context, c rpc.Caller, name string) (int64, error) {
	user, err := rpc.Invoke(ctx, c, api.GetUser, api.GetUserParams{UserInfo: name, KrbPrincs: true})
	return deref(user).ID, err
}

// channelID returns the id of a channel, 0 if there is none of the name.
func channelID(ctx context.Context, c rpc.Caller, name string) (int64, error) {
	channel, err := rpc.Invoke(ctx, c, api.GetChannel, api.GetChannelParams{ChannelInfo: name})
	return deref(channel).ID, err
}

// hostID returns the id of a host, 0 if there is none of the name.
func hostID(ctx context.Context, c rpc.Caller, name string) (int64, error) {
	host, err := rpc.Invoke(ctx, c, api.GetHost, api.GetHostParams{HostInfo: name})
	return deref(host).ID, err
}

// printTasks prints tasks, each below its parent where that is in the list.
func (a *app) printTasks(w io.Writer, tasks []api.ListedTask) {
	if len(tasks) == 0 {
		printf(w, "(no tasks)\n")
		return
	}
	if !a.global.quiet {
		printf(w, "ID       Pri  Owner                State    Arch       Name\n")
	}
	listed := make(map[int64]bool, len(tasks))
	children := make(map[int64][]api.ListedTask)
	for _, t := range tasks {
		listed[t.ID] = true
		if t.Parent != nil {
			children[*t.Parent] = append(children[*t.Parent], t)
		}
	}
	for _, t := range tasks {
		if t.Parent == nil || !listed[*t.Parent] {
			printTree(w, t, children, 0)
		}
	}
}

func printTree(w io.Writer, t api.ListedTask, children map[int64][]api.ListedTask, depth int) {
	indent := ""
	if depth > 0 {
		indent = strings.Repeat("  ", depth-1) + " +"
	}
	printf(w, "%-8d %-4s %-20s %-8s %-10s %s%s\n", t.ID, orNone(t.Priority), orNone(t.OwnerName),
		koji.TaskState(t.State), t.Arch, indent, taskLabel(&t.Task, t.Request))
	for _, child := range children[t.ID] {
		printTree(w, child, children, depth+1)
	}
}
