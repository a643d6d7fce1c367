package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// NewArchive is an archive to record. Of the fields at its end those of its
// build type count.
type NewArchive struct {
	ID           int64             `json:"id"` // set by AddArchives
	BuildID      int64             `json:"build_id"`
	BuildrootID  *int64            `json:"buildroot_id"`
	BType        string            `json:"btype"`
	TypeID       int64             `json:"type_id"`
	Filename     string            `json:"filename"`
	Size         int64             `json:"size"`
	Checksum     string            `json:"checksum"` // hex
	ChecksumType koji.ChecksumType `json:"checksum_type"`
	MetadataOnly bool              `json:"metadata_only"`
	Extra        *string           `json:"extra"`    // JSON
	RPMs         []int64           `json:"rpms"`     // ids of the RPMs in it
	Archives     []int64           `json:"archives"` // ids of the archives in it

	GroupID    string  `json:"group_id"` // Maven
	ArtifactID string  `json:"artifact_id"`
	Version    string  `json:"version"`
	RelPath    string  `json:"relpath"` // Windows
	Platforms  string  `json:"platforms"`
	Flags      *string `json:"flags"`
	Arch       string  `json:"arch"` // images
}

const addArchives = `
	WITH t AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (id int, build_id int, buildroot_id int, btype text, type_id int,
	       filename text, size bigint, checksum text, checksum_type int, metadata_only bool, extra text, rpms jsonb, archives jsonb,
	       group_id text, artifact_id text, version text, relpath text, platforms text, flags text, arch text)),
	 added AS (INSERT INTO archiveinfo (id, type_id, btype_id, build_id, buildroot_id, filename, size, checksum, checksum_type, metadata_only, extra)
	       SELECT t.id, type_id, btype.id, build_id, buildroot_id, filename, size, checksum, checksum_type, metadata_only, extra
	         FROM t JOIN btype ON btype.name = t.btype),
	 maven AS (INSERT INTO maven_archives (archive_id, group_id, artifact_id, version)
	       SELECT id, group_id, artifact_id, version FROM t WHERE btype = 'maven'),
	 win AS (INSERT INTO win_archives (archive_id, relpath, platforms, flags)
	       SELECT id, relpath, platforms, flags FROM t WHERE btype = 'win'),
	 image AS (INSERT INTO image_archives (archive_id, arch) SELECT id, arch FROM t WHERE btype = 'image'),
	 rpms AS (INSERT INTO archive_rpm_components (archive_id, rpm_id)
	       SELECT DISTINCT id, r::int FROM t, jsonb_array_elements_text(rpms) AS r)
	INSERT INTO archive_components (archive_id, component_id)
	SELECT DISTINCT id, c::int FROM t, jsonb_array_elements_text(archives) AS c`

// AddArchives records archives, with what is in them, and sets their ids.
func (s *Store) AddArchives(ctx context.Context, archives []NewArchive) error {
	ids, err := database.All[int64](ctx, s.DB, `SELECT nextval('archiveinfo_id_seq') FROM generate_series(1, $1::int)`, len(archives))
	if err != nil {
		return err
	}
	for i := range archives {
		a := &archives[i]
		a.ID = ids[i]
		a.RPMs, a.Archives = append([]int64{}, a.RPMs...), append([]int64{}, a.Archives...) // no JSON null
	}
	text, err := database.JSON(archives)
	if err != nil {
		return err
	}
	if _, err := s.Exec(ctx, addArchives, text); err != nil {
		return fmt.Errorf("add archives: %w", err)
	}
	return nil
}

// AddMavenBuild notes what is special about a Maven build.
func (s *Store) AddMavenBuild(ctx context.Context, id int64, groupID, artifactID, version string) error {
	_, err := s.Exec(ctx, `INSERT INTO maven_builds (build_id, group_id, artifact_id, version) VALUES ($1, $2, $3, $4)`,
		id, groupID, artifactID, version)
	return err
}

// SetWinBuild notes the platform of a Windows build.
func (s *Store) SetWinBuild(ctx context.Context, id int64, platform string) error {
	_, err := s.Exec(ctx, `INSERT INTO win_builds (build_id, platform) VALUES ($1, $2)
		ON CONFLICT (build_id) DO UPDATE SET platform = excluded.platform`, id, platform)
	return err
}

// SetImageBuild notes that a build is one of images; it may be so already.
func (s *Store) SetImageBuild(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `INSERT INTO image_builds (build_id) VALUES ($1) ON CONFLICT DO NOTHING`, id)
	return err
}
