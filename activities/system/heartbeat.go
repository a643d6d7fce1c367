package system

import (
	"context"
	"time"

	"go.temporal.io/sdk/activity"
)

// beat heartbeats for a long step until stop is called, so that Temporal soon
// notices a hub that died in the middle of it.
func beat(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		tick := time.NewTicker(10 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				activity.RecordHeartbeat(ctx)
			}
		}
	}()
	return cancel
}
