package workflows

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/tasks"
	"github.com/toji-build/toji/koji/xmlrpc"
)

// endOn makes tasks of a type end on a host that runs Koji's own builder.
func (w *world) endOn(t *testing.T, method string, end task.End) {
	t.Helper()
	w.db.kojid = map[string]task.End{method: end}
	w.RegisterDelayedCallback(func() {
		for id, m := range w.db.methods {
			if m == method {
				require.NoError(t, w.SignalWorkflowByID(task.WorkflowID(id), task.SignalEnded, nil))
			}
		}
	}, time.Hour)
}

// What such a host returns is the result that the parent goes on with.
func TestKojidDoesTheWork(t *testing.T) {
	w := newWorld(t)
	result, err := xmlrpc.MarshalResult(tasks.SRPMResult{SRPM: "tasks/2/2/hello.src.rpm", BuildrootID: 5})
	require.NoError(t, err)
	w.endOn(t, "rebuildSRPM", task.End{Result: result})
	w.run("build", hello)
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "init build of hello.src.rpm")
	require.NotContains(t, w.list, "rebuild cli-build/1/hello.src.rpm", "no worker of Toji did it")
	require.False(t, slices.Contains(w.list, "close 2"), "the task has ended already")
}

func TestKojidFails(t *testing.T) {
	w := newWorld(t)
	w.endOn(t, "buildArch", task.End{Failure: &task.Failure{Fault: koji.FaultBuild, Kind: koji.KindPackage, Msg: "no compiler"}})
	w.run("build", hello)
	var app *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &app)
	require.Equal(t, "BuildError", app.Type())
	require.Contains(t, w.list, "fail 1 with 1005 package: no compiler")
}

func TestKojidReturnsNonsense(t *testing.T) {
	for _, result := range []string{"nonsense", ""} {
		w := newWorld(t)
		w.endOn(t, "rebuildSRPM", task.End{Result: result})
		w.run("build", hello)
		require.ErrorContains(t, w.GetWorkflowError(), "the task's result makes no sense", fmt.Sprintf("%q", result))
	}
}
