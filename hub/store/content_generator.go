package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// CGUser is a user who may import for a content generator.
type CGUser struct {
	CGID   int64  `db:"cg_id"`
	CGName string `db:"cg_name"`
	User   string `db:"user_name"`
}

// CGUsers lists who may import for which content generator.
func (s *Store) CGUsers(ctx context.Context) ([]CGUser, error) {
	return database.All[CGUser](ctx, s.DB, `SELECT cg_id, content_generator.name AS cg_name, users.name AS user_name
		FROM cg_users JOIN content_generator ON content_generator.id = cg_id JOIN users ON users.id = user_id
		WHERE active ORDER BY cg_id, create_event, user_id`)
}

// MayImport tells whether a user may import for a content generator.
func (s *Store) MayImport(ctx context.Context, cgID, userID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT FROM cg_users WHERE cg_id = $1 AND user_id = $2 AND active)`, cgID, userID)
}

// GrantCG lets a user import for a content generator.
func (s *Store) GrantCG(ctx context.Context, cgID, userID int64) error {
	return s.Create(ctx, "cg_users", Row{"cg_id": cgID, "user_id": userID})
}

// RevokeCG lets a user no longer import for a content generator.
func (s *Store) RevokeCG(ctx context.Context, cgID, userID int64) error {
	_, err := s.Revoke(ctx, "cg_users", Row{"cg_id": cgID, "user_id": userID})
	return err
}

// Reserve notes the token with which a build can be completed. It reports false
// if the build is reserved already.
func (s *Store) Reserve(ctx context.Context, buildID int64, token string) (bool, error) {
	return s.changed(ctx, `INSERT INTO build_reservations (build_id, token, created) VALUES ($1, $2, now())
		ON CONFLICT DO NOTHING`, buildID, token)
}

// ReservationToken returns the token of a reserved build, nil if it is not
// reserved.
func (s *Store) ReservationToken(ctx context.Context, buildID int64) (*string, error) {
	return optional[string](ctx, s, `SELECT token FROM build_reservations WHERE build_id = $1`, buildID)
}

// CompleteReserved completes a reserved build with what its content generator
// says of it, and ends the reservation.
//
// Koji: the times that the content generator gives do not count here.
func (s *Store) CompleteReserved(ctx context.Context, id int64, b NewBuild) error {
	_, err := s.Exec(ctx, `WITH reserved AS (DELETE FROM build_reservations WHERE build_id = $1)
		UPDATE build SET state = 1, completion_time = now(), volume_id = $2, task_id = $3, owner = $4, source = $5, extra = $6
		WHERE id = $1 AND state = 0`, id, b.VolumeID, b.TaskID, b.OwnerID, b.Source, b.Extra)
	if err != nil {
		return fmt.Errorf("complete reserved build %d: %w", id, err)
	}
	return nil
}

// NewCGBuildroot is a buildroot of a content generator to record.
type NewCGBuildroot struct {
	ID            int64             `json:"id"` // set by AddCGBuildroots
	CGID          int64             `json:"cg_id"`
	CGVersion     string            `json:"cg_version"`
	ContainerType string            `json:"container_type"`
	ContainerArch string            `json:"container_arch"`
	HostOS        string            `json:"host_os"`
	HostArch      string            `json:"host_arch"`
	Extra         *string           `json:"extra"`    // JSON
	RPMs          []int64           `json:"rpms"`     // ids of those in it
	Archives      []int64           `json:"archives"` // ids of those in it
	Tools         map[string]string `json:"tools"`    // versions by name
}

const addCGBuildroots = `
	WITH t AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS t (id int, cg_id int, cg_version text, container_type text,
	       container_arch text, host_os text, host_arch text, extra text, rpms jsonb, archives jsonb, tools jsonb)),
	 added AS (INSERT INTO buildroot (id, br_type, cg_id, cg_version, container_type, container_arch, host_os, host_arch, extra)
	       SELECT id, 1, cg_id, cg_version, container_type, container_arch, host_os, host_arch, extra FROM t),
	 rpms AS (INSERT INTO buildroot_listing (buildroot_id, rpm_id)
	       SELECT DISTINCT id, r::int FROM t, jsonb_array_elements_text(rpms) AS r),
	 archives AS (INSERT INTO buildroot_archives (buildroot_id, archive_id, project_dep)
	       SELECT DISTINCT id, a::int, FALSE FROM t, jsonb_array_elements_text(archives) AS a)
	INSERT INTO buildroot_tools_info (buildroot_id, tool, version)
	SELECT id, tool.key, tool.value FROM t, jsonb_each_text(tools) AS tool`

// AddCGBuildroots records buildroots of a content generator and sets their ids.
func (s *Store) AddCGBuildroots(ctx context.Context, roots []NewCGBuildroot) error {
	ids, err := database.All[int64](ctx, s.DB, `SELECT nextval('buildroot_id_seq') FROM generate_series(1, $1::int)`, len(roots))
	if err != nil {
		return err
	}
	for i := range roots {
		r := &roots[i]
		r.ID = ids[i]
		r.RPMs, r.Archives = append([]int64{}, r.RPMs...), append([]int64{}, r.Archives...) // no JSON null
	}
	text, err := database.JSON(roots)
	if err != nil {
		return err
	}
	if _, err := s.Exec(ctx, addCGBuildroots, text); err != nil {
		return fmt.Errorf("add buildroots: %w", err)
	}
	return nil
}

// WantedFile is an archive to find by what is known of the file.
type WantedFile struct {
	Filename     string
	Size         int64
	Checksum     string // hex
	ChecksumType koji.ChecksumType
}

// FindFiles finds archives and answers in the order of what is wanted, nil for
// those that there are none of.
func (s *Store) FindFiles(ctx context.Context, wanted []WantedFile) ([]*int64, error) {
	n := len(wanted)
	names, sizes, sums, types := make([]string, n), make([]int64, n), make([]string, n), make([]int64, n)
	for i, w := range wanted {
		names[i], sizes[i], sums[i], types[i] = w.Filename, w.Size, w.Checksum, int64(w.ChecksumType)
	}
	return database.All[*int64](ctx, s.DB, `
		SELECT (SELECT min(a.id) FROM archiveinfo a WHERE a.filename = wanted.name AND a.size = wanted.size
		           AND a.checksum = wanted.sum AND a.checksum_type = wanted.type)
		  FROM unnest($1::text[], $2::bigint[], $3::text[], $4::int[]) WITH ORDINALITY AS wanted (name, size, sum, type, pos)
		 ORDER BY wanted.pos`, names, sizes, sums, types)
}

// KojiFile is an archive as a content generator refers to it by its id.
type KojiFile struct {
	ID           int64             `db:"id"`
	Filename     string            `db:"filename"`
	Size         int64             `db:"size"`
	Checksum     string            `db:"checksum"`
	ChecksumType koji.ChecksumType `db:"checksum_type"`
	NVR          string            `db:"nvr"` // of its build
}

// KojiFiles returns those of the archives that there are.
func (s *Store) KojiFiles(ctx context.Context, ids []int64) ([]KojiFile, error) {
	return database.All[KojiFile](ctx, s.DB, `
		SELECT a.id, a.filename, a.size, a.checksum, a.checksum_type,
		       package.name || '-' || build.version || '-' || build.release AS nvr
		  FROM archiveinfo a JOIN build ON build.id = a.build_id JOIN package ON package.id = build.pkg_id
		 WHERE a.id = ANY($1::int[])`, ids)
}
