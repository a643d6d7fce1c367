package store

import (
	"context"
	"fmt"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// nextMaintenance returns the maintenance that each host is in or will be in
// next, by the host's id.
func (s *Store) nextMaintenance(ctx context.Context) (map[int64]Maintenance, error) {
	rows, err := database.All[Maintenance](ctx, s.DB, `
		SELECT DISTINCT ON (host_id) host_id, extract(epoch FROM starts - now())::float8 AS starts_in, starts, ends, reason
		FROM toji.host_maintenance WHERE ends > now() ORDER BY host_id, starts, ends DESC`)
	if err != nil {
		return nil, fmt.Errorf("maintenance of hosts: %w", err)
	}
	next := make(map[int64]Maintenance, len(rows))
	for _, m := range rows {
		next[m.HostID] = m
	}
	return next, nil
}

// Maintenances lists the maintenance that has not ended, of one host or, for nil,
// of all.
func (s *Store) Maintenances(ctx context.Context, host *int64) ([]api.Maintenance, error) {
	return database.All[api.Maintenance](ctx, s.DB, `
		SELECT m.id, m.host_id, h.name AS host_name, m.starts, m.ends, m.reason, u.name AS creator_name
		FROM toji.host_maintenance m JOIN host h ON h.id = m.host_id JOIN users u ON u.id = m.creator_id
		WHERE m.ends > now() AND ($1::int8 IS NULL OR m.host_id = $1::int8) ORDER BY m.starts, m.id`, host)
}

// AddMaintenance plans maintenance of a host, and returns its id.
func (s *Store) AddMaintenance(ctx context.Context, host, creator int64, starts, ends time.Time, reason string) (int64, error) {
	return database.One[int64](ctx, s.DB, `INSERT INTO toji.host_maintenance (host_id, creator_id, starts, ends, reason)
		VALUES ($1, $2, $3, $4, $5) RETURNING id`, host, creator, starts, ends, reason)
}

// RemoveMaintenance calls maintenance off, or ends it. It returns false if there
// is none of this id.
func (s *Store) RemoveMaintenance(ctx context.Context, id int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `WITH gone AS (DELETE FROM toji.host_maintenance WHERE id = $1 RETURNING 1)
		SELECT EXISTS (SELECT 1 FROM gone)`, id)
}
