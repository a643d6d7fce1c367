package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
)

// CGUser is a user who may import for a content generator.
type CGUser struct {
	CGID   int64  `db:"cg_id"`
	CGName string `db:"cg_name"`
	User   string `db:"user_name"`
}

// CGUsers lists who may import for which content generator.
func (s *Store) CGUsers(ctx context.Context) ([]CGUser, error) {
	return database.All[CGUser](ctx, s.DB, `SELECT cg_id, content_generator.name AS cg_name, users.name AS user_name
		FROM cg_users JOIN content_generator ON content_generator.id = cg_id JOIN users ON users.id = user_id
		WHERE active ORDER BY cg_id, create_event, user_id`)
}

// MayImport tells whether a user may import for a content generator.
func (s *Store) MayImport(ctx context.Context, cgID, userID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT FROM cg_users WHERE cg_id = $1 AND user_id = $2 AND active)`, cgID, userID)
}

// GrantCG lets a user import for a content generator.
func (s *Store) GrantCG(ctx context.Context, cgID, userID int64) error {
	return s.Create(ctx, "cg_users", Row{"cg_id": cgID, "user_id": userID})
}

// RevokeCG lets a user no longer import for a content generator.
func (s *Store) RevokeCG(ctx context.Context, cgID, userID int64) error {
	_, err := s.Revoke(ctx, "cg_users", Row{"cg_id": cgID, "user_id": userID})
	return err
}

// Reserve notes the token with which a build can be completed. It reports false
// if the build is reserved already.
func (s *Store) Reserve(ctx context.Context, buildID int64, token string) (bool, error) {
	return s.changed(ctx, `INSERT INTO build_reservations (build_id, token, created) VALUES ($1, $2, now())
		ON CONFLICT DO NOTHING`, buildID, token)
}

// ReservationToken returns the token of a reserved build, nil if it is not
// reserved.
func (s *Store) ReservationToken(ctx context.Context, buildID int64) (*string, error) {
	return optional[string](ctx, s, `SELECT token FROM build_reservations WHERE build_id = $1`, buildID)
}

// CompleteReserved completes a reserved build with what its content generator
// says of it, and ends the reservation.
//
// Koji: the times that the content generator gives do not count here.
func (s *Store) CompleteReserved(ctx context.Context, id int64, b NewBuild) error {
	_, err := s.Exec(ctx, `WITH reserved AS (DELETE FROM build_reservations WHERE build_id = $1)
		UPDATE build SET state = 1, completion_time = now(), volume_id = $2, task_id = $3, owner = $4, source = $5, extra = $6
		WHERE id = $1 AND state = 0`, id, b.VolumeID, b.TaskID, b.OwnerID, b.Source, b.Extra)
	if err != nil {
		return fmt.Errorf("complete reserved build %d: %w", id, err)
	}
	return nil
}
