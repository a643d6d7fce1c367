package schema_test

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/testenv"
	"github.com/toji-build/toji/schema"
)

func TestMain(m *testing.M) { testenv.Main(m) }

var quiet = slog.New(slog.DiscardHandler)

func open(t *testing.T, dsn string) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), dsn, database.Options{Log: quiet})
	require.NoError(t, err)
	t.Cleanup(func() { db.Close() })
	return db
}

func exec(t *testing.T, db *database.DB, sql string, args ...any) {
	t.Helper()
	_, err := db.Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

func TestNumbering(t *testing.T) {
	files, err := fs.Glob(os.DirFS("."), "*.sql")
	require.NoError(t, err)
	name := regexp.MustCompile(`^(\d{4})_[a-z0-9_]+\.sql$`)
	for i, file := range files {
		m := name.FindStringSubmatch(file)
		require.NotNil(t, m, file)
		n, err := strconv.Atoi(m[1])
		require.NoError(t, err)
		require.Equal(t, i+1, n, file)
	}
	require.Len(t, files, schema.Version)
}

func TestFreshDatabaseIsKojis(t *testing.T) {
	differences, err := schema.Check(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	require.Empty(t, differences)
}

// The comparison itself must see what is wrong.
func TestCheckFinds(t *testing.T) {
	tests := []struct{ name, change, want string }{
		{"a missing table", `DROP TABLE win_builds`, "table win_builds: missing altogether"},
		{"a missing column", `ALTER TABLE tag_config DROP COLUMN locked`, "table tag_config: column locked: missing bool NOT NULL DEFAULT false"},
		{"an extra column", `ALTER TABLE btype ADD colour text`, "table btype: column colour: not expected: text"},
		{"another type", `ALTER TABLE archiveinfo ALTER size TYPE integer`, "table archiveinfo: column size: is int4 NOT NULL, must be int8 NOT NULL"},
		{"another length", `ALTER TABLE users ALTER name TYPE varchar(99)`, "table users: column name: is varchar(99) NOT NULL, must be varchar(255) NOT NULL"},
		{"a nullable column", `ALTER TABLE users ALTER status DROP NOT NULL`, "table users: column status: is int4, must be int4 NOT NULL"},
		{"another default", `ALTER TABLE tag_external_repos ALTER merge_mode DROP DEFAULT`, "table tag_external_repos: column merge_mode: is text NOT NULL, must be text NOT NULL DEFAULT 'koji'::text"},
		{"a missing check", `ALTER TABLE build DROP CONSTRAINT promotion_sane`, "table build: constraint: missing CHECK (((NOT draft) OR ((promotion_time IS NULL) AND (promoter IS NULL))))"},
		{"an extra foreign key", `ALTER TABLE events ADD FOREIGN KEY (id) REFERENCES users(id)`, "table events: constraint: not expected: FOREIGN KEY (id) REFERENCES users(id)"},
		{"a missing index", `DROP INDEX task_by_host`, "table task: index: missing CREATE INDEX task_by_host ON public.task USING btree (host_id)"},
		{"a missing row", `DELETE FROM volume`, `table volume: row: missing {"id": 0, "name": "DEFAULT"}`},
		{"another order", `ALTER TABLE btype DROP id CASCADE; ALTER TABLE btype ADD id serial PRIMARY KEY`, "table btype: column order name: is 1, must be 2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := testenv.Database(t)
			exec(t, db, tt.change)
			differences, err := schema.Check(t.Context(), db)
			require.NoError(t, err)
			var lines []string
			for _, d := range differences {
				lines = append(lines, d.String())
			}
			require.Contains(t, lines, tt.want)
		})
	}
}

func TestHubsMigrateTogether(t *testing.T) {
	dsn := testenv.Empty(t)
	var all sync.WaitGroup
	errs := make([]error, 3)
	for i := range errs {
		db := open(t, dsn)
		all.Go(func() { errs[i] = schema.Migrate(t.Context(), db, quiet) })
	}
	all.Wait()
	for _, err := range errs {
		require.NoError(t, err)
	}
	db := open(t, dsn)
	require.NoError(t, schema.Migrate(t.Context(), db, quiet), "again")
	differences, err := schema.Check(t.Context(), db)
	require.NoError(t, err)
	require.Empty(t, differences)
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	db := testenv.Database(t)
	exec(t, db, `INSERT INTO toji.schema_version (version_id, is_applied) VALUES (1000, true)`)
	require.ErrorContains(t, schema.Migrate(t.Context(), db, quiet), "use a newer toji")
}

// kojiDatabase returns a database as a Koji hub leaves it: its tables, and
// nothing of ours.
func kojiDatabase(t *testing.T) *database.DB {
	db := testenv.Database(t)
	exec(t, db, `DROP SCHEMA toji CASCADE`)
	exec(t, db, `DO $$ DECLARE i regclass; BEGIN
		FOR i IN SELECT indexrelid FROM pg_index WHERE indexrelid::regclass::text LIKE 'toji\_%' LOOP EXECUTE 'DROP INDEX ' || i; END LOOP;
	END $$`)
	exec(t, db, `INSERT INTO tag (name) VALUES ('f43')`)
	return db
}

func TestAdopt(t *testing.T) {
	ctx := t.Context()
	t.Run("a database with data", func(t *testing.T) {
		db := kojiDatabase(t)
		// What years of use leave: an index of the administrator's, columns in the
		// order of their invention, a channel renamed.
		exec(t, db, `CREATE INDEX ours ON task (owner)`)
		exec(t, db, `ALTER TABLE content_generator DROP name; ALTER TABLE content_generator ADD name text NOT NULL UNIQUE`)
		exec(t, db, `UPDATE channels SET name = 'repos' WHERE name = 'createrepo'`)
		require.ErrorIs(t, schema.Migrate(ctx, db, quiet), schema.ErrKojiTables)
		require.NoError(t, schema.Adopt(ctx, db, quiet))
		version, err := schema.Applied(ctx, db)
		require.NoError(t, err)
		require.Equal(t, schema.Version, version)
		name, err := database.One[string](ctx, db, `SELECT name FROM tag`)
		require.NoError(t, err)
		require.Equal(t, "f43", name)
		exec(t, db, `INSERT INTO toji.outbox (kind) VALUES ('start')`)
		require.NoError(t, schema.Adopt(ctx, db, quiet), "again")
	})
	t.Run("a database of another version", func(t *testing.T) {
		db := kojiDatabase(t)
		exec(t, db, `ALTER TABLE repo DROP COLUMN custom_opts`)
		err := schema.Adopt(ctx, db, quiet)
		var different *schema.DifferentError
		require.ErrorAs(t, err, &different)
		require.Equal(t, []schema.Difference{{Table: "repo", Kind: schema.KindColumn, Name: "custom_opts", Want: "jsonb"}}, different.Differences)
		require.ErrorContains(t, err, "table repo: column custom_opts: missing jsonb")
		version, err := schema.Applied(ctx, db)
		require.NoError(t, err)
		require.Zero(t, version)
	})
	t.Run("an empty database", func(t *testing.T) {
		require.ErrorContains(t, schema.Adopt(ctx, open(t, testenv.Empty(t)), quiet), "no Koji tables")
	})
}

// What adoption says it adds to Koji's tables is what it adds.
func TestTouched(t *testing.T) {
	added, err := schema.Added(t.Context(), testenv.Database(t))
	require.NoError(t, err)
	require.Equal(t, schema.Touched, added)
}

func TestInspect(t *testing.T) {
	ctx := t.Context()
	inspect := func(t *testing.T, change string) schema.Report {
		db := kojiDatabase(t)
		exec(t, db, change)
		r, err := schema.Inspect(ctx, db)
		require.NoError(t, err)
		return r
	}
	t.Run("1.35", func(t *testing.T) {
		r := inspect(t, `CREATE INDEX ours ON task (owner); DELETE FROM archivetypes WHERE name ~ '^erofs|^squashfs|wsl'`)
		require.Equal(t, "1.35", r.Koji)
		require.Zero(t, r.Applied)
		require.Empty(t, r.Blocking)
		require.Len(t, r.Harmless, 6) // the index and five types of archives
		require.Empty(t, r.Upgrades)
		require.Equal(t, "0003_toji.sql", r.Pending[0])
		require.NotEmpty(t, r.Tables)
		require.GreaterOrEqual(t, r.Adopt, time.Second)
	})
	t.Run("1.36", func(t *testing.T) {
		r := inspect(t, `DELETE FROM archivetypes WHERE name = 'wsl'`)
		require.Equal(t, "1.36", r.Koji)
		require.Empty(t, r.Blocking)
	})
	t.Run("1.34", func(t *testing.T) {
		r := inspect(t, `DROP TABLE repo_queue, external_repo_data; ALTER TABLE repo DROP creation_time, DROP state_time,
			DROP begin_event, DROP end_event, DROP opts, DROP custom_opts; DELETE FROM locks WHERE name = 'repo-queue'`)
		require.Equal(t, "1.34", r.Koji)
		require.Len(t, r.Blocking, 10) // two tables, six columns, two foreign keys
		require.Equal(t, []string{"schema-upgrade-1.34-1.35.sql"}, r.Upgrades)
	})
	t.Run("older", func(t *testing.T) {
		r := inspect(t, `DROP TABLE repo_queue; ALTER TABLE build DROP draft CASCADE`)
		require.Equal(t, schema.KojiOld, r.Koji)
		require.NotEmpty(t, r.Upgrades)
	})
	t.Run("Toji's", func(t *testing.T) {
		r, err := schema.Inspect(ctx, testenv.Database(t))
		require.NoError(t, err)
		require.Equal(t, schema.Version, r.Applied)
		require.Empty(t, r.Pending)
		require.Empty(t, r.Blocking)
	})
	t.Run("none", func(t *testing.T) {
		r, err := schema.Inspect(ctx, open(t, testenv.Empty(t)))
		require.NoError(t, err)
		require.Equal(t, schema.Report{}, r)
	})
}

// A Koji hub goes on writing to an adopted database as a user that knows nothing
// of us.
func TestKojiWritesOn(t *testing.T) {
	ctx := t.Context()
	db := kojiDatabase(t)
	require.NoError(t, schema.Adopt(ctx, db, quiet))
	exec(t, db, `INSERT INTO users (name, status, usertype) VALUES ('kojiadmin', 0, 0);
		GRANT ALL ON ALL TABLES IN SCHEMA public TO pg_monitor; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO pg_monitor`)
	err := db.InTx(ctx, func(ctx context.Context) error {
		for _, sql := range []string{
			`SET LOCAL ROLE pg_monitor`, // a role there is everywhere, without rights of its own on the schema toji
			`INSERT INTO task (state, method, owner, channel_id, arch) VALUES (0, 'sleep', 1, 1, 'noarch')`,
			`UPDATE task SET state = 1`,
			`INSERT INTO tag_config (tag_id, creator_id) VALUES (1, 1)`,
			`INSERT INTO repo (tag_id, state) VALUES (1, 0)`,
			`UPDATE repo SET state = 1`,
		} {
			if _, err := db.Exec(ctx, sql); err != nil {
				return fmt.Errorf("%s: %w", sql, err)
			}
		}
		return nil
	})
	require.NoError(t, err)
}

func TestEvents(t *testing.T) {
	ctx := t.Context()
	db := testenv.Database(t)
	exec(t, db, `INSERT INTO users (name, status, usertype) VALUES ('kojiadmin', 0, 0)`)
	exec(t, db, `INSERT INTO tag (name) VALUES ('f43')`)
	exec(t, db, `INSERT INTO tag_config (tag_id, arches, creator_id) VALUES (1, 'x86_64', 1)`)
	event, err := database.One[int](ctx, db, `SELECT create_event FROM tag_config`)
	require.NoError(t, err)
	at, err := database.One[time.Time](ctx, db, `SELECT get_event_time($1)`, event)
	require.NoError(t, err)
	require.WithinDuration(t, time.Now(), at, time.Minute)
	require.Equal(t, time.UTC, at.Location())

	_, err = db.Exec(ctx, `INSERT INTO tag_config (tag_id, arches, creator_id) VALUES (1, 'i686', 1)`)
	name, ok := database.IsUnique(err)
	require.True(t, ok)
	require.Equal(t, "tag_config_tag_id_active_key", name)
	_, err = db.Exec(ctx, `UPDATE tag_config SET active = NULL`)
	name, ok = database.IsCheck(err)
	require.True(t, ok)
	require.Equal(t, "active_revoke_sane", name)
}
