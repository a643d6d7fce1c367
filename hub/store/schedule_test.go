package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func TestWaiting(t *testing.T) {
	d := newTaskDB(t)
	low, high := d.make("sleep", 0, false), d.make("sleep", 0, false)
	d.exec(`UPDATE task SET priority = 5, arch = 'x86_64' WHERE id = $1`, high)
	d.make("build", 0, false) // needs no host
	open, assigned, asleep := d.opened(1), d.make("sleep", 0, false), d.opened(1)
	d.assign(assigned, 1)
	d.exec(`UPDATE task SET waiting = true WHERE id = $1`, asleep)
	d.exec(`UPDATE task SET owner = 2, weight = 0.5 WHERE id = $1`, open)
	require.NoError(t, d.Refuse(t.Context(), low, 2, false, "no such arch"))
	require.NoError(t, d.Refuse(t.Context(), low, 1, true, "no room"))
	d.exec(`INSERT INTO toji.task_failure (task_id, class, host_id, message) VALUES ($1, 'infrastructure', 2, 'broken'), ($1, 'policy', 1, 'no')`, low)
	require.NoError(t, d.SetTaskWait(t.Context(), low, "refused", "refused by 1 host"))
	require.NoError(t, d.SetHostData(t.Context(), 2, map[string]any{"maxjobs": 7, "methods": []any{"image"}}))
	d.exec(`INSERT INTO toji.host_health (host_id, quarantined_at, quarantine_reason) VALUES (2, now(), 'broken')`)

	d.exec(`INSERT INTO toji.task_duration (method, arch, seconds, samples) VALUES ('sleep', 'x86_64', 90, 1), ('sleep', 'noarch', 30, 1)`)

	waiting := func(front int) []WaitingTask {
		tasks, err := d.WaitingTasks(t.Context(), []string{"build"}, time.Hour, front)
		require.NoError(t, err)
		return tasks
	}
	tasks := waiting(5)
	require.Equal(t, []WaitingTask{
		{ID: high, Method: "sleep", ChannelID: 1, Channel: "default", Arch: "x86_64", OwnerID: 1, Owner: "alice", Priority: 5, Takes: 90,
			Refused: []int64{}, Refusals: []string{}, Failed: []int64{}},
		{ID: low, Method: "sleep", ChannelID: 1, Channel: "default", Arch: "noarch", OwnerID: 1, Owner: "alice", Priority: 20, Takes: 30,
			Refused: []int64{1, 2}, Refusals: []string{"no room", "no such arch"}, Failed: []int64{2}, WaitCode: "refused", Reason: "refused by 1 host"},
	}, tasks)
	one, err := d.WaitingTask(t.Context(), low, []string{"build"}, time.Hour)
	require.NoError(t, err)
	require.Equal(t, &tasks[1], one)
	one, err = d.WaitingTask(t.Context(), open, []string{"build"}, time.Hour)
	require.NoError(t, err)
	require.Nil(t, one)

	hosts, busy, err := d.BuildHosts(t.Context())
	require.NoError(t, err)
	require.Equal(t, []BuildHost{
		{ID: 1, Name: "h1", Arches: "x86_64", Capacity: 4, Enabled: true, Ready: true, Load: 2, Tasks: 3, Channels: []int64{1}, Methods: []string{}, Serves: []string{}},
		{ID: 2, Name: "h2", Arches: "x86_64", Capacity: 4, Enabled: true, Ready: true, Quarantined: true, MaxJobs: 7, Channels: []int64{1}, Methods: []string{"image"}, Serves: []string{}},
	}, hosts)
	require.Len(t, busy, 3)
	require.InDelta(t, 30, *busy[0].EndsIn, 2)
	for i := range busy {
		busy[i].EndsIn = nil
	}
	require.Equal(t, []BusyTask{
		{ID: open, HostID: 1, OwnerID: 2, ChannelID: 1, Weight: 0.5},
		{ID: assigned, HostID: 1, OwnerID: 1, ChannelID: 1, Weight: 1.5},
		{ID: asleep, HostID: 1, OwnerID: 1, ChannelID: 1, Weight: 1.5, Waiting: true},
	}, busy)

	d.exec(`UPDATE scheduler_task_refusals SET time = now() - interval '2 hours'`)
	require.Equal(t, []int64{2}, waiting(5)[1].Refused, "a soft refusal is forgotten")

	d.exec(`UPDATE channels SET enabled = false WHERE id = 1`)
	d.exec(`UPDATE host_config SET enabled = false WHERE host_id = 2`)
	hosts, _, err = d.BuildHosts(t.Context())
	require.NoError(t, err)
	require.False(t, hosts[1].Enabled)
	require.Empty(t, hosts[0].Channels)
}

// What a host says of itself is not to be relied upon.
func TestHostDataOfAnyKind(t *testing.T) {
	d := newTaskDB(t)
	for _, c := range []struct {
		maxjobs any
		want    int
	}{{7, 7}, {"7", 0}, {"many", 0}, {-1, 0}, {1e300, 1000}, {2.4, 2}, {nil, 0}, {map[string]any{}, 0}} {
		require.NoError(t, d.SetHostData(t.Context(), 1, map[string]any{"maxjobs": c.maxjobs}))
		hosts, _, err := d.BuildHosts(t.Context())
		require.NoError(t, err, c.maxjobs)
		require.Equal(t, c.want, hosts[0].MaxJobs, c.maxjobs)
	}
}

// However many tasks wait, those of other arches, channels, methods and owners are
// seen, and so are those behind tasks that nobody takes.
func TestFrontOfEachLine(t *testing.T) {
	d := newTaskDB(t)
	d.exec(`INSERT INTO task (state, method, request, owner, channel_id, arch, priority)
		SELECT 0, 'sleep', '', 1, 1, 's390x', 5 FROM generate_series(1, 2001)`)
	d.exec(`INSERT INTO scheduler_task_refusals (task_id, host_id, by_host) SELECT id, 1, true FROM task WHERE id <= 20`)
	d.make("sleep", 0, false)
	for _, change := range []string{`owner = 2`, `channel_id = 2`, `method = 'fork'`, `priority = 4`} {
		d.exec(`UPDATE task SET arch = 's390x', `+change+` WHERE id = $1`, d.make("sleep", 0, false))
	}
	tasks, err := d.WaitingTasks(t.Context(), []string{"build"}, time.Hour, 3)
	require.NoError(t, err)
	seen := map[string]int{}
	for _, w := range tasks {
		seen[fmt.Sprintf("%s %d %s %d refused %d", w.Method, w.ChannelID, w.Arch, w.OwnerID, len(w.Refused))]++
	}
	require.Equal(t, map[string]int{
		"sleep 1 s390x 1 refused 1": 20, "sleep 1 s390x 1 refused 0": 3, "sleep 1 s390x 2 refused 0": 1,
		"sleep 2 s390x 1 refused 0": 1, "fork 1 s390x 1 refused 0": 1, "sleep 1 noarch 1 refused 0": 1,
	}, seen)
	require.Equal(t, 4, tasks[0].Priority)

	require.NoError(t, d.RecordBehind(t.Context(), []string{"fork"}))
	require.Zero(t, one[int](d, `SELECT count(*) FROM toji.task_wait`), "they are too young")
	d.exec(`UPDATE task SET create_time = now() - interval '6 seconds'`)
	require.NoError(t, d.SetTaskWait(t.Context(), 21, "no-arch", "no host"))
	for range 2 {
		require.NoError(t, d.RecordBehind(t.Context(), []string{"fork"}))
		require.Equal(t, one[int](d, `SELECT count(*) FROM task WHERE method = 'sleep'`), one[int](d, `SELECT count(*) FROM toji.task_wait`))
		require.Equal(t, "no host", one[string](d, `SELECT reason FROM toji.task_wait WHERE task_id = 21`))
	}
}

// A task far behind is told how many are ahead of it and, once somebody knows how
// long they take, until when.
func TestBehind(t *testing.T) {
	d := newTaskDB(t)
	for range 10 {
		d.make("sleep", 0, false)
	}
	last := d.make("sleep", 0, false)
	d.exec(`UPDATE task SET create_time = now() - interval '6 seconds'; UPDATE task SET priority = 30 WHERE id = 1; UPDATE task SET state = 1, host_id = 1 WHERE id IN (2, 3)`)
	require.NoError(t, d.RecordBehind(t.Context(), []string{"fork"}))
	wait := func() api.TaskWait {
		st, err := d.TaskStatus(t.Context(), last)
		require.NoError(t, err)
		why, err := d.Why(t.Context(), last)
		require.NoError(t, err)
		require.Equal(t, st.Wait.Reason, why.Wait.Reason)
		return *why.Wait
	}
	w := wait()
	require.Equal(t, WaitBehind, w.Code)
	require.Contains(t, w.Reason, "come first: about 7 are ahead")
	require.Nil(t, w.ETA)
	d.exec(`INSERT INTO toji.task_duration (method, arch, seconds, samples) VALUES ('sleep', 'noarch', 600, 3)`)
	require.InDelta(t, 35, time.Until(wait().ETA.Time).Minutes(), 0.5, "two at once")
}

func TestAssignPassesOverWhatIsNotFree(t *testing.T) {
	d := newTaskDB(t)
	free, other, gone, canceled := d.make("sleep", 0, false), d.make("sleep", 0, false), d.opened(1), d.make("sleep", 0, false)
	_, err := d.CancelTask(t.Context(), canceled, true)
	require.NoError(t, err)
	d.intents()
	require.NoError(t, d.Assign(t.Context(), []Assignment{{other, 2, 1}, {free, 1, 0.25}, {gone, 2, 1}, {canceled, 2, 1}},
		[]Wait{{TaskID: gone, Code: "no-capacity", Reason: "busy"}}))
	require.Equal(t, row{State: koji.TaskAssigned, Host: 1, Weight: 0.25}, d.row(free))
	require.Equal(t, int64(1), d.row(gone).Host)
	require.Equal(t, koji.TaskCanceled, d.row(canceled).State)
	require.Equal(t, []string{fmt.Sprintf("%d signal assigned", free), fmt.Sprintf("%d signal assigned", other)}, d.intents())
	require.Zero(t, one[int](d, `SELECT count(*) FROM toji.task_wait`), "it does not wait")
	require.NoError(t, d.Assign(t.Context(), nil, nil))
}

func TestRecordWaits(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	record := func(code, reason string) string {
		require.NoError(t, d.Assign(t.Context(), nil, []Wait{{TaskID: id, Code: code, Reason: reason}}))
		return one[string](d, `SELECT since::text FROM toji.task_wait WHERE code = $1 AND reason = $2`, code, reason)
	}
	since := record("no-capacity", "1 host busy")
	require.Equal(t, since, record("no-capacity", "2 hosts busy"))
	require.NotEqual(t, since, record("no-arch", "no host builds for it"))
	require.Equal(t, []string{"Waiting: 1 host busy", "Waiting: no host builds for it"},
		all[string](d, `SELECT msg FROM scheduler_log_messages WHERE task_id = $1 ORDER BY id`, id))

	in := 100.0
	require.NoError(t, d.Assign(t.Context(), nil, []Wait{{TaskID: id, Code: "no-capacity", Reason: "full", StartsIn: &in}}))
	st, err := d.TaskStatus(t.Context(), id)
	require.NoError(t, err)
	require.InDelta(t, 100, time.Until(st.Wait.ETA.Time).Seconds(), 10)
}

func TestAssignTask(t *testing.T) {
	force := AssignOptions{Weight: 0.5, Force: true}
	for _, c := range []struct {
		name    string
		prepare func(d *taskDB) int64
		host    int64
		opts    AssignOptions
		ok      bool
		state   koji.TaskState
		intents []string
	}{
		{"free", func(d *taskDB) int64 { return d.make("sleep", 0, false) }, 1, AssignOptions{}, true,
			koji.TaskAssigned, []string{"1 signal assigned"}},
		{"its own already", func(d *taskDB) int64 { id := d.make("sleep", 0, false); d.assign(id, 1); return id }, 1, AssignOptions{}, true,
			koji.TaskAssigned, []string{"1 signal assigned"}},
		{"another's", func(d *taskDB) int64 { id := d.make("sleep", 0, false); d.assign(id, 2); return id }, 1, AssignOptions{}, false,
			koji.TaskAssigned, nil},
		{"another's, by force", func(d *taskDB) int64 { id := d.make("sleep", 0, false); d.assign(id, 2); return id }, 1, force, true,
			koji.TaskAssigned, []string{"1 signal assigned"}},
		{"open", func(d *taskDB) int64 { return d.opened(1) }, 1, AssignOptions{}, false, koji.TaskOpen, nil},
		{"open, by force", func(d *taskDB) int64 { return d.opened(2) }, 1, force, true,
			koji.TaskAssigned, []string{"1 signal freed", "1 signal assigned"}},
		{"ended, by force", func(d *taskDB) int64 { id := d.opened(2); d.close(id, 1); return id }, 1, force, false, koji.TaskClosed, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newTaskDB(t)
			id := c.prepare(d)
			d.intents()
			ok, err := d.AssignTask(t.Context(), id, c.host, c.opts)
			require.NoError(t, err)
			require.Equal(t, c.ok, ok)
			require.Equal(t, c.state, d.row(id).State)
			require.Equal(t, c.intents, d.intents())
			if c.ok {
				require.Equal(t, c.host, d.row(id).Host)
				require.Equal(t, 1, d.activeRuns(id))
			}
		})
	}
}

func TestAssignTaskWithoutARun(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	ok, err := d.AssignTask(t.Context(), id, 1, AssignOptions{Override: true})
	require.NoError(t, err)
	require.True(t, ok)
	require.Zero(t, d.activeRuns(id))
	require.Equal(t, "Assigning task (override)", one[string](d, `SELECT msg FROM scheduler_log_messages`))
}

func TestRefuseTask(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	for range 2 { // again, after the scheduler has asked again
		d.assign(id, 1)
		require.NoError(t, d.RefuseTask(t.Context(), id, 1, false, "not here"))
		require.Equal(t, koji.TaskFree, d.row(id).State)
		require.Equal(t, []string{"1 false not here"}, all[string](d, `SELECT concat_ws(' ', host_id, soft::text, msg) FROM scheduler_task_refusals`))
	}
	require.Contains(t, all[string](d, `SELECT msg FROM scheduler_log_messages`), "Host refused task: not here")
}

func TestExpireHosts(t *testing.T) {
	d := newTaskDB(t)
	require.NoError(t, d.CheckInHost(t.Context(), 1, 0.5, true))
	require.NoError(t, d.ExpireHosts(t.Context(), time.Minute))
	require.Equal(t, []bool{true, false}, all[bool](d, `SELECT ready FROM host ORDER BY id`), "the second was never heard of")
	d.exec(`UPDATE host SET update_time = now() - interval '61 seconds'`)
	require.NoError(t, d.ExpireHosts(t.Context(), time.Minute))
	require.Equal(t, []bool{false, false}, all[bool](d, `SELECT ready FROM host ORDER BY id`))
	require.NoError(t, d.CheckInHost(t.Context(), 1, 0.5, true))
	require.True(t, one[bool](d, `SELECT ready AND task_load = 0.5 FROM host WHERE id = 1`))
}
