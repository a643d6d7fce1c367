package store

import (
	"context"
	"errors"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// Removal is a directory, or a symbolic link, that is to go.
type Removal struct {
	ID      int64            `db:"id"`
	Place   string           `db:"place"` // below the top directory
	Rel     string           `db:"rel"`   // below that
	BuildID *int64           `db:"build_id"`
	RunID   *int64           `db:"run_id"` // of the clean-up that found it
	Since   koji.Time        `db:"since"`
	State   *koji.BuildState `db:"state"` // of the build by now
}

// AddRemoval notes that something is to be removed once the transaction is
// committed.
func (s *Store) AddRemoval(ctx context.Context, r Removal) error {
	_, err := s.Exec(ctx, `INSERT INTO toji.removal (place, rel, build_id, run_id) VALUES ($1, $2, $3, $4)
		ON CONFLICT (place, rel) DO UPDATE SET build_id = excluded.build_id, run_id = excluded.run_id, since = excluded.since`,
		r.Place, r.Rel, r.BuildID, r.RunID)
	return err
}

// RemovalsOfBuild lists what is to be removed of a build.
func (s *Store) RemovalsOfBuild(ctx context.Context, buildID int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM toji.removal WHERE build_id = $1 ORDER BY id`, buildID)
}

// RemovalsOfRun lists what is to be removed by a run of a clean-up.
func (s *Store) RemovalsOfRun(ctx context.Context, run int64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM toji.removal WHERE run_id = $1
		OR build_id IN (SELECT build_id FROM toji.retention_item WHERE run_id = $1 AND action = 'delete') ORDER BY id`, run)
}

// LateRemovals lists what should have been removed so many seconds ago.
func (s *Store) LateRemovals(ctx context.Context, age float64) ([]int64, error) {
	return database.All[int64](ctx, s.DB, `SELECT id FROM toji.removal WHERE since < now() - make_interval(secs => $1) ORDER BY id`, age)
}

// Remove hands something to remove to the function, and then forgets it. Nobody
// changes the build that it is of meanwhile. What others have removed is a success.
func (s *Store) Remove(ctx context.Context, id int64, remove func(Removal) error) error {
	return s.InTx(ctx, func(ctx context.Context) error {
		r, err := database.One[Removal](ctx, s.DB, `SELECT id, place, rel, build_id, run_id, since FROM toji.removal WHERE id = $1 FOR UPDATE`, id)
		if errors.Is(err, database.ErrNotFound) {
			return nil
		}
		if err == nil && r.BuildID != nil {
			r.State, err = database.One[*koji.BuildState](ctx, s.DB, `SELECT state FROM build WHERE id = $1 FOR UPDATE`, *r.BuildID)
		}
		if err != nil {
			return err
		}
		if err := remove(r); err != nil {
			return err
		}
		_, err = s.Exec(ctx, `DELETE FROM toji.removal WHERE id = $1`, id)
		return err
	})
}
