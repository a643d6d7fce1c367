package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/toji-build/toji/internal/config"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/schema"
)

const (
	// databaseRetry is how soon a database that was not there is looked for again.
	databaseRetry = 250 * time.Millisecond
	// complainEvery is how often the log says that it is still not there.
	complainEvery = 15 * time.Second
)

// openDatabase opens the database, which it waits for, and sees to its schema.
func openDatabase(ctx context.Context, c config.Database, settings map[string]string, log *slog.Logger) (*database.DB, error) {
	db, err := awaitDatabase(ctx, c, settings, log)
	if err != nil {
		return nil, err
	}
	if c.Migrate {
		err = schema.Migrate(ctx, db, log)
	} else {
		err = checkSchema(ctx, db)
	}
	if err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// awaitDatabase waits for a server that does not answer, or not yet. A refusal
// of one that does is an error.
func awaitDatabase(ctx context.Context, c config.Database, settings map[string]string, log *slog.Logger) (*database.DB, error) {
	var complained time.Time
	for {
		db, err := database.Open(ctx, c.DSN, database.Options{Name: "toji hub", MaxConns: c.MaxOpenConns, Settings: settings, Log: log})
		if err == nil {
			return db, nil
		}
		if !database.IsConnLost(err) {
			return nil, err
		}
		if time.Since(complained) > complainEvery {
			log.WarnContext(ctx, "waiting for the database", "error", err)
			complained = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(databaseRetry):
		}
	}
}

// checkSchema tells a hub's operator what to do about a schema of another version.
func checkSchema(ctx context.Context, db *database.DB) error {
	applied, err := schema.Applied(ctx, db)
	switch {
	case err != nil:
		return fmt.Errorf("read the version of the schema: %w", err)
	case applied < schema.Version:
		return fmt.Errorf("the database's schema has version %d, this hub wants %d; run `toji db migrate`, or set migrate = true in section [database]", applied, schema.Version)
	case applied > schema.Version:
		return fmt.Errorf("the database's schema has version %d, this hub knows %d; use a newer toji", applied, schema.Version)
	}
	return nil
}
