// Package database is the one way to PostgreSQL: a pool with cached prepared
// statements, transactions that travel in the context, rows scanned into
// structs, notifications and advisory locks.
//
//	err := db.InTx(ctx, func(ctx context.Context) error {
//		task, err := database.One[Task](ctx, db, `SELECT id, state FROM task WHERE id = $1 FOR UPDATE`, id)
//		if err != nil {
//			return err
//		}
//		_, err = db.Exec(ctx, `UPDATE task SET state = $2 WHERE id = $1`, id, koji.TaskCanceled)
//		return err
//	})
//
// Every method takes part in the transaction which its context carries, and
// uses a connection of the pool when there is none. Sessions run in UTC.
//
// Arguments: slices become PostgreSQL arrays (`id = ANY($1)`), nil pointers
// become NULL, [JSON] encodes a value for a json or jsonb column.
package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"time"

	"github.com/lib/pq"
)

// Options tunes a pool; the zero value is good for a hub process.
type Options struct {
	// Name is shown as application_name in pg_stat_activity; "toji" when empty.
	Name string
	// MaxConns bounds the connections in use at once; 32 when zero.
	MaxConns int
	// Statements bounds the prepared statements kept by each connection, the
	// least recently used one goes first; 256 when zero.
	Statements int
	// Settings are run-time parameters that every connection begins with.
	Settings map[string]string
	// Seen, if set, is told of every statement before it is run, so that a test can
	// tell how many a call takes. It must be safe for concurrent use.
	Seen func(query string)
	// Log gets what happens outside of any caller's call, such as a listener
	// which lost its connection; slog.Default() when nil.
	Log *slog.Logger
}

func (o Options) validate() error {
	if o.MaxConns < 0 || o.Statements < 0 {
		return errors.New("database: MaxConns and Statements must not be negative")
	}
	return nil
}

// DB is a pool of connections to one database. It is safe for concurrent use.
type DB struct {
	sql *sql.DB
	dsn string
	log *slog.Logger
}

// Open connects to the database at dsn, a URL or key=value string as lib/pq
// takes it, and checks that it answers.
func Open(ctx context.Context, dsn string, opts Options) (*DB, error) {
	if err := opts.validate(); err != nil {
		return nil, err
	}
	cfg, err := pq.NewConfig(dsn)
	if err != nil {
		return nil, fmt.Errorf("database: read DSN: %w", err)
	}
	if len(opts.Settings) > 0 {
		runtime := maps.Clone(opts.Settings)
		maps.Copy(runtime, cfg.Runtime)
		cfg.Runtime = runtime
	}
	connector, err := newConnector(cfg, opts)
	if err != nil {
		return nil, err
	}
	maxConns := cmp.Or(opts.MaxConns, 32)
	pool := sql.OpenDB(connector)
	pool.SetMaxOpenConns(maxConns)
	pool.SetMaxIdleConns(maxConns)
	pool.SetConnMaxIdleTime(5 * time.Minute)
	if err := pool.PingContext(ctx); err != nil {
		pool.Close()
		if errors.Is(err, io.EOF) { // a server that stops, or has just been started
			err = errConnLost
		}
		return nil, fmt.Errorf("database: connect to %q on %s: %w", cfg.Database, cfg.Host, err)
	}
	return &DB{sql: pool, dsn: dsn, log: cmp.Or(opts.Log, slog.Default())}, nil
}

// Close closes the pool; connections in use are closed when they are done.
func (db *DB) Close() error { return db.sql.Close() }

// SQL returns the pool itself, for libraries that want one (migrations).
// What runs there takes no part in the context's transaction.
func (db *DB) SQL() *sql.DB { return db.sql }

// Ping checks that the database answers.
func (db *DB) Ping(ctx context.Context) error { return db.sql.PingContext(ctx) }

// executor is what *sql.DB and *sql.Tx have in common.
type executor interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func (db *DB) executor(ctx context.Context) executor {
	if t := current(ctx, db); t != nil {
		return t.tx
	}
	return db.sql
}

// Query runs a statement that returns rows. The caller closes them; inside a
// transaction they must be read to the end before the next statement. Prefer
// [All], [One] and [Each].
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return db.executor(ctx).QueryContext(ctx, query, args...)
}

// QueryRow runs a statement of which only the first row is wanted.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *Row {
	return &Row{db.executor(ctx).QueryRowContext(ctx, query, args...)}
}

// Exec runs a statement that returns no rows. Without arguments the text may
// hold several statements.
func (db *DB) Exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return db.executor(ctx).ExecContext(ctx, query, args...)
}

// Row is the first row of an answer.
type Row struct{ row *sql.Row }

// Scan copies the row's columns to dest. It returns [ErrNotFound] when the
// answer was empty.
func (r *Row) Scan(dest ...any) error { return notFound(r.row.Scan(dest...)) }

// Quote returns name as a quoted SQL identifier.
func Quote(name string) string { return pq.QuoteIdentifier(name) }

// InDatabase returns dsn with its database replaced by name.
func InDatabase(dsn, name string) (string, error) {
	if _, err := pq.NewConfig(dsn); err != nil {
		return "", fmt.Errorf("database: read DSN: %w", err)
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		return withURLPath(dsn, name)
	}
	// The last of two settings with one name wins.
	escaped := strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name)
	return dsn + " dbname='" + escaped + "'", nil
}
