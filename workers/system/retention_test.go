package system

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"golang.org/x/sync/errgroup"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/koji/api"
)

// Clean-ups run by schedules, which are as the configuration says, and when asked
// for.
func TestRetention(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	temporal, err := client.Dial(client.Options{HostPort: testenv.Temporal(t), Namespace: "toji", Logger: sdklog.NewStructuredLogger(quiet)})
	require.NoError(t, err)
	defer temporal.Close()
	c := config.Default()
	c.Hub.TopDir, c.Retention.Every, c.Retention.Pause = t.TempDir(), config.Duration(time.Second), 0
	h, err := hub.New(hub.Options{DB: testenv.Database(t), Config: c, Log: quiet})
	require.NoError(t, err)
	worker, err := New(Options{Hub: h, Temporal: temporal, Log: quiet})
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	var parts errgroup.Group
	parts.Go(func() error { return worker.Run(ctx) })
	parts.Go(func() error { return NewRetention(h, temporal, quiet).Run(ctx) })
	user, err := h.Store.EnsureUser(ctx, "admin")
	require.NoError(t, err)
	_, err = h.Store.AddRetentionRun(ctx, store.NewRetentionRun{Kind: api.RetentionGC, DryRun: true, Steps: []string{"trash"}, UserID: &user})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		runs, err := h.Store.RetentionRuns(ctx, nil, 100)
		require.NoError(t, err)
		ended := map[string]int{}
		for _, r := range runs {
			if r.Ended != nil {
				ended[r.Kind]++
			}
		}
		return ended[api.RetentionSweep] >= 2 && ended[api.RetentionGC] == 1
	}, 40*time.Second, 50*time.Millisecond)

	every := func(id string) time.Duration {
		d, err := temporal.ScheduleClient().GetHandle(ctx, id).Describe(ctx)
		require.NoError(t, err)
		return d.Schedule.Spec.Intervals[0].Every
	}
	require.Equal(t, time.Second, every("toji-sweep"))
	h.Retention.Every, h.GC.Enabled = config.Duration(time.Hour), true
	again := NewRetention(h, temporal, quiet)
	require.NoError(t, again.schedule(ctx))
	require.Equal(t, time.Hour, every("toji-sweep"))
	require.Equal(t, 24*time.Hour, every("toji-gc"))
	h.Retention.Every, h.GC.Enabled = 0, false
	for range 2 {
		require.NoError(t, again.schedule(ctx))
		_, err = temporal.ScheduleClient().GetHandle(ctx, "toji-sweep").Describe(ctx)
		require.Error(t, err)
		_, err = temporal.ScheduleClient().GetHandle(ctx, "toji-gc").Describe(ctx)
		require.Error(t, err)
	}
	cancel()
	require.ErrorIs(t, parts.Wait(), context.Canceled)
}
