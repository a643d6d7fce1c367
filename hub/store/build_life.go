package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// NewBuild is a build to record.
type NewBuild struct {
	PackageID  int64
	Version    string
	Release    string // of a draft, what it will be once it is promoted
	Epoch      *int64
	Draft      bool
	State      koji.BuildState
	VolumeID   int64
	TaskID     *int64
	OwnerID    int64
	Source     *string
	Extra      *string // JSON
	CGID       *int64
	Start      koji.Time // now if zero
	Completion koji.Time // now if zero, for all states but BUILDING
}

// LockPackageName returns the id of a package, 0 if there is none. No other
// transaction that locks the name goes on until this one ends, so that what is
// found about the builds of the package stays true.
func (s *Store) LockPackageName(ctx context.Context, name string) (int64, error) {
	id, err := database.One[int64](ctx, s.DB, `SELECT id FROM package WHERE name = $1 FOR NO KEY UPDATE`, name)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// EnsurePackage returns the id of a package, which it makes if there is none.
func (s *Store) EnsurePackage(ctx context.Context, name string) (int64, error) {
	const add = `INSERT INTO package (name) SELECT $1 WHERE NOT EXISTS (SELECT FROM package WHERE name = $1) ON CONFLICT DO NOTHING`
	if _, err := s.Exec(ctx, add, name); err != nil {
		return 0, fmt.Errorf("add package %s: %w", name, err)
	}
	return s.LockPackageName(ctx, name)
}

// AddBuild records a build and returns its id. A draft gets its id into its release.
func (s *Store) AddBuild(ctx context.Context, b NewBuild) (int64, error) {
	return database.One[int64](ctx, s.DB, `
		INSERT INTO build (id, pkg_id, version, release, epoch, draft, state, volume_id, task_id, owner, source, extra,
			start_time, completion_time, cg_id)
		SELECT id, $1::int, $2::text, $3::text || CASE WHEN $5 THEN ',draft_' || id ELSE '' END, $4::int, $5::bool, $6::int,
			$7::int, $8::int, $9::int, $10::text, $11::text, coalesce($13::timestamptz, now()),
			CASE WHEN $6::int <> 0 THEN coalesce($12::timestamptz, now()) END, $14::int
		  FROM nextval('build_id_seq') AS id
		RETURNING id`,
		b.PackageID, b.Version, b.Release, b.Epoch, b.Draft, b.State, b.VolumeID, b.TaskID, b.OwnerID, b.Source, b.Extra, b.Completion,
		b.Start, b.CGID)
}

// RecycleBuild makes a build that came to nothing into a new one.
func (s *Store) RecycleBuild(ctx context.Context, id int64, b NewBuild) error {
	_, err := s.Exec(ctx, `
		WITH types AS (DELETE FROM build_types WHERE build_id = $1),
		     maven AS (DELETE FROM maven_builds WHERE build_id = $1),
		     win AS (DELETE FROM win_builds WHERE build_id = $1),
		     image AS (DELETE FROM image_builds WHERE build_id = $1)
		UPDATE build SET state = $2, task_id = $3, owner = $4, epoch = $5, source = $6, extra = $7, volume_id = $8,
			start_time = coalesce($10::timestamptz, now()), completion_time = CASE WHEN $2::int <> 0 THEN coalesce($9::timestamptz, now()) END,
			cg_id = $11,
			create_event = get_event()
		WHERE id = $1`, id, b.State, b.TaskID, b.OwnerID, b.Epoch, b.Source, b.Extra, b.VolumeID, b.Completion,
		b.Start, b.CGID)
	return err
}

// BuildContent tells what there is, or was, of a build.
type BuildContent struct {
	Tagged   bool `db:"tagged"` // now or ever
	RPMs     bool `db:"rpms"`
	Archives bool `db:"archives"`
}

// BuildContent returns what there is of a build.
func (s *Store) BuildContent(ctx context.Context, id int64) (BuildContent, error) {
	return database.One[BuildContent](ctx, s.DB, `SELECT
		EXISTS (SELECT FROM tag_listing WHERE build_id = $1) AS tagged,
		EXISTS (SELECT FROM rpminfo WHERE build_id = $1) AS rpms,
		EXISTS (SELECT FROM archiveinfo WHERE build_id = $1) AS archives`, id)
}

// LockBuild keeps other transactions from changing a build until this one ends.
func (s *Store) LockBuild(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `SELECT FROM build WHERE id = $1 FOR UPDATE`, id)
	return err
}

// CompleteBuild moves a build from BUILDING to COMPLETE on a volume.
func (s *Store) CompleteBuild(ctx context.Context, id, volumeID int64) error {
	_, err := s.Exec(ctx, `UPDATE build SET state = 1, completion_time = now(), volume_id = $2 WHERE id = $1 AND state = 0`, id, volumeID)
	return err
}

// EndBuild moves a build from BUILDING to FAILED or CANCELED, and gives up what
// was reserved for it. It reports false if the build was not BUILDING.
func (s *Store) EndBuild(ctx context.Context, id int64, state koji.BuildState) (bool, error) {
	return s.changed(ctx, `WITH reserved AS (DELETE FROM build_reservations WHERE build_id = $1)
		UPDATE build SET state = $2, completion_time = now() WHERE id = $1 AND state = 0`, id, state)
}

// SetBuildOwner gives a build another owner.
func (s *Store) SetBuildOwner(ctx context.Context, id, userID int64) error {
	return s.updateRow(ctx, "build", id, Row{"owner": userID})
}

// SetBuildCompletion sets the time at which a build was completed.
func (s *Store) SetBuildCompletion(ctx context.Context, id int64, t koji.Time) error {
	return s.updateRow(ctx, "build", id, Row{"completion_time": t})
}

// SetBuildVolume notes that a build is on another volume.
func (s *Store) SetBuildVolume(ctx context.Context, id, volumeID int64) error {
	return s.updateRow(ctx, "build", id, Row{"volume_id": volumeID})
}

// PromoteBuild makes a draft a regular build with another release. Its RPMs
// follow by a foreign key.
func (s *Store) PromoteBuild(ctx context.Context, id int64, release string, userID int64) error {
	_, err := s.Exec(ctx, `UPDATE build SET draft = FALSE, release = $2, promoter = $3, promotion_time = now() WHERE id = $1 AND draft`,
		id, release, userID)
	return err
}

// TouchTags notes, for the tags that a build is in, that the build has changed.
// Without one it takes no event.
func (s *Store) TouchTags(ctx context.Context, buildID int64, why koji.TagUpdateType) error {
	tags, err := database.All[int64](ctx, s.DB, `SELECT tag_id FROM tag_listing WHERE build_id = $1 AND active`, buildID)
	if err != nil || len(tags) == 0 {
		return err
	}
	eventID, userID, err := s.change(ctx)
	if err != nil {
		return err
	}
	_, err = s.Exec(ctx, `INSERT INTO tag_updates (tag_id, update_event, updater_id, update_type)
		SELECT unnest($1::int[]), $2::int, $3::int, $4::int`, tags, eventID, userID, why)
	return err
}

// TagBuild puts a build into a tag. It reports false if it is in it already; with
// again it is taken out first, so that it is the latest.
func (s *Store) TagBuild(ctx context.Context, tagID, buildID int64, again bool) (bool, error) {
	key := Row{"tag_id": tagID, "build_id": buildID}
	found, err := database.All[int64](ctx, s.DB, `SELECT build_id FROM tag_listing
		WHERE tag_id = $1 AND build_id = $2 AND active FOR UPDATE`, tagID, buildID)
	if err != nil {
		return false, err
	}
	if len(found) > 0 {
		if !again {
			return false, nil
		}
		if _, err := s.Revoke(ctx, "tag_listing", key); err != nil {
			return false, err
		}
	}
	return true, s.Create(ctx, "tag_listing", key)
}

// UntagBuild takes a build out of a tag; it reports false if it was not in it.
func (s *Store) UntagBuild(ctx context.Context, tagID, buildID int64) (bool, error) {
	n, err := s.Revoke(ctx, "tag_listing", Row{"tag_id": tagID, "build_id": buildID})
	return n > 0, err
}

// BuildOfTask returns the id of the build of a package that a task has under way
// or completed, 0 if there is none.
func (s *Store) BuildOfTask(ctx context.Context, taskID int64, name string) (int64, error) {
	id, err := optional[int64](ctx, s, `SELECT build.id FROM build JOIN package ON package.id = build.pkg_id
		WHERE build.task_id = $1 AND build.state IN (0, 1) AND package.name = $2`, taskID, name)
	if id == nil {
		return 0, err
	}
	return *id, nil
}

// TaggedByTask reports whether a build is in a tag on the account of a task's
// owner since the task was made or, if it is a subtask, its parent, which may
// have had another such subtask before it was freed.
func (s *Store) TaggedByTask(ctx context.Context, taskID, tagID, buildID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT FROM tag_listing l JOIN events ON events.id = l.create_event
		JOIN task ON task.owner = l.creator_id LEFT JOIN task parent ON parent.id = task.parent
		WHERE task.id = $1 AND l.tag_id = $2 AND l.build_id = $3 AND l.active
			AND events.time >= coalesce(parent.create_time, task.create_time))`, taskID, tagID, buildID)
}
