package differential

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// The databases of the twins, in the cluster of TOJI_PEER_ADMIN_DSN.
const (
	template  = "koji_world" // the tables and world.sql; nobody is connected to it
	kojiWrite = "w_koji"     // Koji's hub at TOJI_PEER_WRITE_URL serves it
	tojiWrite = "w_toji"
)

// twins are two hubs with a database and a top directory each, which are equal
// when they start. They are told the same and have to stay equal.
type twins struct {
	t             *testing.T
	koji, toji    side
	dsns, topdirs []string // Koji's and Toji's
	equal, total  int
}

// newTwins makes the databases anew from the template, runs SQL in both, and logs
// in users, whose passwords are their names, but for kojiadmin's.
func newTwins(t *testing.T, prepare string, users ...string) *twins {
	t.Helper()
	w := &twins{t: t, koji: side{url: peerEnv(t, "TOJI_PEER_WRITE_URL")}}
	admin := peerEnv(t, "TOJI_PEER_ADMIN_DSN")
	w.topdirs = []string{peerEnv(t, "TOJI_PEER_WRITE_TOPDIR"), t.TempDir()}
	renew(t, admin)
	for _, name := range []string{kojiWrite, tojiWrite} {
		w.dsns = append(w.dsns, named(admin, name))
	}
	empty(t, w.topdirs[0])
	w.exec(prepare)
	w.toji = side{url: startToji(t, w.dsns[1], w.topdirs[1])}
	for _, user := range append([]string{"kojiadmin"}, users...) {
		password := user
		if user == "kojiadmin" {
			password = "labadmin"
		}
		w.koji.login(t, user, password)
		w.toji.login(t, user, password)
	}
	return w
}

// named returns the DSN of another database of the same cluster.
func named(dsn, database string) string {
	return regexp.MustCompile(`dbname=\S+`).ReplaceAllString(dsn, "dbname="+database)
}

// renew makes the two databases anew.
func renew(t *testing.T, admin string) {
	t.Helper()
	db, err := sql.Open("postgres", admin)
	require.NoError(t, err)
	defer db.Close()
	for _, name := range []string{kojiWrite, tojiWrite} {
		for _, statement := range []string{"DROP DATABASE IF EXISTS %s WITH (FORCE)", "CREATE DATABASE %s TEMPLATE " + template} {
			_, err := db.ExecContext(t.Context(), fmt.Sprintf(statement, name))
			require.NoError(t, err)
		}
	}
}

// empty removes what earlier tests left below Koji's top directory.
func empty(t *testing.T, topdir string) {
	t.Helper()
	entries, err := os.ReadDir(topdir)
	require.NoError(t, err)
	for _, e := range entries {
		require.NoError(t, os.RemoveAll(filepath.Join(topdir, e.Name())))
	}
}

// exec runs SQL in both databases.
func (w *twins) exec(statements string) {
	w.t.Helper()
	for _, dsn := range w.dsns {
		db, err := sql.Open("postgres", dsn)
		require.NoError(w.t, err)
		_, err = db.ExecContext(w.t.Context(), statements)
		require.NoError(w.t, err)
		require.NoError(w.t, db.Close())
	}
}

// file puts a file below both top directories. Koji's hub is to own it.
func (w *twins) file(path string, content []byte) {
	w.t.Helper()
	for _, topdir := range w.topdirs {
		write(w.t, filepath.Join(topdir, path), content)
		info, err := os.Stat(topdir)
		require.NoError(w.t, err)
		owner := info.Sys().(*syscall.Stat_t)
		for p := path; p != "."; p = filepath.Dir(p) {
			require.NoError(w.t, os.Chown(filepath.Join(topdir, p), int(owner.Uid), int(owner.Gid)))
		}
	}
}

// do makes a call at both hubs, compares the answers and returns Koji's.
func (w *twins) do(c call) any {
	w.t.Helper()
	w.total++
	k, j := w.koji.call(w.t, c), w.toji.call(w.t, c)
	value := k.value
	k.value, j.value = unTimed(k.value), unTimed(j.value)
	k.body, j.body = "", "-" // compare the values
	for i, a := range []answer{k, j} {
		if a.fault != nil {
			// Koji writes the path of what is in no directory as "./name".
			a.fault.String = strings.ReplaceAll(strings.ReplaceAll(a.fault.String, w.topdirs[i], "/topdir"), "/./", "/")
		}
	}
	switch v := compare(k, j); {
	case v == same || v == kojiErrs || v == reordered && unordered[c.Method]:
		w.equal++
	case writesDiffer(c) != "":
		w.t.Logf("%s: %s", shorten(c.String()), writesDiffer(c))
	default:
		w.t.Errorf("%s: %s: %s", shorten(c.String()), v, describe(k, j))
	}
	return value
}

// compare compares all rows and files.
func (w *twins) compare() {
	w.t.Helper()
	tables, rows := compareRows(w.t, w.dsns[0], w.dsns[1])
	koji, toji := tree(w.t, w.topdirs[0]), tree(w.t, w.topdirs[1])
	for _, path := range slices.Sorted(mapKeys(koji)) {
		// Koji lists more of each RPM, and has the members of repo.json in its own order.
		if koji[path] != toji[path] && !strings.HasSuffix(path, "/rpmlist.jsonl") && !strings.HasSuffix(path, "/repo.json") {
			w.t.Errorf("%s: Koji has %q, Toji %q%s", path, koji[path], toji[path], w.line(path))
		}
	}
	for _, path := range slices.Sorted(mapKeys(toji)) {
		if koji[path] == "" {
			w.t.Errorf("%s: only Toji has it", path)
		}
	}
	w.t.Logf("%d calls, %d answered alike; %d tables with %d rows and %d files compared", w.total, w.equal, tables, rows, len(koji))
}

// line shows the first line in which a file differs.
func (w *twins) line(path string) string {
	koji, err := os.ReadFile(filepath.Join(w.topdirs[0], path))
	toji, tojiErr := os.ReadFile(filepath.Join(w.topdirs[1], path))
	if err != nil || tojiErr != nil {
		return ""
	}
	k, j := strings.Split(string(koji), "\n"), strings.Split(string(toji), "\n")
	for i := range min(len(k), len(j)) {
		if k[i] != j[i] {
			return fmt.Sprintf("\nline %d: Koji %s\nToji %s", i+1, shorten(k[i]), shorten(j[i]))
		}
	}
	return fmt.Sprintf(": %d lines in Koji, %d in Toji", len(k), len(j))
}

// tree returns what is below dir: by path a digest, or where a link leads. Empty
// directories are of no account.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		if d.Type()&fs.ModeSymlink != 0 {
			files[rel], err = os.Readlink(path)
			return err
		}
		if strings.HasPrefix(rel, "work/cg_import_logs/") {
			return nil // Koji leaves those of imports that fail, under names by chance
		}
		content, err := os.ReadFile(path)
		files[rel] = fmt.Sprintf("%d bytes, %x", len(content), sha256.Sum256(content))
		return err
	}))
	return files
}
