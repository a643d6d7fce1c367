package workflows

import (
	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/koji/tasks"
)

// buildArch builds an SRPM's packages for one arch on the task's host.
func buildArch(r *run, p tasks.BuildArchParams) (result tasks.BuildArchResult, err error) {
	err = r.onHost(onBuilder.BuildArch, builder.BuildArchRequest{Task: r.task, Params: p}, &result)
	return result, err
}

// rebuildSRPM makes an uploaded SRPM anew on the task's host.
func rebuildSRPM(r *run, p tasks.RebuildSRPMParams) (result tasks.SRPMResult, err error) {
	err = r.onHost(onBuilder.RebuildSRPM, builder.RebuildSRPMRequest{Task: r.task, Params: p}, &result)
	return result, err
}

// buildSRPMFromSCM checks a package out and makes its SRPM on the task's host.
func buildSRPMFromSCM(r *run, p tasks.BuildSRPMFromSCMParams) (result tasks.SRPMResult, err error) {
	err = r.onHost(onBuilder.BuildSRPMFromSCM, builder.BuildSRPMFromSCMRequest{Task: r.task, Params: p}, &result)
	return result, err
}
