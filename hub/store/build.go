package store

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// BuildKey names a build: by its NVR, or by its id if NVR has no name.
type BuildKey struct {
	ID  int64
	NVR koji.NVR
}

// buildInfo are the columns of api.BuildInfo over the tables of buildJoins.
var buildInfo = []query.Column{
	{Expr: "build.id", Alias: "build_id"},
	{Expr: "build.completion_time", Alias: "completion_time"},
	{Expr: "events.id", Alias: "creation_event_id"},
	{Expr: "events.time", Alias: "creation_time"},
	{Expr: "build.draft", Alias: "draft"},
	{Expr: "build.epoch", Alias: "epoch"},
	{Expr: "package.name", Alias: "name"},
	{Expr: "package.name || '-' || build.version || '-' || build.release", Alias: "nvr"},
	{Expr: "users.id", Alias: "owner_id"},
	{Expr: "users.name", Alias: "owner_name"},
	{Expr: "package.id", Alias: "package_id"},
	{Expr: "package.name", Alias: "package_name"},
	{Expr: "promoter.id", Alias: "promoter_id"},
	{Expr: "promoter.name", Alias: "promoter_name"},
	{Expr: "build.promotion_time", Alias: "promotion_time"},
	{Expr: "build.release", Alias: "release"},
	{Expr: "build.start_time", Alias: "start_time"},
	{Expr: "build.state", Alias: "state"},
	{Expr: "build.task_id", Alias: "task_id"},
	{Expr: "build.version", Alias: "version"},
	{Expr: "volume.id", Alias: "volume_id"},
	{Expr: "volume.name", Alias: "volume_name"},
}

// buildTimes are the columns of api.BuildTimes.
var buildTimes = []query.Column{
	{Expr: "date_part('epoch', build.completion_time)", Alias: "completion_ts"},
	{Expr: "date_part('epoch', events.time)", Alias: "creation_ts"},
	{Expr: "date_part('epoch', build.promotion_time)", Alias: "promotion_ts"},
	{Expr: "date_part('epoch', build.start_time)", Alias: "start_ts"},
	{Expr: "build.source", Alias: "source"},
	{Expr: "build.extra", Alias: "extra"},
}

var buildJoins = []string{
	"events ON events.id = build.create_event",
	"package ON package.id = build.pkg_id",
	"volume ON volume.id = build.volume_id",
	"users ON users.id = build.owner",
	"LEFT JOIN users AS promoter ON promoter.id = build.promoter",
}

// Build returns a build, nil if there is none.
func (s *Store) Build(ctx context.Context, key BuildKey) (*api.Build, error) {
	q := query.Select{
		Columns: slices.Concat(buildInfo, buildTimes, []query.Column{
			{Expr: "build.id", Alias: "id"},
			{Expr: "build.cg_id", Alias: "cg_id"},
			{Expr: "content_generator.name", Alias: "cg_name"},
		}),
		From:  "build",
		Joins: append(slices.Clone(buildJoins), "LEFT JOIN content_generator ON content_generator.id = build.cg_id"),
	}
	if key.NVR.Name == "" {
		q.Where("build.id = ?", key.ID)
	} else {
		q.Where("package.name = ? AND build.version = ? AND build.release = ?", key.NVR.Name, key.NVR.Version, key.NVR.Release)
	}
	return orNil(query.One[api.Build](ctx, s.DB, &q))
}

// BuildID returns the id of the build with an NVR, 0 if there is none.
func (s *Store) BuildID(ctx context.Context, n koji.NVR) (int64, error) {
	id, err := database.One[int64](ctx, s.DB, `SELECT build.id FROM build JOIN package ON package.id = build.pkg_id
		WHERE package.name = $1 AND build.version = $2 AND build.release = $3`, n.Name, n.Version, n.Release)
	if errors.Is(err, database.ErrNotFound) {
		return 0, nil
	}
	return id, err
}

// BuildFilter says which builds to list; what is zero does not filter.
type BuildFilter struct {
	Package      *Ref
	OwnerID      int64
	PromoterID   int64
	TaskID       *int64 // -1: any task
	VolumeID     *int64
	State        *int64
	Draft        *bool
	CG           *Ref // a content generator
	Prefix       string
	Source       *string    // glob
	Pattern      string     // glob over NVRs
	Times        []TimeTest // on columns of build and events
	Type         string     // a build type that exists
	TypeMetadata map[string]any
}

// TimeTest compares a column with a time, which is a koji.Time or text that
// PostgreSQL reads.
type TimeTest struct {
	Expr string // "build.completion_time <"
	Time any
}

// ListBuilds returns the builds that pass the filter.
func (s *Store) ListBuilds(ctx context.Context, f BuildFilter, opts query.Options) (rpc.Rows[api.ListedBuild], error) {
	q := query.Select{
		Columns: slices.Concat(buildInfo, buildTimes),
		From:    "build",
		Joins:   slices.Clone(buildJoins),
		Options: opts,
	}
	f.apply(&q)
	if f.Type != "" {
		joinBuildType(&q, f.Type, f.TypeMetadata)
	}
	return query.Stream[api.ListedBuild](ctx, s.DB, &q, nil)
}

func (f *BuildFilter) apply(q *query.Select) {
	if f.Package != nil {
		f.Package.where(q, Packages)
	}
	if f.OwnerID != 0 {
		q.Where("build.owner = ?", f.OwnerID)
	}
	if f.PromoterID != 0 {
		q.Where("build.promoter = ?", f.PromoterID)
	}
	switch {
	case f.TaskID == nil:
	case *f.TaskID == -1:
		q.Where("build.task_id IS NOT NULL")
	default:
		q.Where("build.task_id = ?", *f.TaskID)
	}
	if f.VolumeID != nil {
		q.Where("build.volume_id = ?", *f.VolumeID)
	}
	if f.State != nil {
		q.Where("build.state = ?", *f.State)
	}
	whereDraft(q, "build", f.Draft)
	if f.CG != nil {
		q.Join("content_generator ON content_generator.id = build.cg_id")
		f.CG.where(q, "content_generator")
	}
	if f.Prefix != "" {
		q.Where("package.name ILIKE ? || '%'", f.Prefix)
	}
	if f.Source != nil {
		q.Where("build.source ILIKE ?", globToLike.Replace(*f.Source))
	}
	if f.Pattern != "" {
		q.Where("package.name || '-' || build.version || '-' || build.release ILIKE ?", globToLike.Replace(f.Pattern))
	}
	for _, t := range f.Times {
		q.Where(t.Expr+" ?", t.Time)
	}
}

// globToLike turns a glob into a pattern for LIKE.
// Koji: a percent sign is not escaped and matches anything.
var globToLike = strings.NewReplacer(`\`, `\\`, `_`, `\_`, `?`, `_`, `*`, `%`)

// whereDraft adds a condition on a table's column draft, which may be NULL.
func whereDraft(q *query.Select, table string, draft *bool) {
	switch {
	case draft == nil:
	case *draft:
		q.Where(table + ".draft IS TRUE")
	default:
		q.Where(table + ".draft IS NOT TRUE")
	}
}

// joinBuildType restricts q to builds of a type and adds what is special about
// it. metadata may name values of these that are wanted.
func joinBuildType(q *query.Select, btype string, metadata map[string]any) {
	switch btype {
	case "maven":
		q.Join("maven_builds ON maven_builds.build_id = build.id")
		for _, key := range []string{"group_id", "artifact_id", "version"} {
			q.Column("maven_builds."+key, "maven_"+key)
			if v, ok := metadata[key]; ok {
				q.Where("maven_builds."+key+" = ?", v)
			}
		}
	case "win":
		q.Join("win_builds ON win_builds.build_id = build.id")
		q.Column("win_builds.platform", "platform")
		if v, ok := metadata["platform"]; ok {
			q.Where("win_builds.platform = ?", v)
		}
	case "image":
		q.Join("image_builds ON image_builds.build_id = build.id")
	default:
		q.Join("build_types ON build_types.build_id = build.id")
		q.Where("build_types.btype_id = (SELECT id FROM btype WHERE name = ?)", btype)
	}
}

// UntaggedBuilds returns the complete builds, of a package if name is set, that
// are in no tag.
func (s *Store) UntaggedBuilds(ctx context.Context, name *string, draft *bool, opts query.Options) (rpc.Rows[api.UntaggedBuild], error) {
	q := query.Select{
		Columns: []query.Column{
			{Expr: "build.id", Alias: "id"},
			{Expr: "package.name", Alias: "name"},
			{Expr: "build.release", Alias: "release"},
			{Expr: "build.version", Alias: "version"},
		},
		From:    "build",
		Joins:   []string{"package ON package.id = build.pkg_id"},
		Options: opts,
	}
	q.Where("NOT EXISTS (SELECT 1 FROM tag_listing WHERE tag_listing.build_id = build.id AND tag_listing.active)")
	q.Where("build.state = ?", koji.BuildComplete)
	if name != nil {
		q.Where("package.name = ?", *name)
	}
	whereDraft(&q, "build", draft)
	return query.Stream[api.UntaggedBuild](ctx, s.DB, &q, nil)
}

// LatestRelease returns the release of the newest regular build of a package's
// version that is complete, deleted or under way; "" if there is none.
func (s *Store) LatestRelease(ctx context.Context, name, version string) (string, error) {
	release, err := database.One[string](ctx, s.DB, `SELECT build.release FROM build JOIN package ON package.id = build.pkg_id
		WHERE package.name = $1 AND build.version = $2 AND build.state IN (0, 1, 2) AND NOT build.draft
		ORDER BY build.id DESC LIMIT 1`, name, version)
	if errors.Is(err, database.ErrNotFound) {
		return "", nil
	}
	return release, err
}

// AverageBuildDuration returns how many seconds the complete builds of a package
// took, of the last months if months is not nil; nil if there is none. Imported
// builds do not count.
//
// Koji: a content generator's build has the id of its task in its extra data.
func (s *Store) AverageBuildDuration(ctx context.Context, pkg Ref, months *int64) (*float64, error) {
	q := query.Select{
		Columns: []query.Column{{Expr: "date_part('epoch', avg(build.completion_time - events.time))", Alias: "seconds"}},
		From:    "build",
		Joins:   []string{"events ON events.id = build.create_event", "package ON package.id = build.pkg_id"},
	}
	pkg.where(&q, Packages)
	q.Where("build.state = ?", koji.BuildComplete)
	q.Where("build.task_id IS NOT NULL OR build.extra LIKE '%koji_task_id%'")
	if months != nil {
		q.Where("build.completion_time > now() - make_interval(months => ?)", *months)
	}
	return query.One[*float64](ctx, s.DB, &q)
}
