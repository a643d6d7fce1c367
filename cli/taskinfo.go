package cli

import (
	"cmp"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// taskDetails is what taskinfo shows.
type taskDetails struct {
	api.Task
	Params     []string          `rpc:"params,omitempty"` // one line each
	OwnerName  string            `rpc:"owner_name"`
	Host       string            `rpc:"host_name,omitempty"`
	Builds     []api.ListedBuild `rpc:"builds"`
	Buildroots []api.Buildroot   `rpc:"buildroots"`
	Logs       []string          `rpc:"logs"`   // paths
	Output     []string          `rpc:"output"` // paths
	Status     *api.TaskStatus   `rpc:"status"` // nil from a stock hub
	Children   []*taskDetails    `rpc:"children,omitempty"`
}

func taskInfo(a *app) *cobra.Command {
	var recurse, verbose bool
	cmd := &cobra.Command{
		Use:     "taskinfo [options] <task_id> [<task_id> ...]",
		Short:   "Show information about a task",
		Long:    "Show information about a task: its state, its files, why it waits, and the times that it was worked on.",
		Example: "  toji taskinfo -v 123\n  toji taskinfo -r 123",
		GroupID: info,
		Args:    nargs(1, -1, "You must specify at least one task ID"),
		RunE: func(cmd *cobra.Command, args []string) error {
			h, err := a.anonymous(cmd.Context())
			if err != nil {
				return err
			}
			r := taskReader{hub: h, verbose: verbose, recurse: recurse}
			for _, arg := range args {
				id, err := parseInt(arg)
				if err != nil {
					return failuref("a task ID is a number, not %q", arg)
				}
				d, err := r.read(cmd.Context(), id)
				if err != nil {
					return err
				}
				if err := a.show(cmd, d, func(w io.Writer) { a.printTaskTree(w, d, 0) }); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&recurse, "recurse", "r", false, "show children of this task as well")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "be verbose")
	jsonFlag(cmd)
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

// taskReader asks the hub for tasks in detail.
type taskReader struct {
	hub              *hub
	verbose, recurse bool
	stock            bool // the hub does not know toji.taskStatus
}

func (r *taskReader) read(ctx context.Context, id int64) (*taskDetails, error) {
	v, err := rpc.Invoke(ctx, r.hub, api.GetTaskInfo, api.TaskInfoParams{TaskID: id})
	if err != nil {
		return nil, err
	}
	var t *api.Task
	if err := rpc.Into(v, &t); err != nil {
		return nil, err
	}
	if t == nil {
		return nil, koji.GenericErrorf("No such task: %d", id)
	}
	d := &taskDetails{Task: *t}
	if t.HostID != nil {
		host, err := rpc.Invoke(ctx, r.hub, api.GetHost, api.GetHostParams{HostInfo: *t.HostID})
		if err != nil {
			return nil, err
		}
		if host != nil {
			d.Host = host.Name
		}
	}
	if err := r.addFiles(ctx, d); err != nil {
		return nil, err
	}
	owner, err := rpc.Invoke(ctx, r.hub, api.GetUser, api.GetUserParams{UserInfo: t.Owner, KrbPrincs: true})
	if err != nil {
		return nil, err
	}
	if owner != nil {
		d.OwnerName = owner.Name
	}
	if r.verbose {
		if d.Params, err = requestLines(ctx, r.hub, t); err != nil {
			return nil, err
		}
	}
	if err := r.addStatus(ctx, d); err != nil {
		return nil, err
	}
	return d, r.addChildren(ctx, d)
}

// addFiles adds what the task has made.
func (r *taskReader) addFiles(ctx context.Context, d *taskDetails) error {
	roots, err := rpc.Invoke(ctx, r.hub, api.ListBuildroots, api.ListBuildrootsParams{TaskID: &d.ID})
	if err != nil {
		return err
	}
	builds, err := rpc.Invoke(ctx, r.hub, api.ListBuilds, api.ListBuildsParams{TaskID: &d.ID})
	if err != nil {
		return err
	}
	d.Buildroots, d.Builds = roots.List, builds.List
	files, err := outputOf(ctx, r.hub, d.ID)
	top := koji.PathInfo{TopDir: r.hub.profile.TopDir}
	for _, f := range files {
		path := top.Task(f.volume, d.ID) + "/" + f.name
		if strings.HasSuffix(f.name, ".log") {
			d.Logs = append(d.Logs, path)
		} else {
			d.Output = append(d.Output, path)
		}
	}
	return err
}

// addStatus adds what a Toji hub knows beyond Koji.
func (r *taskReader) addStatus(ctx context.Context, d *taskDetails) error {
	if r.stock {
		return nil
	}
	status, err := rpc.Invoke(ctx, r.hub, api.GetTaskStatus, api.TaskIDParams{TaskID: d.ID})
	if isFault(err) {
		r.stock = true
		return nil
	}
	d.Status = status
	return err
}

func (r *taskReader) addChildren(ctx context.Context, d *taskDetails) error {
	if !r.recurse {
		return nil
	}
	children, err := childrenOf(ctx, r.hub, d.ID, true)
	if err != nil {
		return err
	}
	slices.SortFunc(children, func(x, y api.TaskInfo) int { return cmp.Compare(x.ID, y.ID) })
	for _, child := range children {
		c, err := r.read(ctx, child.ID)
		if err != nil {
			return err
		}
		d.Children = append(d.Children, c)
	}
	return nil
}

// printTaskTree prints a task and its children, these further to the right.
func (a *app) printTaskTree(w io.Writer, d *taskDetails, level int) {
	indent := strings.Repeat("  ", level)
	line := func(format string, args ...any) { printf(w, indent+format+"\n", args...) }
	line("Task: %d", d.ID)
	line("Type: %s", d.Method)
	if d.Params != nil {
		line("Request Parameters:")
		for _, param := range d.Params {
			line("  %s", param)
		}
	}
	line("Owner: %s", d.OwnerName)
	line("State: %s", strings.ToLower(koji.TaskState(d.State).String()))
	line("Created: %s", a.asctime(d.CreateTS))
	if d.StartTS != nil {
		line("Started: %s", a.asctime(*d.StartTS))
	}
	if d.CompletionTS != nil {
		line("Finished: %s", a.asctime(*d.CompletionTS))
	}
	if d.Host != "" {
		line("Host: %s", d.Host)
	}
	if len(d.Builds) > 0 {
		line("Build: %s (%d)", d.Builds[0].NVR, d.Builds[0].BuildID)
	}
	if len(d.Buildroots) > 0 {
		line("Buildroots:")
	}
	for _, b := range d.Buildroots {
		line("  /var/lib/mock/%s-%d-%d/", deref(b.TagName), b.ID, deref(b.RepoID))
	}
	a.printStatus(line, d.Status)
	line("Log Files:")
	printPaths(line, d.Logs)
	line("Output:")
	printPaths(line, d.Output)
	if len(d.Logs) == 0 || len(d.Output) == 0 {
		line("[1] Not all tasks produce outputs, and task outputs are not retained indefinitely.")
	}
	printf(w, "\n")
	for _, child := range d.Children {
		a.printTaskTree(w, child, level+1)
	}
}

func printPaths(line func(string, ...any), paths []string) {
	if len(paths) == 0 {
		line("  No outputs reported [1]")
	}
	for _, path := range paths {
		line("  %s", path)
	}
}

// printStatus prints why a task waits and how it was worked on.
func (a *app) printStatus(line func(string, ...any), s *api.TaskStatus) {
	if s == nil {
		return
	}
	if s.Wait != nil {
		until := ""
		if s.Wait.ETA != nil {
			until = ", probably until " + a.asctime(s.Wait.ETA.TS())
		}
		line("Waiting: %s (since %s%s)", s.Wait.Reason, a.asctime(s.Wait.Since.TS()), until)
	}
	if len(s.Attempts) > 0 {
		line("Attempts:")
	}
	for _, t := range s.Attempts {
		host := cmp.Or(deref(t.Host), "the hub")
		ended := "still running"
		if t.Ended != nil {
			ended = "ended " + a.asctime(t.Ended.TS()) + ", " + cmp.Or(deref(t.Outcome), "unknown")
		}
		line("  %d on %s: started %s, %s", t.Attempt, host, a.asctime(t.Started.TS()), ended)
	}
	if len(s.Failures) > 0 {
		line("Failures:")
	}
	for _, f := range s.Failures {
		where := ""
		if f.Host != nil {
			where = " on " + *f.Host
		}
		line("  %s, %v%s: %s", a.asctime(f.Time.TS()), f.Class, where, strings.ReplaceAll(f.Message, "\n", " "))
	}
}
