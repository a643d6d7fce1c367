package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

func selectChannels(from string) query.Select {
	return query.Select{From: from, Columns: []query.Column{
		{Expr: "channels.id", Alias: "id"}, {Expr: "channels.name", Alias: "name"},
		{Expr: "channels.description", Alias: "description"}, {Expr: "channels.enabled", Alias: "enabled"},
		{Expr: "channels.comment", Alias: "comment"},
	}}
}

// Channel returns a channel, nil if there is none.
func (s *Store) Channel(ctx context.Context, ref Ref) (*api.Channel, error) {
	q := selectChannels("channels")
	ref.where(&q, "channels")
	return orNil(query.One[api.Channel](ctx, s.DB, &q))
}

// Channels lists channels: all, or those of a host at an event; enabled or
// disabled ones if enabled is not nil.
func (s *Store) Channels(ctx context.Context, hostID *int64, event *int64, enabled *bool) ([]api.Channel, error) {
	q := selectChannels("channels")
	// Koji: without a host they come as they lie in the table, changed ones last.
	if hostID != nil {
		q.DefaultOrder = "host_channels.create_event, channels.id"
		q.Join("host_channels ON host_channels.channel_id = channels.id")
		q.WhereActive("host_channels", event)
		q.Where("host_channels.host_id = ?::int8", *hostID)
	}
	if enabled != nil {
		q.Where("channels.enabled = ?", *enabled)
	}
	return query.All[api.Channel](ctx, s.DB, &q)
}

// CreateChannel adds a channel and returns its id.
func (s *Store) CreateChannel(ctx context.Context, name string, description *string) (int64, error) {
	id, err := database.One[int64](ctx, s.DB,
		`INSERT INTO channels (name, description) VALUES ($1, $2) RETURNING id`, name, description)
	if err != nil {
		return 0, fmt.Errorf("create channel %s: %w", name, err)
	}
	return id, nil
}

// UpdateChannel sets columns of a channel: name, description, comment, enabled.
func (s *Store) UpdateChannel(ctx context.Context, id int64, changes Row) error {
	return s.updateRow(ctx, "channels", id, changes)
}
