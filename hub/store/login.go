package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// Login is what is needed to let a user in.
type Login struct {
	UserID   int64           `db:"id"`
	Name     string          `db:"name"`
	Password *string         `db:"password"`
	Status   koji.UserStatus `db:"status"`
	Type     koji.UserType   `db:"usertype"`
}

const loginSQL = `SELECT id, name, password, status, usertype FROM users`

// LoginByName returns the login data of a user, or database.ErrNotFound.
func (s *Store) LoginByName(ctx context.Context, name string) (Login, error) {
	return database.One[Login](ctx, s.DB, loginSQL+` WHERE name = $1`, name)
}

// LoginByPrincipal returns the login data of the user that a Kerberos principal
// belongs to, or database.ErrNotFound.
func (s *Store) LoginByPrincipal(ctx context.Context, principal string) (Login, error) {
	return database.One[Login](ctx, s.DB, loginSQL+` WHERE id IN (
		SELECT user_id FROM user_krb_principals WHERE krb_principal = $1)`, principal)
}
