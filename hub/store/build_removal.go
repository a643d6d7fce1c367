package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// BuildTags returns the tags that a build is in.
func (s *Store) BuildTags(ctx context.Context, buildID int64) ([]api.TagReference, error) {
	return database.All[api.TagReference](ctx, s.DB, `SELECT tag.id AS tag_id, tag.name FROM tag_listing
		JOIN tag ON tag.id = tag_listing.tag_id WHERE build_id = $1 AND active`, buildID)
}

// RPMsBuiltWith returns the RPMs of complete builds that were built in a
// buildroot which an RPM of the build was in. A nil limit is none.
func (s *Store) RPMsBuiltWith(ctx context.Context, buildID int64, limit *int64) ([]api.RPMReference, error) {
	return database.All[api.RPMReference](ctx, s.DB, `
		SELECT r.id, r.name, r.version, r.release, r.arch, r.build_id
		  FROM rpminfo r JOIN build ON build.id = r.build_id AND build.state = 1
		 WHERE r.buildroot_id IN (SELECT l.buildroot_id FROM buildroot_listing l JOIN rpminfo c ON c.id = l.rpm_id WHERE c.build_id = $1)
		 LIMIT $2`, buildID, limit)
}

// ArchivesBuiltWith returns the archives of complete builds that were built in a
// buildroot which an archive of the build was in. A nil limit is none.
func (s *Store) ArchivesBuiltWith(ctx context.Context, buildID int64, limit *int64) ([]api.ArchiveReference, error) {
	return database.All[api.ArchiveReference](ctx, s.DB, `
		SELECT a.id, a.type_id, t.name AS type_name, a.build_id, a.filename
		  FROM archiveinfo a JOIN build ON build.id = a.build_id AND build.state = 1 JOIN archivetypes t ON t.id = a.type_id
		 WHERE a.buildroot_id IN (SELECT l.buildroot_id FROM buildroot_archives l JOIN archiveinfo c ON c.id = l.archive_id WHERE c.build_id = $1)
		 LIMIT $2`, buildID, limit)
}

// ArchivesContaining returns the ids of archives of complete builds that contain
// RPMs or archives of the build. A nil limit is none.
// Koji: an archive is there once for each part that it contains.
func (s *Store) ArchivesContaining(ctx context.Context, buildID int64, limit *int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `
		SELECT a.id
		  FROM (SELECT l.archive_id FROM archive_rpm_components l JOIN rpminfo c ON c.id = l.rpm_id WHERE c.build_id = $1
		        UNION ALL
		        SELECT l.archive_id FROM archive_components l JOIN archiveinfo c ON c.id = l.component_id WHERE c.build_id = $1) parts
		  JOIN archiveinfo a ON a.id = parts.archive_id JOIN build ON build.id = a.build_id AND build.state = 1
		 LIMIT $2`, buildID, limit)
}

// BuildLastUsed returns when a part of the build was last put into a buildroot,
// in seconds since the epoch; nil if never.
func (s *Store) BuildLastUsed(ctx context.Context, buildID int64) (*float64, error) {
	return database.One[*float64](ctx, s.DB, `
		SELECT date_part('epoch', max(events.time)) FROM standard_buildroot b JOIN events ON events.id = b.create_event
		 WHERE b.buildroot_id IN (
		       SELECT l.buildroot_id FROM buildroot_listing l JOIN rpminfo c ON c.id = l.rpm_id WHERE c.build_id = $1
		       UNION SELECT l.buildroot_id FROM buildroot_archives l JOIN archiveinfo c ON c.id = l.archive_id WHERE c.build_id = $1)`, buildID)
}

// DeleteBuild marks a build as deleted: its signatures go, and it leaves its tags.
func (s *Store) DeleteBuild(ctx context.Context, id int64) error {
	if _, err := s.Exec(ctx, `
		WITH rpms AS (SELECT id FROM rpminfo WHERE build_id = $1),
		     checksums AS (DELETE FROM rpm_checksum WHERE rpm_id IN (SELECT id FROM rpms)),
		     signatures AS (DELETE FROM rpmsigs WHERE rpm_id IN (SELECT id FROM rpms))
		UPDATE build SET state = 2 WHERE id = $1`, id); err != nil {
		return err
	}
	_, err := s.Revoke(ctx, "tag_listing", Row{"build_id": id})
	return err
}

// resetBuild deletes what refers to the parts of a build, in an order that the
// foreign keys allow.
var resetBuild = []string{
	`DELETE FROM rpmsigs WHERE rpm_id IN (SELECT id FROM rpminfo WHERE build_id = $1)`,
	`DELETE FROM rpm_checksum WHERE rpm_id IN (SELECT id FROM rpminfo WHERE build_id = $1)`,
	`DELETE FROM buildroot_listing WHERE rpm_id IN (SELECT id FROM rpminfo WHERE build_id = $1)`,
	`DELETE FROM archive_rpm_components WHERE rpm_id IN (SELECT id FROM rpminfo WHERE build_id = $1)
	    OR archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM archive_components WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)
	    OR component_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM buildroot_archives WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM maven_archives WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM win_archives WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM image_archives WHERE archive_id IN (SELECT id FROM archiveinfo WHERE build_id = $1)`,
	`DELETE FROM rpminfo WHERE build_id = $1`,
	`DELETE FROM archiveinfo WHERE build_id = $1`,
	`DELETE FROM maven_builds WHERE build_id = $1`,
	`DELETE FROM win_builds WHERE build_id = $1`,
	`DELETE FROM image_builds WHERE build_id = $1`,
	`DELETE FROM build_types WHERE build_id = $1`,
	`DELETE FROM tag_listing WHERE build_id = $1`,
	`UPDATE build SET state = 4, task_id = NULL, volume_id = 0, completion_time = coalesce(completion_time, now()) WHERE id = $1`,
}

// ResetBuild deletes all content of a build, history included, and leaves it
// CANCELED on the default volume.
func (s *Store) ResetBuild(ctx context.Context, id int64) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		for _, statement := range resetBuild {
			if _, err := s.Exec(ctx, statement, id); err != nil {
				return err
			}
		}
		return nil
	})
}
