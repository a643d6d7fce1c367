package builder

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/rpmfile"
	"github.com/toji-build/toji/koji/tasks"
)

// BuildArchRequest is a buildArch task.
type BuildArchRequest struct {
	Task   task.Task             `json:"task"`
	Params tasks.BuildArchParams `json:"params"`
}

// BuildArch builds an SRPM for one arch in a buildroot of its own.
func (a *Activities) BuildArch(ctx context.Context, req BuildArchRequest) (tasks.BuildArchResult, error) {
	return do(ctx, a, req.Task, func(ctx context.Context, j *job) (tasks.BuildArchResult, error) {
		return j.buildArch(ctx, req.Params)
	})
}

func (j *job) buildArch(ctx context.Context, p tasks.BuildArchParams) (result tasks.BuildArchResult, err error) {
	srpm, header, err := j.fetchSRPM(ctx, p.Pkg)
	if err != nil {
		return result, err
	}
	j.weigh(ctx, header.NVRA().Name)
	r, err := j.makeRoot(ctx, rootSpec{tag: p.Root, repoID: p.Opts.RepoID, arch: p.Arch})
	if err != nil {
		return result, err
	}
	built, err := r.build(ctx, buildroot.Job{Rebuild: &buildroot.Rebuild{SRPM: srpm, Arch: p.Arch}})
	if err != nil {
		return result, err
	}
	if result, err = j.sendBuilt(ctx, r, built, p.KeepSRPM); err != nil {
		return result, err
	}
	r.expire(ctx)
	return result, nil
}

// weigh raises the task's weight by 0.75 for each hour that the package usually
// takes, up to a day.
func (j *job) weigh(ctx context.Context, name string) {
	const base, perSecond, most = 1.5, 1.0 / 4800, 18
	age := int64(6)
	average, err := rpc.Invoke(ctx, j.hub, api.GetAverageBuildDuration, api.GetAverageBuildDurationParams{Package: name, Age: &age})
	if err != nil || average == nil || *average <= 0 {
		return // a package that was never built
	}
	j.setWeight(ctx, base+min(most, *average*perSecond))
}

func (j *job) setWeight(ctx context.Context, weight float64) {
	p := api.SetTaskWeightParams{TaskID: j.task.ID, Weight: weight}
	if _, err := rpc.Invoke(ctx, j.hub, api.HostSetTaskWeight, p); err != nil {
		j.log.Warn("weight is not set", "error", err)
	}
}

func (j *job) sendBuilt(ctx context.Context, r *root, built buildroot.Result, keepSRPM bool) (result tasks.BuildArchResult, err error) {
	result.BuildrootID = r.ID
	dir := r.ResultDir()
	if err := j.hashNoarch(dir, built.RPMs); err != nil {
		return result, err
	}
	if result.RPMs, err = j.uploadResults(ctx, dir, built.RPMs); err != nil {
		return result, err
	}
	if keepSRPM {
		if err := j.checkSRPM(dir, built.SRPMs); err != nil {
			return result, err
		}
		if result.SRPMs, err = j.uploadResults(ctx, dir, built.SRPMs); err != nil {
			return result, err
		}
	}
	result.Logs, err = j.logPaths(ctx)
	return result, err
}

// checkSRPM holds that there is one SRPM and that it is marked as ours.
func (j *job) checkSRPM(dir string, srpms []string) error {
	switch len(srpms) {
	case 1:
	case 0:
		return koji.BuildErrorf("no srpm files found for task %d", j.task.ID)
	default:
		return koji.BuildErrorf("multiple srpm files found for task %d: %s", j.task.ID, strings.Join(srpms, ", "))
	}
	header, err := rpmfile.Open(filepath.Join(dir, srpms[0]))
	if err != nil {
		return koji.BuildErrorf("%s: %v", srpms[0], err)
	}
	for _, tag := range []string{"packager", "vendor", "distribution"} {
		if header.Text(tag) == "" {
			return koji.BuildErrorf("The build system failed to set the %s tag", tag)
		}
	}
	return nil
}

// hashNoarch leaves a log with a hash of each noarch RPM's content, by which the
// hub compares what several arches made of one package.
func (j *job) hashNoarch(dir string, rpms []string) error {
	hashes := map[string]string{}
	for _, name := range rpms {
		if !strings.HasSuffix(name, ".noarch.rpm") {
			continue
		}
		hash, err := rpmfile.NoarchHash(filepath.Join(dir, name))
		if err != nil {
			return koji.BuildErrorf("%s: %v", name, err)
		}
		hashes[name] = hash
	}
	if len(hashes) == 0 {
		return nil
	}
	text, err := json.MarshalIndent(map[int64]map[string]string{j.task.ID: hashes}, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(j.dir, "noarch_rpmdiff.json")
	j.logs.watch(path)
	return os.WriteFile(path, text, 0o644)
}
