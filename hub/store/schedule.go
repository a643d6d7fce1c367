package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
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
	Weight    float64 // by its type, set by the scheduler
	Refused   []int64 `db:"refused"` // hosts that will not take it
	Failed    []int64 `db:"failed"`  // hosts that had trouble with it, once for each time
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
// are considered. More than the limit for one channel and arch wait unseen until
// these have a host; those for which there is no host are in nobody else's way.
const waitingTasks = `
SELECT t.id, t.method, t.channel_id, c.name AS channel, t.arch, t.owner, coalesce(t.priority, 20) AS priority,
	ARRAY(SELECT r.host_id FROM scheduler_task_refusals r
		WHERE r.task_id = t.id AND (NOT r.soft OR r.time > now() - make_interval(secs => $2)))::bigint[] AS refused,
	ARRAY(SELECT f.host_id FROM toji.task_failure f
		WHERE f.task_id = t.id AND f.class = 'infrastructure' AND f.host_id IS NOT NULL)::bigint[] AS failed,
	coalesce(w.code, '') AS wait_code, coalesce(w.reason, '') AS reason
FROM (SELECT *, row_number() OVER (PARTITION BY channel_id, arch ORDER BY priority, id) AS place
	FROM task WHERE state = 0 AND method = ANY($1)) t
JOIN channels c ON c.id = t.channel_id LEFT JOIN toji.task_wait w ON w.task_id = t.id
WHERE t.place <= 2000
ORDER BY t.priority, t.id`

// buildHosts reads enabled hosts. What a host says of itself may be anything and
// must not keep the others from work.
const buildHosts = `
SELECT h.id, h.name, coalesce(hc.arches, '') AS arches, hc.capacity, h.ready,
	coalesce(hh.quarantined_at IS NOT NULL, false) AS quarantined,
	coalesce(l.load, 0)::float8 AS load, coalesce(l.tasks, 0) AS tasks,
	CASE jsonb_typeof(d.data->'maxjobs') WHEN 'number' THEN least(greatest((d.data->>'maxjobs')::numeric, 0), 1000)::int ELSE 0 END AS max_jobs,
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
type Assignment struct {
	TaskID, HostID int64
	Weight         float64 // the load that it puts on the host
}

// Wait is why a task has no host yet.
type Wait struct {
	TaskID       int64
	Code, Reason string
}

// Assign moves FREE tasks to ASSIGNED and tells their workflows; it records why
// the others wait. Tasks that are not FREE any more are passed over.
func (s *Store) Assign(ctx context.Context, assigned []Assignment, waits []Wait) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.assignAll(ctx, assigned, false); err != nil {
			return err
		}
		return s.recordWaits(ctx, waits)
	})
}

// assignAll locks the tasks in the order that the locks of tasks have. override
// leaves no record of the runs, as Koji's assignTask has it.
func (s *Store) assignAll(ctx context.Context, assigned []Assignment, override bool) error {
	if len(assigned) == 0 {
		return nil
	}
	tasks, hosts, weights := make([]int64, len(assigned)), make([]int64, len(assigned)), make([]float64, len(assigned))
	for i, a := range assigned {
		tasks[i], hosts[i], weights[i] = a.TaskID, a.HostID, a.Weight
	}
	_, err := s.Exec(ctx, `
		WITH chosen AS MATERIALIZED (
			SELECT t.id, c.host_id, c.weight FROM unnest($1::int[], $2::int[], $3::float8[]) AS c (task_id, host_id, weight)
			JOIN task t ON t.id = c.task_id WHERE t.state = 0 ORDER BY t.id FOR UPDATE OF t
		), given AS (
			UPDATE task t SET state = 4, host_id = c.host_id, weight = c.weight FROM chosen c WHERE t.id = c.id RETURNING t.id, t.host_id
		), older AS (
			UPDATE scheduler_task_runs SET active = false WHERE active AND task_id IN (SELECT id FROM given)
		), runs AS (
			INSERT INTO scheduler_task_runs (task_id, host_id) SELECT id, host_id FROM given WHERE NOT $4 ORDER BY id
		), messages AS (
			INSERT INTO scheduler_log_messages (task_id, host_id, msg)
			SELECT id, host_id, CASE WHEN $4 THEN 'Assigning task (override)' ELSE 'Assigning task' END FROM given ORDER BY id
		), waited AS (
			DELETE FROM toji.task_wait WHERE task_id IN (SELECT id FROM given)
		)
		INSERT INTO toji.outbox (task_id, kind, name) SELECT id, 'signal', 'assigned' FROM given ORDER BY id`,
		tasks, hosts, weights, override)
	if err != nil {
		return fmt.Errorf("assign tasks: %w", err)
	}
	return nil
}

// AssignOptions are those of an admin's assignment.
type AssignOptions struct {
	Weight   float64
	Force    bool // take it from another host, and even if it is under way
	Override bool // leave no record of the run
}

// AssignTask gives a task to a host, past the scheduler. It returns false when
// the task is not to be had: it has ended or, without force, another host has it
// or works on it.
func (s *Store) AssignTask(ctx context.Context, id, host int64, o AssignOptions) (ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		t, err := s.lockTask(ctx, id)
		if err != nil {
			return err
		}
		switch {
		case t.State == koji.TaskFree:
		case t.State.Finished(), !o.Force && (t.State == koji.TaskOpen || t.Host != host):
			return nil
		default:
			if _, err := s.FreeTask(ctx, id); err != nil {
				return err
			}
		}
		ok = true
		return s.assignAll(ctx, []Assignment{{id, host, o.Weight}}, o.Override)
	})
	return ok, err
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

// Refuse remembers that a host will not take a task: for good, or if soft for
// some time.
func (s *Store) Refuse(ctx context.Context, taskID, hostID int64, soft bool, msg string) error {
	_, err := s.Exec(ctx, `
		WITH refused AS (
			INSERT INTO scheduler_task_refusals (task_id, host_id, by_host, soft, msg) VALUES ($1, $2, true, $3, $4)
			ON CONFLICT (task_id, host_id) DO UPDATE SET by_host = true, soft = excluded.soft, time = now(), msg = excluded.msg
		)
		INSERT INTO scheduler_log_messages (task_id, host_id, msg) VALUES ($1, $2, 'Host refused task: ' || $4::text)`,
		taskID, hostID, soft, msg)
	if err != nil {
		return fmt.Errorf("refuse task %d: %w", taskID, err)
	}
	return nil
}

// RefuseTask frees a task that its host will not take.
func (s *Store) RefuseTask(ctx context.Context, taskID, hostID int64, soft bool, msg string) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		if err := s.Refuse(ctx, taskID, hostID, soft, msg); err != nil {
			return err
		}
		_, err := s.FreeTask(ctx, taskID)
		return err
	})
}

// hostQuarantine is how many failures in a row put a host aside.
const hostQuarantine = 3

// countTrouble counts a failure of the infrastructure, which is recorded already,
// against a host. After several in a row the host is quarantined. Each task
// counts once: one that no host can do must not put them aside one by one.
func (s *Store) countTrouble(ctx context.Context, host, taskID int64, reason string) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.host_health AS h (host_id, failures_in_row, note, updated) SELECT $1, 1, $2, now()
		WHERE (SELECT count(*) FROM toji.task_failure WHERE host_id = $1 AND task_id = $4 AND class = 'infrastructure') = 1
		ON CONFLICT (host_id) DO UPDATE SET failures_in_row = h.failures_in_row + 1, note = excluded.note, updated = now(),
			quarantined_at = CASE WHEN h.failures_in_row + 1 >= $3 THEN coalesce(h.quarantined_at, now()) ELSE h.quarantined_at END,
			quarantine_reason = CASE WHEN h.failures_in_row + 1 >= $3 THEN coalesce(h.quarantine_reason, excluded.note) ELSE h.quarantine_reason END`,
		host, reason, hostQuarantine, taskID)
	if err != nil {
		return fmt.Errorf("count trouble of host %d: %w", host, err)
	}
	return nil
}

// TrustHost ends a host's quarantine and forgets its failures. It returns false
// if there was nothing to forget.
func (s *Store) TrustHost(ctx context.Context, host int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `WITH trusted AS (
			UPDATE toji.host_health SET failures_in_row = 0, quarantined_at = NULL, quarantine_reason = NULL, note = NULL, updated = now()
			WHERE host_id = $1 AND (failures_in_row > 0 OR quarantined_at IS NOT NULL) RETURNING 1)
		SELECT EXISTS (SELECT 1 FROM trusted)`, host)
}

// ExpireHosts marks hosts that were not heard of for the given time as not
// ready.
func (s *Store) ExpireHosts(ctx context.Context, silence time.Duration) error {
	_, err := s.Exec(ctx, `UPDATE host SET ready = false
		WHERE ready AND (update_time IS NULL OR update_time < now() - make_interval(secs => $1))`, silence.Seconds())
	return err
}
