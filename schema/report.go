package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/toji-build/toji/internal/database"
)

// Report says what stands between a database and a hub of ours.
type Report struct {
	Koji    string // the release of Koji whose tables these are: see the Koji constants
	Applied int    // our newest migration, 0 for none

	Blocking []Difference // with which Toji cannot work
	Harmless []Difference // the marks of time
	Upgrades []string     // scripts of Koji's that have to be run first, in order
	Pending  []string     // our migrations that adopt or migrate would apply

	Tables  []TableSize   // the largest first
	Upgrade time.Duration // about how long Koji's scripts take
	Adopt   time.Duration // about how long our migrations take
}

// What Report.Koji may be, besides a release such as "1.35".
const (
	KojiNone = ""                // there are no tables of Koji's
	KojiOld  = "older than 1.34" // too old to say which
)

// TableSize is how much a table holds.
type TableSize struct {
	Name  string `db:"name"`
	Rows  int64  `db:"rows"`  // as the planner estimates them
	Bytes int64  `db:"bytes"` // without indexes
}

// Touched lists what adoption adds to Koji's tables, by table: triggers, which
// tell Toji of changes that either hub makes, and indexes.
var Touched = map[string][]string{
	"build":                   {"toji_build_task", "toji_message", "toji_message_new"},
	"build_target_config":     {"toji_tags"},
	"channels":                {"toji_sched"},
	"external_repo_config":    {"toji_tags"},
	"external_repo_data":      {"toji_tags"},
	"group_config":            {"toji_tags"},
	"group_package_listing":   {"toji_tags"},
	"group_req_listing":       {"toji_tags"},
	"host":                    {"toji_sched"},
	"host_channels":           {"toji_sched"},
	"host_config":             {"toji_sched"},
	"proton_queue":            {"toji_messages"},
	"repo":                    {"toji_message", "toji_message_new"},
	"rpminfo":                 {"toji_rpminfo_buildroot"},
	"scheduler_task_refusals": {"toji_sched"},
	"tag_config":              {"toji_tags"},
	"tag_external_repos":      {"toji_tags"},
	"tag_extra":               {"toji_tags"},
	"tag_inheritance":         {"toji_tags"},
	"tag_listing":             {"toji_tags"},
	"tag_packages":            {"toji_tags"},
	"tag_updates":             {"toji_tags"},
	"task":                    {"toji_message", "toji_message_new", "toji_sched", "toji_task_free"},
}

// Inspect looks at a database and changes nothing.
func Inspect(ctx context.Context, db *database.DB) (Report, error) {
	var r Report
	var err error
	if r.Applied, err = Applied(ctx, db); err != nil {
		return r, err
	}
	if r.Koji, err = kojiRelease(ctx, db); err != nil || r.Koji == KojiNone {
		return r, err
	}
	all, err := Check(ctx, db)
	if err != nil {
		return r, err
	}
	r.Blocking = blocking(all)
	for _, d := range all {
		if !slices.Contains(r.Blocking, d) {
			r.Harmless = append(r.Harmless, d)
		}
	}
	if r.Tables, err = database.All[TableSize](ctx, db, sizesSQL); err != nil {
		return r, fmt.Errorf("schema: read sizes: %w", err)
	}
	switch r.Koji {
	case KojiOld:
		r.Upgrades = []string{"all of schema-upgrade-*.sql up to schema-upgrade-1.34-1.35.sql"}
	case "1.34":
		r.Upgrades = []string{"schema-upgrade-1.34-1.35.sql"}
		r.Upgrade = r.indexing("rpminfo") + r.indexing("repo")
	}
	if r.Pending, err = pending(r.Applied); err != nil {
		return r, err
	}
	if len(r.Pending) > 0 {
		r.Adopt = time.Second + r.indexing("task")
	}
	return r, nil
}

const sizesSQL = `
	SELECT c.relname AS name, greatest(c.reltuples, 0)::int8 AS rows, pg_relation_size(c.oid) AS bytes
	FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
	ORDER BY bytes DESC, name`

// indexRate is about how many bytes of a table PostgreSQL reads and sorts in a
// second for an index.
const indexRate = 50 << 20

// indexing estimates how long an index on a table takes.
func (r *Report) indexing(table string) time.Duration {
	for _, t := range r.Tables {
		if t.Name == table {
			return time.Duration(float64(t.Bytes) / indexRate * float64(time.Second))
		}
	}
	return 0
}

// kojiRelease finds out by what each release brought. Later ones have brought
// rows only, with which 1.35 would do.
func kojiRelease(ctx context.Context, db *database.DB) (string, error) {
	probe := func(condition string) (bool, error) {
		return database.One[bool](ctx, db, `SELECT `+condition)
	}
	release := KojiNone
	for _, step := range []struct{ release, condition string }{
		{KojiOld, `to_regclass('public.task') IS NOT NULL AND to_regclass('public.archivetypes') IS NOT NULL`},
		{"1.34", `EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('public.build') AND attname = 'draft')`},
		{"1.35", `to_regclass('public.repo_queue') IS NOT NULL`},
		{"1.36", `EXISTS (SELECT FROM archivetypes WHERE name = 'erofs')`},
		{"1.37", `EXISTS (SELECT FROM archivetypes WHERE name = 'wsl')`},
	} {
		ok, err := probe(step.condition)
		if err != nil {
			return "", fmt.Errorf("schema: find Koji's release: %w", err)
		}
		if !ok {
			break
		}
		release = step.release
	}
	return release, nil
}

// pending names our migrations after one, without those that make Koji's tables.
func pending(applied int) ([]string, error) {
	files, err := migrations.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("schema: read migrations: %w", err)
	}
	var names []string
	for _, f := range files {
		var n int
		if _, err := fmt.Sscanf(f.Name(), "%04d_", &n); err == nil && n > max(applied, kojiVersion) {
			names = append(names, f.Name())
		}
	}
	return names, nil
}

// Added lists what is ours on Koji's tables, by table: see Touched.
func Added(ctx context.Context, db *database.DB) (map[string][]string, error) {
	const added = `
		SELECT jsonb_object_agg(name, ours)::text FROM (
			SELECT c.relname AS name, jsonb_agg(o.name ORDER BY o.name) AS ours
			FROM pg_class c JOIN (
				SELECT tgrelid AS rel, tgname::text AS name FROM pg_trigger WHERE NOT tgisinternal
				UNION ALL SELECT indrelid, relname::text FROM pg_index JOIN pg_class ON oid = indexrelid
			) o ON o.rel = c.oid
			WHERE c.relnamespace = 'public'::regnamespace AND o.name LIKE 'toji\_%' GROUP BY c.relname) t`
	text, err := database.One[*string](ctx, db, added)
	if err != nil || text == nil {
		return nil, err
	}
	var list map[string][]string
	if err := json.Unmarshal([]byte(*text), &list); err != nil {
		return nil, fmt.Errorf("schema: read triggers: %w", err)
	}
	return list, nil
}
