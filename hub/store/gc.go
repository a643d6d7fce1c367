package store

import (
	"context"
	"errors"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// GCTag is a tag with what the garbage collector asks of it.
type GCTag struct {
	ID       int64  `db:"id"`
	Name     string `db:"name"`
	Locked   bool   `db:"locked"`
	MavenAll bool   `db:"maven_all"` // each version of a Maven build counts as a package
}

// GCTags lists the tags with names from one on, in their order.
func (s *Store) GCTags(ctx context.Context, from string) ([]GCTag, error) {
	return database.All[GCTag](ctx, s.DB, `SELECT t.id, t.name, coalesce(c.locked, false) AS locked, coalesce(c.maven_include_all, false) AS maven_all
		FROM tag t JOIN tag_config c ON c.tag_id = t.id AND c.active WHERE t.name >= $1 COLLATE "C" ORDER BY t.name COLLATE "C"`, from)
}

// signingKeys are the keys of a build's signatures.
const signingKeys = `ARRAY(SELECT DISTINCT g.sigkey::text FROM rpminfo r JOIN rpmsigs g ON g.rpm_id = r.id
	WHERE r.build_id = b.id AND g.sigkey <> '' ORDER BY 1)`

// GCTagged is a build in a tag.
type GCTagged struct {
	ID      int64     `db:"id"`
	Package string    `db:"package"` // with the version, for Maven builds in a tag that keeps each
	Name    string    `db:"name"`
	Version string    `db:"version"`
	Release string    `db:"release"`
	Since   koji.Time `db:"since"`
	Volume  string    `db:"volume"`
	Keys    []string  `db:"keys"`
	Tags    []string  `db:"tags"`
}

// GCTagListing says which builds GCTagged returns, and with what.
type GCTagListing struct {
	Tag        GCTag
	After      string // packages behind this one
	Keys, Tags bool   // with their signing keys and with all of their tags
}

// GCTagged lists the builds of a tag by package, the latest first.
func (s *Store) GCTagged(ctx context.Context, l GCTagListing) ([]GCTagged, error) {
	return database.All[GCTagged](ctx, s.DB, `SELECT * FROM (
			SELECT b.id, p.name || CASE WHEN $3 AND m.build_id IS NOT NULL THEN '-' || b.version ELSE '' END AS package,
				p.name, b.version, b.release, e.time AS since, v.name AS volume,
				CASE WHEN $4 THEN `+signingKeys+` ELSE '{}' END AS keys,
				CASE WHEN $5 THEN ARRAY(SELECT t.name::text FROM tag_listing o JOIN tag t ON t.id = o.tag_id
					WHERE o.build_id = b.id AND o.active) ELSE '{}' END AS tags
			FROM tag_listing l JOIN build b ON b.id = l.build_id JOIN package p ON p.id = b.pkg_id JOIN volume v ON v.id = b.volume_id
			JOIN events e ON e.id = l.create_event LEFT JOIN maven_builds m ON m.build_id = b.id
			WHERE l.tag_id = $1 AND l.active
		) listed WHERE package > $2 COLLATE "C" ORDER BY package COLLATE "C", since DESC, id DESC`,
		l.Tag.ID, l.After, l.Tag.MavenAll, l.Keys, l.Tags)
}

// GCUntagged is a complete build in no tag.
type GCUntagged struct {
	ID       int64      `db:"id"`
	Package  string     `db:"package"`
	NVR      string     `db:"nvr"`
	OwnerID  int64      `db:"owner_id"`
	Since    koji.Time  `db:"since"` // when it left its last tag, or was made
	LastUsed *koji.Time `db:"last_used"`
	InRPMs   bool       `db:"in_rpms"` // it was in the buildroot of an RPM of a complete build
	InFiles  bool       `db:"in_files"`
	Part     bool       `db:"part"` // an archive of a complete build contains some of it
	Keys     []string   `db:"keys"`
}

// inBuildroots are those that an RPM or archive of a build was in.
const inBuildroots = `SELECT l.buildroot_id FROM buildroot_listing l JOIN rpminfo c ON c.id = l.rpm_id WHERE c.build_id = b.id
	UNION SELECT l.buildroot_id FROM buildroot_archives l JOIN archiveinfo c ON c.id = l.archive_id WHERE c.build_id = b.id`

// GCUntagged lists up to limit builds in no tag, in the order of their ids, from
// behind one. What refers to a build is what buildReferences tells of it.
func (s *Store) GCUntagged(ctx context.Context, after int64, limit int) ([]GCUntagged, error) {
	return database.All[GCUntagged](ctx, s.DB, `SELECT b.id, p.name AS package, p.name || '-' || b.version || '-' || b.release AS nvr,
			b.owner AS owner_id,
			coalesce((SELECT max(e.time) FROM tag_listing l JOIN events e ON e.id = l.revoke_event WHERE l.build_id = b.id), made.time) AS since,
			(SELECT max(e.time) FROM standard_buildroot s JOIN events e ON e.id = s.create_event WHERE s.buildroot_id IN (`+inBuildroots+`)) AS last_used,
			EXISTS (SELECT 1 FROM buildroot_listing l JOIN rpminfo c ON c.id = l.rpm_id JOIN rpminfo r ON r.buildroot_id = l.buildroot_id
				JOIN build o ON o.id = r.build_id AND o.state = 1 WHERE c.build_id = b.id) AS in_rpms,
			EXISTS (SELECT 1 FROM buildroot_archives l JOIN archiveinfo c ON c.id = l.archive_id JOIN archiveinfo a ON a.buildroot_id = l.buildroot_id
				JOIN build o ON o.id = a.build_id AND o.state = 1 WHERE c.build_id = b.id) AS in_files,
			EXISTS (SELECT 1 FROM archive_rpm_components l JOIN rpminfo c ON c.id = l.rpm_id JOIN archiveinfo a ON a.id = l.archive_id
				JOIN build o ON o.id = a.build_id AND o.state = 1 WHERE c.build_id = b.id)
			OR EXISTS (SELECT 1 FROM archive_components l JOIN archiveinfo c ON c.id = l.component_id JOIN archiveinfo a ON a.id = l.archive_id
				JOIN build o ON o.id = a.build_id AND o.state = 1 WHERE c.build_id = b.id) AS part,
			`+signingKeys+` AS keys
		FROM build b JOIN package p ON p.id = b.pkg_id JOIN events made ON made.id = b.create_event
		WHERE b.id > $1 AND b.state = 1 AND NOT EXISTS (SELECT 1 FROM tag_listing l WHERE l.build_id = b.id AND l.active)
		ORDER BY b.id LIMIT $2`, after, limit)
}

// GCTrashed is a build in the trashcan.
type GCTrashed struct {
	ID      int64     `db:"id"`
	Package string    `db:"package"`
	NVR     string    `db:"nvr"`
	OwnerID int64     `db:"owner_id"`
	Since   koji.Time `db:"since"` // when it got there
	Tags    []string  `db:"tags"`  // others that it is in
	Keys    []string  `db:"keys"`
}

// GCTrashed lists up to limit builds that are in the trashcan for longer than so
// many seconds, in the order of their ids, from behind one.
func (s *Store) GCTrashed(ctx context.Context, trashcan int64, age float64, after int64, limit int) ([]GCTrashed, error) {
	return database.All[GCTrashed](ctx, s.DB, `SELECT b.id, p.name AS package, p.name || '-' || b.version || '-' || b.release AS nvr,
			b.owner AS owner_id, e.time AS since, `+signingKeys+` AS keys,
			ARRAY(SELECT t.name::text FROM tag_listing o JOIN tag t ON t.id = o.tag_id
				WHERE o.build_id = b.id AND o.active AND o.tag_id <> $1 ORDER BY 1) AS tags
		FROM tag_listing l JOIN build b ON b.id = l.build_id JOIN package p ON p.id = b.pkg_id JOIN events e ON e.id = l.create_event
		WHERE l.tag_id = $1 AND l.active AND e.time < now() - make_interval(secs => $2) AND b.id > $3
		ORDER BY b.id LIMIT $4`, trashcan, age, after, limit)
}

// SigningKeys returns the keys that RPMs of a build are signed with.
func (s *Store) SigningKeys(ctx context.Context, buildID int64) ([]string, error) {
	return database.One[[]string](ctx, s.DB, `SELECT `+signingKeys+` FROM (SELECT $1::int AS id) b`, buildID)
}

// CommonOwner returns who owns a package in most tags, 0 if nobody does.
func (s *Store) CommonOwner(ctx context.Context, packageID int64) (int64, error) {
	owner, err := database.One[int64](ctx, s.DB, `SELECT owner FROM tag_package_owners WHERE package_id = $1 AND active
		GROUP BY owner ORDER BY count(*) DESC, owner DESC LIMIT 1`, packageID)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return owner, err
}
