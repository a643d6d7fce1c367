package store

import (
	"context"
	"errors"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

const hostOfUserSQL = `
SELECT host.name FROM users JOIN host ON host.user_id = users.id
 WHERE users.name = $1 AND users.usertype = $2 AND users.status = $3`

// HostOfUser returns the name of the build host that the user is, "" if it is
// none or may not log in.
func (s *Store) HostOfUser(ctx context.Context, user string) (string, error) {
	name, err := database.One[string](ctx, s.DB, hostOfUserSQL, user, int(koji.UserHost), int(koji.UserActive))
	if errors.Is(err, database.ErrNotFound) {
		return "", nil
	}
	return name, err
}

const hostHoldsSQL = `
SELECT EXISTS (SELECT 1 FROM task JOIN host ON host.id = task.host_id JOIN users ON users.id = host.user_id
                WHERE task.id = $1 AND task.state IN ($2, $3) AND users.name = $4)`

// HostHolds tells whether a task is assigned to, or opened by, the host that the
// user is.
func (s *Store) HostHolds(ctx context.Context, user string, taskID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, hostHoldsSQL, taskID, int(koji.TaskOpen), int(koji.TaskAssigned), user)
}

// Secret returns the installation's secret of that name, and makes the proposed
// one that if there is none yet.
func (s *Store) Secret(ctx context.Context, name string, proposed []byte) ([]byte, error) {
	return database.One[[]byte](ctx, s.DB, `
		INSERT INTO toji.meta (key, value) VALUES ($1, encode($2, 'hex'))
		ON CONFLICT (key) DO UPDATE SET value = meta.value RETURNING decode(value, 'hex')`, "secret "+name, proposed)
}
