package store

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
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
	Prefix  string // of the names of packages, in either case; EntryBuilds obeys it
	Extra   bool   // return the builds' extra data
}

// TagEntry is a build in a tag, by its ids.
type TagEntry struct {
	TagID   int64 `db:"tag_id"`
	BuildID int64 `db:"build_id"`
	Event   int64 `db:"create_event"` // of its being tagged
	Package int64 `db:"pkg_id"`
}

// TagEntries returns the complete builds in a tag: those of the tag itself first,
// then those of each tag that it inherits from; in each the latest tagged first.
//
// A tag's package list has the last word. The entry that counts for a package is
// the first one on the way up (whether or not builds are inherited), and a build
// of a package without one, or with one that is blocked, is left out.
//
// One query reads the links of inheritance, a second one the package lists and a
// third one the builds, by ids alone: choosing among them here costs less than
// joining and sorting everything that there is to tell about them.
func (s *Store) TagEntries(ctx context.Context, f TaggedFilter) ([]TagEntry, error) {
	chain, listed, err := s.lists(ctx, f)
	if err != nil {
		return nil, err
	}
	entries, err := s.entries(ctx, chain.Tags(), f)
	if err != nil {
		return nil, err
	}
	found, count := make([]TagEntry, 0, len(listed)), make(map[int64]int64, len(listed))
	for _, link := range chain {
		for _, e := range entries[link.TagID] {
			if !listed[e.Package] || f.Latest > 0 && count[e.Package] == f.Latest {
				continue
			}
			count[e.Package]++
			found = append(found, e)
		}
	}
	return found, nil
}

// lists returns the tags whose builds count, and of the packages in their lists
// whether they are not blocked.
func (s *Store) lists(ctx context.Context, f TaggedFilter) (Chain, map[int64]bool, error) {
	chain, err := s.Chain(ctx, f.TagID, f.Event, true)
	if err != nil {
		return nil, nil, err
	}
	listed, err := s.listed(ctx, chain, f)
	if !f.Inherit {
		chain = chain[:1]
	}
	return chain, listed, err
}

// listed tells of the packages in a chain's lists whether they are not blocked.
func (s *Store) listed(ctx context.Context, chain Chain, f TaggedFilter) (map[int64]bool, error) {
	q := query.Select{
		Columns: []query.Column{
			{Expr: "tag_packages.package_id", Alias: "package_id"},
			{Expr: "tag_packages.blocked", Alias: "blocked"},
		},
		From: "tag_packages",
	}
	tags := q.Arg(chain.Tags()) + "::int[]"
	q.DefaultOrder = "array_position(" + tags + ", tag_packages.tag_id)"
	q.Where("tag_packages.tag_id = ANY(" + tags + ")")
	q.WhereActive("tag_packages", f.Event)
	f.wherePackage(&q, "tag_packages.package_id")
	if chain.Filtered() {
		if err := chain.join(&q, "tag_packages.tag_id"); err != nil {
			return nil, err
		}
		q.Join("package ON package.id = tag_packages.package_id AND " + admits)
		q.DefaultOrder = "chain.pos"
	}
	type entry struct {
		Package int64 `db:"package_id"`
		Blocked bool  `db:"blocked"`
	}
	entries, err := query.All[entry](ctx, s.DB, &q)
	listed := make(map[int64]bool, len(entries))
	for _, e := range entries {
		if _, seen := listed[e.Package]; !seen {
			listed[e.Package] = !e.Blocked
		}
	}
	return listed, err
}

// entries returns the builds in each of the tags that pass the filter.
func (s *Store) entries(ctx context.Context, tags []int64, f TaggedFilter) (map[int64][]TagEntry, error) {
	q := query.Select{
		Columns: []query.Column{
			{Expr: "tag_listing.tag_id", Alias: "tag_id"},
			{Expr: "tag_listing.build_id", Alias: "build_id"},
			{Expr: "tag_listing.create_event", Alias: "create_event"},
			{Expr: "build.pkg_id", Alias: "pkg_id"},
		},
		From:         "tag_listing",
		DefaultOrder: "tag_listing.create_event DESC, tag_listing.build_id DESC",
	}
	q.Where("tag_listing.tag_id = ANY(?::int[])", tags)
	q.WhereActive("tag_listing", f.Event)
	if f.Package != "" {
		q.Join("build ON build.id = tag_listing.build_id AND " + strings.Join(f.tests(&q), " AND "))
		f.wherePackage(&q, "build.pkg_id")
	} else {
		// OFFSET keeps the planner from reading the whole table of builds: it
		// thinks that this is cheaper, and it is not.
		q.Join("JOIN LATERAL (SELECT build.pkg_id FROM build WHERE build.id = tag_listing.build_id AND " +
			strings.Join(f.tests(&q), " AND ") + " OFFSET 0) AS build ON TRUE")
	}
	list, err := query.All[TagEntry](ctx, s.DB, &q)
	byTag := map[int64][]TagEntry{}
	for _, e := range list {
		byTag[e.TagID] = append(byTag[e.TagID], e)
	}
	return byTag, err
}

func (f *TaggedFilter) wherePackage(q *query.Select, column string) {
	if f.Package != "" {
		q.Where(column+" = (SELECT id FROM package WHERE name = ?)", f.Package)
	}
}

// TaggedBuilds returns the builds that TagEntries finds. Where that needs no
// choice among the builds of a package, they are read in one go.
func (s *Store) TaggedBuilds(ctx context.Context, f TaggedFilter) (none rpc.Rows[api.TaggedBuild], err error) {
	if f.Latest > 0 {
		entries, err := s.TagEntries(ctx, f)
		if err != nil {
			return none, err
		}
		return s.EntryBuilds(ctx, entries, f)
	}
	chain, listed, err := s.lists(ctx, f)
	if err != nil {
		return none, err
	}
	q := f.builds()
	tags, order := q.Arg(chain.Tags())+"::int[]", "l.create_event DESC, l.build_id DESC"
	if len(chain) > 1 {
		order = "array_position(" + tags + ", l.tag_id), " + order
	}
	// As an array, of which the planner expects ten elements, so that it looks up
	// each build. Of a table it expects so many that it reads all builds instead.
	q.From = "unnest(ARRAY(SELECT l FROM tag_listing AS l WHERE l.tag_id = ANY(" + tags + ") AND " + q.Active("l", f.Event) +
		" ORDER BY " + order + ")) WITH ORDINALITY AS tagged"
	q.DefaultOrder = "tagged.ordinality"
	for _, test := range f.tests(&q) {
		q.Where(test)
	}
	f.wherePackage(&q, "build.pkg_id")
	q.Keep = &query.Keep{Expr: "package.id", IDs: listed}
	return query.Stream[api.TaggedBuild](ctx, s.DB, &q, nil)
}

// builds selects what there is to tell about the builds of a table "tagged", yet
// to be named, which has the columns build_id, tag_id and create_event.
func (f *TaggedFilter) builds() query.Select {
	q := query.Select{
		Columns: slices.Concat(buildInfo, []query.Column{
			{Expr: "tagged.create_event", Alias: "create_event"},
			{Expr: "build.id", Alias: "id"},
			{Expr: "tag.id", Alias: "tag_id"},
			{Expr: "tag.name", Alias: "tag_name"},
		}),
		Joins: append([]string{"build ON build.id = tagged.build_id", "tag ON tag.id = tagged.tag_id"}, buildJoins...),
	}
	if f.Type == "maven" || f.Type == "win" {
		joinBuildType(&q, f.Type, nil)
	}
	if f.Extra {
		q.Column("build.extra", "extra")
	}
	if f.Prefix != "" {
		q.Where("starts_with(lower(package.name), ?)", strings.ToLower(f.Prefix))
	}
	return q
}

// EntryBuilds returns the builds of entries, in their order. The filter says what
// to tell of them; of its conditions only the prefix counts.
func (s *Store) EntryBuilds(ctx context.Context, entries []TagEntry, f TaggedFilter) (rpc.Rows[api.TaggedBuild], error) {
	q := f.builds()
	builds, tags, events := make([]int64, len(entries)), make([]int64, len(entries)), make([]int64, len(entries))
	for i, e := range entries {
		builds[i], tags[i], events[i] = e.BuildID, e.TagID, e.Event
	}
	q.From = "unnest(" + q.Arg(builds) + "::int[], " + q.Arg(tags) + "::int[], " + q.Arg(events) +
		"::int[]) WITH ORDINALITY AS tagged (build_id, tag_id, create_event, pos)"
	q.DefaultOrder = "tagged.pos"
	return query.Stream[api.TaggedBuild](ctx, s.DB, &q, nil)
}

// tests are the conditions that a build has to meet to be counted at all.
func (f *TaggedFilter) tests(q *query.Select) []string {
	tests := []string{
		"build.state = " + q.Arg(koji.BuildComplete),
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

// fromEntries makes the table "tagged" of a query: the builds, with the place of
// the tag that each is in. Of a build that is in several the last one counts.
func fromEntries(q *query.Select, entries []TagEntry) {
	place := make(map[int64]int64, len(entries))
	first := 0
	for i, e := range entries {
		if entries[first].TagID != e.TagID {
			first = i
		}
		place[e.BuildID] = int64(first)
	}
	builds, places := make([]int64, 0, len(place)), make([]int64, 0, len(place))
	for _, id := range slices.Sorted(maps.Keys(place)) {
		builds, places = append(builds, id), append(places, place[id])
	}
	q.From = "unnest(" + q.Arg(builds) + "::int[], " + q.Arg(places) + "::int[]) AS tagged (build_id, pos)"
}

// TaggedRPMs returns the RPMs of builds in a tag.
func (s *Store) TaggedRPMs(ctx context.Context, entries []TagEntry, f TaggedFiles) (rpc.Rows[api.TaggedRPM], error) {
	q := query.Select{Joins: []string{"rpminfo ON rpminfo.build_id = tagged.build_id"}}
	fromEntries(&q, entries)
	for _, c := range rpmInfo {
		if !strings.HasPrefix(c.Alias, "external_repo") && (c.Alias != "extra" || f.Extra) {
			q.Columns = append(q.Columns, c)
		}
	}
	q.DefaultOrder = "tagged.pos, rpminfo.id"
	if f.Arches != nil {
		q.Where("rpminfo.arch = ANY(?)", f.Arches)
	}
	if f.Signatures {
		q.Join("LEFT JOIN rpmsigs ON rpmsigs.rpm_id = rpminfo.id")
		q.Column("coalesce(rpmsigs.sigkey, '')", "sigkey") // imports always leave one behind
	}
	return query.Stream[api.TaggedRPM](ctx, s.DB, &q, nil)
}

// TaggedArchives returns the archives of builds in a tag.
func (s *Store) TaggedArchives(ctx context.Context, entries []TagEntry, f TaggedFiles) (rpc.Rows[api.TaggedArchive], error) {
	q := query.Select{
		Columns: slices.Clone(archiveInfo),
		Joins:   []string{"archiveinfo ON archiveinfo.build_id = tagged.build_id", "btype ON btype.id = archiveinfo.btype_id"},
	}
	fromEntries(&q, entries)
	q.DefaultOrder = "tagged.pos, archiveinfo.id"
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
	return query.Stream[api.TaggedArchive](ctx, s.DB, &q, nil)
}
