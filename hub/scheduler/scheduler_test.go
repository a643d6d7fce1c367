package scheduler

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji"
	_ "github.com/toji-build/toji/koji/tasks" // declares sleep
)

func TestMain(m *testing.M) { testenv.Main(m) }

// lab is a database with the host h1, which is not ready, and running schedulers.
type lab struct {
	*store.Store
	t       testing.TB
	ctx     context.Context
	changed chan struct{} // something was written to the outbox or to task_wait
}

// patience is below the scheduler's sweep: what a test waits for must come by
// notification.
const patience = sweep * 2 / 3

func newLab(t testing.TB) *lab {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*patience)
	t.Cleanup(cancel)
	l := &lab{store.New(testenv.Database(t)), t, ctx, make(chan struct{}, 1)}
	l.exec(`INSERT INTO users (name, status, usertype) VALUES ('alice', 0, 0), ('h1', 0, 1);
		INSERT INTO host (user_id, name, update_time) VALUES (2, 'h1', now());
		INSERT INTO host_config (host_id, arches, capacity, creator_id) VALUES (1, 'x86_64', 4, 1);
		INSERT INTO host_channels (host_id, channel_id, creator_id) VALUES (1, 1, 1);
		CREATE TRIGGER told AFTER INSERT OR UPDATE OR DELETE ON toji.task_wait FOR EACH STATEMENT EXECUTE FUNCTION toji.notify('told')`)
	connected := make(chan struct{}, 1)
	go func() {
		_ = l.Listen(ctx, func(channel, _ string) {
			to := l.changed
			if channel == "" {
				to = connected
			}
			select {
			case to <- struct{}{}:
			default:
			}
		}, "toji_outbox", "told")
	}()
	<-connected
	return l
}

func (l *lab) exec(sql string, args ...any) {
	l.t.Helper()
	_, err := l.Exec(l.t.Context(), sql, args...)
	require.NoError(l.t, err)
}

func (l *lab) ready(ready bool) {
	l.t.Helper()
	require.NoError(l.t, l.CheckInHost(l.t.Context(), 1, 0, ready))
}

// sleep makes a task that needs a host.
func (l *lab) sleep() int64 {
	l.t.Helper()
	id, err := l.InsertTask(l.t.Context(), store.NewTask{Method: "sleep", OwnerID: 1, ChannelID: 1, Arch: "noarch", Priority: 20}, false)
	require.NoError(l.t, err)
	return id
}

// run starts a scheduler and returns what stops it and waits for its end.
func (l *lab) run() (stop func()) {
	ctx, cancel := context.WithCancel(l.ctx)
	ended := make(chan error, 1)
	go func() { ended <- New(l.Store, slog.New(slog.DiscardHandler), Options{}).Run(ctx) }()
	return func() {
		l.t.Helper()
		cancel()
		require.ErrorIs(l.t, <-ended, context.Canceled)
	}
}

// until waits for a condition, which it looks at after each change.
func (l *lab) until(what string, cond func() bool) {
	l.t.Helper()
	late := time.After(patience)
	for !cond() {
		select {
		case <-l.changed:
		case <-late:
			l.t.Fatalf("waited too long: %s", what)
		}
	}
}

func (l *lab) assigned(id int64) func() bool {
	return func() bool {
		state, err := database.One[koji.TaskState](l.ctx, l.DB, `SELECT state FROM task WHERE id = $1`, id)
		require.NoError(l.t, err)
		return state == koji.TaskAssigned
	}
}

// waits is why a task waits.
func (l *lab) waits(id int64, code string) func() bool {
	return func() bool {
		codes, err := database.All[string](l.ctx, l.DB, `SELECT code FROM toji.task_wait WHERE task_id = $1`, id)
		require.NoError(l.t, err)
		return len(codes) == 1 && codes[0] == code
	}
}

func TestTasksAreAssignedWhenTheyCanBe(t *testing.T) {
	l := newLab(t)
	early := l.sleep()
	stop := l.run()
	defer stop()
	l.until("the host is not ready", l.waits(early, "no-ready-host"))
	l.ready(true)
	l.until("the host became ready", l.assigned(early))
	weight, err := database.One[float64](t.Context(), l.DB, `SELECT weight FROM task WHERE id = $1`, early)
	require.NoError(t, err)
	require.Equal(t, 0.25, weight, "the type's")

	late := l.sleep()
	l.until("a new task", l.assigned(late))

	l.exec(`UPDATE host_config SET enabled = false`)
	third := l.sleep()
	l.until("no host is enabled", l.waits(third, "no-channel"))
	l.exec(`UPDATE host_config SET enabled = true`)
	l.until("it was enabled", l.assigned(third))

	require.NoError(t, l.RefuseTask(t.Context(), third, 1, true, "no room"))
	l.until("it refused", l.waits(third, "refused"))
	l.exec(`DELETE FROM scheduler_task_refusals`)
	l.until("the refusal is forgotten", l.assigned(third))

	l.exec(`INSERT INTO toji.host_health (host_id, failures_in_row, quarantined_at, quarantine_reason) VALUES (1, 3, now(), 'broken')`)
	fourth := l.sleep()
	l.until("it is in quarantine", l.waits(fourth, "no-ready-host"))
	ok, err := l.TrustHost(t.Context(), 1)
	require.NoError(t, err)
	require.True(t, ok)
	l.until("the quarantine ended", l.assigned(fourth))
}

// When its quarantine is over a host gets one task, and the others when that one
// went well.
func TestProbe(t *testing.T) {
	l := newLab(t)
	l.ready(true)
	l.exec(`INSERT INTO toji.host_health (host_id, failures_in_row, quarantined_at, quarantine_reason, quarantine_until, quarantines)
		VALUES (1, 3, now() - interval '1 hour', 'broken', now() + interval '1 hour', 1)`)
	s := New(l.Store, slog.New(slog.DiscardHandler), Options{})
	ids := []int64{l.sleep(), l.sleep(), l.sleep()}
	have := func() int {
		t.Helper()
		require.NoError(t, s.Round(l.ctx))
		return l.count(`SELECT count(*) FROM task WHERE state IN (1, 4)`)
	}
	require.Zero(t, have())
	l.exec(`UPDATE toji.host_health SET quarantine_until = now()`)
	require.Equal(t, 1, have())
	require.Equal(t, 1, have(), "one at a time")
	out, _, err := l.OpenTask(l.ctx, ids[0], true, 1, 0.25)
	require.NoError(t, err)
	require.Equal(t, store.TaskDone, out)
	_, err = l.CloseTask(l.ctx, ids[0], 1, "")
	require.NoError(t, err)
	require.Equal(t, 2, have())
}

func TestTasksWaitForRoom(t *testing.T) {
	l := newLab(t)
	l.ready(true)
	l.exec(`INSERT INTO scheduler_host_data (host_id, data) VALUES (1, '{"maxjobs": 1}')`)
	stop := l.run()
	defer stop()
	first := l.sleep()
	l.until("there is room", l.assigned(first))
	second := l.sleep()
	l.until("there is no more", l.waits(second, "no-capacity"))
	out, _, err := l.OpenTask(t.Context(), first, true, 1, 0.25)
	require.NoError(t, err)
	require.Equal(t, store.TaskDone, out)
	out, err = l.CloseTask(t.Context(), first, 1, "")
	require.NoError(t, err)
	require.Equal(t, store.TaskDone, out)
	l.until("there is again", l.assigned(second))
}

// A task is not assigned twice, and not left, when the leader changes.
func TestLeadersFollowEachOther(t *testing.T) {
	l := newLab(t)
	l.ready(true)
	stopFirst := l.run()
	first := l.sleep()
	l.until("the first leads", l.assigned(first))
	stopSecond := l.run()
	second := l.sleep()
	l.until("one of them assigns", l.assigned(second))
	stopFirst()
	third := l.sleep()
	l.until("the other takes over", l.assigned(third))
	stopSecond()
	runs, err := database.All[int64](t.Context(), l.DB, `SELECT task_id FROM scheduler_task_runs ORDER BY id`)
	require.NoError(t, err)
	require.Equal(t, []int64{first, second, third}, runs)
}
