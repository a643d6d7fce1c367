package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// EventByID returns an event, nil if there is none.
func (s *Store) EventByID(ctx context.Context, id int64) (*api.Event, error) {
	return orNil(database.One[api.Event](ctx, s.DB, `SELECT id, date_part('epoch', time) AS ts FROM events WHERE id = $1::int8`, id))
}

// LastEvent returns the last event, or the last one before a time in seconds
// since the epoch; nil if there is none.
func (s *Store) LastEvent(ctx context.Context, before *float64) (*api.Event, error) {
	return orNil(database.One[api.Event](ctx, s.DB, `
		SELECT id, date_part('epoch', time) AS ts FROM events
		 WHERE $1::float8 IS NULL OR date_part('epoch', time) < $1::float8
		 ORDER BY id DESC LIMIT 1`, before))
}

// tagTables hold what makes a tag, in versions.
var tagTables = []string{
	"tag_listing", "tag_inheritance", "tag_config", "tag_extra", "tag_packages", "tag_external_repos",
	"group_package_listing", "group_req_listing", "group_config",
}

// repoTables hold what makes an external repository, in versions.
var repoTables = []string{"external_repo_config", "external_repo_data"}

// TagsChangedSince tells whether any of the tags was changed after an event.
func (s *Store) TagsChangedSince(ctx context.Context, event int64, tagIDs []int64) (bool, error) {
	parts := []string{`EXISTS (SELECT FROM tag_updates WHERE update_event > $1 AND tag_id = ANY($2))`}
	for _, table := range tagTables {
		parts = append(parts, `EXISTS (SELECT FROM `+table+` WHERE (create_event > $1 OR revoke_event > $1) AND tag_id = ANY($2))`)
	}
	return database.One[bool](ctx, s.DB, "SELECT "+strings.Join(parts, " OR "), event, tagIDs)
}

// LastChange returns the last event, before another one if before is not nil,
// that changed one of the tags or external repositories; nil if none did.
func (s *Store) LastChange(ctx context.Context, tagIDs, repoIDs []int64, before *int64) (*int64, error) {
	return s.changeEvent(ctx, "max", "<", tagIDs, repoIDs, before)
}

// FirstChange returns the first event after another that changed one of the
// tags or external repositories; nil if none did.
func (s *Store) FirstChange(ctx context.Context, tagIDs, repoIDs []int64, after int64) (*int64, error) {
	return s.changeEvent(ctx, "min", ">", tagIDs, repoIDs, &after)
}

// changeEvent asks all tables with a history at once, reading each once.
func (s *Store) changeEvent(ctx context.Context, pick, compare string, tagIDs, repoIDs []int64, bound *int64) (*int64, error) {
	picked := func(column string) string {
		return fmt.Sprintf(`%s(%s) FILTER (WHERE $3::int8 IS NULL OR %[2]s %[3]s $3::int8)`, pick, column, compare)
	}
	of := map[string]string{"max": "greatest", "min": "least"}[pick]
	history := "SELECT " + of + "(" + picked("create_event") + ", " + picked("revoke_event") + ") AS e FROM "
	parts := []string{"SELECT " + picked("update_event") + " AS e FROM tag_updates WHERE tag_id = ANY($1)"}
	for _, table := range tagTables {
		parts = append(parts, history+table+" WHERE tag_id = ANY($1)")
	}
	for _, table := range repoTables {
		parts = append(parts, history+table+" WHERE external_repo_id = ANY($2)")
	}
	return database.One[*int64](ctx, s.DB, `SELECT `+pick+`(e) FROM (`+strings.Join(parts, " UNION ALL ")+`) AS changes`,
		tagIDs, repoIDs, bound)
}

// TagCreated returns the event that first created a tag, nil if none did.
func (s *Store) TagCreated(ctx context.Context, tagID int64) (*int64, error) {
	return database.One[*int64](ctx, s.DB, `SELECT min(create_event) FROM tag_config WHERE tag_id = $1`, tagID)
}
