package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/testenv"
)

// deliver hands one batch to fn and returns how many were taken and how many stay.
func (d *taskDB) deliver(fn func(Intent) error) (taken, left int) {
	d.t.Helper()
	taken, left, err := d.DeliverIntents(d.t.Context(), 10, func(_ context.Context, list []Intent) []error {
		errs := make([]error, len(list))
		for i, in := range list {
			errs[i] = fn(in)
		}
		return errs
	})
	require.NoError(d.t, err)
	return taken, left
}

func (in Intent) String() string { return fmt.Sprintf("%d %s %s", in.TaskID, in.Kind, in.Name) }

func TestDeliverIntentsInOrder(t *testing.T) {
	d := newTaskDB(t)
	a, b := d.make("sleep", 0, false), d.make("sleep", 0, false)
	require.NoError(t, d.Signal(t.Context(), a, "wake"))
	_, err := d.CancelTask(t.Context(), a, true)
	require.NoError(t, err)
	var got []string
	note := func(in Intent) error { got = append(got, in.String()); return nil }
	for {
		if taken, left := d.deliver(note); taken == 0 {
			require.Zero(t, left)
			break
		}
		got = append(got, "")
	}
	require.Equal(t, []string{
		fmt.Sprintf("%d start ", a), fmt.Sprintf("%d start ", b), "",
		fmt.Sprintf("%d signal wake", a), "",
		fmt.Sprintf("%d cancel ", a), "",
	}, got, "one intent of a task after the other")
	require.Empty(t, d.intents())
}

func TestIntentsThatFailStay(t *testing.T) {
	d := newTaskDB(t)
	bad, good := d.make("sleep", 0, false), d.make("sleep", 0, false)
	require.NoError(t, d.Signal(t.Context(), bad, "wake"))
	down := func(in Intent) error {
		if in.TaskID == bad {
			return errors.New("temporal is down")
		}
		return nil
	}
	taken, left := d.deliver(down)
	require.Equal(t, []int{2, 1}, []int{taken, left})
	taken, _ = d.deliver(down)
	require.Zero(t, taken, "not at once, and nothing of the task before it")
	type state struct {
		Attempts int     `db:"attempts"`
		Error    string  `db:"last_error"`
		Pause    float64 `db:"pause"`
	}
	pause := 0.0
	for try := range 10 {
		s := one[state](d, `SELECT attempts, last_error, extract(epoch FROM not_before - now())::float8 AS pause
			FROM toji.outbox WHERE task_id = $1 AND kind = 'start'`, bad)
		require.Equal(t, try+1, s.Attempts)
		require.Equal(t, "temporal is down", s.Error)
		require.Greater(t, s.Pause, pause/2)
		require.LessOrEqual(t, s.Pause, outboxRetryMax.Seconds())
		pause = s.Pause
		d.exec(`UPDATE toji.outbox SET not_before = now() WHERE not_before IS NOT NULL`)
		if try < 9 {
			d.deliver(down)
		}
	}
	taken, left = d.deliver(func(Intent) error { return nil })
	require.Equal(t, []int{1, 0}, []int{taken, left})
	require.Equal(t, []string{fmt.Sprintf("%d signal wake", bad)}, d.intents())
	require.Zero(t, one[int](d, `SELECT count(*) FROM toji.outbox WHERE task_id = $1`, good))
}

// A relay that dies in the middle leaves all as it was.
func TestCrashWhileDelivering(t *testing.T) {
	d := newTaskDB(t)
	id := d.make("sleep", 0, false)
	ctx, die := context.WithCancel(t.Context())
	_, _, err := d.DeliverIntents(ctx, 10, func(context.Context, []Intent) []error {
		die()
		return []error{nil}
	})
	require.Error(t, err)
	require.Equal(t, []string{fmt.Sprintf("%d start", id)}, d.intents())

	d.make("sleep", 0, false)
	require.Panics(t, func() {
		_, _, _ = d.DeliverIntents(t.Context(), 10, func(context.Context, []Intent) []error { panic("bug") })
	})
	require.Len(t, d.intents(), 1)
}

// Many relays at once deliver everything once, and each task's in order.
func TestManyRelays(t *testing.T) {
	d := newTaskDB(t)
	const tasks, signals = 12, 4
	for range tasks {
		id := d.make("sleep", 0, false)
		for n := range signals {
			require.NoError(t, d.Signal(t.Context(), id, fmt.Sprint(n)))
		}
	}
	var mu sync.Mutex
	got := map[int64][]string{}
	together(t, 6, func(ctx context.Context, _ int) error {
		for {
			taken, _, err := d.DeliverIntents(ctx, 5, func(_ context.Context, list []Intent) []error {
				mu.Lock()
				defer mu.Unlock()
				for _, in := range list {
					got[in.TaskID] = append(got[in.TaskID], in.Kind+in.Name)
				}
				return make([]error, len(list))
			})
			if err != nil {
				return err
			}
			if taken > 0 {
				continue
			}
			// What others have in hand may make more ready.
			mu.Lock()
			all := 0
			for _, list := range got {
				all += len(list)
			}
			mu.Unlock()
			if all == tasks*(signals+1) || ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
	want := []string{"start", "signal0", "signal1", "signal2", "signal3"}
	for id, list := range got {
		require.Equal(t, want, list, "task %d", id)
	}
	require.Len(t, got, tasks)
	require.Empty(t, d.intents())
}

func TestOutboxWakesRelays(t *testing.T) {
	d := newTaskDB(t)
	ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	woken := make(chan struct{}, 10)
	go func() { _ = d.Listen(ctx, func(string, string) { woken <- struct{}{} }, "toji_outbox") }()
	<-woken // connected
	id := d.make("sleep", 0, false)
	for _, change := range []func() error{
		func() error { return nil }, // it was made
		func() error { return d.Signal(ctx, id, "wake") },
		func() error { _, err := d.CancelTask(ctx, id, true); return err },
	} {
		require.NoError(t, change())
		select {
		case <-woken:
		case <-ctx.Done():
			t.Fatal("nobody was woken")
		}
	}
	require.False(t, slices.Contains(d.intents(), ""))
}

// An idle relay sleeps until its sweep.
func TestNextIntent(t *testing.T) {
	s := New(testenv.Database(t))
	ctx := t.Context()
	next, err := s.NextIntent(ctx, time.Minute)
	require.NoError(t, err)
	require.Equal(t, time.Minute, next, "nothing is there")
	_, err = s.Exec(ctx, `INSERT INTO toji.outbox (kind, not_before) VALUES ('cancel', now() + interval '10 seconds')`)
	require.NoError(t, err)
	next, err = s.NextIntent(ctx, time.Minute)
	require.NoError(t, err)
	require.InDelta(t, 10, next.Seconds(), 5)
}
