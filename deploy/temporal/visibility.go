package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// keptIndexes are the indexes of visibility's one table that Toji's lists and the web UI
// use: by time, state, workflow and type, and by our search attributes. Temporal makes some
// 60 more, one per search attribute that anybody might define; each row is entered into all
// of them three times in a workflow's life, which makes two thirds of the whole server's
// write-ahead log.
var keptIndexes = []string{
	"executions_visibility_pkey",
	"default_idx", // close time, start time
	"by_status",
	"by_workflow_id",
	"by_workflow_type",
	// searchAttributes below
	"by_int_01",
	"by_keyword_01",
	"by_keyword_02",
	"by_keyword_03",
	"by_keyword_04",
	"by_keyword_05",
}

// Dropped indexes are remembered, because a later schema version of Temporal may want to
// drop or rename them itself and would fail on finding them gone.
const (
	createDroppedIndexSQL = `
		CREATE TABLE IF NOT EXISTS toji_dropped_index (
			name       text PRIMARY KEY,
			definition text NOT NULL
		)`
	rememberIndexesSQL = `
		INSERT INTO toji_dropped_index (name, definition)
		SELECT indexname, indexdef FROM pg_indexes
		 WHERE schemaname = 'public' AND tablename = 'executions_visibility' AND NOT indexname = ANY($1)
		ON CONFLICT (name) DO UPDATE SET definition = excluded.definition
		RETURNING name`
	forgetIndexesSQL = `DELETE FROM toji_dropped_index RETURNING definition`
)

// dropUnusedIndexes drops every index of the visibility table but keptIndexes, in one
// transaction, and returns how many those were.
func (d database) dropUnusedIndexes(ctx context.Context) (int, error) {
	conn, err := d.connect(ctx, d.name)
	if err != nil {
		return 0, err
	}
	defer conn.Close(ctx)
	var dropped []string
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, createDroppedIndexSQL); err != nil {
			return err
		}
		rows, _ := tx.Query(ctx, rememberIndexesSQL, keptIndexes)
		if dropped, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			return err
		}
		return execAll(ctx, tx, "DROP INDEX ", quoteAll(dropped))
	})
	if err != nil {
		return 0, fmt.Errorf("drop unused indexes of %s: %w", d.name, err)
	}
	return len(dropped), nil
}

// restoreIndexes undoes dropUnusedIndexes. A database where nothing was ever dropped stays
// as it is.
func restoreIndexes(ctx context.Context, conn *pgx.Conn) error {
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		var exists bool
		if err := tx.QueryRow(ctx, "SELECT to_regclass('toji_dropped_index') IS NOT NULL").Scan(&exists); err != nil || !exists {
			return err
		}
		rows, _ := tx.Query(ctx, forgetIndexesSQL)
		definitions, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		return execAll(ctx, tx, "", definitions)
	})
}

func execAll(ctx context.Context, tx pgx.Tx, prefix string, statements []string) error {
	for _, s := range statements {
		if _, err := tx.Exec(ctx, prefix+s); err != nil {
			return fmt.Errorf("%s%s: %w", prefix, s, err)
		}
	}
	return nil
}

func quoteAll(identifiers []string) []string {
	quoted := make([]string, len(identifiers))
	for i, id := range identifiers {
		quoted[i] = quote(id)
	}
	return quoted
}
