package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

// Ref names a row by its id, or by its name if it has one.
type Ref struct {
	ID   int64
	Name string
}

// ByID is the row with the id.
func ByID(id int64) Ref { return Ref{ID: id} }

// where adds the condition that table's row is the one named. Ids of any size
// are compared: one that is too large for the column is no error.
func (r Ref) where(s *query.Select, table string) {
	if r.Name != "" {
		s.Where(table+".name = ?", r.Name)
		return
	}
	s.Where(table+".id = ?::int8", r.ID)
}

// Tables of names, for Lookup.
const (
	Tags          = "tag"
	Permissions   = "permissions"
	Packages      = "package"
	Channels      = "channels"
	Groups        = "groups"
	BuildTargets  = "build_target"
	ExternalRepos = "external_repo"
	Volumes       = "volume"

	ContentGenerators = "content_generator"
)

// Lookup finds a row of one of the tables of names, nil if there is none. What
// is deleted in a versioned way still has its name.
func (s *Store) Lookup(ctx context.Context, table string, ref Ref) (*api.IDName, error) {
	q := query.Select{Columns: []query.Column{{Expr: "id", Alias: "id"}, {Expr: "name", Alias: "name"}}, From: table}
	ref.where(&q, table)
	return orNil(query.One[api.IDName](ctx, s.DB, &q))
}

// AddName adds a row to one of the tables of names.
func (s *Store) AddName(ctx context.Context, table, name string) (*api.IDName, error) {
	id, err := database.One[int64](ctx, s.DB, `INSERT INTO `+table+` (name) VALUES ($1) RETURNING id`, name)
	if err != nil {
		return nil, fmt.Errorf("add %s to %s: %w", name, table, err)
	}
	return &api.IDName{ID: id, Name: name}, nil
}

// Rename changes a name in one of the tables of names.
func (s *Store) Rename(ctx context.Context, table string, id int64, name string) error {
	return s.updateRow(ctx, table, id, Row{"name": name})
}

// orNil turns the error that there is no row into nil.
func orNil[T any](row T, err error) (*T, error) {
	if errors.Is(err, database.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &row, nil
}
