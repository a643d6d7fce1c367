package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/koji/api"
)

// historyTables lists the versioned tables and their columns, without those that
// all of them have. Those before the semicolon say what a row is about.
var historyTables = map[string]string{
	"user_perms":            "user_id perm_id",
	"user_groups":           "user_id group_id",
	"cg_users":              "user_id cg_id",
	"tag_inheritance":       "tag_id parent_id; priority maxdepth intransitive noconfig pkg_filter",
	"tag_config":            "tag_id; arches perm_id locked maven_support maven_include_all",
	"tag_extra":             "tag_id key; value",
	"build_target_config":   "build_target_id; build_tag dest_tag",
	"external_repo_config":  "external_repo_id; url",
	"external_repo_data":    "external_repo_id; data",
	"host_config":           "host_id; arches capacity description comment enabled",
	"host_channels":         "host_id channel_id",
	"tag_external_repos":    "tag_id external_repo_id; priority merge_mode arches",
	"tag_listing":           "build_id tag_id",
	"tag_packages":          "package_id tag_id; blocked extra_arches",
	"tag_package_owners":    "package_id tag_id; owner",
	"group_config":          "group_id tag_id; blocked exported display_name is_default uservisible description langonly biarchonly",
	"group_req_listing":     "group_id tag_id req_id; blocked type is_metapkg",
	"group_package_listing": "group_id tag_id package; blocked type basearchonly requires",
}

// historyNames tells, for a column that refers to a row with a name, the row's
// table, what the table is called in the query, and the name's alias.
var historyNames = map[string]struct{ table, as, alias string }{
	"user_id":          {"users", "users", "user.name"},
	"perm_id":          {"permissions", "permission", "permission.name"},
	"cg_id":            {"content_generator", "content_generator", "content_generator.name"},
	"tag_id":           {"tag", "tag", "tag.name"},
	"host_id":          {"host", "host", "host.name"},
	"channel_id":       {"channels", "channels", "channels.name"},
	"parent_id":        {"tag", "parent", "parent.name"},
	"build_target_id":  {"build_target", "build_target", "build_target.name"},
	"build_tag":        {"tag", "build_tag", "build_tag.name"},
	"dest_tag":         {"tag", "dest_tag", "dest_tag.name"},
	"external_repo_id": {"external_repo", "external_repo", "external_repo.name"},
	"package_id":       {"package", "package", "package.name"},
	"owner":            {"users", "owner", "owner.name"},
	"req_id":           {"groups", "req", "req.name"},
}

// HistoryTables lists the tables that have a history, by name.
func HistoryTables() []string { return slices.Sorted(maps.Keys(historyTables)) }

// HistoryFilter chooses rows of history; what is empty does not count.
type HistoryFilter struct {
	// Of holds ids by the table of names they are from ("tag", "users",
	// "build" ...). A table without a reference to it has nothing to tell.
	Of          map[string]int64
	PackageName string // the package of Of, for tables that hold names
	Key         string // of a tag's extra setting
	Active      *bool
	Editor      *int64 // created or revoked by this user
	// Created or revoked before or after a time (anything that PostgreSQL takes
	// for one) or an event.
	After, Before           any
	AfterEvent, BeforeEvent *int64
	Options                 query.Options
}

// historyQuery is a query of one table's history.
type historyQuery struct {
	query.Select
	table  string
	joined map[string]string // what the tables of names are called
}

// History returns the rows of a versioned table, each with the names of what it
// refers to, or, for countOnly, their number. The rows about one thing stand
// together, the one in force first. It returns false if the filter does not
// apply to the table.
func (s *Store) History(ctx context.Context, table string, f HistoryFilter) (any, bool, error) {
	q := newHistoryQuery(table)
	q.Options = f.Options
	if !q.about(f) {
		return nil, false, nil
	}
	q.when(f)
	text, args, err := q.SQL()
	if err != nil {
		return nil, false, err
	}
	rows, err := s.maps(ctx, text, args...)
	if err != nil {
		return nil, false, fmt.Errorf("history of %s: %w", table, err)
	}
	if f.Options.CountOnly {
		return rows[0]["count"], true, nil
	}
	return rows, true, nil
}

func newHistoryQuery(table string) *historyQuery {
	q := &historyQuery{table: table, joined: map[string]string{}}
	q.From = table
	for _, name := range []string{"active", "create_event", "revoke_event", "creator_id", "revoker_id"} {
		q.Column(table+"."+name, name)
	}
	q.Column("creator.name", "creator_name")
	q.Column("revoker.name", "revoker_name")
	q.Column("date_part('epoch', ev1.time)", "create_ts")
	q.Column("date_part('epoch', ev2.time)", "revoke_ts")
	q.Join("events AS ev1 ON ev1.id = " + table + ".create_event")
	q.Join("LEFT JOIN events AS ev2 ON ev2.id = " + table + ".revoke_event")
	q.Join("users AS creator ON creator.id = " + table + ".creator_id")
	q.Join("LEFT JOIN users AS revoker ON revoker.id = " + table + ".revoker_id")
	key, rest, _ := strings.Cut(historyTables[table], ";")
	for name := range strings.FieldsSeq(key) {
		q.column(name)
		q.DefaultOrder += table + "." + name + ", "
	}
	q.DefaultOrder += table + ".active, " + table + ".create_event"
	for name := range strings.FieldsSeq(rest) {
		q.column(name)
	}
	return q
}

// column adds one of the table's own columns and, if it refers to something,
// the name of that. Koji: of two references to a table, the last is what filters
// go by (a target's destination tag, a group that is needed).
func (q *historyQuery) column(name string) {
	q.Column(q.table+"."+name, name)
	ref, ok := historyNames[name]
	switch {
	case ok:
		q.Join("LEFT JOIN " + ref.table + " AS " + ref.as + " ON " + q.table + "." + name + " = " + ref.as + ".id")
		q.Column(ref.as+".name", ref.alias)
		q.joined[ref.table] = ref.as
	case name == "build_id":
		q.Join("build ON " + q.table + ".build_id = build.id")
		q.Join("package ON build.pkg_id = package.id")
		q.Column("package.name", "name")
		q.Column("build.version", "version")
		q.Column("build.release", "release")
		q.Column("build.epoch", "epoch")
		q.Column("build.state", "build.state")
		q.joined["build"], q.joined["package"] = "build", "package"
	case name == "group_id" && q.table == "user_groups":
		q.Join("users AS usergroup ON user_groups.group_id = usergroup.id")
		q.Column("usergroup.name", "group.name")
		q.joined["users"] = "usergroup"
	case name == "group_id":
		q.Join("groups ON " + q.table + ".group_id = groups.id")
		q.Column("groups.name", "group.name")
		q.joined["groups"] = "groups"
	}
}

// about adds the conditions on what the rows are about, and tells whether the
// table has all that these ask for.
func (q *historyQuery) about(f HistoryFilter) bool {
	for _, of := range slices.Sorted(maps.Keys(f.Of)) {
		as, ok := q.joined[of]
		switch {
		case of == "tag" && q.table == "tag_inheritance":
			q.DefaultOrder = "tag_inheritance.create_event"
			q.Where("tag_inheritance.tag_id = ? OR tag_inheritance.parent_id = ?", f.Of[of], f.Of[of])
		case ok:
			q.Where(as+".id = ?", f.Of[of])
		case of == "package" && q.table == "group_package_listing":
			q.Where("group_package_listing.package = ?", f.PackageName)
		default:
			return false
		}
	}
	if f.Key == "" {
		return true
	}
	if q.table != "tag_extra" {
		return false
	}
	q.Where("tag_extra.key = ?", f.Key)
	return true
}

// when adds the conditions on when and by whom the rows were changed, and says
// in columns of its own which of both changes met them.
func (q *historyQuery) when(f HistoryFilter) {
	if f.Active != nil {
		q.Where("(" + q.table + ".active IS NOT NULL) = " + q.Arg(*f.Active))
	}
	either := func(created, revoked, what string) {
		q.Where(created + " OR " + revoked)
		q.Column(created, "_created_"+what)
		q.Column(revoked, "_revoked_"+what)
	}
	if f.Editor != nil {
		is := " = " + q.Arg(*f.Editor)
		either("creator.id"+is, "revoker.id"+is, "by")
	}
	for _, t := range []struct {
		at            any
		compare, what string
	}{{f.After, " > ", "after"}, {f.Before, " < ", "before"}} {
		if t.at != nil {
			bound := t.compare + q.Arg(t.at) + "::timestamptz"
			either("ev1.time"+bound, "ev2.time"+bound, t.what)
		}
	}
	for _, e := range []struct {
		at            *int64
		compare, what string
	}{{f.AfterEvent, " > ", "after_event"}, {f.BeforeEvent, " < ", "before_event"}} {
		if e.at != nil {
			bound := e.compare + q.Arg(*e.at) + "::int8"
			either(q.table+".create_event"+bound, q.table+".revoke_event"+bound, e.what)
		}
	}
}

// maps returns the rows of a query as maps by column.
func (s *Store) maps(ctx context.Context, text string, args ...any) ([]map[string]any, error) {
	rows, err := s.Query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	columns, err := rows.ColumnTypes()
	if err != nil {
		return nil, err
	}
	list := []map[string]any{}
	for rows.Next() {
		values, targets := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			targets[i] = &values[i]
		}
		if err := rows.Scan(targets...); err != nil {
			return nil, err
		}
		row := make(map[string]any, len(columns))
		for i, c := range columns {
			if row[c.Name()], err = decoded(c, values[i]); err != nil {
				return nil, err
			}
		}
		list = append(list, row)
	}
	return list, rows.Err()
}

// decoded turns what the driver leaves as bytes into text, or into a value if it
// is JSON.
func decoded(c *sql.ColumnType, v any) (any, error) {
	text, ok := v.([]byte)
	switch {
	case !ok:
		return v, nil
	case strings.HasPrefix(c.DatabaseTypeName(), "JSON"):
		return api.ParseJSON(string(text))
	}
	return string(text), nil
}
