package integration

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// stages are the subtasks of a build in the order in which they come; "" is the
// moment at which it was made.
var stages = []string{"", "rebuildSRPM", "buildArch", "tagBuild"}

// reach makes a build and returns as soon as it is at the stage.
func (l *lab) reach(t *testing.T, stage string) (source, int64) {
	t.Helper()
	s := l.srpm(t, "hello-noarch", 0)
	id := l.build(t, s, "plain", nil)
	if stage != "" {
		l.child(t, id, stage)
	}
	return s, id
}

// A build can be cancelled at any time. It then is wholly there, or not at all.
func TestCancelAnytime(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			s, id := l.reach(t, stage)
			call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
			require.True(t, l.state(t, id).Finished())
			if b := l.buildOf(t, s.nvr); b != nil && b.State != koji.BuildCanceled {
				require.Equal(t, koji.BuildComplete, b.State)
				require.Equal(t, int64(2), l.count(t, `SELECT count(*) FROM rpminfo WHERE build_id = $1`, b.ID))
			}
		})
	}
}

// A build can be freed at any time. It starts over and is done once.
func TestFreeAnytime(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			t.Parallel()
			s, id := l.reach(t, stage)
			// It may just not have begun, or just have ended.
			_ = invoke(t.Context(), l, api.FreeTask, api.TaskIDParams{TaskID: id})
			l.closed(t, id)
			l.completed(t, s.nvr, "plain", 2)
		})
	}
}

// Of several builds of one NVR at the same time one is made.
func TestSameBuildAtOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "hello-noarch", 0)
	var ids [3]int64
	var making sync.WaitGroup
	for i := range ids {
		making.Go(func() { ids[i] = l.build(t, s, "plain", nil) })
	}
	making.Wait()
	states := map[koji.TaskState]int{}
	for _, id := range ids {
		await(t, fmt.Sprintf("the end of task %d", id), func() bool { return l.state(t, id).Finished() })
		states[l.state(t, id)]++
	}
	require.Equal(t, map[koji.TaskState]int{koji.TaskClosed: 1, koji.TaskFailed: 2}, states)
	b := l.completed(t, s.nvr, "plain", 2)
	require.Equal(t, koji.TaskClosed, l.state(t, *b.TaskID))
}
