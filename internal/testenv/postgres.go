package testenv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/pgcluster"
	"github.com/toji-build/toji/schema"
)

// shared is what the tests of one process share.
var shared struct {
	environment
	usable bool // Main will clean up
}

type environment struct {
	server    sync.Once
	serverErr error
	dsn       string
	dir       string
	cluster   *pgcluster.Cluster

	template    sync.Once
	templateErr error
	names       atomic.Int64
}

// testSettings trade durability, which tests do not need, for speed.
var testSettings = map[string]string{
	"fsync":              "off",
	"synchronous_commit": "off",
	"full_page_writes":   "off",
	"shared_buffers":     "64MB",
	"autovacuum":         "off",
	"jit":                "off",
}

// Postgres returns the DSN of a server's maintenance database, whose user may
// create databases; see [DSN] and [Database] for one of the test's own.
func Postgres(t testing.TB) string {
	t.Helper()
	if !shared.usable {
		t.Fatal("testenv: this package needs `func TestMain(m *testing.M) { testenv.Main(m) }`")
	}
	shared.server.Do(func() { shared.serverErr = shared.start() })
	if shared.serverErr != nil {
		Need(t, false, "PostgreSQL: "+shared.serverErr.Error())
	}
	return shared.dsn
}

// Empty returns the DSN of a fresh database without any table. It is dropped
// when the test ends.
func Empty(t testing.TB) string {
	t.Helper()
	return create(t, Postgres(t), "template0")
}

// DSN returns the DSN of a fresh database with all migrations applied. It is
// dropped when the test ends.
func DSN(t testing.TB) string {
	t.Helper()
	server := Postgres(t)
	shared.template.Do(func() { shared.templateErr = shared.makeTemplate(t.Context()) })
	if shared.templateErr != nil {
		t.Fatal(shared.templateErr)
	}
	return create(t, server, shared.templateName())
}

// Database opens a fresh database with all migrations applied. It is closed and
// dropped when the test ends.
func Database(t testing.TB) *database.DB {
	t.Helper()
	db, err := database.Open(t.Context(), DSN(t), database.Options{Name: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// Copy returns the DSN of a copy of a database to which nobody is connected. It is
// dropped when the test ends.
func Copy(t testing.TB, dsn string) string {
	t.Helper()
	db, err := database.Open(t.Context(), dsn, database.Options{Name: "testenv", MaxConns: 1})
	if err != nil {
		t.Fatal(err)
	}
	name, err := database.One[string](t.Context(), db, `SELECT current_database()`)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	return create(t, Postgres(t), name)
}

func create(t testing.TB, server, template string) string {
	t.Helper()
	name := fmt.Sprintf("toji_test_%d_%d", os.Getpid(), shared.names.Add(1))
	statement := fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, template)
	if err := maintain(t.Context(), server, statement); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := maintain(context.Background(), server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	dsn, err := database.InDatabase(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return dsn
}

// maintain runs one statement on the server's maintenance database.
func maintain(ctx context.Context, server, statement string) error {
	db, err := database.Open(ctx, server, database.Options{Name: "testenv", MaxConns: 1})
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.Exec(ctx, statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}

func (e *environment) start() error {
	if e.dsn = os.Getenv("TOJI_TEST_DSN"); e.dsn != "" {
		return nil
	}
	removeLeftovers()
	// The server's user must be able to enter it, and its path must be short.
	dir, err := os.MkdirTemp(tempDir(), fmt.Sprintf("toji-test-%d-", os.Getpid()))
	if err != nil {
		return err
	}
	e.dir = dir
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	cluster, err := pgcluster.New(pgcluster.Options{
		Dir: dir, Settings: testSettings, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return err
	}
	if err := cluster.Start(context.Background()); err != nil {
		return err
	}
	e.cluster, e.dsn = cluster, cluster.DSN("postgres")
	return nil
}

func (e *environment) templateName() string { return fmt.Sprintf("toji_test_%d_template", os.Getpid()) }

func (e *environment) makeTemplate(ctx context.Context) error {
	if err := maintain(ctx, e.dsn, "CREATE DATABASE "+e.templateName()+" TEMPLATE template0"); err != nil {
		return err
	}
	dsn, err := database.InDatabase(e.dsn, e.templateName())
	if err != nil {
		return err
	}
	db, err := database.Open(ctx, dsn, database.Options{Name: "testenv"})
	if err != nil {
		return err
	}
	// A template must have no connections.
	defer db.Close()
	return schema.Migrate(ctx, db, slog.New(slog.DiscardHandler))
}

// stop removes what start and makeTemplate made; trouble is told on stderr, the
// tests' result stands.
func (e *environment) stop() {
	var err error
	switch {
	case e.cluster != nil:
		// Nothing in it is worth a checkpoint.
		now, cancel := context.WithCancel(context.Background())
		cancel()
		err = e.cluster.Stop(now)
	case e.dsn != "":
		err = maintain(context.Background(), e.dsn, "DROP DATABASE IF EXISTS "+e.templateName())
	}
	if e.dir != "" {
		err = errors.Join(err, os.RemoveAll(e.dir))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "testenv:", err)
	}
}

// tempDir returns a directory in memory where there is one with room: a database
// is a thousand small files, made six times as fast there.
func tempDir() string {
	const memory, room = "/dev/shm", 1 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(memory, &fs); err != nil || fs.Bavail*uint64(fs.Bsize) < room {
		return os.TempDir()
	}
	if syscall.Access(memory, 7) != nil {
		return os.TempDir()
	}
	return memory
}

// removeLeftovers removes the directories of test processes that were killed;
// their servers died with them.
func removeLeftovers() {
	dirs, _ := filepath.Glob(filepath.Join(tempDir(), "toji-test-*-*"))
	for _, dir := range dirs {
		number, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), "toji-test-"), "-")
		pid, err := strconv.Atoi(number)
		if err == nil && errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = os.RemoveAll(dir)
		}
	}
}
