package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
)

// EnsureAdmin makes sure that there is a user of the name who holds the
// permission admin, on its own account where it has to be given, and returns
// its login data. A new hub has no other way to get its first user.
func (s *Store) EnsureAdmin(ctx context.Context, name string) (login Login, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		user, err := s.User(ctx, UserRef{Name: name}, false)
		if err != nil {
			return err
		}
		if user != nil && user.UserType != koji.UserNormal {
			return koji.GenericErrorf("%s is not a user who can log in as a person", name)
		}
		if user == nil {
			if _, err := s.CreateUser(ctx, name, koji.UserNormal, koji.UserActive, ""); err != nil {
				return err
			}
		}
		if login, err = s.LoginByName(ctx, name); err != nil {
			return err
		}
		return s.ensureGrant(ctx, login.UserID, "admin")
	})
	return login, err
}

// ensureGrant gives a user a permission that it does not have yet.
func (s *Store) ensureGrant(ctx context.Context, userID int64, permission string) error {
	missing, err := database.All[int64](ctx, s.DB, `
		SELECT id FROM permissions WHERE name = $2
		   AND NOT EXISTS (SELECT FROM user_perms WHERE active AND perm_id = permissions.id AND user_id = $1)`, userID, permission)
	for _, id := range missing {
		if err := s.GrantPermission(WithActor(ctx, userID), userID, id); err != nil {
			return err
		}
	}
	return err
}

// SetPassword sets what package password made of a user's password.
func (s *Store) SetPassword(ctx context.Context, userID int64, stored string) error {
	return s.updateRow(ctx, "users", userID, Row{"password": stored})
}
