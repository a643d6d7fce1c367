package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/pyjson"
)

func selectTags(event *int64) query.Select {
	q := query.Select{From: "tag_config", Columns: []query.Column{
		{Expr: "tag.id", Alias: "id"}, {Expr: "tag.name", Alias: "name"},
		{Expr: "tag_config.perm_id", Alias: "perm_id"}, {Expr: "permissions.name", Alias: "perm"},
		{Expr: "tag_config.arches", Alias: "arches"}, {Expr: "tag_config.locked", Alias: "locked"},
		{Expr: "tag_config.maven_support", Alias: "maven_support"},
		{Expr: "tag_config.maven_include_all", Alias: "maven_include_all"},
	}}
	q.Join("tag ON tag.id = tag_config.tag_id")
	q.Join("LEFT JOIN permissions ON permissions.id = tag_config.perm_id")
	q.WhereActive("tag_config", event)
	q.DefaultOrder = "tag.id"
	return q
}

// TagOptions says how to look at a tag.
type TagOptions struct {
	Event   *int64 // as it was then; nil: as it is
	Deleted bool   // as it was last, if it is deleted
	Blocked bool   // each extra setting as a pair of whether it is blocked and its value
}

// Tag returns a tag with its own extra settings, nil if there is none.
func (s *Store) Tag(ctx context.Context, ref Ref, o TagOptions) (*api.Tag, error) {
	event, revoked := o.Event, (*int64)(nil)
	if o.Deleted {
		var err error
		if revoked, err = s.tagRevoked(ctx, ref); err != nil {
			return nil, err
		}
		event = nil
		if revoked != nil {
			before := *revoked - 1
			event = &before
		}
	}
	q := selectTags(event)
	ref.where(&q, "tag")
	withExtra(&q, event)
	row, err := orNil(query.One[tagRow](ctx, s.DB, &q))
	if row == nil {
		return nil, err
	}
	row.QueryEvent, row.RevokeEvent = event, revoked
	row.Extra, err = row.extra(o.Blocked)
	return &row.Tag, err
}

// tagRow is a tag with its own extra settings as they are stored: JSON by key,
// NULL for one that blocks what the tag would inherit.
type tagRow struct {
	api.Tag
	Stored json.RawMessage `db:"stored"`
}

func withExtra(q *query.Select, event *int64) {
	q.Column("(SELECT jsonb_object_agg(e.key, e.value) FROM tag_extra e WHERE e.tag_id = tag.id AND "+q.Active("e", event)+")", "stored")
}

// extra decodes the extra settings, as pairs or without those that block.
func (r *tagRow) extra(pairs bool) (api.Extra, error) {
	extra := api.Extra{}
	if r.Stored == nil {
		return extra, nil
	}
	var stored map[string]*string
	if err := json.Unmarshal(r.Stored, &stored); err != nil {
		return nil, fmt.Errorf("extra settings of tag %s: %w", r.Name, err)
	}
	for key, text := range stored {
		var value any
		if text != nil {
			var err error
			if value, err = api.ParseJSON(*text); err != nil {
				return nil, koji.GenericErrorf("No such tag extra data: %s: %q", key, *text)
			}
		}
		switch {
		case pairs:
			extra[key] = []any{text == nil, value}
		case text != nil:
			extra[key] = value
		}
	}
	return extra, nil
}

// tagRevoked returns the event that revoked the latest version of a tag, nil if
// it is in force or there is no tag.
func (s *Store) tagRevoked(ctx context.Context, ref Ref) (*int64, error) {
	q := query.Select{From: "tag_config", Columns: []query.Column{
		{Expr: "revoke_event", Alias: "revoke_event"}, {Expr: "create_event", Alias: "create_event"},
	}}
	q.Join("tag ON tag.id = tag_config.tag_id")
	ref.where(&q, "tag")
	q.Options = query.Options{Order: "-create_event", Limit: 1}
	row, err := orNil(query.One[struct {
		Created int64  `db:"create_event"`
		Revoked *int64 `db:"revoke_event"`
	}](ctx, s.DB, &q))
	if row == nil {
		return nil, err
	}
	return row.Revoked, nil
}

// TagsByID returns tags at an event by their ids, each with its own extra
// settings as pairs (see TagOptions.Blocked).
func (s *Store) TagsByID(ctx context.Context, ids []int64, event *int64) (map[int64]*api.Tag, error) {
	q := selectTags(event)
	q.Where("tag.id = ANY(?)", ids)
	withExtra(&q, event)
	rows, err := query.All[tagRow](ctx, s.DB, &q)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*api.Tag, len(rows))
	for i := range rows {
		tag := &rows[i].Tag
		tag.QueryEvent = event
		if tag.Extra, err = rows[i].extra(true); err != nil {
			return nil, err
		}
		byID[tag.ID] = tag
	}
	return byID, nil
}

// TagFilter chooses tags; what is empty does not count.
type TagFilter struct {
	BuildID   *int64  // holds this build
	PackageID *int64  // lists this package, whose data is returned too
	Pattern   *string // a glob for the name, in any case
	NoPerms   bool    // leave out perm and perm_id
	Options   query.Options
}

// ListTags lists tags.
func (s *Store) ListTags(ctx context.Context, f TagFilter) (rpc.Rows[api.ListedTag], error) {
	q := selectTags(nil)
	q.Options = f.Options
	if f.NoPerms {
		q.Columns = slices.DeleteFunc(q.Columns, func(c query.Column) bool { return strings.HasPrefix(c.Alias, "perm") })
	}
	switch {
	case f.BuildID != nil:
		q.Join("tag_listing ON tag.id = tag_listing.tag_id AND tag_listing.active AND tag_listing.build_id = ?", *f.BuildID)
	case f.PackageID != nil:
		q.Column("users.id", "owner_id")
		q.Column("users.name", "owner_name")
		q.Column("tag_packages.blocked", "blocked")
		q.Column("tag_packages.extra_arches", "extra_arches")
		q.Join("tag_packages ON tag.id = tag_packages.tag_id AND tag_packages.active AND tag_packages.package_id = ?", *f.PackageID)
		q.Join("tag_package_owners ON tag_package_owners.tag_id = tag_packages.tag_id" +
			" AND tag_package_owners.package_id = tag_packages.package_id AND tag_package_owners.active")
		q.Join("users ON users.id = tag_package_owners.owner")
	}
	if f.Pattern != nil {
		q.Where("tag.name ILIKE ?", likePattern.Replace(*f.Pattern))
	}
	return query.Stream(ctx, s.DB, &q, func(t *api.ListedTag) {
		t.WithPerm, t.WithPackage = !f.NoPerms, f.PackageID != nil
	})
}

// likePattern turns a glob into a pattern for LIKE.
var likePattern = strings.NewReplacer(`\`, `\\`, `_`, `\_`, `?`, `_`, `*`, `%`)

// TagConfig is the versioned part of a tag.
type TagConfig struct {
	Arches          *string
	PermID          *int64
	Locked          bool
	MavenSupport    bool
	MavenIncludeAll bool
}

func (c TagConfig) row() Row {
	return Row{
		"arches": c.Arches, "perm_id": c.PermID, "locked": c.Locked,
		"maven_support": c.MavenSupport, "maven_include_all": c.MavenIncludeAll,
	}
}

// CreateTag brings a tag whose name is there into being.
func (s *Store) CreateTag(ctx context.Context, id int64, c TagConfig) error {
	row := c.row()
	row["tag_id"] = id
	return s.Create(ctx, "tag_config", row)
}

// UpdateTag replaces the configuration of a tag.
func (s *Store) UpdateTag(ctx context.Context, id int64, c TagConfig) error {
	return s.Replace(ctx, "tag_config", Row{"tag_id": id}, c.row())
}

// CreateTagExtra adds a setting to a tag that does not have it.
func (s *Store) CreateTagExtra(ctx context.Context, tagID int64, key string, value any) error {
	text, err := pyjson.Format(value)
	if err != nil {
		return fmt.Errorf("extra setting %s: %w", key, err)
	}
	return s.Create(ctx, "tag_extra", Row{"tag_id": tagID, "key": key, "value": text})
}

// SetTagExtra sets a setting of a tag.
func (s *Store) SetTagExtra(ctx context.Context, tagID int64, key string, value any) error {
	if err := s.RemoveTagExtra(ctx, tagID, key); err != nil {
		return err
	}
	return s.CreateTagExtra(ctx, tagID, key, value)
}

// BlockTagExtra keeps a tag from inheriting a setting.
func (s *Store) BlockTagExtra(ctx context.Context, tagID int64, key string) error {
	return s.Replace(ctx, "tag_extra", Row{"tag_id": tagID, "key": key}, Row{"value": nil})
}

// RemoveTagExtra removes a setting of a tag.
func (s *Store) RemoveTagExtra(ctx context.Context, tagID int64, key string) error {
	_, err := s.Revoke(ctx, "tag_extra", Row{"tag_id": tagID, "key": key})
	return err
}

// DeleteTag revokes a tag, what it holds and every link to it. Its name stays,
// since history needs it.
func (s *Store) DeleteTag(ctx context.Context, id int64) error {
	for _, t := range []struct{ table, column string }{
		{"tag_config", "tag_id"},
		{"tag_extra", "tag_id"},
		{"tag_inheritance", "tag_id"},
		{"tag_inheritance", "parent_id"},
		{"build_target_config", "build_tag"},
		{"build_target_config", "dest_tag"},
		{"tag_listing", "tag_id"},
		{"tag_packages", "tag_id"},
		{"tag_package_owners", "tag_id"},
		{"tag_external_repos", "tag_id"},
		{"group_config", "tag_id"},
		{"group_req_listing", "tag_id"},
		{"group_package_listing", "tag_id"},
	} {
		if _, err := s.Revoke(ctx, t.table, Row{t.column: id}); err != nil {
			return err
		}
	}
	return nil
}

// SetParents removes the links of a tag to the parents in gone and then adds
// the rules, so that priorities can change hands.
func (s *Store) SetParents(ctx context.Context, tagID int64, gone []int64, add []api.InheritanceRule) error {
	for _, parent := range gone {
		if _, err := s.Revoke(ctx, "tag_inheritance", Row{"tag_id": tagID, "parent_id": parent}); err != nil {
			return err
		}
	}
	for _, r := range add {
		err := s.Create(ctx, "tag_inheritance", Row{
			"tag_id": tagID, "parent_id": r.ParentID, "priority": r.Priority, "maxdepth": r.MaxDepth,
			"intransitive": r.Intransitive, "noconfig": r.NoConfig, "pkg_filter": r.PkgFilter,
		})
		if err != nil {
			return err
		}
	}
	return nil
}
