package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// Packages lists packages by prefix, in any case; nil is all.
func (s *Store) Packages(ctx context.Context, prefix *string, opts query.Options) (rpc.Rows[api.Package], error) {
	q := query.Select{From: "package", Options: opts, DefaultOrder: "package.id", Columns: []query.Column{
		{Expr: "package.id", Alias: "package_id"}, {Expr: "package.name", Alias: "package_name"},
	}}
	if prefix != nil {
		q.Where("package.name ILIKE ? || '%'", *prefix)
	}
	return query.Stream[api.Package](ctx, s.DB, &q, nil)
}

// PackageFilter chooses entries of the package lists of tags. One of TagID,
// OwnerID and PackageID is needed; what is nil does not count.
type PackageFilter struct {
	TagID     *int64
	OwnerID   *int64
	PackageID *int64
	Event     *int64
	Inherit   bool // the lists of what the tag inherits from, too
	Dups      bool // every entry of a package, not only the one that counts
	NoOwners  bool // leave the owners out, which is cheaper
	NoBlocked bool // act as if there were no blocked entries
}

// PackageList lists entries of the package lists of tags. With a tag it returns
// for each package the entry that counts there, blocked ones too, which come
// before what they block; the entries of a package stand together.
//
// Koji: without a tag, the entry returned of a package is any one of them.
func (s *Store) PackageList(ctx context.Context, f PackageFilter) ([]api.TagPackage, error) {
	q := query.Select{From: "tag_packages", Columns: []query.Column{
		{Expr: "package.id", Alias: "package_id"}, {Expr: "package.name", Alias: "package_name"},
		{Expr: "tag.id", Alias: "tag_id"}, {Expr: "tag.name", Alias: "tag_name"},
		{Expr: "tag_packages.extra_arches", Alias: "extra_arches"}, {Expr: "tag_packages.blocked", Alias: "blocked"},
	}}
	q.Join("tag ON tag.id = tag_packages.tag_id")
	q.Join("package ON package.id = tag_packages.package_id")
	q.WhereActive("tag_packages", f.Event)
	q.DefaultOrder = "tag_packages.create_event, package.id"
	if f.PackageID != nil {
		q.Where("package.id = ?::int8", *f.PackageID)
	}
	if f.NoBlocked {
		q.Where("NOT tag_packages.blocked")
	}
	if !f.NoOwners {
		q.Column("users.id", "owner_id")
		q.Column("users.name", "owner_name")
		q.Join("tag_package_owners o ON o.tag_id = tag_packages.tag_id AND o.package_id = tag_packages.package_id")
		q.Join("users ON users.id = o.owner")
		q.WhereActive("o", f.Event)
		if f.OwnerID != nil {
			q.Where("users.id = ?::int8", *f.OwnerID)
		}
	}
	if f.TagID != nil {
		if err := s.alongChain(ctx, &q, f); err != nil {
			return nil, err
		}
	}
	rows, err := query.All[api.TagPackage](ctx, s.DB, &q)
	if err != nil {
		return nil, err
	}
	return mergePackages(rows, f), nil
}

// alongChain restricts a query of package lists to the tag of the filter and, if
// that asks for it, what the tag inherits from.
func (s *Store) alongChain(ctx context.Context, q *query.Select, f PackageFilter) error {
	chain, err := s.Chain(ctx, *f.TagID, f.Event, f.Inherit)
	if err != nil {
		return err
	}
	if err := chain.join(q, "tag_packages.tag_id"); err != nil {
		return err
	}
	q.Where(admits)
	q.DefaultOrder = "chain.pos, " + q.DefaultOrder
	if f.PackageID != nil {
		return nil
	}
	// The planner cannot see how few tags there are in the chain.
	tags := chain.Tags()
	q.Where("tag_packages.tag_id = ANY(?)", tags)
	if !f.NoOwners {
		q.Where("o.tag_id = ANY(?)", tags)
	}
	return nil
}

// mergePackages brings the entries of each package together, in the order in
// which the packages first appear.
func mergePackages(rows []api.TagPackage, f PackageFilter) []api.TagPackage {
	at := make(map[int64]int, len(rows))
	var groups [][]api.TagPackage
	for _, row := range rows {
		i, known := at[row.PackageID]
		switch {
		case !known:
			at[row.PackageID] = len(groups)
			groups = append(groups, []api.TagPackage{row})
		case f.Dups:
			groups[i] = append(groups[i], row)
		case f.TagID == nil:
			groups[i][0] = row
		}
	}
	list := make([]api.TagPackage, 0, len(rows))
	for _, g := range groups {
		list = append(list, g...)
	}
	return list
}

// PackageEntry returns the entry that counts for a package in a tag, nil if
// there is none.
func (s *Store) PackageEntry(ctx context.Context, tagID, packageID int64, event *int64) (*api.TagPackage, error) {
	list, err := s.PackageList(ctx, PackageFilter{TagID: &tagID, PackageID: &packageID, Event: event, Inherit: true})
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// SetPackage replaces the entry of a package in the list of a tag, owner included.
func (s *Store) SetPackage(ctx context.Context, p api.TagPackage) error {
	err := s.Replace(ctx, "tag_packages", Row{"tag_id": p.TagID, "package_id": p.PackageID},
		Row{"blocked": p.Blocked, "extra_arches": p.ExtraArches})
	if err != nil {
		return err
	}
	return s.SetPackageOwner(ctx, p.TagID, p.PackageID, *p.OwnerID)
}

// CopyPackages fills the list of a new tag. Koji: each entry has an event of its
// own.
func (s *Store) CopyPackages(ctx context.Context, tagID int64, list []api.TagPackage) error {
	userID, err := actor(ctx)
	if err != nil || len(list) == 0 {
		return err
	}
	type row struct {
		Package int64   `json:"package"`
		Blocked bool    `json:"blocked"`
		Arches  *string `json:"arches"`
		Owner   *int64  `json:"owner"`
	}
	var rows []row
	for _, p := range list {
		rows = append(rows, row{p.PackageID, p.Blocked, p.ExtraArches, p.OwnerID})
	}
	text, err := database.JSON(rows)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, `
		WITH entry AS MATERIALIZED (
			SELECT get_event() AS event, e.* FROM jsonb_to_recordset($1::jsonb) AS e (package int, blocked bool, arches text, owner int)),
		listed AS (
			INSERT INTO tag_packages (tag_id, package_id, blocked, extra_arches, create_event, creator_id)
			SELECT $2::int8, package, blocked, arches, event, $3::int8 FROM entry)
		INSERT INTO tag_package_owners (tag_id, package_id, owner, create_event, creator_id)
		SELECT $2::int8, package, owner, event, $3::int8 FROM entry`, string(text), tagID, userID)
	if err != nil {
		return fmt.Errorf("copy packages to tag %d: %w", tagID, err)
	}
	return nil
}

// SetPackageOwner gives a package in a tag another owner.
func (s *Store) SetPackageOwner(ctx context.Context, tagID, packageID, owner int64) error {
	return s.Replace(ctx, "tag_package_owners", Row{"tag_id": tagID, "package_id": packageID}, Row{"owner": owner})
}

// RemovePackage removes the entry of a package from the list of a tag.
//
// Koji: its owner stays in force.
func (s *Store) RemovePackage(ctx context.Context, tagID, packageID int64) error {
	_, err := s.Revoke(ctx, "tag_packages", Row{"tag_id": tagID, "package_id": packageID})
	return err
}
