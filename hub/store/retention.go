package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// RetentionRun is a run of a clean-up, as those who do it see it.
type RetentionRun struct {
	ID        int64      `db:"id"`
	Kind      string     `db:"kind"`
	DryRun    bool       `db:"dry_run"`
	Steps     []string   `db:"steps"`    // that are left, the first one under way
	Position  string     `db:"position"` // how far that one is
	Requested koji.Time  `db:"requested"`
	Ended     *koji.Time `db:"ended"`
	Failures  []string   `db:"failures"`
}

// NewRetentionRun says what to begin.
type NewRetentionRun struct {
	Kind   string
	DryRun bool
	Steps  []string
	UserID *int64 // who asked for it; nil for the schedule
	// Workflow is the execution that begins a run of the schedule: it gets the
	// same run again. Empty for a run that somebody asked for.
	Workflow string
}

// AddRetentionRun begins a run and returns its id.
func (s *Store) AddRetentionRun(ctx context.Context, r NewRetentionRun) (int64, error) {
	return database.One[int64](ctx, s.DB, `INSERT INTO toji.retention_run (kind, dry_run, steps, requested_by, workflow)
		VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workflow) DO UPDATE SET workflow = excluded.workflow RETURNING id`,
		r.Kind, r.DryRun, r.Steps, r.UserID, nullableText(r.Workflow))
}

const retentionRun = `SELECT id, kind, dry_run, steps, position, requested, ended, failures FROM toji.retention_run WHERE id = $1`

// RetentionRun reads a run.
func (s *Store) RetentionRun(ctx context.Context, id int64) (RetentionRun, error) {
	return database.One[RetentionRun](ctx, s.DB, retentionRun, id)
}

// LockRetentionRun reads a run for the one who works at it.
func (s *Store) LockRetentionRun(ctx context.Context, id int64) (RetentionRun, error) {
	return database.One[RetentionRun](ctx, s.DB, retentionRun+` FOR UPDATE`, id)
}

// SaveRetentionRun writes how far a run is: with no steps left it has ended.
func (s *Store) SaveRetentionRun(ctx context.Context, r RetentionRun) error {
	_, err := s.Exec(ctx, `UPDATE toji.retention_run SET steps = $2, position = $3, failures = $4,
		ended = CASE WHEN cardinality($2::text[]) = 0 THEN clock_timestamp() END WHERE id = $1`,
		r.ID, append([]string{}, r.Steps...), r.Position, append([]string{}, r.Failures...))
	return err
}

// RetentionItem is something that a run did, or would do, see [api.RetentionItem].
type RetentionItem struct {
	Action, Subject, Reason string
	Rows, Bytes             int64
	BuildID, OwnerID        *int64 // of builds
}

// AddRetentionItems adds to what a step of a run did. What it did to the same
// subject before is added up.
func (s *Store) AddRetentionItems(ctx context.Context, run int64, step string, items []RetentionItem) error {
	for _, i := range items {
		_, err := s.Exec(ctx, `INSERT INTO toji.retention_item (run_id, step, action, subject, reason, rows, bytes, build_id, owner_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (run_id, step, action, subject) DO UPDATE
			SET rows = retention_item.rows + excluded.rows, bytes = retention_item.bytes + excluded.bytes`,
			run, step, i.Action, i.Subject, i.Reason, i.Rows, i.Bytes, i.BuildID, i.OwnerID)
		if err != nil {
			return fmt.Errorf("note what run %d did to %s: %w", run, i.Subject, err)
		}
	}
	return nil
}

// RequestedRetention lists the runs that somebody asked for and that have not
// ended.
func (s *Store) RequestedRetention(ctx context.Context) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM toji.retention_run WHERE ended IS NULL AND workflow IS NULL ORDER BY id`)
}

const retentionRuns = `SELECT r.id, r.kind, r.dry_run, u.name AS user, r.requested, r.ended, r.steps, r.failures
	FROM toji.retention_run r LEFT JOIN users u ON u.id = r.requested_by`

// RetentionRuns lists the latest runs, of a kind if that is not nil.
func (s *Store) RetentionRuns(ctx context.Context, kind *string, limit int64) ([]api.RetentionRun, error) {
	return database.All[api.RetentionRun](ctx, s.DB, retentionRuns+` WHERE r.kind = coalesce($1, r.kind) ORDER BY r.id DESC LIMIT $2`, kind, limit)
}

// RetentionReport returns a run with what it did, nil if there is none; without
// an id it is the latest of its kind.
func (s *Store) RetentionReport(ctx context.Context, kind string, id *int64) (*api.RetentionReport, error) {
	run, err := database.One[api.RetentionRun](ctx, s.DB, retentionRuns+` WHERE r.kind = $1 AND r.id = coalesce($2, r.id) ORDER BY r.id DESC LIMIT 1`, kind, id)
	if errors.Is(err, database.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	items, err := database.All[api.RetentionItem](ctx, s.DB, `SELECT i.step, i.action, i.subject, i.reason, i.rows, i.bytes, u.name AS owner
		FROM toji.retention_item i LEFT JOIN users u ON u.id = i.owner_id WHERE i.run_id = $1 ORDER BY i.id`, run.ID)
	return &api.RetentionReport{RetentionRun: run, Items: append([]api.RetentionItem{}, items...)}, err
}

// TrashedBuild is a build that a run put into the trashcan.
type TrashedBuild struct {
	ID  int64  `db:"build_id"`
	NVR string `db:"subject"`
}

// NextTrashOwner returns the user with the lowest id above one whose builds a run
// put into the trashcan, and these; 0 if there is none.
func (s *Store) NextTrashOwner(ctx context.Context, run, after int64) (owner int64, builds []TrashedBuild, err error) {
	owner, err = database.One[int64](ctx, s.DB, `SELECT coalesce(min(owner_id), 0) FROM toji.retention_item
		WHERE run_id = $1 AND action = 'trash' AND owner_id > $2`, run, after)
	if err != nil || owner == 0 {
		return 0, nil, err
	}
	builds, err = database.All[TrashedBuild](ctx, s.DB, `SELECT build_id, subject FROM toji.retention_item
		WHERE run_id = $1 AND action = 'trash' AND owner_id = $2 ORDER BY subject`, run, owner)
	return owner, builds, err
}
