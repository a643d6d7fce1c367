package store

import (
	"context"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// TargetFilter chooses build targets; what is nil does not count.
type TargetFilter struct {
	Target     *Ref
	Event      *int64
	BuildTagID *int64
	DestTagID  *int64
	Options    query.Options
}

// BuildTargets lists build targets.
func (s *Store) BuildTargets(ctx context.Context, f TargetFilter) (rpc.Rows[api.BuildTarget], error) {
	q := query.Select{From: "build_target_config", Options: f.Options, DefaultOrder: "build_target.id", Columns: []query.Column{
		{Expr: "build_target.id", Alias: "id"}, {Expr: "build_target.name", Alias: "name"},
		{Expr: "build_tag", Alias: "build_tag"}, {Expr: "tag1.name", Alias: "build_tag_name"},
		{Expr: "dest_tag", Alias: "dest_tag"}, {Expr: "tag2.name", Alias: "dest_tag_name"},
	}}
	q.Join("build_target ON build_target_config.build_target_id = build_target.id")
	q.Join("tag AS tag1 ON build_target_config.build_tag = tag1.id")
	q.Join("tag AS tag2 ON build_target_config.dest_tag = tag2.id")
	q.WhereActive("build_target_config", f.Event)
	if f.Target != nil {
		f.Target.where(&q, "build_target")
	}
	if f.BuildTagID != nil {
		q.Where("build_tag = ?::int8", *f.BuildTagID)
	}
	if f.DestTagID != nil {
		q.Where("dest_tag = ?::int8", *f.DestTagID)
	}
	return query.Rows[api.BuildTarget](ctx, s.DB, &q)
}

// SetBuildTarget sets the tags of a build target.
func (s *Store) SetBuildTarget(ctx context.Context, id, buildTag, destTag int64) error {
	return s.Replace(ctx, "build_target_config", Row{"build_target_id": id}, Row{"build_tag": buildTag, "dest_tag": destTag})
}

// CreateBuildTarget adds the tags of a build target that has none.
func (s *Store) CreateBuildTarget(ctx context.Context, id, buildTag, destTag int64) error {
	return s.Create(ctx, "build_target_config", Row{"build_target_id": id, "build_tag": buildTag, "dest_tag": destTag})
}

// DeleteBuildTarget revokes a build target.
func (s *Store) DeleteBuildTarget(ctx context.Context, id int64) error {
	_, err := s.Revoke(ctx, "build_target_config", Row{"build_target_id": id})
	return err
}
