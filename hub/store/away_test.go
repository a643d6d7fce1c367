package store

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// A host that went away loses its tasks when the grace is over, unless it reported.
func TestHostThatWentAway(t *testing.T) {
	for _, c := range []struct {
		name           string
		left, reported string // how long ago
		failures       int    // of the task, on other hosts
		freed          bool
	}{
		{"away", "40 seconds", "50 seconds", 0, true},
		{"away again", "40 seconds", "50 seconds", 1, true},
		{"away for a moment", "10 seconds", "50 seconds", 0, false},
		{"back", "40 seconds", "1 second", 0, false},
		{"once too often", "40 seconds", "50 seconds", task.HostAttempts - 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := newTaskDB(t)
			id, others := d.opened(1), d.opened(2)
			require.NoError(t, d.HostLeft(t.Context(), "h1"))
			require.NoError(t, d.HostLeft(t.Context(), "alice"), "who is no host is of no interest")
			d.exec(`UPDATE toji.host_away SET since = now() - $1::interval`, c.left)
			d.exec(`UPDATE host SET update_time = now() - $1::interval`, c.reported)
			for range c.failures {
				d.exec(`INSERT INTO toji.task_failure (task_id, at, class, host_id, message) VALUES ($1, now(), 'infrastructure', 2, 'fire')`, id)
			}
			d.exec(`DELETE FROM toji.outbox`)
			freed, err := d.FreeAway(t.Context(), 30*time.Second)
			require.NoError(t, err)
			troubles, err := d.Troubles(t.Context(), id)
			require.NoError(t, err)
			require.Equal(t, koji.TaskOpen, d.row(others).State)
			if !c.freed {
				require.Empty(t, freed)
				require.Equal(t, koji.TaskOpen, d.row(id).State)
				require.Equal(t, c.failures, troubles)
				return
			}
			require.Equal(t, []int64{id}, freed)
			require.Equal(t, koji.TaskFree, d.row(id).State)
			require.Equal(t, c.failures+1, troubles)
			require.Equal(t, []bool{false, true}, all[bool](d, `SELECT ready FROM host ORDER BY id`))
			require.Equal(t, []string{task.SignalFreed}, all[string](d, `SELECT name FROM toji.outbox WHERE task_id = $1`, id))
			require.Equal(t, 1, one[int](d, `SELECT count(*) FROM scheduler_log_messages WHERE task_id = $1
				AND msg LIKE 'Freeing task: The host went away: its builder has had no connection for 4% seconds'`, id))

			freed, err = d.FreeAway(t.Context(), 30*time.Second)
			require.NoError(t, err)
			require.Empty(t, freed, "once")
		})
	}
}

// What an admin gave to a host stays with it.
func TestOverriddenTaskOfAHostThatWentAway(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	_, err := d.AssignTask(t.Context(), id, 1, AssignOptions{Override: true})
	require.NoError(t, err)
	require.Equal(t, TaskDone, d.open(id, true, 1))
	d.exec(`INSERT INTO toji.host_away (host_id, since) VALUES (1, now() - interval '1 hour')`)
	freed, err := d.FreeAway(t.Context(), 30*time.Second)
	require.NoError(t, err)
	require.Empty(t, freed)
}
