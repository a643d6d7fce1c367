package workflows

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/koji/tasks"
)

func (d *database) PlanChain(_ context.Context, req system.ChainRequest) (system.ChainPlan, error) {
	return system.ChainPlan{BuildTag: "f40-build", DestTag: 2, Done: d.chained}, nil
}

func (d *database) BuildsOfTasks(_ context.Context, ids []int64) ([]string, error) {
	nvrs := make([]string, len(ids))
	for i, id := range ids {
		nvrs[i] = fmt.Sprintf("built-by-%d", id)
	}
	return nvrs, nil
}

func (d *database) PlanDistRepo(context.Context, system.DistRepoRequest) ([]string, error) {
	return []string{"x86_64", "src"}, nil
}

func (d *database) MoveDistRepo(_ context.Context, req system.MoveDistRepoRequest) error {
	d.add("move %s of task %d to repo %d", req.Arch, req.TaskID, req.RepoID)
	return nil
}

func (h *host) CreateDistRepo(_ context.Context, req builder.CreateDistRepoRequest) error {
	h.add("createdistrepo %d %s", req.Params.RepoID, req.Params.Arch)
	return h.build(1, builder.BuildArchRequest{Params: tasks.BuildArchParams{Arch: req.Params.Arch}})
}

var chain = tasks.ChainBuildParams{Target: tasks.Ref{Name: "f40"}, Srcs: [][]string{
	{"git://example.com/a#1", "git://example.com/b#1"}, {"c-1-1"}, {"git://example.com/d#1"},
}}

func TestChainBuild(t *testing.T) {
	w := newWorld(t)
	w.db.plan.FromSCM, w.db.plan.SkipTag = false, true
	w.run("chainbuild", chain)
	require.NoError(t, w.GetWorkflowError())
	require.Subset(t, w.list, []string{
		"subtask build 1/build/build 0,0", "subtask build 1/build/build 0,1", "subtask waitrepo 1/waitrepo/wait 1",
		"subtask waitrepo 1/waitrepo/wait 2", "subtask build 1/build/build 2,0",
	})
}

// What an earlier attempt has built is not built again, but tagged where that
// was missing.
func TestChainBuildGoesOn(t *testing.T) {
	w := newWorld(t)
	w.db.plan.SkipTag = true
	w.db.chained = map[string]hub.ChainedBuild{
		"build 0,0": {ID: 7, NVR: "a-1-1", Tagged: true}, "build 0,1": {ID: 8, NVR: "b-1-1"},
	}
	w.run("chainbuild", chain)
	require.NoError(t, w.GetWorkflowError())
	require.NotContains(t, w.list, "subtask build 1/build/build 0,0")
	require.NotContains(t, w.list, "subtask tagBuild 1/tagBuild/tag 0,0")
	require.Subset(t, w.list, []string{"subtask tagBuild 1/tagBuild/tag 0,1", "tag 8 with 2", "subtask build 1/build/build 2,0"})
}

func TestChainBuildFailure(t *testing.T) {
	w := newWorld(t)
	w.host.build = failing(4, "see build.log")
	w.run("chainbuild", chain)
	require.ErrorContains(t, w.GetWorkflowError(), "see build.log")
	require.NotContains(t, w.list, "subtask waitrepo 1/waitrepo/wait 1")
}

var dist = tasks.DistRepoParams{Tag: tasks.Ref{Name: "f40"}, RepoID: 9, Keys: []string{"abcd"}}

func TestDistRepo(t *testing.T) {
	w := newWorld(t)
	w.run("distRepo", dist)
	require.NoError(t, w.GetWorkflowError())
	require.Subset(t, w.list, []string{"createdistrepo 9 x86_64", "createdistrepo 9 src",
		"move x86_64 of task 2 to repo 9", "move src of task 3 to repo 9", "finish repo 9 with 0 arches"})
	var result string
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, "Dist repository #9 successfully generated", result)
}

// The 64-bit arch begins when the others, from which it takes packages, are in place.
func TestMultilibDistRepo(t *testing.T) {
	w := newWorld(t)
	p := dist
	p.Opts.Multilib = new("cli-dist-repo/1/multilib.conf")
	w.run("distRepo", p)
	require.NoError(t, w.GetWorkflowError())
	moved := slices.Index(w.list, "move src of task 2 to repo 9")
	require.NotEqual(t, -1, moved, w.list)
	require.Greater(t, slices.Index(w.list, "createdistrepo 9 x86_64"), moved)
}

func TestDistRepoFailure(t *testing.T) {
	w := newWorld(t)
	w.host.build = failing(2, "Unsigned packages found")
	w.run("distRepo", dist)
	require.ErrorContains(t, w.GetWorkflowError(), "Unsigned packages found")
	require.Contains(t, w.list, "abandon repo 9")
	require.NotContains(t, w.list, "finish repo 9 with 0 arches")
}
