package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
)

// expectedSeconds is how long the task t takes by experience, with its package
// if that is known and was built before; NULL if nobody knows.
const expectedSeconds = `(SELECT d.seconds FROM toji.task_duration d WHERE d.method = t.method AND d.arch = t.arch
	AND d.package_id IN (0, (SELECT b.pkg_id FROM build b WHERE b.task_id IN (t.id, t.parent) LIMIT 1)) ORDER BY d.package_id DESC LIMIT 1)`

const (
	// durationsMark is the key of the time up to which durations were learnt.
	durationsMark = "durations_learnt"
	// Work that ended a moment ago may not be committed yet.
	durationsLag = `now() - interval '5 seconds'`
)

// What a hub learns from at first are Koji's own last tasks.
const durationsAtFirst = `
	SELECT t.id, t.method, t.arch, t.parent, extract(epoch FROM t.completion_time - t.start_time)::float8 AS seconds
	FROM task t WHERE t.id > (SELECT max(id) - 20000 FROM task) AND t.state = 2 AND t.start_time < t.completion_time AND t.method IS NOT NULL`

const durationsSince = `
	SELECT t.id, t.method, t.arch, t.parent, extract(epoch FROM a.ended - a.started)::float8 AS seconds
	FROM toji.task_attempt a JOIN task t ON t.id = a.task_id
	WHERE a.ended > (SELECT value::timestamptz FROM toji.meta WHERE key = '` + durationsMark + `') AND a.ended <= ` + durationsLag + `
		AND a.outcome = 'closed' AND t.method IS NOT NULL`

// learnDurations moves each average towards those of the tasks that ended, by a
// third at least, so that it follows what changes.
func learnDurations(ended string) string {
	return `
WITH ended AS (` + ended + `
), sample AS (
	SELECT e.method, e.arch, p.id AS package_id, avg(e.seconds) AS seconds, count(*) AS samples
	FROM ended e CROSS JOIN LATERAL (SELECT 0 AS id UNION SELECT b.pkg_id FROM build b WHERE b.task_id IN (e.id, e.parent)) p
	GROUP BY 1, 2, 3
), learnt AS (
	INSERT INTO toji.task_duration AS d (method, arch, package_id, seconds, samples) SELECT * FROM sample
	ON CONFLICT (method, arch, package_id) DO UPDATE SET samples = d.samples + excluded.samples, updated = now(),
		seconds = d.seconds + (excluded.seconds - d.seconds) * greatest(0.33, excluded.samples::float8 / (d.samples + excluded.samples))
)
INSERT INTO toji.meta (key, value) VALUES ('` + durationsMark + `', (` + durationsLag + `)::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value`
}

// LearnDurations takes the tasks that ended since the last call into what is
// known of how long tasks take.
func (s *Store) LearnDurations(ctx context.Context) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		again, err := database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM toji.meta WHERE key = '`+durationsMark+`')`)
		source := durationsAtFirst
		if again {
			source = durationsSince
		}
		if err == nil {
			_, err = s.Exec(ctx, learnDurations(source))
		}
		if err != nil {
			return fmt.Errorf("learn how long tasks take: %w", err)
		}
		return nil
	})
}
