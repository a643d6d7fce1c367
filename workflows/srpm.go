package workflows

import (
	"path"
	"slices"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
)

// buildArch builds an SRPM's packages for one arch on the task's host.
func buildArch(r *run, p tasks.BuildArchParams) (result tasks.BuildArchResult, err error) {
	if err = r.onHost(onBuilder.BuildArch, builder.BuildArchRequest{Task: r.task, Params: p}, &result); err != nil {
		return result, err
	}
	return result, r.checkFiles(slices.Concat(result.RPMs, result.SRPMs, result.Logs))
}

// rebuildSRPM makes an uploaded SRPM anew on the task's host.
func rebuildSRPM(r *run, p tasks.RebuildSRPMParams) (result tasks.SRPMResult, err error) {
	if err = r.onHost(onBuilder.RebuildSRPM, builder.RebuildSRPMRequest{Task: r.task, Params: p}, &result); err != nil {
		return result, err
	}
	return result, r.checkFiles([]string{result.SRPM})
}

// buildSRPMFromSCM checks a package out and makes its SRPM on the task's host.
func buildSRPMFromSCM(r *run, p tasks.BuildSRPMFromSCMParams) (result tasks.SRPMResult, err error) {
	if err = r.onHost(onBuilder.BuildSRPMFromSCM, builder.BuildSRPMFromSCMRequest{Task: r.task, Params: p}, &result); err != nil {
		return result, err
	}
	return result, r.checkFiles([]string{result.SRPM})
}

// checkFiles holds that the files that a host names as its results are in the
// task's own folder, as they are going to be moved from there.
func (r *run) checkFiles(paths []string) error {
	for _, p := range paths {
		if path.Dir(p) != (koji.PathInfo{}).TaskRel(r.task.ID) {
			return koji.GenericErrorf("%q is no result of task %d", p, r.task.ID).WithKind(koji.KindInfrastructure)
		}
	}
	return nil
}
