package main

import (
	"bytes"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
)

// A Koji database is looked at, adopted, and looked at again.
func TestAdoptTold(t *testing.T) {
	ctx := t.Context()
	db := testenv.Database(t)
	const leave = `DROP SCHEMA toji CASCADE;
		DO $$ DECLARE i regclass; BEGIN
			FOR i IN SELECT indexrelid FROM pg_index WHERE indexrelid::regclass::text LIKE 'toji\_%' LOOP EXECUTE 'DROP INDEX ' || i; END LOOP;
		END $$;`
	exec := func(sql string) {
		_, err := db.Exec(ctx, sql)
		require.NoError(t, err)
	}
	exec(leave + `ALTER TABLE repo DROP custom_opts; ALTER TABLE repo ADD custom_opts jsonb; DROP TABLE repo_queue`)
	told := func(run func(*database.DB, *bytes.Buffer) error) (string, error) {
		var out bytes.Buffer
		err := run(db, &out)
		return out.String(), err
	}
	look := func(db *database.DB, out *bytes.Buffer) error { return check(ctx, db, nil, out) }
	text, err := told(look)
	require.ErrorIs(t, err, errNotFit)
	require.Contains(t, text, "The tables are those of Koji 1.34.\nToji has added nothing to them yet.\n")
	require.Contains(t, text, "stand in the way:\n  table repo_queue: missing altogether\n")
	require.Contains(t, text, "First upgrade Koji to 1.35")
	require.Contains(t, text, "schema-upgrade-1.34-1.35.sql")

	db = testenv.Database(t)
	exec(leave + `ALTER TABLE repo DROP dist; ALTER TABLE repo ADD dist boolean DEFAULT 'false'`)
	text, err = told(look)
	require.NoError(t, err)
	require.Contains(t, text, "  table repo: the columns are in the order in which Koji's releases brought them\n")
	require.Contains(t, text, "`toji db adopt` then applies 0003_toji.sql, ")
	text, err = told(func(db *database.DB, out *bytes.Buffer) error {
		return adopt(ctx, db, slog.New(slog.DiscardHandler), out)
	})
	require.NoError(t, err)
	require.Contains(t, text, "  tag_listing              toji_tags\n")
	text, err = told(look)
	require.NoError(t, err)
	require.NotContains(t, text, "adopt")
}
