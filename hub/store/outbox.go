package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
)

// Intent is a row of the outbox: something that Temporal has to be told.
type Intent struct {
	ID       int64  `db:"id"`
	TaskID   int64  `db:"task_id"`
	Kind     string `db:"kind"` // start, signal or cancel
	Name     string `db:"name"` // the signal's
	Attempts int    `db:"attempts"`
	Late     bool   `db:"late"` // says that the task has a host, which is seen already
}

// outboxClaim takes the oldest intent of each task, so that a task's intents are
// delivered in order however many relays run; SKIP LOCKED keeps them apart.
const outboxClaim = `
SELECT o.id, o.task_id, o.kind, coalesce(o.name, '') AS name, o.attempts,
	o.kind = 'signal' AND o.name = 'assigned' AND coalesce(t.state NOT IN (0, 4), false) AS late
FROM toji.outbox o LEFT JOIN task t ON t.id = o.task_id
WHERE o.kind <> 'message' AND (o.not_before IS NULL OR o.not_before <= now())
	AND NOT EXISTS (SELECT 1 FROM toji.outbox e WHERE e.task_id = o.task_id AND e.id < o.id AND e.kind <> 'message')
ORDER BY o.id LIMIT $1 FOR UPDATE OF o SKIP LOCKED`

// outboxRetryMax bounds the pause between two tries of one intent.
const outboxRetryMax = 10 * time.Second

// DeliverIntents hands up to limit intents to deliver, all at once, which
// returns an error per intent, nil for those that are done with. Those are
// deleted; the others stay for a later try. It returns how many it took and how
// many of them stay.
func (s *Store) DeliverIntents(ctx context.Context, limit int, deliver func(context.Context, []Intent) []error) (taken, left int, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		intents, err := database.All[Intent](ctx, s.DB, outboxClaim, limit)
		if err != nil || len(intents) == 0 {
			return err
		}
		taken = len(intents)
		var done []int64
		for i, failed := range deliver(ctx, intents) {
			if failed == nil {
				done = append(done, intents[i].ID)
				continue
			}
			left++
			pause := min(time.Duration(1<<min(intents[i].Attempts, 6))*200*time.Millisecond, outboxRetryMax)
			_, err := s.Exec(ctx, `UPDATE toji.outbox SET attempts = attempts + 1, last_error = $2,
				not_before = now() + make_interval(secs => $3) WHERE id = $1`, intents[i].ID, failed.Error(), pause.Seconds())
			if err != nil {
				return err
			}
		}
		_, err = s.Exec(ctx, `DELETE FROM toji.outbox WHERE id = ANY($1)`, done)
		return err
	})
	if err != nil {
		return 0, 0, fmt.Errorf("deliver intents: %w", err)
	}
	return taken, left, nil
}

// NextIntent returns how long it is until an intent that failed is to be tried
// again, at most the given time.
func (s *Store) NextIntent(ctx context.Context, most time.Duration) (time.Duration, error) {
	seconds, err := database.One[float64](ctx, s.DB, `SELECT CASE WHEN min(not_before) IS NULL THEN $1::float8
		ELSE greatest(extract(epoch FROM min(not_before) - now()), 0.05)::float8 END
		FROM toji.outbox WHERE not_before > now() - interval '1 second'`, most.Seconds())
	if err != nil {
		return most, fmt.Errorf("next intent: %w", err)
	}
	return min(time.Duration(seconds*float64(time.Second)), most), nil
}

// StartAgain asks for the start of the tasks that no hub had a workflow for, now
// that one has those of the methods.
func (s *Store) StartAgain(ctx context.Context, methods []string) error {
	_, err := s.Exec(ctx, `WITH known AS (
			DELETE FROM toji.foreign_task f USING task t WHERE t.id = f.task_id AND t.method = ANY($1) RETURNING t.id, t.state
		)
		INSERT INTO toji.outbox (task_id, kind) SELECT id, 'start' FROM known WHERE state IN (0, 1, 4) ORDER BY id`, methods)
	if err != nil {
		return fmt.Errorf("start tasks again: %w", err)
	}
	return nil
}
