package database

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"strings"
	"syscall"

	"github.com/lib/pq"
)

// pqConn is what lib/pq's connections offer.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// conn puts two things around a connection of lib/pq: prepared statements by
// text, so that a transaction needs no second connection to prepare one, and a
// look at the socket before reuse, so that a restarted server is not noticed
// by a caller's statement.
type conn struct {
	pqConn
	socket net.Conn
	cache  *statements
	seen   func(query string) // of Options
	// streaming is true while a query's rows are unread.
	streaming bool
	// broken is true once the connection cannot be used any more.
	broken bool
}

// IsValid is called when a connection goes back to the pool.
func (c *conn) IsValid() bool {
	return !c.broken && c.pqConn.IsValid()
}

// QueryContext runs a query; a text seen before on this connection is prepared.
func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if c.streaming {
		return nil, errBusy
	}
	if c.seen != nil {
		c.seen(query)
	}
	stmt, err := c.cache.get(ctx, c.pqConn, query)
	if err != nil {
		return nil, c.failed(ctx, query, err)
	}
	var rows driver.Rows
	if stmt == nil {
		rows, err = c.pqConn.QueryContext(ctx, query, args)
	} else {
		rows, err = stmt.QueryContext(ctx, args)
	}
	if err != nil {
		return nil, c.failed(ctx, query, err)
	}
	c.streaming = true
	return &connRows{Rows: rows, conn: c}, nil
}

// ExecContext runs a statement; one without arguments may hold several.
func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if c.streaming {
		return nil, errBusy
	}
	if c.seen != nil {
		c.seen(query)
	}
	if len(args) == 0 {
		res, err := c.pqConn.ExecContext(ctx, query, args)
		return res, c.failed(ctx, query, err)
	}
	stmt, err := c.cache.get(ctx, c.pqConn, query)
	if err != nil {
		return nil, c.failed(ctx, query, err)
	}
	var res driver.Result
	if stmt == nil {
		res, err = c.pqConn.ExecContext(ctx, query, args)
	} else {
		res, err = stmt.ExecContext(ctx, args)
	}
	return res, c.failed(ctx, query, err)
}

var writing = regexp.MustCompile(`(?i)\b(insert|update|delete|merge|call|nextval)\b`)

// failed drops a statement that the server no longer takes, and hides
// driver.ErrBadConn from database/sql, which would run the text once more on
// another connection, where that could write twice.
func (c *conn) failed(ctx context.Context, query string, err error) error {
	switch code := Code(err); {
	case err == nil:
		return nil
	case c.outOfStep(err):
		return errLongError
	case code == codePlanChanged, code == codeNoStatement:
		c.cache.forget(query)
	case ctx.Err() != nil:
		// The server only says that it was told to stop.
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	case errors.Is(err, driver.ErrBadConn) && (writing.MatchString(query) || !reads(query)):
		return errConnLost
	}
	return err
}

// outOfStep tells whether err is an error of more than 30,000 bytes, such as one
// that repeats a long value. lib/pq takes it for the plain text of a server that
// cannot start, leaves the rest of it unread and would take that for the next
// answer; so the connection is given up.
func (c *conn) outOfStep(err error) bool {
	if Code(err) != "" || !strings.HasPrefix(err.Error(), "pq: server error: ") {
		return false
	}
	c.broken = true
	if c.socket != nil {
		c.socket.Close()
	}
	return true
}

func reads(query string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	word, _, _ = strings.Cut(word, "\n")
	return strings.EqualFold(word, "SELECT") || strings.EqualFold(word, "WITH")
}

// CheckNamedValue lets lib/pq turn slices into arrays.
func (c *conn) CheckNamedValue(nv *driver.NamedValue) error {
	// With binary_parameters a []byte is sent in the column's binary format,
	// which is not JSON text for jsonb.
	if ptr, ok := nv.Value.(*json.RawMessage); ok && ptr != nil {
		nv.Value = *ptr
	}
	if raw, ok := nv.Value.(json.RawMessage); ok {
		nv.Value = nil
		if raw != nil {
			nv.Value = string(raw)
		}
		return nil
	}
	return c.pqConn.CheckNamedValue(nv)
}

// namedValues are the arguments of a query as the driver wants them.
func (c *conn) namedValues(args []any) ([]driver.NamedValue, error) {
	named := make([]driver.NamedValue, len(args))
	for i, arg := range args {
		named[i] = driver.NamedValue{Ordinal: i + 1, Value: arg}
		err := c.CheckNamedValue(&named[i])
		if errors.Is(err, driver.ErrSkip) {
			named[i].Value, err = driver.DefaultParameterConverter.ConvertValue(named[i].Value)
		}
		if err != nil {
			return nil, fmt.Errorf("argument %d: %w", i+1, err)
		}
	}
	return named, nil
}

// ResetSession is called before a pooled connection is used again.
func (c *conn) ResetSession(ctx context.Context) error {
	c.streaming = false
	if err := c.pqConn.ResetSession(ctx); err != nil {
		return err
	}
	switch quiet, err := quiet(c.socket); {
	case err != nil:
		return driver.ErrBadConn
	case quiet:
		return nil
	}
	// The server said something while the connection was idle: mostly goodbye.
	return c.pqConn.Ping(ctx)
}

// quiet tells whether nothing waits to be read on the socket; an error says
// that the other side has closed it.
func quiet(socket net.Conn) (bool, error) {
	sc, ok := socket.(syscall.Conn)
	if !ok {
		return true, nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false, err
	}
	var n int
	var peekErr error
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, peekErr = syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		return true
	})
	switch {
	case err != nil:
		return false, err
	case errors.Is(peekErr, syscall.EAGAIN):
		return true, nil
	case peekErr != nil:
		return false, peekErr
	case n == 0:
		return false, net.ErrClosed
	}
	return false, nil
}

// connRows marks its connection free again when it is closed.
type connRows struct {
	driver.Rows
	conn *conn
}

// Next reads a row.
func (r *connRows) Next(dest []driver.Value) error {
	err := r.Rows.Next(dest)
	if err != nil && r.conn.outOfStep(err) {
		return errLongError
	}
	return err
}

// Close ends the reading of rows.
func (r *connRows) Close() error {
	r.conn.streaming = false
	return r.Rows.Close()
}

// ColumnTypeDatabaseTypeName returns the column's type as PostgreSQL names it.
func (r *connRows) ColumnTypeDatabaseTypeName(i int) string {
	if t, ok := r.Rows.(driver.RowsColumnTypeDatabaseTypeName); ok {
		return t.ColumnTypeDatabaseTypeName(i)
	}
	return ""
}

// connector opens connections; it keeps the socket that lib/pq dials.
type connector struct {
	pq         *pq.Connector
	statements int
	seen       func(query string)
}

// planning are settings of sessions for what a hub asks, unless the DSN has
// others: thousands of rows by their keys, from tables that are mostly in memory.
// PostgreSQL's defaults are for disks that turn, and read whole tables instead;
// and compiling a statement takes longer than any of ours runs.
var planning = map[string]string{
	"jit":              "off",
	"random_page_cost": "1.1",
	"work_mem":         "32MB", // the RPMs of a large tag are sorted without a file
}

func newConnector(cfg pq.Config, opts Options) (*connector, error) {
	cfg = cfg.Clone()
	cfg.BinaryParameters = true
	if cfg.ApplicationName == "" {
		cfg.ApplicationName = "toji"
	}
	if opts.Name != "" {
		cfg.ApplicationName = opts.Name
	}
	maps.DeleteFunc(cfg.Runtime, func(name, _ string) bool {
		return strings.EqualFold(name, "timezone") || strings.EqualFold(name, "search_path")
	})
	cfg.Runtime["timezone"] = "UTC"
	// The default begins with the user's own schema: for a user toji that would be
	// ours, whose tables are always named with it.
	cfg.Runtime["search_path"] = "public"
	for name, value := range planning {
		if _, set := cfg.Runtime[name]; !set {
			cfg.Runtime[name] = value
		}
	}
	c, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, err
	}
	c.Dialer(new(dialer))
	size := opts.Statements
	if size == 0 {
		size = 256
	}
	return &connector{pq: c, statements: size, seen: opts.Seen}, nil
}

// Connect opens a connection.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	var socket net.Conn
	opened, err := c.pq.Connect(context.WithValue(ctx, socketKey{}, &socket))
	if err != nil {
		return nil, err
	}
	return &conn{pqConn: opened.(pqConn), socket: socket, cache: newStatements(c.statements), seen: c.seen}, nil
}

// Driver returns lib/pq's driver.
func (c *connector) Driver() driver.Driver { return c.pq.Driver() }
