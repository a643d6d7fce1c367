package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
)

// BuildTagNames lists the tags that a build has now.
func (s *Store) BuildTagNames(ctx context.Context, buildID int64) ([]string, error) {
	return database.All[string](ctx, s.DB, `SELECT tag.name FROM tag_listing l JOIN tag ON tag.id = l.tag_id
		WHERE l.build_id = $1 AND l.active ORDER BY tag.name`, buildID)
}

// BuildComponentRoots lists the buildroots of a build's RPMs and archives, nil
// for those that were imported without one.
func (s *Store) BuildComponentRoots(ctx context.Context, buildID int64) ([]*int64, error) {
	return database.All[*int64](ctx, s.DB, `SELECT buildroot_id FROM rpminfo WHERE build_id = $1
		UNION SELECT buildroot_id FROM archiveinfo WHERE build_id = $1`, buildID)
}

// BuildrootOrigin is what a buildroot was made from.
type BuildrootOrigin struct {
	CG      *string `db:"cg_name"`
	TagID   *int64  `db:"tag_id"`
	TagName *string `db:"tag_name"`
	Event   *int64  `db:"create_event"` // of its repository
}

// BuildrootOrigin returns what a buildroot was made from, or database.ErrNotFound.
func (s *Store) BuildrootOrigin(ctx context.Context, id int64) (BuildrootOrigin, error) {
	return database.One[BuildrootOrigin](ctx, s.DB, `
		SELECT cg.name AS cg_name, repo.tag_id, tag.name AS tag_name, repo.create_event
		  FROM buildroot b
		  LEFT JOIN content_generator cg ON cg.id = b.cg_id
		  LEFT JOIN standard_buildroot sb ON sb.buildroot_id = b.id
		  LEFT JOIN repo ON repo.id = sb.repo_id
		  LEFT JOIN tag ON tag.id = repo.tag_id
		 WHERE b.id = $1`, id)
}

// TaskRequest returns a task's method and its request as stored, or
// database.ErrNotFound.
func (s *Store) TaskRequest(ctx context.Context, id int64) (method, request string, err error) {
	err = s.QueryRow(ctx, `SELECT method, coalesce(request, '') FROM task WHERE id = $1`, id).Scan(&method, &request)
	return method, request, err
}
