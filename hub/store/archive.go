package store

import (
	"context"
	"slices"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// archiveInfo are the columns of api.Archive.
var archiveInfo = []query.Column{
	{Expr: "btype.name", Alias: "btype"},
	{Expr: "archiveinfo.btype_id", Alias: "btype_id"},
	{Expr: "archiveinfo.build_id", Alias: "build_id"},
	{Expr: "archiveinfo.buildroot_id", Alias: "buildroot_id"},
	{Expr: "archiveinfo.checksum", Alias: "checksum"},
	{Expr: "archiveinfo.checksum_type", Alias: "checksum_type"},
	{Expr: "archiveinfo.filename", Alias: "filename"},
	{Expr: "archiveinfo.id", Alias: "id"},
	{Expr: "archiveinfo.metadata_only", Alias: "metadata_only"},
	{Expr: "archiveinfo.size", Alias: "size"},
	{Expr: "archiveinfo.type_id", Alias: "type_id"},
}

// ArchiveFilter says which archives to list; what is nil does not filter.
type ArchiveFilter struct {
	ID                   *int64
	BuildID              *int64
	BuildrootID          *int64 // built in it
	ComponentBuildrootID *int64 // used in it
	HostID               *int64 // built on it
	ImageID              *int64 // part of it
	Filename             *string
	Size                 *int64
	Checksum             *string
	ChecksumType         *int64
	Type                 string // a build type that exists
	TypeInfo             map[string]any
}

// ListArchives returns the archives that pass the filter.
func (s *Store) ListArchives(ctx context.Context, f ArchiveFilter, opts query.Options) (rpc.Rows[api.ListedArchive], error) {
	q := query.Select{
		Columns: append(slices.Clone(archiveInfo), []query.Column{
			{Expr: "archivetypes.compression_type", Alias: "compression_type"},
			{Expr: "archiveinfo.extra", Alias: "extra"},
			{Expr: "archivetypes.description", Alias: "type_description"},
			{Expr: "archivetypes.extensions", Alias: "type_extensions"},
			{Expr: "archivetypes.name", Alias: "type_name"},
		}...),
		From:    "archiveinfo",
		Joins:   []string{"archivetypes ON archivetypes.id = archiveinfo.type_id", "btype ON btype.id = archiveinfo.btype_id"},
		Options: opts,
	}
	f.apply(&q)
	f.joinType(&q)
	return query.Stream[api.ListedArchive](ctx, s.DB, &q, nil)
}

func (f *ArchiveFilter) apply(q *query.Select) {
	if f.ComponentBuildrootID != nil {
		q.Join("buildroot_archives ON buildroot_archives.archive_id = archiveinfo.id")
		q.Where("buildroot_archives.buildroot_id = ?", *f.ComponentBuildrootID)
		q.Column("buildroot_archives.buildroot_id", "component_buildroot_id")
		q.Column("buildroot_archives.project_dep", "project")
	}
	if f.ImageID != nil {
		q.Join("archive_components ON archive_components.component_id = archiveinfo.id")
		q.Where("archive_components.archive_id = ?", *f.ImageID)
	}
	if f.HostID != nil {
		q.Join("standard_buildroot ON standard_buildroot.buildroot_id = archiveinfo.buildroot_id")
		q.Where("standard_buildroot.host_id = ?", *f.HostID)
		q.Column("standard_buildroot.host_id", "host_id")
	}
	for column, v := range map[string]*int64{
		"id": f.ID, "build_id": f.BuildID, "buildroot_id": f.BuildrootID, "size": f.Size, "checksum_type": f.ChecksumType,
	} {
		if v != nil {
			q.Where("archiveinfo."+column+" = ?", *v)
		}
	}
	for column, v := range map[string]*string{"filename": f.Filename, "checksum": f.Checksum} {
		if v != nil {
			q.Where("archiveinfo."+column+" = ?", *v)
		}
	}
}

// joinType restricts q to archives of a build type, and adds what is special
// about it.
func (f *ArchiveFilter) joinType(q *query.Select) {
	switch f.Type {
	case "":
	case "maven":
		q.Join("maven_archives ON maven_archives.archive_id = archiveinfo.id")
		for _, key := range []string{"group_id", "artifact_id", "version"} {
			q.Column("maven_archives."+key, key)
			if v, ok := f.TypeInfo[key]; ok {
				q.Where("maven_archives."+key+" = ?", v)
			}
		}
	case "win":
		f.joinWindows(q)
	case "image":
		q.Join("image_archives ON image_archives.archive_id = archiveinfo.id")
		q.Column("image_archives.arch", "arch")
		if arch, _ := f.TypeInfo["arch"].(string); arch != "" {
			q.Where("image_archives.arch = ?", arch)
		}
	default:
		q.Where("btype.name = ?", f.Type)
	}
}

func (f *ArchiveFilter) joinWindows(q *query.Select) {
	q.Join("win_archives ON win_archives.archive_id = archiveinfo.id")
	q.Column("win_archives.relpath", "relpath")
	q.Column("win_archives.platforms", "platforms")
	q.Column("coalesce(win_archives.flags, '')", "flags")
	if v, ok := f.TypeInfo["relpath"]; ok {
		q.Where("win_archives.relpath = ?", v)
	}
	for _, key := range []string{"platforms", "flags"} {
		words, many := f.TypeInfo[key].([]any)
		if v, ok := f.TypeInfo[key]; ok && !many {
			words = []any{v}
		}
		for _, word := range words {
			q.Where("? = ANY(string_to_array(win_archives."+key+", ' '))", word)
		}
	}
}

// MavenArchive returns what is special about a file of a Maven build, nil for others.
func (s *Store) MavenArchive(ctx context.Context, id int64) (*api.MavenArchive, error) {
	return orNil(database.One[api.MavenArchive](ctx, s.DB, `SELECT archive_id, group_id, artifact_id, version FROM maven_archives WHERE archive_id = $1`, id))
}

// WinArchive returns what is special about a file of a Windows build, nil for others.
func (s *Store) WinArchive(ctx context.Context, id int64) (*api.WinArchive, error) {
	return orNil(database.One[api.WinArchive](ctx, s.DB, `SELECT archive_id, relpath, platforms, flags FROM win_archives WHERE archive_id = $1`, id))
}

// ImageArchive returns what is special about an image, nil for other archives.
func (s *Store) ImageArchive(ctx context.Context, id int64) (*api.ImageArchive, error) {
	return orNil(database.One[api.ImageArchive](ctx, s.DB, `SELECT archive_id, arch,
		EXISTS (SELECT 1 FROM archive_rpm_components r WHERE r.archive_id = image_archives.archive_id) AS rootid
		FROM image_archives WHERE archive_id = $1`, id))
}

// ArchiveTypes returns the kinds of archives.
func (s *Store) ArchiveTypes(ctx context.Context) ([]api.ArchiveType, error) {
	return database.All[api.ArchiveType](ctx, s.DB, `SELECT id, name, description, extensions, compression_type FROM archivetypes ORDER BY id`)
}

// AddArchiveType adds a kind of archive; it reports false if the name is taken.
func (s *Store) AddArchiveType(ctx context.Context, t api.ArchiveType) (bool, error) {
	return s.changed(ctx, `INSERT INTO archivetypes (name, description, extensions, compression_type)
		SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT 1 FROM archivetypes WHERE name = $1)`,
		t.Name, t.Description, t.Extensions, t.CompressionType)
}
