package workflows

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/mock"
	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"

	"github.com/toji-build/toji/activities/builder"
	"github.com/toji-build/toji/activities/system"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji/tasks"
)

// names records what Register registers.
type names struct {
	worker.WorkflowRegistry
	list []string
}

func (n *names) RegisterWorkflowWithOptions(_ any, o workflow.RegisterOptions) {
	n.list = append(n.list, o.Name)
}

func TestEveryTaskTypeIsBound(t *testing.T) {
	want := []string{task.SiteWorkflow, Retention}
	for _, e := range task.All() {
		want = append(want, e.Method)
	}
	var got names
	Register(&got)
	require.ElementsMatch(t, want, got.list)
}

// world is a test's Temporal with both sides of activities.
type world struct {
	*testsuite.TestWorkflowEnvironment
	*record
	db   *database
	host *host
}

func newWorld(t *testing.T) *world {
	t.Helper()
	r := &record{}
	w := &world{TestWorkflowEnvironment: new(testsuite.WorkflowTestSuite).NewTestWorkflowEnvironment(), record: r, db: newDatabase(r), host: newHost(r)}
	w.SetTestTimeout(20 * time.Second)
	Register(w)
	w.RegisterActivity(w.db)
	w.RegisterActivity(w.host)
	return w
}

func (w *world) run(method string, params any) {
	w.ExecuteWorkflow(method, task.Task{ID: 1, Method: method, OwnerID: 1, Owner: "alice", Arch: "noarch"}, params)
}

var hello = tasks.BuildParams{Src: "cli-build/1/hello.src.rpm", Target: tasks.Ref{Name: "f40"}}

func TestBuild(t *testing.T) {
	w := newWorld(t)
	w.run("build", hello)
	require.NoError(t, w.GetWorkflowError())
	require.Subset(t, w.list, []string{
		"subtask rebuildSRPM 1/rebuildSRPM/srpm", "rebuild cli-build/1/hello.src.rpm", "init build of hello.src.rpm",
		"subtask buildArch 1/buildArch/x86_64", "subtask buildArch 1/buildArch/aarch64",
		"import hello.src.rpm with 2 rpms", "subtask tagBuild 1/tagBuild/tag", "tag 9 with 2",
	})
	require.Equal(t, `open 1 attempt 1 on ""`, w.list[0])
	require.Equal(t, "close 1", w.list[len(w.list)-1])
}

func TestScratchBuildIsNotTagged(t *testing.T) {
	w := newWorld(t)
	p := hello
	p.Opts.Scratch = true
	w.run("build", p)
	require.NoError(t, w.GetWorkflowError())
	require.NotContains(t, w.list, "subtask tagBuild 1/tagBuild/tag")
}

// A failed arch fails the build with the arch's own fault, and nothing is
// imported.
func TestBuildFailure(t *testing.T) {
	w := newWorld(t)
	fail := failing(2, "see build.log")
	w.host.build = func(try int, req builder.BuildArchRequest) error {
		if err := fail(try, req); req.Params.Arch == "aarch64" {
			return err
		}
		return nil
	}
	w.run("build", hello)
	var app *temporal.ApplicationError
	require.ErrorAs(t, w.GetWorkflowError(), &app)
	require.Equal(t, "BuildError", app.Type())
	require.Contains(t, w.list, "fail 1 with 1005 package: see build.log")
	require.NotContains(t, w.list, "import hello.src.rpm with 2 rpms")
}

func TestHostTroubleMovesTheTask(t *testing.T) {
	w := newWorld(t)
	w.db.hosts = []string{"h1", "h2"}
	w.host.build = func(try int, _ builder.BuildArchRequest) error {
		if try == 1 {
			return hostTrouble(task.ErrorInfrastructure, "disk full")
		}
		return nil
	}
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{
		`open 1 attempt 1 on "h1"`, "build hello.src.rpm for x86_64", "release 1 refused false: disk full",
		`open 1 attempt 2 on "h2"`, "build hello.src.rpm for x86_64", "close 1",
	}, w.list)
}

// A host may not have files moved that are another task's.
func TestResultsOfAnotherTask(t *testing.T) {
	for method, params := range map[string]any{
		"buildArch":   tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"},
		"rebuildSRPM": tasks.RebuildSRPMParams{SRPM: "hello.src.rpm"},
		"createrepo":  tasks.CreaterepoParams{RepoID: 7, Arch: "x86_64"},
	} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t)
			w.host.dir = "tasks/2/2"
			w.run(method, params)
			require.ErrorContains(t, w.GetWorkflowError(), "is no result of task 1")
			require.Contains(t, w.list[len(w.list)-1], "fail 1 with 1000 infrastructure")
		})
	}
}

// A build outlives its daemon many times; in the end another host gets it.
func TestRestartsOfTheDaemon(t *testing.T) {
	restarts := int(onHostQueue.RetryPolicy.MaximumAttempts)
	w := newWorld(t)
	w.db.hosts = []string{"h1", "h2"}
	w.host.build = func(try int, _ builder.BuildArchRequest) error {
		if try <= restarts {
			return temporal.NewApplicationError("the builder daemon was restarted", task.ErrorDetached)
		}
		return nil
	}
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "release 1 refused false: the builder daemon was restarted")
	require.Equal(t, restarts+1, w.host.tries["x86_64"])
	require.Equal(t, "close 1", w.list[len(w.list)-1])
}

func TestHostTroubleEndsTheTaskAtLast(t *testing.T) {
	w := newWorld(t)
	w.host.build = func(int, builder.BuildArchRequest) error { return hostTrouble(task.ErrorInfrastructure, "disk full") }
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.Error(t, w.GetWorkflowError())
	require.Equal(t, task.HostAttempts, w.host.tries["x86_64"])
	require.Equal(t, "fail 1 with 1000 infrastructure: disk full", w.list[len(w.list)-1])
}

// Hosts that went away, which the scheduler notices, count as well.
func TestHostsThatWentAwayCount(t *testing.T) {
	w := newWorld(t)
	w.db.troubles = task.HostAttempts - 1
	w.host.build = func(int, builder.BuildArchRequest) error { return hostTrouble(task.ErrorInfrastructure, "disk full") }
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.Error(t, w.GetWorkflowError())
	require.Equal(t, 1, w.host.tries["x86_64"])
}

// Refusals are remembered, and do not count as failures, however many there are.
func TestRefusalIsRemembered(t *testing.T) {
	w := newWorld(t)
	w.host.build = func(try int, _ builder.BuildArchRequest) error {
		if try <= 2*task.HostAttempts {
			return hostTrouble(task.ErrorRefused, "wrong arch")
		}
		return nil
	}
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "release 1 refused true: wrong arch")
}

// freeTask in the middle of the wait for a repository starts the task anew.
func TestFreed(t *testing.T) {
	w := newWorld(t)
	w.db.setRepo(nil)
	w.RegisterDelayedCallback(func() { w.SignalWorkflow(task.SignalFreed, nil) }, time.Minute)
	w.RegisterDelayedCallback(func() {
		w.db.setRepo(&tasks.RepoInfo{ID: 8})
		w.SignalWorkflow(task.SignalWake, nil)
	}, 2*time.Minute)
	w.run("waitrepo", tasks.WaitrepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{
		`open 1 attempt 1 on ""`, "wait 1: no repository yet", `open 1 attempt 2 on ""`, "wait 1: no repository yet", "close 1",
	}, w.list)
	var repo tasks.RepoInfo
	require.NoError(t, w.GetWorkflowResult(&repo))
	require.Equal(t, int64(8), repo.ID)
}

// A signal that meant the attempt before takes nothing from this one.
func TestFreedLate(t *testing.T) {
	w := newWorld(t)
	w.db.setRepo(nil)
	w.db.held = 1
	for _, after := range []time.Duration{time.Minute, 2 * time.Minute} {
		w.RegisterDelayedCallback(func() { w.SignalWorkflow(task.SignalFreed, nil) }, after)
	}
	w.RegisterDelayedCallback(func() {
		w.db.setRepo(&tasks.RepoInfo{ID: 8})
		w.SignalWorkflow(task.SignalWake, nil)
	}, 3*time.Minute)
	w.run("waitrepo", tasks.WaitrepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{`open 1 attempt 1 on ""`, "wait 1: no repository yet", "close 1"}, w.list)
}

// A task that was freed just before it closed runs again.
func TestFreedAtTheEnd(t *testing.T) {
	w := newWorld(t)
	w.db.freed = 1
	w.run("someMethod", tasks.ArgsParams{})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{`open 1 attempt 1 on ""`, "close 1", `open 1 attempt 2 on ""`, "close 1"}, w.list)
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	w.db.setRepo(nil)
	w.RegisterDelayedCallback(w.CancelWorkflow, time.Minute)
	w.run("waitrepo", tasks.WaitrepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, "cancel 1", w.list[len(w.list)-1])
}

// The host of a task that is cancelled is told at once.
func TestCancelOnAHost(t *testing.T) {
	w := newWorld(t)
	stopped := make(chan struct{})
	w.host.stop = func() { close(stopped) }
	w.host.build = func(int, builder.BuildArchRequest) error {
		w.CancelWorkflow()
		<-stopped
		return nil
	}
	w.run("buildArch", tasks.BuildArchParams{Pkg: "hello.src.rpm", Arch: "x86_64"})
	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, []string{"stop 1", "cancel 1"}, w.list[len(w.list)-2:])
}

func TestCancelledBeforeItOpens(t *testing.T) {
	w := newWorld(t)
	w.db.finished[1] = true
	w.run("someMethod", tasks.ArgsParams{})
	require.True(t, temporal.IsCanceledError(w.GetWorkflowError()))
	require.Equal(t, []string{"cancel 1"}, w.list)
}

// A Host task waits for the signal when it has no host at first.
func TestWaitsForAHost(t *testing.T) {
	w := newWorld(t)
	assigned := false
	w.OnActivity(db.OpenTask, mock.Anything, mock.Anything).Return(func(ctx context.Context, req system.OpenRequest) (system.OpenReply, error) {
		if !assigned {
			return system.OpenReply{}, nil
		}
		return w.db.OpenTask(ctx, req)
	})
	w.RegisterDelayedCallback(func() {
		assigned = true
		w.SignalWorkflow(task.SignalAssigned, nil)
	}, time.Minute)
	w.run("sleep", tasks.SleepParams{N: 3})
	require.NoError(t, w.GetWorkflowError())
	require.Equal(t, []string{`open 1 attempt 1 on "h1"`, "sleep 3", "close 1"}, w.list)
}

func TestWaitrepoGivesUp(t *testing.T) {
	w := newWorld(t)
	w.db.setRepo(nil)
	w.run("waitrepo", tasks.WaitrepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.ErrorContains(t, w.GetWorkflowError(), "Unsuccessfully waited")
}

func TestNewRepo(t *testing.T) {
	w := newWorld(t)
	w.run("newRepo", tasks.NewRepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "finish repo 7 with 2 arches")
	var result tasks.NewRepoResult
	require.NoError(t, w.GetWorkflowResult(&result))
	require.Equal(t, tasks.NewRepoResult{RepoID: 7, EventID: 3}, result)
}

func TestNewRepoFailure(t *testing.T) {
	w := newWorld(t)
	w.host.build = failing(2, "createrepo_c: exit status 2")
	w.run("newRepo", tasks.NewRepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.ErrorContains(t, w.GetWorkflowError(), "createrepo_c")
	require.Contains(t, w.list, "abandon repo 7")
	require.NotContains(t, w.list, "finish repo 7 with 2 arches")
}

// What other arches come to is of use to the next task: they are not stopped.
func TestNewRepoLetsArchesFinish(t *testing.T) {
	w := newWorld(t)
	failed := make(chan struct{})
	w.host.build = func(_ int, req builder.BuildArchRequest) error {
		if req.Params.Arch == "aarch64" {
			close(failed)
			return packageFailure("createrepo_c: exit status 2")
		}
		<-failed
		w.add("finished %s", req.Params.Arch)
		return nil
	}
	w.run("newRepo", tasks.NewRepoParams{Tag: tasks.Ref{Name: "f40-build"}})
	require.ErrorContains(t, w.GetWorkflowError(), "createrepo_c")
	require.Contains(t, w.list, "finished x86_64")
	require.Less(t, slices.Index(w.list, "finished x86_64"), slices.Index(w.list, "abandon repo 7"))
}

func TestSleepWantsANumber(t *testing.T) {
	w := newWorld(t)
	w.run("sleep", tasks.SleepParams{N: "BAD_ARG"})
	require.ErrorContains(t, w.GetWorkflowError(), "want a number of seconds")
}

// The bad child fails and the task closes all the same.
func TestWaitTest(t *testing.T) {
	w := newWorld(t)
	w.run("waittest", tasks.WaitTestParams{Count: 2, Seconds: 3})
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "subtask sleep 1/sleep/bad")
}

func TestDependantTask(t *testing.T) {
	w := newWorld(t)
	w.run("dependantTask", tasks.DependantTaskParams{WaitList: []int64{5}, TaskList: []any{[]any{"sleep", []any{3}}}})
	require.NoError(t, w.GetWorkflowError())
	require.Contains(t, w.list, "sleep 3")
}
