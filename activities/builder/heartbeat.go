package builder

import (
	"context"
	"errors"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
)

const (
	// heartbeatEvery bounds how long a cancelled build goes on.
	heartbeatEvery = 700 * time.Millisecond
	// heartbeatTimeout is for one call: an outage must not pile calls up.
	heartbeatTimeout = 5 * time.Second
)

// heartbeat tells Temporal that the work goes on until ctx is done. It cancels
// the work when the answer is that nobody wants it any more: cancelled, given
// to another attempt, paused or reset. Trouble on the way is no such answer.
//
// The SDK's own heartbeat is not used: it gives up after an outage of seconds
// and takes the activity with it.
func (a *Activities) heartbeat(ctx context.Context, at attempt, token []byte, cancel context.CancelCauseFunc) {
	tick := time.NewTicker(heartbeatEvery)
	defer tick.Stop()
	for {
		call, done := context.WithTimeout(ctx, heartbeatTimeout)
		err := a.temporal.RecordActivityHeartbeat(call, token)
		done()
		if err != nil && ctx.Err() == nil && a.unwanted(ctx, at, err) {
			cancel(errCanceled)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (a *Activities) unwanted(ctx context.Context, at attempt, err error) bool {
	var notFound *serviceerror.NotFound
	if errors.As(err, &notFound) {
		// The attempt timed out in an outage of Temporal; the next one, which may
		// be about to come, goes on with its work.
		again, err := a.awaitsRetry(ctx, at)
		return err == nil && !again
	}
	return temporal.IsCanceledError(err) || errors.Is(err, activity.ErrActivityPaused) || errors.Is(err, activity.ErrActivityReset)
}
