package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	_ "go.temporal.io/server/common/persistence/sql/sqlplugin/postgresql" // registers sqlPlugin
	pgschema "go.temporal.io/server/schema/postgresql/v12"
	"go.temporal.io/server/tools/common/schema"
	sqltool "go.temporal.io/server/tools/sql"
)

// sqlPlugin is the pgx one: "postgres12" commits twice as often for the same work.
const sqlPlugin = "postgres12_pgx"

// Each of the four services has a pool of its own per database, so a busy server holds
// 4*(mainConns+visibilityConns) connections at most, of PostgreSQL's usual 100.
const (
	mainConns       = 8
	visibilityConns = 3
	connLifetime    = time.Hour
)

// database is one of the two databases of a Temporal cluster.
type database struct {
	postgres
	temporalLog log.Logger

	name    string
	schema  string // folder of the schema in the Temporal module
	version string // the version which that folder leads to
	conns   int    // size of each service's pool
}

// newDatabases describes the main and the visibility database.
func newDatabases(pg postgres, temporalLog log.Logger) (main, visibility database) {
	main = database{
		postgres: pg, temporalLog: temporalLog,
		name: pg.opts.Database, schema: "postgresql/v12/temporal",
		version: pgschema.Version, conns: mainConns,
	}
	visibility = database{
		postgres: pg, temporalLog: temporalLog,
		name: pg.opts.Database + "_visibility", schema: "postgresql/v12/visibility",
		version: pgschema.VisibilityVersion, conns: visibilityConns,
	}
	return main, visibility
}

// config is what Temporal's SQL layer opens the database with.
func (d database) config() *config.SQL {
	return &config.SQL{
		PluginName:        sqlPlugin,
		ConnectProtocol:   "tcp",
		ConnectAddr:       d.opts.PGAddr,
		User:              d.opts.PGUser,
		Password:          d.opts.PGPass,
		DatabaseName:      d.name,
		ConnectAttributes: map[string]string{"sslmode": d.opts.PGSSLMode},
		MaxConns:          d.conns,
		MaxIdleConns:      d.conns,
		MaxConnLifetime:   connLifetime,
	}
}

// prepare makes sure that the database exists and has the schema of this Temporal version.
func (d database) prepare(ctx context.Context) error {
	conn, err := d.connect(ctx, d.name)
	if hasCode(err, codeNoDatabase) {
		if err := d.create(ctx); err != nil {
			return fmt.Errorf("create database %s: %w", d.name, err)
		}
		return nil
	}
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	if err := d.upgrade(ctx, conn); err != nil {
		return fmt.Errorf("upgrade database %s: %w", d.name, err)
	}
	return nil
}

// create builds the database under another name and renames it when it is complete: the
// schema files are not transactional, and one that was interrupted half-way can neither be
// used nor be finished.
func (d database) create(ctx context.Context) error {
	conn, err := d.connect(ctx, maintenanceDatabase)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	building := d
	building.name = d.name + "_new"
	for _, sql := range []string{
		"DROP DATABASE IF EXISTS " + quote(building.name) + " WITH (FORCE)",
		"CREATE DATABASE " + quote(building.name),
	} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return err
		}
	}
	d.log.Info("making database", "name", d.name, "schema", d.version)
	if err := building.applySchema(true); err != nil {
		return err
	}
	if err := building.setSchemaOwner(ctx, d.name); err != nil {
		return err
	}
	return renameDatabase(ctx, conn, building.name, d.name)
}

// upgrade brings an existing database, possibly an empty one that an administrator made,
// to d.version.
func (d database) upgrade(ctx context.Context, conn *pgx.Conn) error {
	var version string
	err := conn.QueryRow(ctx, "SELECT curr_version FROM schema_version WHERE db_name = $1", d.name).Scan(&version)
	empty := hasCode(err, codeNoTable) || errors.Is(err, pgx.ErrNoRows)
	if err != nil && !empty {
		return fmt.Errorf("read schema version: %w", err)
	}
	if version == d.version {
		return nil
	}
	d.log.Info("upgrading database", "name", d.name, "from", version, "schema", d.version)
	if err := restoreIndexes(ctx, conn); err != nil {
		return fmt.Errorf("restore indexes: %w", err)
	}
	return d.applySchema(empty)
}

// applySchema runs the schema files of Temporal's module that the database lacks; all of
// them when fresh.
func (d database) applySchema(fresh bool) error {
	conn, err := sqltool.NewConnection(d.config(), d.temporalLog)
	if err != nil {
		return err
	}
	defer conn.Close()
	if fresh {
		setup := schema.NewSetupSchemaTask(conn, &schema.SetupConfig{InitialVersion: "0.0"}, d.temporalLog)
		if err := setup.Run(); err != nil {
			return err
		}
	}
	return schema.NewUpdateSchemaTask(conn, &schema.UpdateConfig{SchemaName: d.schema}, d.temporalLog).Run()
}

// setSchemaOwner enters the final name into schema_version, which is looked up by it.
func (d database) setSchemaOwner(ctx context.Context, name string) error {
	conn, err := d.connect(ctx, d.name)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, "UPDATE schema_version SET db_name = $1", name)
	return err
}

// renameDatabase waits for the sessions that were just closed in from: PostgreSQL ends them
// a moment after the client hung up, and refuses the rename until then.
func renameDatabase(ctx context.Context, conn *pgx.Conn, from, to string) error {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	for {
		_, err := conn.Exec(ctx, "ALTER DATABASE "+quote(from)+" RENAME TO "+quote(to))
		if !hasCode(err, codeInUse) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(retryEvery):
		}
	}
}

func quote(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
