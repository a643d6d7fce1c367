package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// TaggedFilter says which builds in a tag to list.
type TaggedFilter struct {
	TagID   int64
	Event   *int64 // nil: now
	Inherit bool
	Latest  int64  // of each package so many; 0: all
	Package string // what is empty does not filter
	Owner   string
	Type    string // a build type that exists
	Draft   *bool
	Extra   bool // return the builds' extra data
}

// TaggedBuilds returns the complete builds in a tag: those of the tag itself
// first, then those of each tag that it inherits from; in each the latest tagged
// first.
//
// A tag's package list has the last word. The entry that counts for a package is
// the first one on the way up (whether or not builds are inherited), and a build
// of a package without one, or with one that is blocked, is left out. One query
// reads the links of inheritance, a second one does all the rest.
func (s *Store) TaggedBuilds(ctx context.Context, f TaggedFilter) ([]api.TaggedBuild, error) {
	chain, err := s.Chain(ctx, f.TagID, f.Event, true)
	if err != nil {
		return nil, err
	}
	q := query.Select{
		Columns: slices.Concat(buildInfo, []query.Column{
			{Expr: "tagged.create_event", Alias: "create_event"},
			{Expr: "build.id", Alias: "id"},
			{Expr: "tag.id", Alias: "tag_id"},
			{Expr: "tag.name", Alias: "tag_name"},
		}),
		From: "tagged",
		Joins: append([]string{
			"tag ON tag.id = tagged.tag_id",
			"build ON build.id = tagged.build_id",
		}, buildJoins...),
		Orders:  map[string]string{"found": "tagged.pos, tagged.create_event DESC, build.id DESC"},
		Options: query.Options{Order: "found"},
	}
	if q.With, err = f.with(&q, chain); err != nil {
		return nil, err
	}
	if f.Latest > 0 {
		q.Where("tagged.nth <= ?", f.Latest)
	}
	if f.Type == "maven" || f.Type == "win" {
		joinBuildType(&q, f.Type, nil)
	}
	if f.Extra {
		q.Column("build.extra", "extra")
	}
	return query.All[api.TaggedBuild](ctx, s.DB, &q)
}

// with makes the tables that the query selects from: chain, the tags in order;
// listed, the entry of each package that counts; and tagged, the builds with
// their place among those of their package.
func (f *TaggedFilter) with(q *query.Select, chain Chain) (string, error) {
	text, err := json.Marshal(chain)
	if err != nil {
		return "", err
	}
	// The ids once more: what the planner knows of the rows that JSON holds is a
	// guess, and a bad one makes it read whole tables.
	tags := " = ANY(" + q.Arg(chain.Tags()) + "::int[])"
	tables := `WITH chain AS MATERIALIZED (
		SELECT pos, tag_id, filter FROM jsonb_to_recordset(` + q.Arg(string(text)) + `::jsonb) AS t (pos int, tag_id int, filter text[])
	), listed AS MATERIALIZED (
		SELECT DISTINCT ON (tag_packages.package_id) tag_packages.package_id, tag_packages.blocked
		  FROM chain
		  JOIN tag_packages ON tag_packages.tag_id = chain.tag_id
		  JOIN package ON package.id = tag_packages.package_id
		 WHERE tag_packages.tag_id` + tags + ` AND ` + q.Active("tag_packages", f.Event) + ` AND ` + admits + f.packageTest(q) + `
		 ORDER BY tag_packages.package_id, chain.pos
	), tagged AS (
		SELECT chain.pos, tag_listing.tag_id, tag_listing.build_id, tag_listing.create_event,
		       row_number() OVER (PARTITION BY build.pkg_id
		                          ORDER BY chain.pos, tag_listing.create_event DESC, build.id DESC) AS nth
		  FROM chain
		  JOIN tag_listing ON tag_listing.tag_id = chain.tag_id
		  JOIN build ON build.id = tag_listing.build_id
		  JOIN listed ON listed.package_id = build.pkg_id AND NOT listed.blocked`
	return tables + ` WHERE tag_listing.tag_id` + tags + ` AND ` + strings.Join(f.tests(q), " AND ") + `)`, nil
}

func (f *TaggedFilter) packageTest(q *query.Select) string {
	if f.Package == "" {
		return ""
	}
	return " AND package.name = " + q.Arg(f.Package)
}

// tests are the conditions that a build has to meet to be counted at all.
func (f *TaggedFilter) tests(q *query.Select) []string {
	tests := []string{
		q.Active("tag_listing", f.Event),
		"build.state = " + q.Arg(koji.BuildComplete),
	}
	if !f.Inherit {
		tests = append(tests, "chain.pos = 0")
	}
	if f.Owner != "" {
		tests = append(tests, "build.owner = (SELECT id FROM users WHERE name = "+q.Arg(f.Owner)+")")
	}
	switch {
	case f.Draft == nil:
	case *f.Draft:
		tests = append(tests, "build.draft")
	default:
		tests = append(tests, "NOT build.draft")
	}
	switch f.Type {
	case "":
	case "maven", "win", "image":
		tests = append(tests, "EXISTS (SELECT FROM "+f.Type+"_builds t WHERE t.build_id = build.id)")
	default:
		tests = append(tests, "EXISTS (SELECT FROM build_types t JOIN btype ON btype.id = t.btype_id WHERE t.build_id = build.id AND btype.name = "+q.Arg(f.Type)+")")
	}
	return tests
}

// TaggedFiles says which files of tagged builds to list.
type TaggedFiles struct {
	Arches     []string // of RPMs; nil: all
	Signatures bool     // an RPM once for each of its signatures
	Type       string   // of archives: maven, win, or "" for all
	Extra      bool     // return the files' extra data
}

// withBuilds makes the table "tagged" of a query: the builds, with the place of
// the tag that each is in. Of a build that is in several the last one counts.
func withBuilds(q *query.Select, builds []api.TaggedBuild) {
	ids, tags := make([]int64, len(builds)), make([]int64, len(builds))
	for i, b := range builds {
		ids[i], tags[i] = b.BuildID, int64(i)
		if i > 0 && builds[i-1].TagID == b.TagID {
			tags[i] = tags[i-1]
		}
	}
	q.With = `WITH tagged AS (SELECT build_id, max(pos) AS pos FROM unnest(` +
		q.Arg(ids) + `::int[], ` + q.Arg(tags) + `::int[]) AS t (build_id, pos) GROUP BY build_id)`
}

// TaggedRPMs returns the RPMs of builds that TaggedBuilds returned.
func (s *Store) TaggedRPMs(ctx context.Context, builds []api.TaggedBuild, f TaggedFiles) ([]api.TaggedRPM, error) {
	q := query.Select{From: "tagged", Joins: []string{"rpminfo ON rpminfo.build_id = tagged.build_id"}}
	for _, c := range rpmInfo {
		if !strings.HasPrefix(c.Alias, "external_repo") && (c.Alias != "extra" || f.Extra) {
			q.Columns = append(q.Columns, c)
		}
	}
	withBuilds(&q, builds)
	q.Orders = map[string]string{"found": "tagged.pos, rpminfo.id"}
	q.Options.Order = "found"
	if f.Arches != nil {
		q.Where("rpminfo.arch = ANY(?)", f.Arches)
	}
	if f.Signatures {
		q.Join("LEFT JOIN rpmsigs ON rpmsigs.rpm_id = rpminfo.id")
		q.Column("coalesce(rpmsigs.sigkey, '')", "sigkey") // imports always leave one behind
	}
	return query.All[api.TaggedRPM](ctx, s.DB, &q)
}

// TaggedArchives returns the archives of builds that TaggedBuilds returned.
func (s *Store) TaggedArchives(ctx context.Context, builds []api.TaggedBuild, f TaggedFiles) ([]api.TaggedArchive, error) {
	q := query.Select{
		Columns: slices.Clone(archiveInfo),
		From:    "tagged",
		Joins:   []string{"archiveinfo ON archiveinfo.build_id = tagged.build_id", "btype ON btype.id = archiveinfo.btype_id"},
	}
	withBuilds(&q, builds)
	q.Orders = map[string]string{"found": "tagged.pos, archiveinfo.id"}
	q.Options.Order = "found"
	if f.Extra {
		q.Column("archiveinfo.extra", "extra")
	}
	switch f.Type {
	case "maven":
		q.Join("maven_archives ON maven_archives.archive_id = archiveinfo.id")
		for _, key := range []string{"group_id", "artifact_id", "version"} {
			q.Column("maven_archives."+key, "maven_"+key)
		}
	case "win":
		q.Join("win_archives ON win_archives.archive_id = archiveinfo.id")
		q.Column("win_archives.relpath", "relpath")
		q.Column("win_archives.platforms", "platforms")
		q.Column("coalesce(win_archives.flags, '')", "flags")
	}
	return query.All[api.TaggedArchive](ctx, s.DB, &q)
}
