package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func assignTask(a *app) *cobra.Command {
	var force, override bool
	cmd := &cobra.Command{
		Use:   "assign-task <task_id> <hostname>",
		Short: "Assign a task to a host",
		Long: "Assign a task to a host, past the scheduler: also to one that is disabled, in maintenance or in quarantine.\n" +
			"With --force it is taken from the host that has it; with --override it stays with the new one even if that is away.",
		Example: "  toji assign-task 123 builder1.example.org\n  toji assign-task --force 123 builder2.example.org",
		GroupID: admin,
		Args:    nargs(2, 2, "please specify a task id and a hostname"),
		RunE: func(cmd *cobra.Command, args []string) error {
			id, err := parseInt(args[0])
			if err != nil {
				return failuref("a task ID is a number, not %q", args[0])
			}
			return a.assignTask(cmd.Context(), api.AssignTaskParams{TaskID: id, Host: args[1], Force: force, Override: override})
		},
	}
	cmd.Flags().BoolVarP(&force, "force", "f", false, "force to assign a non-free task")
	cmd.Flags().BoolVar(&override, "override", false, "do not let the scheduler give the task to another host later")
	a.complete(cmd, nil, a.tasks, a.hosts)
	return cmd
}

func (a *app) assignTask(ctx context.Context, p api.AssignTaskParams) error {
	id, host := p.TaskID, fmt.Sprint(p.Host)
	h, err := a.login(ctx)
	if err != nil {
		return err
	}
	task, err := rpc.Invoke(ctx, h, api.GetTaskInfo, api.TaskInfoParams{TaskID: id})
	if err != nil {
		return err
	}
	if task == nil {
		return koji.GenericErrorf("No such task: %d", id)
	}
	found, err := hostID(ctx, h, host)
	if err != nil {
		return err
	}
	if found == 0 {
		return koji.GenericErrorf("No such host: %s", host)
	}
	isAdmin, err := rpc.Invoke(ctx, h, api.HasPerm, api.HasPermParams{Perm: "admin"})
	if err != nil {
		return err
	}
	if !isAdmin {
		return usagef("This action requires admin privileges")
	}
	done, err := rpc.Invoke(ctx, h, api.AssignTask, p)
	if err != nil {
		return err
	}
	verb := "assigned"
	if !done {
		verb = "failed to assign"
	}
	printf(a.Stdout, "%s task %d to host %s\n", verb, id, host)
	return nil
}
