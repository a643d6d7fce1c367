package workflows

import (
	"cmp"
	"fmt"
	"time"

	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// shutdown stops the builder daemon of the task's host.
func shutdown(r *run, _ tasks.ShutdownParams) (task.Nothing, error) {
	return task.Nothing{}, r.onHost(onBuilder.Shutdown, builder.HostRequest{Task: r.task, HostID: r.host.HostID}, nil)
}

// restart has the builder daemon of the task's host restart once it is idle.
func restart(r *run, p tasks.RestartParams) (answer string, err error) {
	err = r.onHost(onBuilder.Restart, builder.HostRequest{Task: r.task, HostID: p.Host.ID}, &answer)
	return answer, err
}

// restartVerify checks that the daemon started after the restart task ended.
func restartVerify(r *run, p tasks.RestartVerifyParams) (task.Nothing, error) {
	return task.Nothing{}, r.onHost(onBuilder.RestartVerify, builder.RestartVerifyRequest{Task: r.task, Params: p}, nil)
}

// restartHosts restarts the daemons of several hosts, all at once.
func restartHosts(r *run, p tasks.RestartHostsParams) (task.Nothing, error) {
	var hosts []tasks.HostInfo
	if err := r.local(db.RestartableHosts, p.Options, &hosts); err != nil {
		return task.Nothing{}, err
	}
	if len(hosts) == 0 {
		return task.Nothing{}, koji.GenericErrorf("No matching hosts")
	}
	var failed error
	left := len(hosts)
	for _, h := range hosts {
		workflow.Go(r.ctx, func(ctx workflow.Context) {
			one := *r
			one.ctx = ctx
			if err := one.restartHost(h); err != nil && failed == nil {
				failed = err
			}
			left--
		})
	}
	timeout := time.Duration(cmp.Or(p.Options.Timeout, 24*3600)) * time.Second
	ok, err := workflow.AwaitWithTimeout(r.ctx, timeout, func() bool { return left == 0 || failed != nil })
	if err == nil && !ok {
		err = koji.GenericErrorf("%d of %d hosts did not restart within %v", left, len(hosts), timeout)
	}
	return task.Nothing{}, cmp.Or(failed, err)
}

func (r *run) restartHost(h tasks.HostInfo) error {
	c, err := start(r, tasks.Restart, tasks.RestartParams{Host: h}, childOpts{label: fmt.Sprintf("restart %d", h.ID), assign: h.ID})
	if err != nil {
		return err
	}
	if _, err := c.wait(r); err != nil {
		return err
	}
	_, err = startAndWait(r, tasks.RestartVerify, tasks.RestartVerifyParams{TaskID: c.id, Host: h},
		childOpts{label: fmt.Sprintf("verify %d", h.ID), assign: h.ID})
	return err
}
