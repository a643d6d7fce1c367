package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/koji"
)

func TestPruneSchedule(t *testing.T) {
	d := newTaskDB(t)
	parent := d.opened(0)
	d.make("sleep", parent, true)
	require.NoError(t, d.KeepSubtask(t.Context(), parent, "1/sleep/", 2))
	ended, open := d.opened(1), d.opened(1)
	d.fail(ended, 1, koji.KindInfrastructure)
	require.NoError(t, d.Refuse(t.Context(), open, 2, false, "no"))
	require.NoError(t, d.Refuse(t.Context(), ended, 2, false, "no"))
	counts := func() map[string]int {
		list := map[string]int{}
		for _, table := range []string{"scheduler_log_messages", "scheduler_task_runs", "scheduler_task_refusals",
			"toji.task_attempt", "toji.task_failure", "toji.subtask"} {
			list[table] = one[int](d, `SELECT count(*) FROM `+table)
		}
		return list
	}
	gone, err := d.PruneSchedule(t.Context(), time.Hour, time.Hour)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"refusals": 1}, gone, "nothing else is old")
	require.Equal(t, map[string]int{"scheduler_log_messages": 4, "scheduler_task_runs": 2, "scheduler_task_refusals": 1,
		"toji.task_attempt": 3, "toji.task_failure": 1, "toji.subtask": 1}, counts())

	for _, q := range []string{
		`UPDATE scheduler_log_messages SET msg_time = now() - interval '8 days' WHERE id < 4`,
		`UPDATE scheduler_task_runs SET create_time = now() - interval '8 days'`,
		`UPDATE toji.task_attempt SET ended = now() - interval '8 days' WHERE ended IS NOT NULL`,
		`UPDATE toji.task_failure SET at = now() - interval '8 days'`,
	} {
		d.exec(q)
	}
	gone, err = d.PruneSchedule(t.Context(), 7*24*time.Hour, 7*24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"messages": 3, "runs": 1, "attempts": 1, "failures": 1}, gone)

	d.close(parent, 1)
	d.exec(`UPDATE task SET completion_time = now() - interval '8 days' WHERE id = $1`, parent)
	gone, err = d.PruneSchedule(t.Context(), 7*24*time.Hour, 7*24*time.Hour)
	require.NoError(t, err)
	require.Equal(t, map[string]int64{"subtasks": 1}, gone)
}

func TestLearnDurations(t *testing.T) {
	d := newTaskDB(t)
	d.exec(`INSERT INTO package (name) VALUES ('bash')`)
	build := d.opened(0)
	d.exec(`INSERT INTO build (pkg_id, version, release, epoch, state, task_id, owner, volume_id) VALUES (1, '5', '1', 0, 0, $1, 1, 0)`, build)
	learnt := func() []string {
		require.NoError(t, d.LearnDurations(t.Context()))
		return all[string](d, `SELECT concat_ws(' ', method, arch, package_id, round(seconds::numeric), samples) FROM toji.task_duration ORDER BY package_id`)
	}
	took := func(seconds float64, back string) {
		id := d.make("buildArch", build, true)
		d.assign(id, 1)
		d.open(id, true, 1)
		d.close(id, 1)
		d.exec(`UPDATE task SET start_time = completion_time - make_interval(secs => $2) WHERE id = $1`, id, seconds)
		d.exec(`UPDATE toji.task_attempt SET started = now() + $3::interval - make_interval(secs => $2), ended = now() + $3::interval WHERE task_id = $1`, id, seconds, back)
	}
	took(100, "-1 day")
	took(200, "-1 day")
	require.Equal(t, []string{"buildArch noarch 0 150 2", "buildArch noarch 1 150 2"}, learnt(), "of Koji's tasks")
	require.Equal(t, []string{"buildArch noarch 0 150 2", "buildArch noarch 1 150 2"}, learnt(), "once")

	d.exec(`UPDATE toji.meta SET value = (now() - interval '1 hour')::text WHERE key = 'durations_learnt'`)
	took(300, "-1 minute")
	took(900, "-2 hours")
	require.Equal(t, []string{"buildArch noarch 0 200 3", "buildArch noarch 1 200 3"}, learnt(), "what is new")

	other := d.opened(0)
	d.exec(`UPDATE toji.task_duration SET seconds = 50 WHERE package_id = 0`)
	for parent, want := range map[int64]float64{build: 199.5, other: 50} {
		id := d.make("buildArch", parent, true)
		w, err := d.WaitingTask(t.Context(), id, []string{"tagBuild"}, time.Hour)
		require.NoError(t, err)
		require.InDelta(t, want, w.Takes, 1)
	}
}
