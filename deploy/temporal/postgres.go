package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// maintenanceDatabase exists in every cluster; CREATE DATABASE is sent from there.
	maintenanceDatabase = "postgres"

	connectTimeout = 5 * time.Second
	retryEvery     = 250 * time.Millisecond
	complainEvery  = 10 * time.Second
)

// The SQLSTATEs that matter here; PostgreSQL's manual, appendix A.
const (
	codeNoDatabase    = "3D000" // invalid_catalog_name
	codeNoTable       = "42P01" // undefined_table
	codeInUse         = "55006" // object_in_use
	codeTooManyConns  = "53300" // too_many_connections
	codeAdminShutdown = "57P01" // admin_shutdown
	codeCrashShutdown = "57P02" // crash_shutdown
	codeStartingUp    = "57P03" // cannot_connect_now
)

// postgres opens plain connections, for the little that Temporal's own SQL layer cannot do.
type postgres struct {
	opts Options
	log  *slog.Logger
}

// connect opens the database name, and waits as long as PostgreSQL is not there yet. It
// gives up only when ctx ends or when waiting cannot help: a wrong password, no such
// database.
func (p postgres) connect(ctx context.Context, name string) (*pgx.Conn, error) {
	cfg, err := pgx.ParseConfig(p.dsn(name))
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL at %s: %w", p.opts.PGAddr, err)
	}
	cfg.ConnectTimeout = connectTimeout
	var complained time.Time
	for {
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err == nil {
			return conn, nil
		}
		if !notUpYet(err) {
			return nil, fmt.Errorf("open database %s: %w", name, err)
		}
		if time.Since(complained) > complainEvery {
			p.log.Warn("waiting for PostgreSQL", "address", p.opts.PGAddr, "error", err)
			complained = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for PostgreSQL at %s: %w", p.opts.PGAddr, ctx.Err())
		case <-time.After(retryEvery):
		}
	}
}

func (p postgres) dsn(name string) string {
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(p.opts.PGUser, p.opts.PGPass),
		Host:     p.opts.PGAddr,
		Path:     "/" + name,
		RawQuery: url.Values{"sslmode": {p.opts.PGSSLMode}}.Encode(),
	}
	return u.String()
}

// notUpYet tells a server that is down, starting, stopping or full from one that said no.
func notUpYet(err error) bool {
	var pgErr *pgconn.PgError
	if !errors.As(err, &pgErr) {
		return true // nobody answered
	}
	switch pgErr.Code {
	case codeStartingUp, codeAdminShutdown, codeCrashShutdown, codeTooManyConns:
		return true
	}
	return false
}

func hasCode(err error, code string) bool {
	var pgErr *pgconn.PgError
	return errors.As(err, &pgErr) && pgErr.Code == code
}
