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

// rpmInfo are the columns of api.RPM.
var rpmInfo = []query.Column{
	{Expr: "rpminfo.arch", Alias: "arch"},
	{Expr: "rpminfo.build_id", Alias: "build_id"},
	{Expr: "rpminfo.buildroot_id", Alias: "buildroot_id"},
	{Expr: "rpminfo.buildtime", Alias: "buildtime"},
	{Expr: "rpminfo.draft", Alias: "draft"},
	{Expr: "rpminfo.epoch", Alias: "epoch"},
	{Expr: "rpminfo.external_repo_id", Alias: "external_repo_id"},
	{Expr: "external_repo.name", Alias: "external_repo_name"},
	{Expr: "rpminfo.extra", Alias: "extra"},
	{Expr: "rpminfo.id", Alias: "id"},
	{Expr: "rpminfo.metadata_only", Alias: "metadata_only"},
	{Expr: "rpminfo.name", Alias: "name"},
	{Expr: "rpminfo.payloadhash", Alias: "payloadhash"},
	{Expr: "rpminfo.release", Alias: "release"},
	{Expr: "rpminfo.size", Alias: "size"},
	{Expr: "rpminfo.version", Alias: "version"},
}

const rpmRepoJoin = "external_repo ON external_repo.id = rpminfo.external_repo_id"

// RPMKey names RPMs: by an NVRA, perhaps with the external repository that they
// are from, or by an id if NVRA has no name.
type RPMKey struct {
	ID       int64
	NVRA     koji.NVRA
	Location *Ref // an external repository; nil for any and none
}

// RPMs returns the RPMs of a name. There can be several of one NVRA: of a
// regular build, of drafts and of external repositories.
func (s *Store) RPMs(ctx context.Context, key RPMKey) ([]api.RPM, error) {
	q := query.Select{Columns: rpmInfo, From: "rpminfo", Joins: []string{rpmRepoJoin}}
	if key.NVRA.Name == "" {
		q.Where("rpminfo.id = ?", key.ID)
	} else {
		n := key.NVRA
		q.Where("rpminfo.name = ? AND rpminfo.version = ? AND rpminfo.release = ? AND rpminfo.arch = ?", n.Name, n.Version, n.Release, n.Arch)
	}
	if key.Location != nil {
		key.Location.where(&q, ExternalRepos)
	}
	return query.All[api.RPM](ctx, s.DB, &q)
}

// RPMFilter says which RPMs to list; what is nil does not filter.
type RPMFilter struct {
	BuildID              *int64
	BuildrootID          *int64 // built in it
	ComponentBuildrootID *int64 // installed in it
	ArchiveID            *int64 // part of it
	HostID               *int64 // built on it
	Arches               []string
	Draft                *bool
}

// ListRPMs returns the RPMs that pass the filter.
func (s *Store) ListRPMs(ctx context.Context, f RPMFilter, opts query.Options) (rpc.Rows[api.ListedRPM], error) {
	q := query.Select{
		Columns: append(slices.Clone(rpmInfo), query.Column{
			Expr: "rpminfo.name || '-' || rpminfo.version || '-' || rpminfo.release", Alias: "nvr"}),
		From:    "rpminfo",
		Joins:   []string{rpmRepoJoin},
		Options: opts,
	}
	if f.BuildID != nil {
		q.Where("rpminfo.build_id = ?", *f.BuildID)
	}
	if f.BuildrootID != nil {
		q.Where("rpminfo.buildroot_id = ?", *f.BuildrootID)
	}
	if f.ComponentBuildrootID != nil {
		q.Column("buildroot_listing.buildroot_id", "component_buildroot_id")
		q.Column("buildroot_listing.is_update", "is_update")
		q.Join("buildroot_listing ON buildroot_listing.rpm_id = rpminfo.id")
		q.Where("buildroot_listing.buildroot_id = ?", *f.ComponentBuildrootID)
	}
	if f.ArchiveID != nil {
		q.Join("archive_rpm_components ON archive_rpm_components.rpm_id = rpminfo.id")
		q.Where("archive_rpm_components.archive_id = ?", *f.ArchiveID)
	}
	if f.HostID != nil {
		q.Join("standard_buildroot ON standard_buildroot.buildroot_id = rpminfo.buildroot_id")
		q.Where("standard_buildroot.host_id = ?", *f.HostID)
	}
	if f.Arches != nil {
		q.Where("rpminfo.arch = ANY(?)", f.Arches)
	}
	whereDraft(&q, "rpminfo", f.Draft)
	return query.Stream[api.ListedRPM](ctx, s.DB, &q, nil)
}

// NewRPM is an RPM to record. Those of builds have a BuildID, those of external
// repositories an ExternalRepoID.
type NewRPM struct {
	koji.NVRA
	Epoch          *int64
	BuildID        int64
	BuildrootID    *int64
	ExternalRepoID int64
	Draft          bool
	PayloadHash    string
	Size           int64
	BuildTime      int64
	Extra          *string // JSON that a content generator adds, nil for nothing
}

// rpmRow is a NewRPM as a row of rpminfo. By a constraint of the table, RPMs of
// external repositories have neither a build nor a mark that they are no drafts.
type rpmRow struct {
	ID             int64  `json:"id"`
	Name           string `json:"name"`
	Version        string `json:"version"`
	Release        string `json:"release"`
	Epoch          *int64 `json:"epoch"`
	Arch           string `json:"arch"`
	BuildID        *int64 `json:"build_id"`
	BuildrootID    *int64 `json:"buildroot_id"`
	Draft          *bool  `json:"draft"`
	ExternalRepoID int64  `json:"external_repo_id"`
	PayloadHash    string `json:"payloadhash"`
	Size           int64  `json:"size"`
	BuildTime      int64  `json:"buildtime"`

	Extra *string `json:"extra"`
}

func (r *NewRPM) row(id int64) rpmRow {
	row := rpmRow{
		ID: id, Name: r.Name, Version: r.Version, Release: r.Release, Epoch: r.Epoch, Arch: r.Arch,
		BuildrootID: r.BuildrootID, ExternalRepoID: r.ExternalRepoID,
		PayloadHash: r.PayloadHash, Size: r.Size, BuildTime: r.BuildTime, Extra: r.Extra,
	}
	if r.ExternalRepoID == 0 {
		row.BuildID, row.Draft = &r.BuildID, &r.Draft
	}
	return row
}

const addRPMs = `
	INSERT INTO rpminfo (id, name, version, release, epoch, arch, build_id, buildroot_id, draft, external_repo_id, payloadhash, size, buildtime, extra)
	SELECT id, name, version, release, epoch, arch, build_id, buildroot_id, draft, external_repo_id, payloadhash, size, buildtime, extra
	  FROM jsonb_to_recordset($1::jsonb) AS t (id int, name text, version text, release text, epoch int, arch text, build_id int,
	       buildroot_id int, draft bool, external_repo_id int, payloadhash text, size bigint, buildtime bigint, extra text)`

// AddRPMs records RPMs and returns their ids. There can be but one of an NVRA
// among regular builds, and one in each external repository: database.IsUnique
// tells such an error.
func (s *Store) AddRPMs(ctx context.Context, rpms []NewRPM) ([]int64, error) {
	return s.addRPMs(ctx, addRPMs, rpms)
}

// EnsureRPMs is AddRPMs that leaves out what is there already. Of the ids that
// it returns not all need have come into use.
func (s *Store) EnsureRPMs(ctx context.Context, rpms []NewRPM) ([]int64, error) {
	// In one order everywhere, so that no two transactions wait for each other.
	return s.addRPMs(ctx, addRPMs+` ORDER BY name, version, release, arch, external_repo_id ON CONFLICT DO NOTHING`, rpms)
}

func (s *Store) addRPMs(ctx context.Context, insert string, rpms []NewRPM) ([]int64, error) {
	ids, err := database.All[int64](ctx, s.DB, `SELECT nextval('rpminfo_id_seq') FROM generate_series(1, $1::int)`, len(rpms))
	if err != nil {
		return nil, err
	}
	rows := make([]rpmRow, len(rpms))
	for i := range rpms {
		rows[i] = rpms[i].row(ids[i])
	}
	text, err := database.JSON(rows)
	if err != nil {
		return nil, err
	}
	_, err = s.Exec(ctx, insert, text)
	return ids, err
}
