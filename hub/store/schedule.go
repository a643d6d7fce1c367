package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
)

// WaitingTask is a task that wants a host.
type WaitingTask struct {
	ID        int64   `db:"id"`
	Method    string  `db:"method"`
	ChannelID int64   `db:"channel_id"`
	Channel   string  `db:"channel"`
	Arch      string  `db:"arch"`
	OwnerID   int64   `db:"owner"`
	Priority  int     `db:"priority"`
	Weight    float64 `db:"weight"`
	Refused   []int64 `db:"refused"` // hosts that will not take it
	WaitCode  string  `db:"wait_code"`
	Reason    string  `db:"reason"` // as it was recorded last
}

// BuildHost is an enabled host with its load.
type BuildHost struct {
	ID          int64   `db:"id"`
	Name        string  `db:"name"`
	Arches      string  `db:"arches"` // separated by spaces
	Capacity    float64 `db:"capacity"`
	Ready       bool    `db:"ready"`
	Silent      float64 `db:"silent"` // seconds since it was heard of; -1 never
	Quarantined bool    `db:"quarantined"`
	Load        float64 `db:"load"` // weight of its tasks that do not wait for others
	Tasks       int     `db:"tasks"`
	MaxJobs     int     `db:"max_jobs"` // 0: the hub's default
	Channels    []int64 `db:"channels"`
}

// OwnerLoad is the weight of an owner's tasks that hosts work on.
type OwnerLoad struct {
	OwnerID int64   `db:"owner"`
	Weight  float64 `db:"weight"`
}

// waitingTasks reads the tasks of the given methods, in the order in which they
// are considered; more than the limit wait unseen until these have a host.
const waitingTasks = `
SELECT t.id, t.method, t.channel_id, c.name AS channel, t.arch, t.owner, coalesce(t.priority, 20) AS priority, t.weight,
	ARRAY(SELECT r.host_id FROM scheduler_task_refusals r
		WHERE r.task_id = t.id AND (NOT r.soft OR r.time > now() - make_interval(secs => $2)))::bigint[] AS refused,
	coalesce(w.code, '') AS wait_code, coalesce(w.reason, '') AS reason
FROM task t JOIN channels c ON c.id = t.channel_id LEFT JOIN toji.task_wait w ON w.task_id = t.id
WHERE t.state = 0 AND t.method = ANY($1)
ORDER BY t.priority, t.id LIMIT 2000`

const buildHosts = `
SELECT h.id, h.name, coalesce(hc.arches, '') AS arches, hc.capacity, h.ready,
	coalesce(extract(epoch FROM now() - h.update_time), -1)::float8 AS silent,
	coalesce(hh.quarantined_at IS NOT NULL, false) AS quarantined,
	coalesce(l.load, 0)::float8 AS load, coalesce(l.tasks, 0) AS tasks,
	coalesce((d.data->>'maxjobs')::int, 0) AS max_jobs,
	ARRAY(SELECT c.channel_id FROM host_channels c JOIN channels ch ON ch.id = c.channel_id
		WHERE c.host_id = h.id AND c.active AND ch.enabled)::bigint[] AS channels
FROM host h JOIN host_config hc ON hc.host_id = h.id AND hc.active AND hc.enabled
LEFT JOIN toji.host_health hh ON hh.host_id = h.id
LEFT JOIN scheduler_host_data d ON d.host_id = h.id
LEFT JOIN (SELECT host_id, sum(CASE WHEN coalesce(waiting, false) THEN 0 ELSE weight END) AS load, count(*)::int AS tasks
	FROM task WHERE state IN (1, 4) AND host_id IS NOT NULL GROUP BY host_id) l ON l.host_id = h.id
ORDER BY h.id`

// Waiting reads what the scheduler decides upon: tasks of the given methods
// without a host, enabled hosts, and what hosts do for each owner. A soft
// refusal counts for softRefusal.
func (s *Store) Waiting(ctx context.Context, methods []string, softRefusal time.Duration) (tasks []WaitingTask, hosts []BuildHost, owners []OwnerLoad, err error) {
	if tasks, err = database.All[WaitingTask](ctx, s.DB, waitingTasks, methods, softRefusal.Seconds()); err != nil {
		return nil, nil, nil, fmt.Errorf("waiting tasks: %w", err)
	}
	if hosts, err = database.All[BuildHost](ctx, s.DB, buildHosts); err != nil {
		return nil, nil, nil, fmt.Errorf("build hosts: %w", err)
	}
	owners, err = database.All[OwnerLoad](ctx, s.DB,
		`SELECT owner, sum(weight)::float8 AS weight FROM task WHERE state IN (1, 4) AND host_id IS NOT NULL GROUP BY owner`)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("owners' load: %w", err)
	}
	return tasks, hosts, owners, nil
}

// Assignment gives a task to a host.
type Assignment struct{ TaskID, HostID int64 }

// Wait is why a task has no host yet.
type Wait struct {
	TaskID       int64
	Code, Reason string
}

// Assign moves FREE tasks to ASSIGNED and tells their workflows; it records why
// the others wait. Tasks that are not FREE any more are passed over.
func (s *Store) Assign(ctx context.Context, assigned []Assignment, waits []Wait) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.assignAll(ctx, assigned); err != nil {
			return err
		}
		return s.recordWaits(ctx, waits)
	})
}

func (s *Store) assignAll(ctx context.Context, assigned []Assignment) error {
	if len(assigned) == 0 {
		return nil
	}
	tasks, hosts := make([]int64, len(assigned)), make([]int64, len(assigned))
	for i, a := range assigned {
		tasks[i], hosts[i] = a.TaskID, a.HostID
	}
	_, err := s.Exec(ctx, `
		WITH chosen AS (SELECT * FROM unnest($1::int[], $2::int[]) AS c (task_id, host_id)),
		given AS (
			UPDATE task t SET state = 4, host_id = c.host_id FROM chosen c
			WHERE t.id = c.task_id AND t.state = 0 RETURNING t.id, t.host_id
		), runs AS (
			INSERT INTO scheduler_task_runs (task_id, host_id) SELECT id, host_id FROM given
		), waited AS (
			DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM given)
		)
		INSERT INTO toji.outbox (task_id, kind, name) SELECT id, 'signal', 'assigned' FROM given ORDER BY id`, tasks, hosts)
	if err != nil {
		return fmt.Errorf("assign tasks: %w", err)
	}
	return nil
}

func (s *Store) recordWaits(ctx context.Context, waits []Wait) error {
	if len(waits) == 0 {
		return nil
	}
	ids, codes, reasons := make([]int64, len(waits)), make([]string, len(waits)), make([]string, len(waits))
	for i, w := range waits {
		ids[i], codes[i], reasons[i] = w.TaskID, w.Code, w.Reason
	}
	_, err := s.Exec(ctx, `
		INSERT INTO toji.task_wait AS w (task_id, code, reason, since, updated)
		SELECT v.task_id, v.code, v.reason, now(), now() FROM unnest($1::int[], $2::text[], $3::text[]) AS v (task_id, code, reason)
		JOIN task t ON t.id = v.task_id AND t.state = 0
		ON CONFLICT (task_id) DO UPDATE SET code = excluded.code, reason = excluded.reason, updated = now(),
			since = CASE WHEN w.code = excluded.code THEN w.since ELSE now() END`, ids, codes, reasons)
	if err != nil {
		return fmt.Errorf("record waits: %w", err)
	}
	return nil
}

// ExpireHosts marks hosts that were not heard of for the given time as not
// ready.
func (s *Store) ExpireHosts(ctx context.Context, silence time.Duration) error {
	_, err := s.Exec(ctx, `UPDATE host SET ready = false
		WHERE ready AND (update_time IS NULL OR update_time < now() - make_interval(secs => $1))`, silence.Seconds())
	return err
}
