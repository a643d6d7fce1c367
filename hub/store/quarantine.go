package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
)

// Quarantine says when hosts are not trusted any more, and for how long.
type Quarantine struct {
	Failures int           // of the infrastructure in a row; 0: never
	First    time.Duration // how long the first quarantine lasts; the next after it twice as long
	Longest  time.Duration // but no longer than this
}

var defaultQuarantine = Quarantine{Failures: 3, First: 10 * time.Minute, Longest: 24 * time.Hour}

// quarantineEnds is when the quarantine that begins now ends.
const quarantineEnds = `now() + least(make_interval(secs => $4) * 2 ^ least(h.quarantines, 20), make_interval(secs => $5))`

// A probe that failed always counts, however often its task failed before.
const probeFailed = `
WITH failed AS (
	UPDATE toji.host_health h SET quarantine_until = ` + quarantineEnds + `, quarantines = h.quarantines + 1, probe_task = NULL,
		note = $3, updated = now()
	WHERE host_id = $1 AND probe_task = $2 AND quarantined_at IS NOT NULL RETURNING host_id
), message AS (
	INSERT INTO scheduler_log_messages (task_id, host_id, msg) SELECT $2, host_id, 'Host stays in quarantine: ' || $3::text FROM failed
)
SELECT EXISTS (SELECT 1 FROM failed)`

const hostFailed = `
WITH counted AS (
	INSERT INTO toji.host_health AS h (host_id, failures_in_row, note, updated) SELECT $1, 1, $3, now()
	WHERE (SELECT count(*) FROM toji.task_failure WHERE host_id = $1 AND task_id = $2 AND class = 'infrastructure') = 1
	ON CONFLICT (host_id) DO UPDATE SET failures_in_row = h.failures_in_row + 1, note = excluded.note, updated = now()
	RETURNING host_id, failures_in_row, quarantined_at
)
SELECT EXISTS (SELECT 1 FROM counted WHERE failures_in_row >= $4 AND $4 > 0 AND quarantined_at IS NULL)`

const hostToQuarantine = `
WITH put AS (
	UPDATE toji.host_health h SET quarantined_at = now(), quarantine_reason = $3, quarantine_until = ` + quarantineEnds + `,
		quarantines = h.quarantines + 1, probe_task = NULL
	WHERE host_id = $1
)
INSERT INTO scheduler_log_messages (task_id, host_id, msg) VALUES ($2, $1, 'Host is put in quarantine: ' || $3::text)`

// countTrouble counts a failure of the infrastructure, which is recorded already,
// against a host. After several in a row the host is quarantined. Each task
// counts once: one that no host can do must not put them aside one by one.
func (s *Store) countTrouble(ctx context.Context, host, taskID int64, reason string) error {
	q := s.Quarantine
	probe, err := database.One[bool](ctx, s.DB, probeFailed, host, taskID, reason, q.First.Seconds(), q.Longest.Seconds())
	if err == nil && !probe {
		var bad bool
		bad, err = database.One[bool](ctx, s.DB, hostFailed, host, taskID, reason, q.Failures)
		if err == nil && bad {
			_, err = s.Exec(ctx, hostToQuarantine, host, taskID, reason, q.First.Seconds(), q.Longest.Seconds())
		}
	}
	if err != nil {
		return fmt.Errorf("count trouble of host %d: %w", host, err)
	}
	return nil
}

// trusted is what the row of a host is that is well.
const trusted = `failures_in_row = 0, quarantined_at = NULL, quarantine_reason = NULL, quarantine_until = NULL, quarantines = 0,
	probe_task = NULL, note = NULL, updated = now()`

// TrustHost ends a host's quarantine and forgets its failures. It returns false
// if there was nothing to forget.
func (s *Store) TrustHost(ctx context.Context, host int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `WITH forgotten AS (
			UPDATE toji.host_health SET `+trusted+`
			WHERE host_id = $1 AND (failures_in_row > 0 OR quarantined_at IS NOT NULL) RETURNING 1)
		SELECT EXISTS (SELECT 1 FROM forgotten)`, host)
}

const expireHosts = `
WITH silent AS (
	UPDATE host SET ready = false
	WHERE ready AND (update_time IS NULL OR update_time < now() - make_interval(secs => $1)) RETURNING id
)
INSERT INTO scheduler_log_messages (host_id, msg) SELECT id, 'Marking host not ready' FROM silent`

// ExpireHosts marks hosts that were not heard of for the given time as not
// ready.
func (s *Store) ExpireHosts(ctx context.Context, silence time.Duration) error {
	_, err := s.Exec(ctx, expireHosts, silence.Seconds())
	return err
}

// missedReports is for how long a host that lost a task was not heard of if it is
// gone: one that is there reports four times as often.
const missedReports = time.Minute

// expireHost marks the host that just lost a task as not ready if it is silent, so
// that it gets no other one to lose.
func (s *Store) expireHost(ctx context.Context, host int64) error {
	_, err := s.Exec(ctx, `WITH silent AS (
			UPDATE host SET ready = false WHERE id = $1 AND ready AND update_time < now() - make_interval(secs => $2) RETURNING id)
		INSERT INTO scheduler_log_messages (host_id, msg) SELECT id, 'Marking host not ready' FROM silent`, host, missedReports.Seconds())
	return err
}
