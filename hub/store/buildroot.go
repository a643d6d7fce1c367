package store

import (
	"context"
	"slices"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// BuildrootFilter says which buildroots to list; what is nil does not filter.
type BuildrootFilter struct {
	IDs       []int64
	States    []int64
	HostID    *int64
	TagID     *int64 // of the repo
	RepoID    *int64
	TaskID    *int64
	RPMID     *int64 // in it
	ArchiveID *int64 // in it
}

// ListBuildroots returns the buildroots that pass the filter.
func (s *Store) ListBuildroots(ctx context.Context, f BuildrootFilter, opts query.Options) (rpc.Rows[api.Buildroot], error) {
	q := query.Select{
		Columns: buildrootInfo,
		From:    "buildroot",
		Joins: []string{
			"LEFT JOIN standard_buildroot ON standard_buildroot.buildroot_id = buildroot.id",
			"LEFT JOIN content_generator ON content_generator.id = buildroot.cg_id",
			"LEFT JOIN host ON host.id = standard_buildroot.host_id",
			"LEFT JOIN repo ON repo.id = standard_buildroot.repo_id",
			"LEFT JOIN tag ON tag.id = repo.tag_id",
			"LEFT JOIN events AS create_events ON create_events.id = standard_buildroot.create_event",
			"LEFT JOIN events AS retire_events ON retire_events.id = standard_buildroot.retire_event",
			"LEFT JOIN events AS repo_create ON repo_create.id = repo.create_event",
		},
		Options: opts,
	}
	f.apply(&q)
	return query.Stream[api.Buildroot](ctx, s.DB, &q, nil)
}

func (f *BuildrootFilter) apply(q *query.Select) {
	if f.IDs != nil {
		q.Where("buildroot.id = ANY(?)", f.IDs)
	}
	if f.States != nil {
		q.Where("standard_buildroot.state = ANY(?)", f.States)
	}
	if f.HostID != nil {
		q.Where("standard_buildroot.host_id = ?", *f.HostID)
	}
	if f.TagID != nil {
		q.Where("repo.tag_id = ?", *f.TagID)
	}
	if f.RepoID != nil && *f.RepoID != 0 { // Koji: 0 does not filter
		q.Where("standard_buildroot.repo_id = ?", *f.RepoID)
	}
	if f.TaskID != nil {
		q.Where("standard_buildroot.task_id = ?", *f.TaskID)
	}
	if f.RPMID != nil {
		q.Where("buildroot.id IN (SELECT buildroot_id FROM buildroot_listing WHERE rpm_id = ?)", *f.RPMID)
	}
	if f.ArchiveID != nil {
		q.Where("buildroot.id IN (SELECT buildroot_id FROM buildroot_archives WHERE archive_id = ?)", *f.ArchiveID)
	}
}

// buildrootInfo are the columns of api.Buildroot.
var buildrootInfo = []query.Column{
	{Expr: "buildroot.container_arch", Alias: "arch"},
	{Expr: "buildroot.br_type", Alias: "br_type"},
	{Expr: "buildroot.cg_id", Alias: "cg_id"},
	{Expr: "content_generator.name", Alias: "cg_name"},
	{Expr: "buildroot.cg_version", Alias: "cg_version"},
	{Expr: "buildroot.container_arch", Alias: "container_arch"},
	{Expr: "buildroot.container_type", Alias: "container_type"},
	{Expr: "create_events.id", Alias: "create_event_id"},
	{Expr: "create_events.time", Alias: "create_event_time"},
	{Expr: "date_part('epoch', create_events.time)", Alias: "create_ts"},
	{Expr: "buildroot.extra", Alias: "extra"},
	{Expr: "buildroot.host_arch", Alias: "host_arch"},
	{Expr: "host.id", Alias: "host_id"},
	{Expr: "host.name", Alias: "host_name"},
	{Expr: "buildroot.host_os", Alias: "host_os"},
	{Expr: "buildroot.id", Alias: "id"},
	{Expr: "repo_create.id", Alias: "repo_create_event_id"},
	{Expr: "repo_create.time", Alias: "repo_create_event_time"},
	{Expr: "repo.id", Alias: "repo_id"},
	{Expr: "repo.state", Alias: "repo_state"},
	{Expr: "retire_events.id", Alias: "retire_event_id"},
	{Expr: "retire_events.time", Alias: "retire_event_time"},
	{Expr: "date_part('epoch', retire_events.time)", Alias: "retire_ts"},
	{Expr: "standard_buildroot.state", Alias: "state"},
	{Expr: "tag.id", Alias: "tag_id"},
	{Expr: "tag.name", Alias: "tag_name"},
	{Expr: "standard_buildroot.task_id", Alias: "task_id"},
}

// BuildrootRPMs returns the RPMs in a buildroot.
func (s *Store) BuildrootRPMs(ctx context.Context, id int64) ([]api.BuildrootRPM, error) {
	return database.All[api.BuildrootRPM](ctx, s.DB, `
		SELECT rpm_id, is_update, rpminfo.name, version, release, epoch, arch, build_id, draft, external_repo_id,
		       external_repo.name AS external_repo_name
		  FROM buildroot_listing
		  JOIN rpminfo ON rpminfo.id = rpm_id
		  JOIN external_repo ON external_repo.id = external_repo_id
		 WHERE buildroot_listing.buildroot_id = $1`, id)
}

// NewBuildroot is a standard buildroot to record.
type NewBuildroot struct {
	HostID, RepoID, TaskID int64
	Arch                   string
}

// AddBuildroot records a buildroot in state INIT and returns its id. One that an
// earlier try of the same call recorded, and that was not used since, is returned
// again.
func (s *Store) AddBuildroot(ctx context.Context, b NewBuildroot) (int64, error) {
	const find = `SELECT min(buildroot.id) FROM standard_buildroot s JOIN buildroot ON buildroot.id = s.buildroot_id
		WHERE s.task_id = $1 AND s.host_id = $2 AND s.repo_id = $3 AND s.state = 0 AND container_arch = $4
		  AND NOT EXISTS (SELECT FROM buildroot_listing l WHERE l.buildroot_id = buildroot.id)`
	found, err := database.One[*int64](ctx, s.DB, find, b.TaskID, b.HostID, b.RepoID, b.Arch)
	if err != nil {
		return 0, err
	}
	if found != nil {
		return *found, nil
	}
	return database.One[int64](ctx, s.DB, `
		WITH made AS (INSERT INTO buildroot (br_type, container_type, container_arch) VALUES (0, 'chroot', $4) RETURNING id)
		INSERT INTO standard_buildroot (buildroot_id, task_id, host_id, repo_id, state)
		SELECT id, $1::int, $2::int, $3::int, 0 FROM made RETURNING buildroot_id`, b.TaskID, b.HostID, b.RepoID, b.Arch)
}

// LockedBuildroot is a buildroot that other transactions leave alone. The
// pointers are nil if it is none of this system's hosts'.
type LockedBuildroot struct {
	ID     int64                `db:"id"`
	HostID *int64               `db:"host_id"`
	TaskID *int64               `db:"task_id"`
	RepoID *int64               `db:"repo_id"`
	State  *koji.BuildrootState `db:"state"`
}

// LockBuildroot returns a buildroot, nil if there is none, and keeps others from
// changing it until the transaction ends.
func (s *Store) LockBuildroot(ctx context.Context, id int64) (*LockedBuildroot, error) {
	return orNil(database.One[LockedBuildroot](ctx, s.DB, `
		SELECT buildroot.id, s.host_id, s.task_id, s.repo_id, s.state FROM buildroot
		  LEFT JOIN standard_buildroot s ON s.buildroot_id = buildroot.id
		 WHERE buildroot.id = $1 FOR UPDATE OF buildroot`, id))
}

// SetBuildrootState changes the state of a buildroot; one that expires is retired.
func (s *Store) SetBuildrootState(ctx context.Context, id int64, state koji.BuildrootState) error {
	_, err := s.Exec(ctx, `UPDATE standard_buildroot SET state = $2,
		retire_event = CASE WHEN $2::int = 3 THEN get_event() ELSE retire_event END WHERE buildroot_id = $1`, id, state)
	return err
}

// MissingBuildroots returns those of the ids of which there is no buildroot.
func (s *Store) MissingBuildroots(ctx context.Context, ids []int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM unnest($1::int[]) AS id
		WHERE NOT EXISTS (SELECT FROM buildroot WHERE buildroot.id = id.id)`, ids)
}

// AddBuildrootRPMs notes that RPMs are in a buildroot; those that are noted
// already stay as they are. update marks what was installed for the build.
func (s *Store) AddBuildrootRPMs(ctx context.Context, id int64, rpmIDs []int64, update bool) error {
	// In one order everywhere, so that no two transactions wait for each other.
	rpmIDs = slices.Sorted(slices.Values(rpmIDs))
	_, err := s.Exec(ctx, `INSERT INTO buildroot_listing (buildroot_id, rpm_id, is_update)
		SELECT $1::int, unnest($2::int[]), $3::bool ON CONFLICT DO NOTHING`, id, rpmIDs, update)
	return err
}

// WantedRPM is an RPM to find by its name, in an external repository if it has
// the id of one.
type WantedRPM struct {
	koji.NVRA
	ExternalRepoID int64
}

// FoundRPM is an RPM that was found, or not if its ID is nil.
type FoundRPM struct {
	ID          *int64  `db:"id"`
	PayloadHash *string `db:"payloadhash"`
	Draft       bool    `db:"draft"`
}

// FindRPMs finds RPMs by their names and answers in their order. Of several with
// one name, one of a regular build goes before one of a draft, and that before
// one of an external repository.
func (s *Store) FindRPMs(ctx context.Context, wanted []WantedRPM) ([]FoundRPM, error) {
	n := len(wanted)
	names, versions, releases, arches, repos := make([]string, n), make([]string, n), make([]string, n), make([]string, n), make([]int64, n)
	for i, w := range wanted {
		names[i], versions[i], releases[i], arches[i], repos[i] = w.Name, w.Version, w.Release, w.Arch, w.ExternalRepoID
	}
	return database.All[FoundRPM](ctx, s.DB, `
		SELECT found.id, found.payloadhash, coalesce(found.draft, FALSE) AS draft
		  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[]) WITH ORDINALITY
		       AS wanted (name, version, release, arch, repo, pos)
		  LEFT JOIN LATERAL (
		       SELECT id, payloadhash, draft FROM rpminfo
		        WHERE rpminfo.name = wanted.name AND rpminfo.version = wanted.version AND rpminfo.release = wanted.release
		          AND rpminfo.arch = wanted.arch AND (wanted.repo = 0 OR rpminfo.external_repo_id = wanted.repo)
		        ORDER BY rpminfo.external_repo_id <> 0, rpminfo.draft IS TRUE, rpminfo.id DESC LIMIT 1) AS found ON TRUE
		 ORDER BY wanted.pos`, names, versions, releases, arches, repos)
}
