package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/toji-build/toji/internal/database"
)

const columnsSQL = `
	SELECT c.relname AS "table", a.attname AS name,
		row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum) AS pos,
		t.typname AS type, NOT a.attnotnull AS nullable,
		pg_get_expr(d.adbin, d.adrelid) AS "default",
		CASE WHEN t.typname = 'varchar' AND a.atttypmod > 0 THEN a.atttypmod - 4 END AS maxlen
	FROM pg_class c
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	JOIN pg_type t ON t.oid = a.atttypid
	LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
	ORDER BY c.relname, a.attnum`

// PostgreSQL 18 lists NOT NULL here too, as 'n'.
const constraintsSQL = `
	SELECT c.relname AS "table", k.contype::text AS type, pg_get_constraintdef(k.oid) AS def
	FROM pg_constraint k
	JOIN pg_class c ON c.oid = k.conrelid
	WHERE c.relnamespace = 'public'::regnamespace AND k.contype IN ('p', 'u', 'f', 'c', 'x')`

// Indexes named toji_... are ours: they make things fast, and Koji does not mind.
const indexesSQL = `
	SELECT c.relname AS "table", pg_get_indexdef(i.indexrelid) AS def
	FROM pg_index i
	JOIN pg_class c ON c.oid = i.indrelid
	WHERE c.relnamespace = 'public'::regnamespace AND i.indexrelid::regclass::text NOT LIKE 'toji\_%'`

// readTables returns the tables of the schema public from PostgreSQL's catalogue.
func readTables(ctx context.Context, db *database.DB) (map[string]table, error) {
	tables := make(map[string]table)
	update := func(name string, change func(t *table)) {
		t := tables[name]
		change(&t)
		tables[name] = t
	}
	for c, err := range database.Each[column](ctx, db, columnsSQL) {
		if err != nil {
			return nil, fmt.Errorf("schema: read columns: %w", err)
		}
		update(c.Table, func(t *table) { t.Columns = append(t.Columns, c) })
	}
	for c, err := range database.Each[constraint](ctx, db, constraintsSQL) {
		if err != nil {
			return nil, fmt.Errorf("schema: read constraints: %w", err)
		}
		update(c.Table, func(t *table) { t.Constraints = append(t.Constraints, c) })
	}
	for i, err := range database.Each[index](ctx, db, indexesSQL) {
		if err != nil {
			return nil, fmt.Errorf("schema: read indexes: %w", err)
		}
		update(i.Table, func(t *table) { t.Indexes = append(t.Indexes, i.Def) })
	}
	return tables, nil
}

// missingRows returns the rows that the table should hold but does not.
func missingRows(ctx context.Context, db *database.DB, name string, rows []map[string]any) ([]Difference, error) {
	const missing = `
		SELECT w::text FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY AS r(w, n)
		WHERE NOT EXISTS (SELECT FROM %s AS t WHERE to_jsonb(t) @> r.w)
		ORDER BY n`
	want, err := json.Marshal(rows)
	if err != nil {
		return nil, fmt.Errorf("schema: encode rows of %s: %w", name, err)
	}
	absent, err := database.All[string](ctx, db, fmt.Sprintf(missing, database.Quote(name)), string(want))
	if err != nil {
		return nil, fmt.Errorf("schema: read rows of %s: %w", name, err)
	}
	var all []Difference
	for _, row := range absent {
		all = append(all, Difference{Table: name, Kind: KindRow, Want: row})
	}
	return all, nil
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
