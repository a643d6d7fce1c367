package store

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
)

func TestCleanSessions(t *testing.T) {
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
	const day = 86400
	require.NoError(t, d.CleanSessions(t.Context(), 7*day, 0))
	require.Equal(t, []int64{2, 4, 5, 6, 7, 8}, left())
	require.NoError(t, d.CleanSessions(t.Context(), 7*day, day))
	require.Equal(t, []int64{2, 5, 6, 7, 8}, left())
}
