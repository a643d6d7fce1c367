package store

import (
	"context"
	"time"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// TokenRow is a token in use, with everything the hub asks of its user.
type TokenRow struct {
	ID         int64           `db:"id"`
	Name       string          `db:"name"`
	Methods    []string        `db:"methods"`
	ReadOnly   bool            `db:"read_only"`
	Created    koji.Time       `db:"created_at"`
	Expires    *koji.Time      `db:"expires_at"`
	Used       *koji.Time      `db:"used_at"`
	UserID     int64           `db:"user_id"`
	UserName   string          `db:"user_name"`
	UserStatus koji.UserStatus `db:"user_status"`
	UserType   koji.UserType   `db:"usertype"`
	Groups     []int64         `db:"groups"`
	Perms      []string        `db:"perms"` // held by the user and granted to the token
}

// An admin's token may have any permission: admin stands for all of them.
const tokenInUseSQL = `
SELECT t.id, t.name, t.methods, t.read_only, t.created_at, t.expires_at, t.used_at,
       u.id AS user_id, u.name AS user_name, u.status AS user_status, u.usertype,
       ARRAY(SELECT g.group_id FROM user_groups g JOIN users ON users.id = g.group_id AND users.usertype = 2
              WHERE g.user_id = u.id AND g.active) AS groups,
       ARRAY(SELECT permissions.name FROM permissions
              WHERE '*' = ANY(t.permissions) AND permissions.name = ANY(held.names)
                 OR permissions.name = ANY(t.permissions) AND ARRAY[permissions.name::text, 'admin'] && held.names
              ORDER BY permissions.id) AS perms
  FROM toji.token t
  JOIN users u ON u.id = t.user_id
  CROSS JOIN LATERAL (
       SELECT array_agg(permissions.name::text) AS names FROM user_perms p JOIN permissions ON permissions.id = p.perm_id
        WHERE p.active AND (p.user_id = u.id
           OR p.user_id IN (SELECT group_id FROM user_groups WHERE user_id = u.id AND active))) held
 WHERE t.hash = $1 AND t.revoked_at IS NULL`

// TokenInUse returns the token with the hash, or database.ErrNotFound if there is
// none or it was revoked.
func (s *Store) TokenInUse(ctx context.Context, hash []byte) (TokenRow, error) {
	return database.One[TokenRow](ctx, s.DB, tokenInUseSQL, hash)
}

// TouchToken notes that a token is in use, unless somebody is doing so.
func (s *Store) TouchToken(ctx context.Context, id int64, now time.Time) error {
	_, err := s.Exec(ctx, `UPDATE toji.token SET used_at = $2
		WHERE id = (SELECT id FROM toji.token WHERE id = $1 FOR UPDATE SKIP LOCKED)`, id, now)
	return err
}

// NewToken says what AddToken adds.
type NewToken struct {
	UserID      int64
	Name        string
	Hash        []byte
	Methods     []string
	Permissions []string
	ReadOnly    bool
	Now         time.Time
	Expires     *time.Time
}

// AddToken adds a token. The user must have no other of that name.
func (s *Store) AddToken(ctx context.Context, t NewToken) (api.Token, error) {
	const add = `INSERT INTO toji.token (user_id, name, hash, methods, permissions, read_only, created_at, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id`
	id, err := database.One[int64](ctx, s.DB, add, t.UserID, t.Name, t.Hash, t.Methods, t.Permissions, t.ReadOnly, t.Now, t.Expires)
	if err != nil {
		return api.Token{}, err
	}
	return database.One[api.Token](ctx, s.DB, tokenSQL+` WHERE t.id = $1`, id)
}

const tokenSQL = `
SELECT t.id, t.user_id, u.name AS user_name, t.name, t.methods, t.permissions, t.read_only,
       t.created_at AS created, t.expires_at AS expires, t.used_at AS used
  FROM toji.token t
  JOIN users u ON u.id = t.user_id`

// Tokens lists a user's tokens that are not revoked, expired ones, too.
func (s *Store) Tokens(ctx context.Context, userID int64) ([]api.Token, error) {
	return database.All[api.Token](ctx, s.DB, tokenSQL+` WHERE t.user_id = $1 AND t.revoked_at IS NULL ORDER BY t.id`, userID)
}

// RevokeToken ends a token of a user, by its id or name, and reports whether
// there was one.
func (s *Store) RevokeToken(ctx context.Context, userID, id int64, name string, by int64, now time.Time) (bool, error) {
	return s.changed(ctx, `UPDATE toji.token SET revoked_at = $5, revoked_by = $4
		WHERE user_id = $1 AND (id = $2 OR name = $3) AND revoked_at IS NULL`, userID, id, name, by, now)
}
