package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

var mavenArchiveInfo = []query.Column{
	{Expr: "tag.id", Alias: "tag_id"}, {Expr: "tag.name", Alias: "tag_name"},
	{Expr: "build.pkg_id", Alias: "pkg_id"}, {Expr: "build.id", Alias: "build_id"}, {Expr: "package.name", Alias: "build_name"},
	{Expr: "build.version", Alias: "build_version"}, {Expr: "build.release", Alias: "build_release"},
	{Expr: "build.epoch", Alias: "build_epoch"}, {Expr: "build.state", Alias: "state"}, {Expr: "build.task_id", Alias: "task_id"},
	{Expr: "build.owner", Alias: "owner"}, {Expr: "volume.id", Alias: "volume_id"}, {Expr: "volume.name", Alias: "volume_name"},
	{Expr: "archiveinfo.id", Alias: "id"}, {Expr: "archiveinfo.type_id", Alias: "type_id"},
	{Expr: "archiveinfo.buildroot_id", Alias: "buildroot_id"}, {Expr: "archiveinfo.filename", Alias: "filename"},
	{Expr: "archiveinfo.size", Alias: "size"}, {Expr: "archiveinfo.checksum", Alias: "checksum"},
	{Expr: "archiveinfo.checksum_type", Alias: "checksum_type"}, {Expr: "archiveinfo.metadata_only", Alias: "metadata_only"},
	{Expr: "archiveinfo.extra", Alias: "extra"}, {Expr: "maven_archives.group_id", Alias: "group_id"},
	{Expr: "maven_archives.artifact_id", Alias: "artifact_id"}, {Expr: "maven_archives.version", Alias: "version"},
	{Expr: "tag_listing.create_event", Alias: "tag_event"},
}

// TaggedMavenArchives returns the files of Maven builds in a tag, as it was at an
// event (nil: is). Of each group and artifact those of the build that was tagged
// last are there, and those of other versions where a tag includes them all.
func (s *Store) TaggedMavenArchives(ctx context.Context, tagID int64, event *int64, inherit bool) ([]api.MavenTagArchive, error) {
	chain, err := s.Chain(ctx, tagID, event, true)
	if err != nil {
		return nil, err
	}
	listed, err := s.listed(ctx, chain, TaggedFilter{TagID: tagID, Event: event})
	if err != nil {
		return nil, err
	}
	if !inherit {
		chain = chain[:1]
	}
	type row struct {
		api.MavenTagArchive
		All bool `rpc:"include_all"`
	}
	q := query.Select{
		Columns: append([]query.Column{{Expr: "tag_config.maven_include_all", Alias: "include_all"}}, mavenArchiveInfo...),
		From:    "tag_listing",
		Joins: []string{
			"tag ON tag.id = tag_listing.tag_id", "tag_config ON tag_config.tag_id = tag_listing.tag_id",
			"build ON build.id = tag_listing.build_id", "volume ON volume.id = build.volume_id", "package ON package.id = build.pkg_id",
			"archiveinfo ON archiveinfo.build_id = build.id", "maven_archives ON maven_archives.archive_id = archiveinfo.id",
		},
	}
	tags := q.Arg(chain.Tags()) + "::int[]"
	q.Where("tag_listing.tag_id = ANY(" + tags + ")")
	q.WhereActive("tag_listing", event)
	q.WhereActive("tag_config", event)
	q.DefaultOrder = "array_position(" + tags + ", tag_listing.tag_id), tag_listing.create_event DESC, archiveinfo.id"
	rows, err := query.All[row](ctx, s.DB, &q)
	if err != nil {
		return nil, fmt.Errorf("Maven archives of tag %d: %w", tagID, err)
	}
	seen := mavenSeen{versions: map[string]map[string]int64{}, archives: map[int64]bool{}}
	list := []api.MavenTagArchive{}
	for _, r := range rows {
		if listed[r.PackageID] && seen.includes(r.MavenTagArchive, r.All) {
			list = append(list, r.MavenTagArchive)
		}
	}
	return list, nil
}

// mavenSeen is what was included so far.
type mavenSeen struct {
	versions map[string]map[string]int64 // builds by group and artifact, then by version
	archives map[int64]bool
}

// includes says whether the next archive is to be included.
func (m *mavenSeen) includes(a api.MavenTagArchive, all bool) bool {
	key := a.GroupID + ":" + a.ArtifactID
	versions := m.versions[key]
	build, known := versions[a.Version]
	switch {
	case versions == nil:
		m.versions[key] = map[string]int64{a.Version: a.BuildID}
	case known && build != a.BuildID, !known && !all, m.archives[a.ID]:
		return false
	default:
		versions[a.Version] = a.BuildID
	}
	m.archives[a.ID] = true
	return true
}

// MavenFile is an archive of a Maven build.
type MavenFile struct {
	ID         int64  `db:"id"`
	BuildID    int64  `db:"build_id"`
	Filename   string `db:"filename"`
	Size       int64  `db:"size"`
	GroupID    string `db:"group_id"`
	ArtifactID string `db:"artifact_id"`
	Version    string `db:"version"`
}

// MavenFiles lists the archives of Maven builds.
func (s *Store) MavenFiles(ctx context.Context, builds []int64) ([]MavenFile, error) {
	return database.All[MavenFile](ctx, s.DB, `SELECT a.id, a.build_id, a.filename, a.size, m.group_id, m.artifact_id, m.version
		FROM archiveinfo a JOIN maven_archives m ON m.archive_id = a.id WHERE a.build_id = ANY($1) ORDER BY a.id`, builds)
}

// MissingArchives returns those of the ids of which there is no archive.
func (s *Store) MissingArchives(ctx context.Context, ids []int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM unnest($1::int8[]) AS id
		WHERE NOT EXISTS (SELECT FROM archiveinfo a WHERE a.id = id.id)`, ids)
}

// AddBuildrootArchives notes that archives are in a buildroot; those that are
// noted already stay as they are. project marks dependencies of what is built.
func (s *Store) AddBuildrootArchives(ctx context.Context, id int64, archives []int64, project bool) error {
	_, err := s.Exec(ctx, `INSERT INTO buildroot_archives (buildroot_id, archive_id, project_dep)
		SELECT DISTINCT $1::int, a::int, $3::bool FROM unnest($2::int8[]) AS a ORDER BY 2 ON CONFLICT DO NOTHING`, id, archives, project)
	if err != nil {
		return fmt.Errorf("add archives to buildroot %d: %w", id, err)
	}
	return nil
}
