package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// cancelOptions are those of cancel.
type cancelOptions struct{ justOne, full, force bool }

func cancel(a *app) *cobra.Command {
	var o cancelOptions
	cmd := &cobra.Command{
		Use:     "cancel [options] <task_id|build> [<task_id|build> ...]",
		Short:   "Cancel tasks and/or builds",
		Example: "  toji cancel 123 124\n  toji cancel hello-1.0-1",
		Aliases: []string{"cancel-task", "cxl"},
		GroupID: building,
		Args:    nargs(1, -1, "You must specify at least one task id or build"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.cancel(cmd.Context(), o, args)
		},
	}
	fs := cmd.Flags()
	fs.BoolVar(&o.justOne, "justone", false, "do not cancel subtasks")
	fs.BoolVar(&o.full, "full", false, "full cancellation (admin only)")
	fs.BoolVar(&o.force, "force", false, "allow subtasks with --full")
	a.complete(cmd, nil, a.tasks, more)
	return cmd
}

func (a *app) cancel(ctx context.Context, o cancelOptions, args []string) error {
	var tasks []int64
	var builds []string
	for _, arg := range args {
		if id, err := parseInt(arg); err == nil {
			tasks = append(tasks, id)
		} else if _, err := koji.ParseNVR(arg); err == nil {
			builds = append(builds, arg)
		} else {
			return usagef("please specify only task ids (integer) or builds (n-v-r)")
		}
	}
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	var batch rpc.Batch
	var faults []func() error
	for _, id := range tasks {
		faults = append(faults, o.addTask(&batch, id))
	}
	for _, nvr := range builds {
		faults = append(faults, fault(rpc.Add(&batch, api.CancelBuild, api.CancelBuildParams{BuildID: nvr, Strict: true})))
	}
	if err := batch.Do(ctx, h); err != nil {
		return err
	}
	for _, fault := range faults {
		if ferr := fault(); ferr != nil {
			printf(a.Stderr, "%v\n", ferr)
			err = errFailed
		}
	}
	return err
}

func (o cancelOptions) addTask(batch *rpc.Batch, id int64) func() error {
	if o.full && !o.justOne {
		return fault(rpc.Add(batch, api.CancelTaskFull, api.CancelTaskFullParams{TaskID: id, Strict: !o.force}))
	}
	return fault(rpc.Add(batch, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: !o.justOne}))
}

// fault returns what will tell the fault of one call of a batch.
func fault[R any](r *rpc.Result[R]) func() error { return func() error { return r.Err } }
