package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// Message is a row of Koji's table proton_queue.
type Message struct {
	ID      int64  `db:"id"`
	Address string `db:"address"`
	Props   string `db:"props"` // JSON
	Body    string `db:"body"`  // JSON
}

// AddMessage adds a message to those that are to be relayed.
func (s *Store) AddMessage(ctx context.Context, address, props, body string) error {
	_, err := s.Exec(ctx, `INSERT INTO proton_queue (address, props, body) VALUES ($1, $2, $3)`, address, props, body)
	return err
}

// MessagesAfter returns messages with higher ids than one, in their order. It
// leaves out those which one with a lower id may still be committed before.
func (s *Store) MessagesAfter(ctx context.Context, id int64, limit int) ([]Message, error) {
	return database.All[Message](ctx, s.DB, `
		SELECT id, address, props::text AS props, body::text AS body FROM proton_queue
		WHERE id > $1 AND age(xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)
		ORDER BY id LIMIT $2`, id, limit)
}

// DeleteMessages removes messages that were relayed.
func (s *Store) DeleteMessages(ctx context.Context, upTo int64) error {
	_, err := s.Exec(ctx, `DELETE FROM proton_queue WHERE id <= $1 AND age(xmin) > age(pg_snapshot_xmin(pg_current_snapshot())::xid)`, upTo)
	return err
}
