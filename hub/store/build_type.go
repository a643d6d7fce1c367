package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji/api"
)

// BTypes returns the build types, those with an id or a name if these are not nil.
func (s *Store) BTypes(ctx context.Context, id, name any, opts query.Options) (rpc.Rows[api.IDName], error) {
	q := query.Select{
		Columns: []query.Column{{Expr: "btype.id", Alias: "id"}, {Expr: "btype.name", Alias: "name"}},
		From:    "btype",
		Options: opts,
	}
	if id != nil {
		q.Where("btype.id = ?", id)
	}
	if name != nil {
		q.Where("btype.name = ?", name)
	}
	return query.Rows[api.IDName](ctx, s.DB, &q)
}

// BTypeExists reports whether there is a build type of this name.
func (s *Store) BTypeExists(ctx context.Context, name string) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM btype WHERE name = $1)`, name)
}

// AddBType adds a build type; it reports false if the name is taken.
func (s *Store) AddBType(ctx context.Context, name string) (bool, error) {
	return s.changed(ctx, `INSERT INTO btype (name) SELECT $1 WHERE NOT EXISTS (SELECT 1 FROM btype WHERE name = $1)`, name)
}

// SetBuildType marks a build as one of a type; it may be so already.
func (s *Store) SetBuildType(ctx context.Context, buildID int64, btype string) error {
	_, err := s.Exec(ctx, `INSERT INTO build_types (build_id, btype_id) SELECT $1, id FROM btype WHERE name = $2
		ON CONFLICT DO NOTHING`, buildID, btype)
	return err
}

// BuildTypes is what the tables of build types say about a build.
type BuildTypes struct {
	Names []string  `db:"names"`
	Maven api.Extra `db:"maven"` // the members of api.MavenBuild, nil for other builds
	Win   api.Extra `db:"win"`
	Image api.Extra `db:"image"`
}

// BuildTypes returns the types of a build.
func (s *Store) BuildTypes(ctx context.Context, buildID int64) (BuildTypes, error) {
	return database.One[BuildTypes](ctx, s.DB, `SELECT
		ARRAY(SELECT btype.name FROM build_types JOIN btype ON btype.id = btype_id WHERE build_id = $1 ORDER BY btype.id) AS names,
		(SELECT to_jsonb(m) FROM maven_builds m WHERE build_id = $1) AS maven,
		(SELECT to_jsonb(w) FROM win_builds w WHERE build_id = $1) AS win,
		(SELECT to_jsonb(i) FROM image_builds i WHERE build_id = $1) AS image`, buildID)
}

// MavenBuild returns what is special about a Maven build, nil for other builds.
func (s *Store) MavenBuild(ctx context.Context, buildID int64) (*api.MavenBuild, error) {
	return orNil(database.One[api.MavenBuild](ctx, s.DB, `SELECT build_id, group_id, artifact_id, version FROM maven_builds WHERE build_id = $1`, buildID))
}

// WinBuild returns what is special about a Windows build, nil for other builds.
func (s *Store) WinBuild(ctx context.Context, buildID int64) (*api.WinBuild, error) {
	return orNil(database.One[api.WinBuild](ctx, s.DB, `SELECT build_id, platform FROM win_builds WHERE build_id = $1`, buildID))
}

// ImageBuild returns the id of a build if it is one of images, else nil.
func (s *Store) ImageBuild(ctx context.Context, buildID int64) (*api.ImageBuild, error) {
	return orNil(database.One[api.ImageBuild](ctx, s.DB, `SELECT build_id FROM image_builds WHERE build_id = $1`, buildID))
}

// optional is database.One for a row that need not be there.
func optional[T any](ctx context.Context, s *Store, query string, args ...any) (*T, error) {
	return orNil(database.One[T](ctx, s.DB, query, args...))
}
