package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// Permissions lists all permissions by id.
func (s *Store) Permissions(ctx context.Context) ([]api.Permission, error) {
	return database.All[api.Permission](ctx, s.DB, `SELECT id, name, description FROM permissions ORDER BY id`)
}

// GrantedPerm is a permission of a user.
type GrantedPerm struct {
	Name  string  `db:"name"`
	Group *string `db:"granted_to"` // the user's group that has it; nil for the user itself
}

// UserPerms lists the permissions of a user, its own ones first, then, if
// groups is set, those of each of its groups.
func (s *Store) UserPerms(ctx context.Context, userID int64, groups bool) ([]GrantedPerm, error) {
	return database.All[GrantedPerm](ctx, s.DB, `
		SELECT permissions.name, g.granted_to
		  FROM (SELECT $1::int4 AS user_id, NULL AS granted_to
		        UNION ALL
		        SELECT users.id, users.name FROM user_groups JOIN users ON users.id = user_groups.group_id
		         WHERE $2 AND user_groups.active AND user_groups.user_id = $1) AS g
		  JOIN user_perms p ON p.user_id = g.user_id AND p.active
		  JOIN permissions ON permissions.id = p.perm_id
		 ORDER BY g.granted_to NULLS FIRST, p.create_event, permissions.id`, userID, groups)
}

// GrantPermission gives a user a permission.
func (s *Store) GrantPermission(ctx context.Context, userID, permID int64) error {
	return s.Create(ctx, "user_perms", Row{"user_id": userID, "perm_id": permID})
}

// RevokePermission takes a permission away from a user.
func (s *Store) RevokePermission(ctx context.Context, userID, permID int64) error {
	_, err := s.Revoke(ctx, "user_perms", Row{"user_id": userID, "perm_id": permID})
	return err
}

// DescribePermission sets the description of a permission.
func (s *Store) DescribePermission(ctx context.Context, permID int64, description string) error {
	return s.updateRow(ctx, "permissions", permID, Row{"description": description})
}
