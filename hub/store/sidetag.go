package store

import (
	"context"
	"strconv"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// NewTagName takes an id for a tag that is yet to be made and the name that
// belongs to it.
//
// Koji: every side tag takes two ids, and has the second one in its name.
func (s *Store) NewTagName(ctx context.Context, name func(id int64) string) (string, error) {
	id, err := database.One[int64](ctx, s.DB, `SELECT max(nextval(pg_get_serial_sequence('tag', 'id'))) FROM generate_series(1, 2)`)
	if err != nil {
		return "", err
	}
	text := name(id)
	_, err = s.Exec(ctx, `INSERT INTO tag (id, name) VALUES ($1, $2)`, id, text)
	return text, err
}

// CountSideTags returns how many side tags a user has.
func (s *Store) CountSideTags(ctx context.Context, userID int64) (int64, error) {
	return database.One[int64](ctx, s.DB, `SELECT count(*) FROM tag_extra
		WHERE key = 'sidetag_user_id' AND value = $1 AND active`, strconv.FormatInt(userID, 10))
}

// ListSideTags lists side tags, those of a user or directly below a base tag if
// they are given.
func (s *Store) ListSideTags(ctx context.Context, userID, baseID *int64, opts query.Options) (rpc.Rows[api.SideTag], error) {
	q := query.Select{From: "tag", Options: opts}
	q.Column("tag.id", "id")
	q.Column("tag.name", "name")
	q.Column("owner.value", "user_id")
	q.Column("users.name", "user_name")
	q.Join("tag_extra AS side ON side.tag_id = tag.id AND side.active AND side.key = 'sidetag' AND side.value = 'true'")
	q.Join("tag_extra AS owner ON owner.tag_id = tag.id AND owner.active AND owner.key = 'sidetag_user_id'")
	q.Join("LEFT JOIN users ON users.id = CAST(owner.value AS integer)")
	if userID != nil {
		q.Where("owner.value = ?", strconv.FormatInt(*userID, 10))
	}
	if baseID != nil {
		q.Join("tag_inheritance ON tag_inheritance.tag_id = tag.id AND tag_inheritance.active AND tag_inheritance.parent_id = ?", *baseID)
	}
	return query.Rows[api.SideTag](ctx, s.DB, &q)
}

// TagIsEmpty reports whether no build has the tag.
func (s *Store) TagIsEmpty(ctx context.Context, tagID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT NOT EXISTS (SELECT FROM tag_listing WHERE tag_id = $1 AND active)`, tagID)
}
