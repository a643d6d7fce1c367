package faults

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/internal/testenv"
)

// world is a database and a top directory.
type world struct {
	t    *testing.T
	dsn  string
	top  string
	mail int // port of the relay
}

func newWorld(t *testing.T) *world {
	return &world{t: t, dsn: testenv.DSN(t), top: t.TempDir(), mail: 25}
}

// copy returns a world of its own that is like this one.
func (w *world) copy(t *testing.T) *world {
	t.Helper()
	// Paths are in some files: all copies are at the same place.
	c := &world{t: t, dsn: testenv.Copy(t, w.dsn), top: filepath.Join(t.TempDir(), "top"), mail: w.mail}
	out, err := exec.Command("cp", "-a", w.top, c.top).CombinedOutput()
	require.NoError(t, err, "%s", out)
	c.with(func(db *database.DB) { c.resetIDs(db) })
	return c
}

// with opens the database for as long as f takes.
func (w *world) with(f func(*database.DB)) {
	w.t.Helper()
	db, err := database.Open(w.t.Context(), w.dsn, database.Options{Name: "faults", MaxConns: 2})
	require.NoError(w.t, err)
	defer db.Close()
	f(db)
}

// resetIDs makes the next ids follow those that there are: a transaction that was
// rolled back has used some up, which is the only trace that it may leave.
func (w *world) resetIDs(db *database.DB) {
	w.t.Helper()
	type column struct {
		Table    string `db:"t"`
		Column   string `db:"c"`
		Sequence string `db:"s"`
	}
	columns, err := database.All[column](w.t.Context(), db, `
		SELECT format('%I.%I', table_schema, table_name) AS t, quote_ident(column_name) AS c,
			coalesce(substring(column_default from $$nextval\('([^']+)'$$), pg_get_serial_sequence(format('%I.%I', table_schema, table_name), column_name)) AS s
		FROM information_schema.columns
		WHERE table_schema IN ('public', 'toji') AND (column_default LIKE 'nextval%' OR is_identity = 'YES')`)
	require.NoError(w.t, err)
	for _, c := range columns {
		_, err := db.Exec(w.t.Context(), fmt.Sprintf(`SELECT setval('%s', coalesce(max(%s), 0) + 1, false) FROM %s`, c.Sequence, c.Column, c.Table))
		require.NoError(w.t, err, c.Sequence)
	}
}

// run runs an activity to its end, or has it killed at its nth write.
func (w *world) run(activity string, request any, n int) (*outcome, []string) {
	w.t.Helper()
	text, err := json.Marshal(request)
	require.NoError(w.t, err)
	out, met, err := order{DSN: w.dsn, Top: w.top, MailPort: w.mail, Activity: activity, Request: text}.run(n)
	require.NoError(w.t, err)
	w.with(func(db *database.DB) { w.resetIDs(db) })
	return out, met
}

// state lists all rows and files.
func (w *world) state() []string {
	w.t.Helper()
	lines := w.files()
	w.with(func(db *database.DB) { lines = append(lines, w.rows(db)...) })
	slices.Sort(lines)
	return lines
}

// inRequest is a time in the request of a task.
var inRequest = regexp.MustCompile(`<double>\d{10}[.\d]*</double>|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.+:\d]*`)

// rows lists the rows of all tables, without the times in them.
func (w *world) rows(db *database.DB) (lines []string) {
	w.t.Helper()
	type table struct {
		Name  string   `db:"name"`
		Times []string `db:"times"`
	}
	tables, err := database.All[table](w.t.Context(), db, `
		SELECT format('%I.%I', t.table_schema, t.table_name) AS name,
			ARRAY(SELECT column_name::text FROM information_schema.columns c
				WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name AND c.data_type LIKE 'timestamp%') AS times
		FROM information_schema.tables t WHERE t.table_schema IN ('public', 'toji') AND t.table_type = 'BASE TABLE'`)
	require.NoError(w.t, err)
	for _, table := range tables {
		rows, err := database.All[string](w.t.Context(), db, fmt.Sprintf(`SELECT (to_jsonb(t) - $1::text[])::text FROM %s t`, table.Name), table.Times)
		require.NoError(w.t, err, table.Name)
		for _, row := range rows {
			lines = append(lines, table.Name+" "+inRequest.ReplaceAllString(row, "TIME"))
		}
	}
	return lines
}

// files lists what is below the top directory, with the content.
func (w *world) files() (lines []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.top, func(file string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case info.Mode().IsRegular():
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			content = fmt.Sprintf("%x", sha256.Sum256([]byte(strings.ReplaceAll(string(text), w.top, "TOP"))))[:12]
		case info.Mode()&fs.ModeSymlink != 0:
			if content, err = os.Readlink(file); err != nil {
				return err
			}
			content = strings.ReplaceAll(content, w.top, "TOP")
		}
		lines = append(lines, strings.Join([]string{"file", strings.TrimPrefix(file, w.top), info.Mode().String(), content}, " "))
		return nil
	})
	require.NoError(w.t, err)
	return lines
}

// maker is a world that is being furnished, with the hub that does it.
type maker struct {
	*world
	hub *hub.Hub
	ctx context.Context // the admin's
}

// furnish runs f with a hub over the world.
func (w *world) furnish(f func(*maker)) {
	w.t.Helper()
	h, err := order{DSN: w.dsn, Top: w.top, MailPort: w.mail}.hub(w.t.Context())
	require.NoError(w.t, err)
	defer h.Store.Close()
	f(&maker{w, h, session.With(w.t.Context(), &session.Session{ID: 1, UserID: 1, UserName: "kojiadmin", Perms: []string{"admin"}})})
}

// exec runs statements.
func (m *maker) exec(statements string) {
	m.t.Helper()
	_, err := m.hub.Store.Exec(m.ctx, statements)
	require.NoError(m.t, err)
}

// call calls a method as the admin.
func call[P, R any](m *maker, method rpc.Method[P, R], p P) R {
	m.t.Helper()
	result, err := rpc.Invoke(m.ctx, m.hub.Caller(), method, p)
	require.NoError(m.t, err)
	return result
}

// upload puts a file below work/ and returns its name there.
func (m *maker) upload(dir, name, content string) string {
	m.t.Helper()
	file := filepath.Join(m.top, "work", dir, name)
	require.NoError(m.t, os.MkdirAll(filepath.Dir(file), 0o755))
	require.NoError(m.t, os.WriteFile(file, []byte(content), 0o644))
	return dir + "/" + name
}

// rpms uploads RPMs and returns their names below work/.
func (m *maker) rpms(dir string, names ...string) (paths []string) {
	m.t.Helper()
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join("../../hub/testdata/rpms", name))
		require.NoError(m.t, err)
		paths = append(paths, m.upload(dir, name, string(content)))
	}
	return paths
}
