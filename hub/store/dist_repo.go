package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji"
)

// UnfinishedTasks lists the tasks of a method that have not ended, with their
// requests, by id.
func (s *Store) UnfinishedTasks(ctx context.Context, method string) ([]StoredTask, error) {
	q := selectTasks(true)
	q.Where("task.method = ? AND task.state IN (0, 1, 4)", method)
	q.Options.Order = "id"
	return query.All[StoredTask](ctx, s.DB, &q)
}

// BeginRepoAnew has a repository that was given up be the work of a task.
func (s *Store) BeginRepoAnew(ctx context.Context, id, taskID int64) error {
	_, err := s.Exec(ctx, `UPDATE repo SET state = 0, task_id = $2 WHERE id = $1 AND state = 4`, id, taskID)
	return err
}

// PlacedRPM is an RPM with what is needed to find its file.
type PlacedRPM struct {
	ID          int64  `db:"id"`
	Name        string `db:"name"`
	Version     string `db:"version"`
	Release     string `db:"release"`
	Arch        string `db:"arch"`
	Epoch       *int64 `db:"epoch"`
	Size        int64  `db:"size"`
	PayloadHash string `db:"payloadhash"`
	BuildID     int64  `db:"build_id"`
	Volume      string `db:"volume"`
	Package     string `db:"package"` // name, version and release of the build
	BuildV      string `db:"build_version"`
	BuildR      string `db:"build_release"`
}

// NVRA returns the RPM's name.
func (r PlacedRPM) NVRA() koji.NVRA {
	return koji.NVRA{NVR: koji.NVR{Name: r.Name, Version: r.Version, Release: r.Release}, Arch: r.Arch}
}

// Build returns the name of the RPM's build.
func (r PlacedRPM) Build() koji.NVR {
	return koji.NVR{Name: r.Package, Version: r.BuildV, Release: r.BuildR}
}

// PlacedRPMs returns the RPMs of this system among ids, by id.
func (s *Store) PlacedRPMs(ctx context.Context, ids []int64) (map[int64]PlacedRPM, error) {
	list, err := database.All[PlacedRPM](ctx, s.DB, `
		SELECT r.id, r.name, r.version, r.release, r.arch, r.epoch, coalesce(r.size, 0) AS size, coalesce(r.payloadhash, '') AS payloadhash,
			r.build_id, v.name AS volume, p.name AS package, b.version AS build_version, b.release AS build_release
		FROM rpminfo r JOIN build b ON b.id = r.build_id JOIN package p ON p.id = b.pkg_id JOIN volume v ON v.id = b.volume_id
		WHERE r.id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]PlacedRPM, len(list))
	for _, r := range list {
		byID[r.ID] = r
	}
	return byID, nil
}

// OpenTasksOfHost lists the tasks of a method that a host has open, with their
// requests.
func (s *Store) OpenTasksOfHost(ctx context.Context, hostID int64, method string) ([]StoredTask, error) {
	q := selectTasks(true)
	q.Where("task.method = ? AND task.host_id = ? AND task.state = 1", method, hostID)
	return query.All[StoredTask](ctx, s.DB, &q)
}
