package workflows

import (
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/koji/tasks"
)

// Register makes every task type's workflow known to w.
func Register(w worker.WorkflowRegistry) {
	bind(w, tasks.Build, build)
	bind(w, tasks.BuildArch, buildArch)
	bind(w, tasks.RebuildSRPM, rebuildSRPM)
	bind(w, tasks.BuildSRPMFromSCM, buildSRPMFromSCM)
	bind(w, tasks.TagBuild, tagBuild)
	bind(w, tasks.NewRepo, newRepo)
	bind(w, tasks.Createrepo, createrepo)
	bind(w, tasks.Waitrepo, waitrepo)
	bind(w, tasks.ChainBuild, chainBuild)
	bind(w, tasks.DistRepo, distRepo)
	bind(w, tasks.Createdistrepo, createdistrepo)
	bind(w, tasks.Runroot, runroot)
	bind(w, tasks.SaveFailedTree, saveFailedTree)
	bind(w, tasks.WrapperRPM, wrapperRPM)
	bind(w, tasks.BuildNotification, buildNotification)
	bind(w, tasks.TagNotification, tagNotification)

	w.RegisterWorkflowWithOptions(retention, workflow.RegisterOptions{Name: Retention})

	bind(w, tasks.Shutdown, shutdown)
	bind(w, tasks.Restart, restart)
	bind(w, tasks.RestartVerify, restartVerify)
	bind(w, tasks.RestartHosts, restartHosts)

	bind(w, tasks.Sleep, sleep)
	bind(w, tasks.Fork, fork)
	bind(w, tasks.WaitTest, waitTest)
	bind(w, tasks.Subtask, subtask)
	bind(w, tasks.SomeMethod, someMethod)
	bind(w, tasks.Default, unknownMethod)
	bind(w, tasks.DependantTask, dependantTask)

	bindSite(w)
}
