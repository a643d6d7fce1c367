package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func selectHosts(event *int64) query.Select {
	q := query.Select{From: "host_config", Columns: []query.Column{
		{Expr: "host.id", Alias: "id"}, {Expr: "host.user_id", Alias: "user_id"}, {Expr: "host.name", Alias: "name"},
		{Expr: "date_part('epoch', host.update_time)", Alias: "update_ts"},
		{Expr: "host.ready", Alias: "ready"}, {Expr: "host.task_load", Alias: "task_load"},
		{Expr: "host_config.arches", Alias: "arches"}, {Expr: "host_config.capacity", Alias: "capacity"},
		{Expr: "host_config.description", Alias: "description"}, {Expr: "host_config.comment", Alias: "comment"},
		{Expr: "host_config.enabled", Alias: "enabled"},
	}}
	q.Join("host ON host.id = host_config.host_id")
	q.WhereActive("host_config", event)
	q.DefaultOrder = "host.id"
	return q
}

// Host returns a host as it was at an event (nil: is), nil if there is none.
func (s *Store) Host(ctx context.Context, ref Ref, event *int64) (*api.Host, error) {
	q := selectHosts(event)
	ref.where(&q, "host")
	return orNil(query.One[api.Host](ctx, s.DB, &q))
}

// HostFilter chooses hosts; what is empty does not count.
type HostFilter struct {
	ArchPattern string // alternatives of arches, a regular expression
	ChannelID   *int64
	Ready       *bool
	Enabled     *bool
	UserID      *int64
}

// Hosts lists hosts.
func (s *Store) Hosts(ctx context.Context, f HostFilter) ([]api.Host, error) {
	q := selectHosts(nil)
	if f.ArchPattern != "" {
		// Words, so that ppc does not find ppc64.
		q.Where(`host_config.arches ~ ('\m(' || ? || ')\M')`, f.ArchPattern)
	}
	if f.ChannelID != nil {
		q.Join("host_channels ON host.id = host_channels.host_id AND host_channels.active AND host_channels.channel_id = ?", *f.ChannelID)
	}
	if f.Ready != nil {
		q.Where("host.ready = ?", *f.Ready)
	}
	if f.Enabled != nil {
		q.Where("host_config.enabled = ?", *f.Enabled)
	}
	if f.UserID != nil {
		q.Where("host.user_id = ?", *f.UserID)
	}
	return query.All[api.Host](ctx, s.DB, &q)
}

// CreateHost adds a host for a user, in the channel named default, and returns
// its id. It returns database.ErrNotFound if there is no such channel.
func (s *Store) CreateHost(ctx context.Context, name string, userID int64, arches string) (int64, error) {
	channel, err := database.One[int64](ctx, s.DB, `SELECT id FROM channels WHERE name = 'default'`)
	if err != nil {
		return 0, fmt.Errorf("default channel: %w", err)
	}
	id, err := database.One[int64](ctx, s.DB, `INSERT INTO host (user_id, name) VALUES ($1, $2) RETURNING id`, userID, name)
	if err != nil {
		return 0, fmt.Errorf("create host %s: %w", name, err)
	}
	if err := s.Create(ctx, "host_config", Row{"host_id": id, "arches": arches}); err != nil {
		return 0, err
	}
	return id, s.AddHostToChannel(ctx, id, channel)
}

// UpdateHost replaces the configuration of a host by that in h.
func (s *Store) UpdateHost(ctx context.Context, h *api.Host) error {
	return s.Replace(ctx, "host_config", Row{"host_id": h.ID}, Row{
		"arches": h.Arches, "capacity": h.Capacity, "description": h.Description, "comment": h.Comment, "enabled": h.Enabled,
	})
}

// AddHostToChannel puts a host into a channel.
func (s *Store) AddHostToChannel(ctx context.Context, hostID, channelID int64) error {
	return s.Create(ctx, "host_channels", Row{"host_id": hostID, "channel_id": channelID})
}

// RemoveHostFromChannel takes a host out of a channel.
func (s *Store) RemoveHostFromChannel(ctx context.Context, hostID, channelID int64) error {
	_, err := s.Revoke(ctx, "host_channels", Row{"host_id": hostID, "channel_id": channelID})
	return err
}

// LastHostUpdate returns when a session of the host's user last called, the zero
// Time if none ever did.
func (s *Store) LastHostUpdate(ctx context.Context, hostID int64) (koji.Time, error) {
	t, err := orNil(database.One[koji.Time](ctx, s.DB, `
		SELECT sessions.update_time FROM sessions JOIN host ON sessions.user_id = host.user_id
		 WHERE host.id = $1 ORDER BY sessions.update_time DESC LIMIT 1`, hostID))
	if t == nil {
		return koji.Time{}, err
	}
	return *t, nil
}

// HostArches lists the arches of every host, by spaces.
func (s *Store) HostArches(ctx context.Context) ([]string, error) {
	return database.All[string](ctx, s.DB, `SELECT arches FROM host_config WHERE active AND arches IS NOT NULL ORDER BY host_id`)
}
