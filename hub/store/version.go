package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// A versioned table keeps its history: a row is in force from its create_event
// to its revoke_event, and is never updated but to be revoked. Rows in force
// now have active = TRUE, all others NULL, so that unique constraints with
// active hold for the present only.

// Row names columns of a versioned table and their values. The names are
// constants of the program.
type Row map[string]any

type eventKey struct{}

// event is the event of one transaction or savepoint, made when first needed.
type event struct{ id int64 }

type actorKey struct{}

// InTx runs fn in a transaction, joining one that is there. All versioned
// changes of a transaction belong to one event.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context) error) error {
	_, has := ctx.Value(eventKey{}).(*event)
	if has && s.InTransaction(ctx) {
		return s.DB.InTx(ctx, fn)
	}
	return s.DB.InTx(context.WithValue(ctx, eventKey{}, &event{}), fn)
}

// Savepoint runs fn in a transaction of its own within the context's, with an
// event of its own: so does each call of a multiCall, where one call may revoke
// what another created.
func (s *Store) Savepoint(ctx context.Context, fn func(ctx context.Context) error) error {
	return s.DB.Savepoint(context.WithValue(ctx, eventKey{}, &event{}), fn)
}

// Event returns the event of the context's transaction, making it at the first
// call. Outside of Store.InTx it is an error.
func (s *Store) Event(ctx context.Context) (int64, error) {
	e, ok := ctx.Value(eventKey{}).(*event)
	if !ok || !s.InTransaction(ctx) {
		return 0, errors.New("store: an event needs a transaction")
	}
	if e.id == 0 {
		id, err := database.One[int64](ctx, s.DB, `SELECT get_event()`)
		if err != nil {
			return 0, fmt.Errorf("make event: %w", err)
		}
		e.id = id
	}
	return e.id, nil
}

// WithActor returns a context in which versioned changes are on the account of
// the user, not of the caller.
func WithActor(ctx context.Context, userID int64) context.Context {
	return context.WithValue(ctx, actorKey{}, userID)
}

// actor returns the user to note in versioned rows.
func actor(ctx context.Context) (int64, error) {
	if userID, ok := ctx.Value(actorKey{}).(int64); ok {
		return userID, nil
	}
	caller := session.From(ctx)
	return caller.UserID, caller.AssertLogin()
}

// change returns the event and the user to note in versioned rows.
func (s *Store) change(ctx context.Context) (eventID, userID int64, err error) {
	if userID, err = actor(ctx); err != nil {
		return 0, 0, err
	}
	eventID, err = s.Event(ctx)
	return eventID, userID, err
}

// Create adds a row to a versioned table.
func (s *Store) Create(ctx context.Context, table string, row Row) error {
	eventID, userID, err := s.change(ctx)
	if err != nil {
		return err
	}
	columns := []string{"create_event", "creator_id"}
	args := []any{eventID, userID}
	for _, name := range slices.Sorted(maps.Keys(row)) {
		columns = append(columns, name)
		args = append(args, row[name])
	}
	marks := make([]string, len(args))
	for i := range args {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	_, err = s.Exec(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+strings.Join(marks, ", ")+")", args...)
	if err != nil {
		return fmt.Errorf("add to %s: %w", table, err)
	}
	return nil
}

// Revoke ends the active rows of a versioned table in which every column of key
// has its value, and returns how many there were.
//
// Koji: it takes an event even if there is none.
func (s *Store) Revoke(ctx context.Context, table string, key Row) (int64, error) {
	eventID, userID, err := s.change(ctx)
	if err != nil {
		return 0, err
	}
	args := []any{eventID, userID}
	text := "UPDATE " + table + " SET revoke_event = $1, revoker_id = $2, active = NULL WHERE active"
	for _, name := range slices.Sorted(maps.Keys(key)) {
		args = append(args, key[name])
		text += fmt.Sprintf(" AND %s = $%d", name, len(args))
	}
	result, err := s.Exec(ctx, text, args...)
	if err != nil {
		return 0, fmt.Errorf("revoke from %s: %w", table, err)
	}
	return result.RowsAffected()
}

// Replace revokes the active rows that match key and adds one of key and row.
func (s *Store) Replace(ctx context.Context, table string, key, row Row) error {
	if _, err := s.Revoke(ctx, table, key); err != nil {
		return err
	}
	whole := maps.Clone(key)
	maps.Copy(whole, row)
	return s.Create(ctx, table, whole)
}

// updateRow changes the row of a table without versions that has the id.
func (s *Store) updateRow(ctx context.Context, table string, id int64, row Row) error {
	args := []any{id}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(row)) {
		args = append(args, row[name])
		sets = append(sets, fmt.Sprintf("%s = $%d", name, len(args)))
	}
	result, err := s.Exec(ctx, "UPDATE "+table+" SET "+strings.Join(sets, ", ")+" WHERE id = $1", args...)
	if err != nil {
		return fmt.Errorf("update %s %d: %w", table, id, err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 1 {
		return err
	}
	return koji.GenericErrorf("no entry %d in table %s", id, table)
}

// activeAt returns the condition that a versioned row of table was in force at
// the event, or is now if that is nil, and args with what the condition needs.
func activeAt(table string, event *int64, args []any) (string, []any) {
	if event == nil {
		return table + ".active", args
	}
	args = append(args, *event)
	mark := fmt.Sprintf("$%d", len(args))
	return fmt.Sprintf("%[1]s.create_event <= %[2]s AND (%[1]s.revoke_event IS NULL OR %[2]s < %[1]s.revoke_event)", table, mark), args
}
