package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// sweep removes rows older than an age, batch by batch, and returns how many went.
func (d *taskDB) sweep(list []RowSweep, age time.Duration, args ...any) map[string]int64 {
	d.t.Helper()
	gone := map[string]int64{}
	for _, r := range list {
		args := append([]any{age.Seconds()}, args...)
		counted, _, err := d.Sweep(d.t.Context(), r, true, args...)
		require.NoError(d.t, err)
		for left := true; left; {
			var n int64
			n, left, err = d.Sweep(d.t.Context(), r, false, args...)
			require.NoError(d.t, err)
			if n > 0 {
				gone[r.What] += n
			}
		}
		if !r.again {
			require.Equal(d.t, gone[r.What], counted, "a dry run says the same of %s", r.What)
		}
	}
	return gone
}

func TestSweepScheduler(t *testing.T) {
	d := newTaskDB(t)
	parent := d.opened(0)
	d.make("sleep", parent, true)
	require.NoError(t, d.KeepSubtask(t.Context(), parent, "1/sleep/", 2))
	ended, open := d.opened(1), d.opened(1)
	d.fail(ended, 1, koji.KindInfrastructure)
	require.NoError(t, d.Refuse(t.Context(), open, 2, false, "no"))
	require.NoError(t, d.Refuse(t.Context(), ended, 2, false, "no"))
	d.exec(`INSERT INTO toji.foreign_task VALUES ($1), ($2)`, parent, open)
	all := append(SweepHistory, SweepSchedulerLogs...)
	require.Equal(t, map[string]int64{"refusals of tasks": 1}, d.sweep(all, time.Hour), "nothing else is old")

	for _, q := range []string{
		`UPDATE scheduler_log_messages SET msg_time = now() - interval '8 days' WHERE id < 4`,
		`UPDATE scheduler_task_runs SET create_time = now() - interval '8 days'`,
		`UPDATE toji.task_attempt SET ended = now() - interval '8 days' WHERE ended IS NOT NULL`,
		`UPDATE toji.task_failure SET at = now() - interval '8 days'`,
	} {
		d.exec(q)
	}
	const week = 7 * 24 * time.Hour
	require.Equal(t, map[string]int64{"scheduler messages": 3, "runs of tasks": 1, "attempts at tasks": 1, "failures of tasks": 1}, d.sweep(all, week))

	d.close(parent, 1)
	d.exec(`UPDATE task SET completion_time = now() - interval '8 days' WHERE id = $1`, parent)
	require.Equal(t, map[string]int64{"keys of subtasks": 1, "notes of foreign tasks": 1}, d.sweep(all, week))
}

func TestSweepSessions(t *testing.T) {
	d := newTaskDB(t)
	d.exec(`INSERT INTO sessions (id, user_id, master, closed, expired, start_time, renew_time, update_time)
		SELECT id, 1, master, closed, expired, now() - start::interval, now() - renew::interval, now() - used::interval FROM (VALUES
			(1, NULL, true, true, '9 days', NULL, '8 days'), -- closed
			(2, NULL::int, true, true, '9 days', NULL, '6 days'), -- closed lately
			(3, NULL, false, true, '9 days', NULL, '8 days'), -- expired
			(4, NULL, false, false, '9 days', NULL, '8 days'), -- forgotten
			(5, NULL, false, false, '9 days', '1 hour', '8 days'), -- renewed
			(6, NULL, false, false, '9 days', NULL, '1 hour'), -- used
			(7, NULL, true, true, '9 days', NULL, '8 days'), -- with a subsession that stays
			(8, 7, true, true, '9 days', NULL, '6 days'),
			(9, NULL, true, true, '9 days', NULL, '8 days'), -- with one that goes
			(10, 9, true, true, '9 days', NULL, '8 days')
		) AS s (id, master, closed, expired, start, renew, used)`)
	left := func() []int64 {
		ids, err := database.All[int64](t.Context(), d.DB, `SELECT id FROM sessions ORDER BY id`)
		require.NoError(t, err)
		return ids
	}
	const week = 7 * 24 * time.Hour
	require.Equal(t, map[string]int64{"sessions": 4}, d.sweep(SweepSessions, week, 0.0))
	require.Equal(t, []int64{2, 4, 5, 6, 7, 8}, left())
	require.Equal(t, map[string]int64{"sessions": 1}, d.sweep(SweepSessions, week, 86400.0))
	require.Equal(t, []int64{2, 5, 6, 7, 8}, left())
}

func TestSweepMore(t *testing.T) {
	d := newTaskDB(t)
	d.exec(`
		INSERT INTO package (id, name) VALUES (1, 'foo');
		INSERT INTO build (id, pkg_id, version, release, state, owner, volume_id) VALUES (1, 1, '1', '1', 0, 1, 0), (2, 1, '2', '1', 0, 1, 0);
		INSERT INTO build_reservations (build_id, token, created) VALUES (1, 'x', now() - interval '2 days'), (2, 'x', now());
		INSERT INTO proton_queue (created_ts, address, props, body) VALUES (now() - interval '2 days', '', '{}', '{}'), (now(), '', '{}', '{}');
		INSERT INTO toji.retention_run (kind, dry_run, steps, ended) VALUES ('gc', true, '{}', now() - interval '2 days'), ('gc', true, '{trash}', NULL);
		INSERT INTO toji.retention_item (run_id, step, action, subject, reason) VALUES (1, 'trash', 'keep', 'x', '')`)
	for _, list := range [][]RowSweep{SweepReservations, SweepMessages, SweepReports} {
		require.Equal(t, map[string]int64{list[0].What: 1}, d.sweep(list, 24*time.Hour))
	}
}
