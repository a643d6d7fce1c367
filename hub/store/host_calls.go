package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// CheckInHost records that a host is there: its load by its own count and
// whether it takes tasks.
func (s *Store) CheckInHost(ctx context.Context, host int64, load float64, ready bool) error {
	was, err := database.One[bool](ctx, s.DB,
		`UPDATE host SET task_load = $2, update_time = now() WHERE id = $1 RETURNING ready`, host, load)
	if err != nil || was == ready {
		return err
	}
	// A statement of its own, as it wakes the scheduler.
	_, err = s.Exec(ctx, `UPDATE host SET ready = $2 WHERE id = $1`, host, ready)
	return err
}

// SetHostData keeps what a host tells the scheduler about itself.
func (s *Store) SetHostData(ctx context.Context, host int64, data map[string]any) error {
	text, err := database.JSON(data)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, `INSERT INTO scheduler_host_data (host_id, data) VALUES ($1, $2)
		ON CONFLICT (host_id) DO UPDATE SET data = excluded.data`, host, text)
	if err != nil {
		return fmt.Errorf("set data of host %d: %w", host, err)
	}
	return nil
}

// HostData is what a host told the scheduler about itself.
type HostData struct {
	HostID int64           `db:"host_id"`
	Data   json.RawMessage `db:"data"`
}

// HostsData returns the data of a host, or of all for nil.
func (s *Store) HostsData(ctx context.Context, host *int64) ([]HostData, error) {
	return database.All[HostData](ctx, s.DB, `SELECT host_id, coalesce(data, 'null') AS data FROM scheduler_host_data
		WHERE $1::int8 IS NULL OR host_id = $1::int8 ORDER BY host_id`, host)
}

// AssignedTasks lists the tasks that a host was given and has not opened, in the
// order in which it is to open them.
func (s *Store) AssignedTasks(ctx context.Context, host int64) ([]api.AssignedTask, error) {
	return database.All[api.AssignedTask](ctx, s.DB, `SELECT id, state, channel_id, host_id, arch, method, priority,
		date_part('epoch', create_time) AS create_ts FROM task WHERE host_id = $1 AND state = 4 ORDER BY priority, create_time`, host)
}

// OpenTasks lists the tasks that a host has open. Alert is set for one that
// waits for subtasks of which some have ended.
func (s *Store) OpenTasks(ctx context.Context, host int64) ([]api.OpenHostTask, error) {
	return database.All[api.OpenHostTask](ctx, s.DB, `SELECT t.id, t.waiting, t.weight,
		coalesce(t.waiting, false) AND EXISTS (SELECT 1 FROM task c WHERE c.parent = t.id AND c.awaited AND c.state IN (2, 3, 5)) AS alert
		FROM task t WHERE t.host_id = $1 AND t.state = 1 ORDER BY t.id`, host)
}

// HostStatus lists hosts with what Toji knows of their health.
func (s *Store) HostStatus(ctx context.Context) ([]api.HostStatus, error) {
	type row struct {
		api.HostStatus
		Data json.RawMessage `db:"data"`
	}
	rows, err := database.All[row](ctx, s.DB, `
		SELECT h.id, h.name, hc.enabled, h.ready, h.update_time, hc.capacity,
			coalesce(l.load, 0)::float8 AS load, coalesce(l.tasks, 0) AS tasks, d.data,
			coalesce(hh.failures_in_row, 0) AS failures_in_row, hh.quarantined_at, hh.quarantine_reason, hh.quarantine_until, hh.probe_task, hh.note
		FROM host h JOIN host_config hc ON hc.host_id = h.id AND hc.active
		LEFT JOIN toji.host_health hh ON hh.host_id = h.id
		LEFT JOIN scheduler_host_data d ON d.host_id = h.id
		LEFT JOIN (SELECT host_id, sum(CASE WHEN waiting THEN 0 ELSE weight END) AS load, count(*) AS tasks
			FROM task WHERE state IN (1, 4) AND host_id IS NOT NULL GROUP BY host_id) l ON l.host_id = h.id
		ORDER BY h.name`)
	if err != nil {
		return nil, fmt.Errorf("status of hosts: %w", err)
	}
	planned, err := s.Maintenances(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("status of hosts: %w", err)
	}
	next := map[int64]*api.Maintenance{}
	for i, m := range planned {
		if next[m.HostID] == nil {
			next[m.HostID] = &planned[i]
		}
	}
	list := make([]api.HostStatus, len(rows))
	for i, r := range rows {
		list[i] = r.HostStatus
		list[i].Report, list[i].Maintenance = hostReport(r.Data), next[r.ID]
	}
	return list, nil
}

// hostReport reads of a host's data what it understands: a host may say anything,
// and what has another type stays zero.
func hostReport(data json.RawMessage) (r api.HostReport) {
	_ = json.Unmarshal(data, &r)
	return r
}
