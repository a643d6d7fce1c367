package workflows

import (
	"fmt"

	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/scm"
	"github.com/toji-build/toji/koji/tasks"
)

// chainBuild builds level by level, what is in one level at once. Before the next
// one it waits until the repository has what the level was about. Builds that an
// earlier attempt completed are taken over.
func chainBuild(r *run, p tasks.ChainBuildParams) (task.Nothing, error) {
	c := &chainRun{run: r, params: p}
	if err := r.local(db.PlanChain, system.ChainRequest{TaskID: r.task.ID, Params: p}, &c.plan); err != nil {
		return task.Nothing{}, err
	}
	var nvrs []string
	for n, level := range p.Srcs {
		err := c.awaitRepo(n, nvrs)
		if err == nil {
			nvrs, err = c.buildLevel(n, level)
		}
		if err != nil {
			return task.Nothing{}, err
		}
	}
	return task.Nothing{}, nil
}

type chainRun struct {
	*run
	params tasks.ChainBuildParams
	plan   system.ChainPlan
}

// awaitRepo waits for a repository with the builds of the level before the nth.
func (c *chainRun) awaitRepo(n int, nvrs []string) error {
	if len(nvrs) == 0 {
		return nil
	}
	want := tasks.WaitrepoParams{Tag: tasks.Ref{Name: c.plan.BuildTag}, NVRs: nvrs}
	_, err := startAndWait(c.run, tasks.Waitrepo, want, childOpts{label: fmt.Sprintf("wait %d", n)})
	return err
}

// buildLevel builds the sources of a level and returns the NVRs that the next one
// needs. A source that is no URL is such an NVR.
func (c *chainRun) buildLevel(n int, level []string) (nvrs []string, err error) {
	var builds, tags []child[task.Nothing]
	for i, src := range level {
		label := fmt.Sprintf("build %d,%d", n, i)
		done, ok := c.plan.Done[label]
		switch {
		case !scm.IsURL(src):
			nvrs = append(nvrs, src)
		case ok:
			nvrs = append(nvrs, done.NVR)
			if done.Tagged || c.params.Opts.SkipTag {
				continue
			}
			params := tasks.TagBuildParams{Tag: tasks.Ref{ID: c.plan.DestTag}, BuildID: done.ID, IgnoreSuccess: true}
			tag, err := start(c.run, tasks.TagBuild, params, childOpts{label: fmt.Sprintf("tag %d,%d", n, i)})
			if err != nil {
				return nil, err
			}
			tags = append(tags, tag)
		default:
			params := tasks.BuildParams{Src: src, Target: c.params.Target, Opts: c.params.Opts}
			build, err := start(c.run, tasks.Build, params, childOpts{label: label})
			if err != nil {
				return nil, err
			}
			builds = append(builds, build)
		}
	}
	if _, err := waitAll(c.run, append(tags, builds...)); err != nil || len(builds) == 0 {
		return nvrs, err
	}
	made, err := c.built(builds)
	return append(nvrs, made...), err
}

func (c *chainRun) built(builds []child[task.Nothing]) (nvrs []string, err error) {
	ids := make([]int64, len(builds))
	for i, b := range builds {
		ids[i] = b.id
	}
	return nvrs, c.local(db.BuildsOfTasks, ids, &nvrs)
}
