package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// completionTime bounds how long a shell waits for names from the hub.
const completionTime = 2 * time.Second

// names finds what an argument or an option may be. A name may be followed by a
// tab and a description.
type names func(ctx context.Context) ([]string, error)

// flagNames are the names that options take.
type flagNames map[string]names

// more says that the names before it serve for all further arguments, too.
var more names

// nothing completes an argument that is new.
func nothing(context.Context) ([]string, error) { return nil, nil }

// complete makes the shell complete the options of cmd and its arguments, the
// first of them by the first of args and so on; if the last is more, the one
// before it serves for all that follow.
func (a *app) complete(cmd *cobra.Command, flags flagNames, args ...names) {
	for name, find := range flags {
		// The error is about a flag that does not exist, or was completed twice: a
		// slip that any run of a test shows.
		if err := cmd.RegisterFlagCompletionFunc(name, a.completion(find)); err != nil {
			panic(err)
		}
	}
	if len(args) == 0 {
		return
	}
	endless := len(args) > 1 && args[len(args)-1] == nil
	if endless {
		args = args[:len(args)-1]
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, given []string, prefix string) ([]string, cobra.ShellCompDirective) {
		i := len(given)
		if endless {
			i = min(i, len(args)-1)
		}
		if i >= len(args) {
			return nil, cobra.ShellCompDirectiveDefault
		}
		return a.completion(args[i])(cmd, given, prefix)
	}
}

func (a *app) completion(find names) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		ctx := cmd.Context()
		if ctx == nil {
			ctx = context.Background()
		}
		ctx, cancel := context.WithTimeout(ctx, completionTime)
		defer cancel()
		list, err := find(ctx)
		if err != nil {
			cobra.CompDebugln(err.Error(), false)
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

func (a *app) tags(ctx context.Context) ([]string, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	rows, err := rpc.Invoke(ctx, h, api.ListTags, api.ListTagsParams{Perms: true})
	list := make([]string, len(rows.List))
	for i, t := range rows.List {
		list[i] = t.Name
	}
	return list, err
}

func (a *app) targets(ctx context.Context) ([]string, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	rows, err := rpc.Invoke(ctx, h, api.GetBuildTargets, api.GetBuildTargetsParams{})
	list := make([]string, len(rows.List))
	for i, t := range rows.List {
		list[i] = fmt.Sprintf("%s\t%s -> %s", t.Name, t.BuildTagName, t.DestTagName)
	}
	return list, err
}

func (a *app) hosts(ctx context.Context) ([]string, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	hosts, err := rpc.Invoke(ctx, h, api.ListHosts, api.ListHostsParams{})
	list := make([]string, len(hosts))
	for i, host := range hosts {
		list[i] = host.Name
	}
	return list, err
}

func (a *app) channels(ctx context.Context) ([]string, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	channels, err := rpc.Invoke(ctx, h, api.ListChannels, api.ListChannelsParams{})
	list := make([]string, len(channels))
	for i, c := range channels {
		list[i] = c.Name
	}
	return list, err
}

// tasks are the tasks that are not finished.
func (a *app) tasks(ctx context.Context) ([]string, error) {
	h, err := a.connect()
	if err != nil {
		return nil, err
	}
	tasks, err := a.findTasks(ctx, h, &taskFilter{})
	list := make([]string, len(tasks))
	for i, t := range tasks {
		list[i] = fmt.Sprintf("%d\t%s: %s", t.ID, taskLabel(&t.Task, t.Request), koji.TaskState(t.State))
	}
	return list, err
}

// methods are the task types that Toji knows.
func methods(context.Context) ([]string, error) {
	entries := task.All()
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Method + "\t" + e.Title
	}
	return list, nil
}
