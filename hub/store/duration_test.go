package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

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
