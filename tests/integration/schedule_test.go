package integration

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/tests/stack"
)

// sleep makes a task that sleeps on a host of the channel.
func (l *lab) sleep(t *testing.T, channel string, seconds float64, opts map[string]any) int64 {
	t.Helper()
	all := map[string]any{"channel": channel}
	for k, v := range opts {
		all[k] = v
	}
	return call(t, l, api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{seconds}}, Opts: all})
}

// idle makes a task that no host will ever take, in a channel of its own.
func (l *lab) idle(t *testing.T, channel string) int64 {
	t.Helper()
	call(t, l, api.AddChannel, api.AddChannelParams{ChannelName: channel})
	id := l.sleep(t, channel, 0, nil)
	l.awaitReason(t, id, "no-channel")
	return id
}

// awaitReason waits until a task waits for the reason.
func (l *lab) awaitReason(t *testing.T, id int64, code string) {
	t.Helper()
	await(t, "waiting for "+code, func() bool {
		w := l.status(t, id).Wait
		return w != nil && w.Code == code && w.Reason != ""
	})
	require.Equal(t, koji.TaskFree, l.state(t, id))
}

// builder starts a build host that only this test uses, by a channel of its name.
func (l *lab) builder(t *testing.T, name string, changes map[string]any) *stack.Role {
	t.Helper()
	r, err := l.StartBuilder(t.Context(), name, changes)
	require.NoError(t, err)
	t.Cleanup(r.Kill)
	return r
}

func (l *lab) awaitReady(t *testing.T, host string) {
	t.Helper()
	await(t, host+" being ready", func() bool {
		return call(t, l, api.GetHost, api.GetHostParams{HostInfo: host, Strict: true}).Ready
	})
}

func TestDisabledHost(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "disabled.example.org"
	l.builder(t, name, nil)
	l.awaitReady(t, name)
	call(t, l, api.DisableHost, api.HostnameParams{Hostname: name})
	id := l.sleep(t, name, 0, nil)
	l.awaitReason(t, id, "no-channel")
	call(t, l, api.EnableHost, api.HostnameParams{Hostname: name})
	l.closed(t, id)
	require.Nil(t, l.status(t, id).Wait)
	require.Equal(t, name, *l.status(t, id).Attempts[0].Host)
}

// A host of capacity 1.25 takes five tasks of weight 0.25, and then the most
// urgent one of those that wait.
func TestCapacityAndPriority(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "small.example.org"
	l.builder(t, name, nil)
	l.awaitReady(t, name)
	call(t, l, api.EditHost, api.EditHostParams{HostInfo: name, Changes: map[string]any{"capacity": 1.25}})
	var running []int64
	for range 5 {
		running = append(running, l.sleep(t, name, 600, nil))
	}
	for _, id := range running {
		l.awaitState(t, id, koji.TaskOpen)
	}
	patient, urgent := l.sleep(t, name, 0, nil), l.sleep(t, name, 0, nil)
	l.awaitReason(t, patient, "no-capacity")
	l.awaitReason(t, urgent, "no-capacity")
	call(t, l, api.SetTaskPriority, api.SetTaskPriorityParams{TaskID: urgent, Priority: 5, Recurse: true})
	require.Equal(t, int64(5), *l.task(t, urgent).Priority)

	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: running[0], Recurse: true})
	l.closed(t, urgent)
	l.closed(t, patient)
	require.Less(t, *l.task(t, urgent).StartTS, *l.task(t, patient).StartTS)
	for _, id := range running[1:] {
		call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
	}
}

// A host without room for builds refuses what is given to it all the same.
func TestRefusal(t *testing.T) {
	t.Parallel()
	l := start(t)
	const name = "full.example.org"
	l.builder(t, name, map[string]any{"min_space": int64(1) << 40})
	await(t, name+" being heard of", func() bool {
		return call(t, l, api.GetHost, api.GetHostParams{HostInfo: name, Strict: true}).UpdateTS != nil
	})
	id := l.sleep(t, name, 0, nil)
	l.awaitReason(t, id, "no-ready-host")
	require.True(t, call(t, l, api.AssignTask, api.AssignTaskParams{TaskID: id, Host: name}))
	await(t, "a refusal", func() bool {
		return l.count(t, `SELECT count(*) FROM scheduler_task_refusals WHERE task_id = $1`, id) == 1
	})
	await(t, "the task being free", func() bool { return l.state(t, id) == koji.TaskFree })
	attempts := l.outcomes(t, id)
	require.Len(t, attempts, 1)
	require.Contains(t, attempts[0], "MiB are free")
	call(t, l, api.CancelTask, api.CancelTaskParams{TaskID: id, Recurse: true})
}

// A freed task runs again from its beginning, and ends once.
func TestFreeSubtask(t *testing.T) {
	t.Parallel()
	l := start(t)
	s, id, arch := l.slow(t, 8)
	first := l.asleep(t, s)
	call(t, l, api.FreeTask, api.TaskIDParams{TaskID: arch})
	await(t, "the end of the first attempt", func() bool { return !alive(t, l, s, first) })
	l.closed(t, id)
	l.completed(t, s.nvr, "plain", 2)
	require.Equal(t, []string{"freed", "closed"}, l.outcomes(t, arch))
	require.Equal(t, []string{"closed"}, l.outcomes(t, id))
}

func alive(t *testing.T, l *lab, s source, old []stack.Process) bool {
	t.Helper()
	for _, p := range l.asleep(t, s) {
		for _, o := range old {
			if p.PID == o.PID {
				return true
			}
		}
	}
	return false
}

// A freed build starts over with new subtasks and keeps its build.
func TestFreeBuild(t *testing.T) {
	t.Parallel()
	l := start(t)
	s, id, arch := l.slow(t, 8)
	call(t, l, api.FreeTask, api.TaskIDParams{TaskID: id})
	l.closed(t, id)
	l.completed(t, s.nvr, "plain", 2)
	require.Equal(t, []string{"freed", "closed"}, l.outcomes(t, id))
	require.Equal(t, koji.TaskCanceled, l.state(t, arch))
	require.Len(t, l.children(t, id)["buildArch"], 2)
	require.Len(t, l.children(t, id)["tagBuild"], 1)
}

func TestResubmit(t *testing.T) {
	t.Parallel()
	l := start(t)
	s := l.srpm(t, "fail-build", 0)
	first := l.build(t, s, "plain", nil)
	l.failed(t, first)
	second := call(t, l, api.ResubmitTask, api.ResubmitTaskParams{TaskID: first})
	require.NotEqual(t, first, second)
	require.Contains(t, l.failed(t, second).Msg, "build.log")
	require.Equal(t, second, *l.buildOf(t, s.nvr).TaskID, "a failed build is taken over")
	require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM build WHERE task_id IN ($1, $2)`, first, second))
}

// Two hubs share one database: both answer, one schedules, and each task runs
// once, whichever made it.
func TestTwoHubs(t *testing.T) {
	t.Parallel()
	l := start(t)
	second, url, err := l.StartHub()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, second.Stop()) })
	hubs := []*lab{l, l.at(t, url)}
	for _, lock := range []string{"tojischd", "tojirepo"} {
		await(t, "one leader", func() bool { return l.leaders(t, lock) == 1 })
	}
	var ids []int64
	for i := range 10 {
		ids = append(ids, call(t, hubs[i%2], api.MakeTask, api.ArgsParams{Args: []any{"sleep", []any{0.1}}}))
	}
	for i, id := range ids {
		hubs[(i+1)%2].closed(t, id)
		require.Equal(t, []string{"closed"}, l.outcomes(t, id))
		require.Equal(t, int64(1), l.count(t, `SELECT count(*) FROM scheduler_task_runs WHERE task_id = $1`, id))
	}
	require.Equal(t, int64(1), l.leaders(t, "tojischd"))
	require.Equal(t, int64(1), l.leaders(t, "tojirepo"))
}

// at is the laboratory as seen through another hub.
func (l *lab) at(t *testing.T, url string) *lab {
	t.Helper()
	id, key := l.login(t, "admin").Session()
	other := &lab{Stack: &stack.Stack{Dir: l.Dir, Env: l.Env}, db: l.db, temporal: l.temporal}
	await(t, "the second hub's answer", func() bool {
		var err error
		other.Client, err = resume(context.WithoutCancel(t.Context()), url, id, key)
		return err == nil
	})
	return other
}

// leaders counts the holders of a leader's advisory lock.
func (l *lab) leaders(t *testing.T, name string) int64 {
	t.Helper()
	var key int64
	for _, c := range name {
		key = key<<8 | int64(c)
	}
	return l.count(t, `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted
		AND classid = ($1::bigint >> 32)::int::oid AND objid = ($1::bigint & x'ffffffff'::bigint)::oid`, key)
}
