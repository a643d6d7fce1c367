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
	ID        int64    `db:"id"`
	Method    string   `db:"method"`
	ChannelID int64    `db:"channel_id"`
	Channel   string   `db:"channel"`
	Arch      string   `db:"arch"`
	OwnerID   int64    `db:"owner"`
	Owner     string   `db:"owner_name"`
	Priority  int      `db:"priority"`
	Weight    float64  // by its type, set by the scheduler
	Foreign   bool     // the same: Toji has no workflow for its type
	Site      bool     // the same: a site's own workers serve its type
	Takes     float64  `db:"takes"`    // seconds, by experience; 0: unknown
	Refused   []int64  `db:"refused"`  // hosts that will not take it
	Refusals  []string `db:"refusals"` // and what they say
	Failed    []int64  `db:"failed"`   // hosts that had trouble with it, once for each time
	WaitCode  string   `db:"wait_code"`
	Reason    string   `db:"reason"` // as it was recorded last
	StartsIn  *float64 `db:"eta_in"` // seconds until it has a host, as it was recorded last
}

// BuildHost is a host with its load.
type BuildHost struct {
	ID       int64   `db:"id"`
	Name     string  `db:"name"`
	Arches   string  `db:"arches"` // separated by spaces
	Capacity float64 `db:"capacity"`
	Enabled  bool    `db:"enabled"`
	Ready    bool    `db:"ready"`
	MaxJobs  int     `db:"max_jobs"` // 0: the hub's default
	Channels []int64 `db:"channels"`
	// Methods are what Koji's own builder says that it knows; nil for Toji's worker.
	Methods []string `db:"methods"`
	// Site says that a site's own worker runs on the host, Serves which types it
	// knows in their newest version.
	Site   bool     `db:"site"`
	Serves []string `db:"serves"`

	Quarantined bool       `db:"quarantined"`
	Probe       bool       `db:"probe"` // in quarantine, and may show with one task that it is well
	Until       *koji.Time `db:"quarantine_until"`
	Maintenance Maintenance
	Load        float64 // weight of its tasks that do not wait for others
	Tasks       int
}

// Maintenance is a host's next time of maintenance, or the one that it is in.
// With Ends zero there is none.
type Maintenance struct {
	HostID   int64     `db:"host_id"`
	StartsIn float64   `db:"starts_in"` // seconds; not positive: it has begun
	Starts   koji.Time `db:"starts"`
	Ends     koji.Time `db:"ends"`
	Reason   string    `db:"reason"`
}

// BusyTask is a task that a host has.
type BusyTask struct {
	ID        int64    `db:"id"`
	HostID    int64    `db:"host_id"`
	OwnerID   int64    `db:"owner"`
	ChannelID int64    `db:"channel_id"`
	Weight    float64  `db:"weight"`
	Waiting   bool     `db:"waiting"` // for its subtasks: it is no load
	EndsIn    *float64 `db:"ends_in"` // seconds, by experience; nil: nobody knows
}

// refusedTasks are the tasks that hosts will not take, by the refusals that count.
const refusedTasks = `refused AS (
	SELECT task_id, array_agg(host_id::bigint ORDER BY host_id) AS hosts, array_agg(coalesce(msg, '') ORDER BY host_id) AS msgs
	FROM scheduler_task_refusals WHERE NOT soft OR time > now() - make_interval(secs => $2)
	GROUP BY task_id
)`

// waitingColumns are a WaitingTask, of the tasks in seen.
const waitingColumns = `
SELECT t.id, t.method, t.channel_id, c.name AS channel, t.arch, t.owner, u.name AS owner_name, coalesce(t.priority, 20) AS priority,
	coalesce(` + expectedSeconds + `, 0) AS takes,
	coalesce(t.hosts, '{}') AS refused, coalesce(t.msgs, '{}') AS refusals,
	ARRAY(SELECT f.host_id FROM toji.task_failure f
		WHERE f.task_id = t.id AND f.class = 'infrastructure' AND f.host_id IS NOT NULL)::bigint[] AS failed,
	coalesce(w.code, '') AS wait_code, coalesce(w.reason, '') AS reason, extract(epoch FROM w.eta - now())::float8 AS eta_in
FROM seen t JOIN channels c ON c.id = t.channel_id JOIN users u ON u.id = t.owner LEFT JOIN toji.task_wait w ON w.task_id = t.id`

// waitingLines reads the front of each line of free tasks, which is of one
// channel, arch, method and owner. The next line is found in the index, so that
// their lengths do not matter. Tasks that some host refused stand beside their
// line: those that nobody takes must not hide the ones behind them.
const waitingLines = `
WITH RECURSIVE line AS (
	(SELECT channel_id, arch, method, owner FROM task WHERE state = 0 ORDER BY channel_id, arch, method, owner LIMIT 1)
	UNION ALL
	SELECT n.channel_id, n.arch, n.method, n.owner FROM line l CROSS JOIN LATERAL (
		SELECT t.channel_id, t.arch, t.method, t.owner FROM task t
		WHERE t.state = 0 AND (t.channel_id, t.arch, t.method, t.owner) > (l.channel_id, l.arch, l.method, l.owner)
		ORDER BY t.channel_id, t.arch, t.method, t.owner LIMIT 1) n
), ` + refusedTasks + `, seen AS (
	SELECT f.* FROM line l CROSS JOIN LATERAL (
		SELECT t.id, t.method, t.channel_id, t.arch, t.owner, t.priority, t.parent, NULL::bigint[] AS hosts, NULL::text[] AS msgs FROM task t
		WHERE t.state = 0 AND t.channel_id = l.channel_id AND t.arch = l.arch AND t.method = l.method AND t.owner = l.owner
			AND NOT EXISTS (SELECT 1 FROM scheduler_task_refusals r
				WHERE r.task_id = t.id AND (NOT r.soft OR r.time > now() - make_interval(secs => $2)))
		ORDER BY t.priority, t.id LIMIT $3) f
	WHERE l.method <> ALL($1)
	UNION ALL
	(SELECT t.id, t.method, t.channel_id, t.arch, t.owner, t.priority, t.parent, r.hosts, r.msgs
	FROM refused r JOIN task t ON t.id = r.task_id WHERE t.state = 0 AND t.method <> ALL($1)
	ORDER BY t.priority, t.id LIMIT 1000)
)` + waitingColumns + `
ORDER BY t.priority, t.id`

// buildHosts reads hosts. What a host says of itself may be anything and must
// not keep the others from work.
var buildHosts = `
SELECT h.id, h.name, coalesce(hc.arches, '') AS arches, hc.capacity, hc.enabled, h.ready,
	CASE jsonb_typeof(d.data->'maxjobs') WHEN 'number' THEN least(greatest((d.data->>'maxjobs')::numeric, 0), 1000)::int ELSE 0 END AS max_jobs,
	ARRAY(SELECT c.channel_id FROM host_channels c JOIN channels ch ON ch.id = c.channel_id
		WHERE c.host_id = h.id AND c.active AND ch.enabled)::bigint[] AS channels,
	CASE WHEN ` + knowsMethods("d.data") + ` THEN ARRAY(SELECT jsonb_array_elements_text(d.data->'methods')) ELSE '{}' END AS methods,
	EXISTS (SELECT 1 FROM toji.task_type_host s WHERE s.host_id = h.id) AS site,
	ARRAY(SELECT s.name FROM toji.task_type_host s JOIN toji.task_type y ON y.name = s.name AND y.version = s.version
		WHERE s.host_id = h.id)::text[] AS serves,
	hh.quarantined_at IS NOT NULL AS quarantined, hh.quarantine_until,
	coalesce(hh.quarantine_until <= now(), false) AND NOT EXISTS (SELECT 1 FROM task p
		WHERE p.id = hh.probe_task AND p.state IN (1, 4) AND p.host_id = h.id) AS probe
FROM host h JOIN host_config hc ON hc.host_id = h.id AND hc.active
LEFT JOIN toji.host_health hh ON hh.host_id = h.id AND hh.quarantined_at IS NOT NULL
LEFT JOIN scheduler_host_data d ON d.host_id = h.id
ORDER BY h.id`

const busyTasks = `
SELECT t.id, t.host_id, t.owner, t.channel_id, t.weight, coalesce(t.waiting, false) AS waiting,
	` + expectedSeconds + ` - CASE t.state WHEN 1 THEN extract(epoch FROM now() - t.start_time)::float8 ELSE 0 END AS ends_in
FROM task t WHERE t.state IN (1, 4) AND t.host_id IS NOT NULL ORDER BY t.id`

// AnyWaiting tells whether any task is free but those of the given methods.
func (s *Store) AnyWaiting(ctx context.Context, but []string) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM task WHERE state = 0 AND method <> ALL($1))`, but)
}

// BuildHosts returns all build hosts with their load and what they work on.
func (s *Store) BuildHosts(ctx context.Context) (hosts []BuildHost, busy []BusyTask, err error) {
	if hosts, err = database.All[BuildHost](ctx, s.DB, buildHosts); err != nil {
		return nil, nil, fmt.Errorf("build hosts: %w", err)
	}
	if busy, err = database.All[BusyTask](ctx, s.DB, busyTasks); err != nil {
		return nil, nil, fmt.Errorf("tasks of hosts: %w", err)
	}
	next, err := s.nextMaintenance(ctx)
	if err != nil {
		return nil, nil, err
	}
	byID := make(map[int64]*BuildHost, len(hosts))
	for i := range hosts {
		byID[hosts[i].ID] = &hosts[i]
		hosts[i].Maintenance = next[hosts[i].ID]
	}
	for _, t := range busy {
		if h := byID[t.HostID]; h != nil {
			h.Tasks++
			if !t.Waiting {
				h.Load += t.Weight
			}
		}
	}
	return hosts, busy, nil
}

// WaitingTasks reads the free tasks, but those of the given methods, that come first: so
// many of each line, which is those of one channel, arch, method and owner. A
// soft refusal counts for softRefusal.
func (s *Store) WaitingTasks(ctx context.Context, but []string, softRefusal time.Duration, front int) ([]WaitingTask, error) {
	tasks, err := database.All[WaitingTask](ctx, s.DB, waitingLines, but, softRefusal.Seconds(), front)
	if err != nil {
		return nil, fmt.Errorf("waiting tasks: %w", err)
	}
	return tasks, nil
}

// WaitingTask reads one free task, nil if it is not, or of one of the methods.
func (s *Store) WaitingTask(ctx context.Context, id int64, but []string, softRefusal time.Duration) (*WaitingTask, error) {
	return orNil(database.One[WaitingTask](ctx, s.DB, `WITH `+refusedTasks+`, seen AS (
		SELECT t.id, t.method, t.channel_id, t.arch, t.owner, t.priority, t.parent, r.hosts, r.msgs
		FROM task t LEFT JOIN refused r ON r.task_id = t.id WHERE t.id = $3 AND t.state = 0 AND t.method <> ALL($1)
	)`+waitingColumns, but, softRefusal.Seconds(), id))
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
	StartsIn     *float64 // seconds until it has one, probably; nil: nobody knows
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
		), probes AS (
			UPDATE toji.host_health h SET probe_task = g.id FROM given g WHERE h.host_id = g.host_id AND h.quarantined_at IS NOT NULL
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

// waitsRecorded also tells in the scheduler's log when a task begins to wait for
// another reason; a change of words or time is not worth a message.
const waitsRecorded = `
WITH new AS (
	SELECT v.task_id, v.code, v.reason, CASE WHEN v.eta >= 0 THEN now() + make_interval(secs => v.eta) END AS eta
	FROM unnest($1::int[], $2::text[], $3::text[], $4::float8[]) AS v (task_id, code, reason, eta)
	JOIN task t ON t.id = v.task_id AND t.state = 0
), messages AS (
	INSERT INTO scheduler_log_messages (task_id, msg) SELECT task_id, 'Waiting: ' || reason FROM new
	WHERE NOT EXISTS (SELECT 1 FROM toji.task_wait w WHERE w.task_id = new.task_id AND w.code = new.code) ORDER BY task_id
)
INSERT INTO toji.task_wait AS w (task_id, code, reason, eta, since, updated)
SELECT task_id, code, reason, eta, now(), now() FROM new ORDER BY task_id
ON CONFLICT (task_id) DO UPDATE SET code = excluded.code, reason = excluded.reason, eta = excluded.eta, updated = now(),
	since = CASE WHEN w.code = excluded.code THEN w.since ELSE now() END`

func (s *Store) recordWaits(ctx context.Context, waits []Wait) error {
	if len(waits) == 0 {
		return nil
	}
	ids, etas := make([]int64, len(waits)), make([]float64, len(waits))
	codes, reasons := make([]string, len(waits)), make([]string, len(waits))
	for i, w := range waits {
		ids[i], codes[i], reasons[i], etas[i] = w.TaskID, w.Code, w.Reason, -1
		if w.StartsIn != nil {
			etas[i] = max(*w.StartsIn, 0)
		}
	}
	if _, err := s.Exec(ctx, waitsRecorded, ids, codes, reasons, etas); err != nil {
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
