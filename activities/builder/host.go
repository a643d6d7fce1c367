package builder

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"time"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/workers/step"
)

// HostRequest is a task about a host's daemon.
type HostRequest struct {
	Task   task.Task `json:"task"`
	HostID int64     `json:"host"` // as the request has it
}

// Restart has the daemon start again when its tasks have ended.
func (a *Activities) Restart(ctx context.Context, req HostRequest) (string, error) {
	return do(ctx, a, req.Task, func(context.Context, *job) (string, error) {
		if req.HostID != a.cfg.Host.ID {
			return "", koji.GenericErrorf("Host mismatch")
		}
		a.cfg.Stop(true)
		return "graceful restart initiated", nil
	})
}

// Shutdown has the daemon end when its tasks have.
func (a *Activities) Shutdown(ctx context.Context, req HostRequest) error {
	_, err := do(ctx, a, req.Task, func(context.Context, *job) (struct{}, error) {
		a.cfg.Stop(false)
		return struct{}{}, nil
	})
	return err
}

// RestartVerifyRequest is a restartVerify task.
type RestartVerifyRequest struct {
	Task   task.Task                 `json:"task"`
	Params tasks.RestartVerifyParams `json:"params"`
}

// RestartVerify checks that the daemon started after the restart task ended.
func (a *Activities) RestartVerify(ctx context.Context, req RestartVerifyRequest) error {
	_, err := do(ctx, a, req.Task, func(ctx context.Context, j *job) (struct{}, error) {
		return struct{}{}, j.verifyRestart(ctx, req.Params)
	})
	return err
}

func (j *job) verifyRestart(ctx context.Context, p tasks.RestartVerifyParams) error {
	info, err := rpc.Invoke(ctx, j.hub, api.GetTaskInfo, api.TaskInfoParams{TaskID: p.TaskID, Strict: true})
	if err != nil {
		return err
	}
	var first api.Task
	if err := rpc.Into(info, &first); err != nil {
		return err
	}
	switch {
	case koji.TaskState(first.State) != koji.TaskClosed:
		return koji.GenericErrorf("Stage one restart task %d is not closed", p.TaskID)
	case p.Host.ID != j.cfg.Host.ID:
		return koji.GenericErrorf("Host mismatch")
	case first.CompletionTS != nil && j.cfg.Started < *first.CompletionTS:
		return koji.GenericErrorf("Restart failed - start time is %s", time.Unix(int64(j.cfg.Started), 0).UTC().Format(time.ANSIC))
	}
	return nil
}

// SleepRequest is a sleep task.
type SleepRequest struct {
	Task    task.Task `json:"task"`
	Seconds float64   `json:"seconds"`
}

// Sleep holds a place on the host, as a process like any other work.
func (a *Activities) Sleep(ctx context.Context, req SleepRequest) error {
	_, err := do(ctx, a, req.Task, func(ctx context.Context, j *job) (struct{}, error) {
		return struct{}{}, j.command(ctx, "sleep", "sleep", strconv.FormatFloat(max(req.Seconds, 0), 'f', -1, 64))
	})
	return err
}

// ForkRequest is a fork task.
type ForkRequest struct {
	Task   task.Task        `json:"task"`
	Params tasks.ForkParams `json:"params"`
}

// Fork leaves processes behind; the end of the step takes them along.
func (a *Activities) Fork(ctx context.Context, req ForkRequest) error {
	_, err := do(ctx, a, req.Task, func(ctx context.Context, j *job) (struct{}, error) {
		script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do sleep %d & i=$((i+1)); done", req.Params.N, req.Params.M)
		return struct{}{}, j.command(ctx, "fork", "sh", "-c", script)
	})
	return err
}

func (j *job) command(ctx context.Context, name string, argv ...string) error {
	if _, err := exec.LookPath(argv[0]); err != nil {
		return infrastructure(err)
	}
	exit, err := j.steps.Run(ctx, name, step.Spec{Argv: argv})
	switch {
	case err != nil:
		return err
	case !exit.OK():
		return koji.GenericErrorf("%s: %s", name, exit)
	}
	return nil
}
