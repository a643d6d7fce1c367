package store

import (
	"context"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// SessionRow is a live session with everything the hub asks of its user.
type SessionRow struct {
	ID          int64           `db:"id"`
	UserID      int64           `db:"user_id"`
	AuthType    koji.AuthType   `db:"authtype"`
	HostIP      string          `db:"hostip"`
	Callnum     *int64          `db:"callnum"`
	Exclusive   bool            `db:"exclusive"`
	Expired     bool            `db:"expired"`
	Master      *int64          `db:"master"`
	Start       koji.Time       `db:"start_time"`
	Update      koji.Time       `db:"update_time"`
	Renew       koji.Time       `db:"renew_time"`
	UserName    string          `db:"user_name"`
	UserStatus  koji.UserStatus `db:"user_status"`
	UserType    koji.UserType   `db:"usertype"`
	HostID      *int64          `db:"host_id"`
	ExclusiveID *int64          `db:"exclusive_id"` // the user's exclusive session, if there is one
	Groups      []int64         `db:"groups"`
	Perms       []string        `db:"perms"`
}

// One round trip for all of it: this runs with every call. Groups give their
// permissions to their members; 2 is the user type of a group.
const sessionSQL = `
SELECT s.id, s.user_id, coalesce(s.authtype, 0) AS authtype, coalesce(s.hostip, '') AS hostip, s.callnum, s.exclusive IS TRUE AS exclusive, s.expired,
       s.master, s.start_time, s.update_time, s.renew_time,
       u.name AS user_name, u.status AS user_status, u.usertype,
       (SELECT min(id) FROM host WHERE host.user_id = s.user_id) AS host_id,
       (SELECT x.id FROM sessions x WHERE x.user_id = s.user_id AND x.exclusive AND NOT x.closed) AS exclusive_id,
       ARRAY(SELECT g.group_id FROM user_groups g JOIN users ON users.id = g.group_id AND users.usertype = 2
              WHERE g.user_id = s.user_id AND g.active) AS groups,
       ARRAY(SELECT permissions.name FROM user_perms p JOIN permissions ON permissions.id = p.perm_id
              WHERE p.active AND (p.user_id = s.user_id
                 OR p.user_id IN (SELECT group_id FROM user_groups WHERE user_id = s.user_id AND active))
              GROUP BY permissions.name, permissions.id ORDER BY permissions.id) AS perms
  FROM sessions s
  JOIN users u ON u.id = s.user_id
 WHERE s.id = $1 AND s.key = $2 AND s.hostip = $3 AND NOT s.closed`

// Session returns the session with the id, key and client address, or
// database.ErrNotFound. It locks nothing.
func (s *Store) Session(ctx context.Context, id int64, key, hostIP string) (SessionRow, error) {
	return database.One[SessionRow](ctx, s.DB, sessionSQL, id, key, hostIP)
}

// TouchSession notes that the session is in use. It does not wait for a call of
// the same session that is under way: that one has noted it.
func (s *Store) TouchSession(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE sessions SET update_time = NOW()
		WHERE id = (SELECT id FROM sessions WHERE id = $1 FOR UPDATE SKIP LOCKED)`, id)
	return err
}

// ClaimCall notes, in the transaction of a call that writes, that the session
// has made it. It waits for a call of the same session that is under way and
// returns the number of the last one and whether this call is newer.
func (s *Store) ClaimCall(ctx context.Context, id, callnum int64) (last *int64, ok bool, err error) {
	const claim = `UPDATE sessions SET callnum = $2, update_time = NOW()
		WHERE id = $1 AND (callnum IS NULL OR callnum < $2)`
	res, err := s.Exec(ctx, claim, id, callnum)
	if err != nil {
		return nil, false, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 1 {
		return nil, err == nil, err
	}
	last, err = database.One[*int64](ctx, s.DB, `SELECT callnum FROM sessions WHERE id = $1`, id)
	return last, false, err
}

// ExpireSession ends a session, and those below it, until it is renewed by a login.
func (s *Store) ExpireSession(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE sessions SET expired = TRUE WHERE id = $1 OR master = $1`, id)
	return err
}

// NewSession says what CreateSession creates.
type NewSession struct {
	UserID   int64
	Key      string
	HostIP   string
	AuthType koji.AuthType
	Master   *int64 // makes it a subsession
}

// CreateSession opens a session and returns its id.
func (s *Store) CreateSession(ctx context.Context, n NewSession) (int64, error) {
	return database.One[int64](ctx, s.DB, `INSERT INTO sessions (user_id, key, hostip, authtype, master)
		VALUES ($1, $2, $3, $4, $5) RETURNING id`, n.UserID, n.Key, n.HostIP, n.AuthType, n.Master)
}

// RenewSession gives an open session a new key and a new life. It reports false
// if the session or the one it belongs to was closed meanwhile.
func (s *Store) RenewSession(ctx context.Context, id int64, key string) (bool, error) {
	const renew = `UPDATE sessions s SET key = $2, expired = FALSE, update_time = NOW(), renew_time = NOW()
		WHERE id = $1 AND NOT closed AND (master IS NULL
		   OR EXISTS (SELECT 1 FROM sessions m WHERE m.id = s.master AND NOT m.closed))`
	return s.changed(ctx, renew, id, key)
}

// CloseSession closes a session and those below it, for good.
func (s *Store) CloseSession(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE sessions SET expired = TRUE, exclusive = NULL, closed = TRUE
		WHERE id = $1 OR master = $1`, id)
	return err
}

// CloseSubsession closes one session below master.
func (s *Store) CloseSubsession(ctx context.Context, id, master int64) error {
	_, err := s.Exec(ctx, `UPDATE sessions SET expired = TRUE, exclusive = NULL, closed = TRUE
		WHERE id = $1 AND master = $2`, id, master)
	return err
}

// OwnsSession reports whether the session is one of the user's.
func (s *Store) OwnsSession(ctx context.Context, id, userID int64) (bool, error) {
	return database.One[bool](ctx, s.DB, `SELECT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2)`, id, userID)
}

// MakeExclusive gives the user to one session alone. Force closes the session
// that has it, and those below it; without force MakeExclusive reports false
// then. The user's row is locked, so that of two sessions that want it at once
// one gets it. A session that has the user already, as one that is renewed may,
// keeps it.
func (s *Store) MakeExclusive(ctx context.Context, id, userID int64, force bool) (ok bool, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		if _, err := s.Exec(ctx, `SELECT id FROM users WHERE id = $1 FOR UPDATE`, userID); err != nil {
			return err
		}
		held, err := database.All[int64](ctx, s.DB, `SELECT id FROM sessions
			WHERE user_id = $1 AND id <> $2 AND exclusive AND NOT closed FOR UPDATE`, userID, id)
		if err != nil || len(held) > 0 && !force {
			return err
		}
		if _, err := s.Exec(ctx, `UPDATE sessions SET expired = TRUE, exclusive = NULL, closed = TRUE
			WHERE id = ANY($1) OR master = ANY($1)`, held); err != nil {
			return err
		}
		ok, err = s.changed(ctx, `UPDATE sessions SET exclusive = TRUE WHERE id = $1`, id)
		return err
	})
	return ok, err
}

// MakeShared lets other sessions use the user again.
func (s *Store) MakeShared(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `UPDATE sessions SET exclusive = NULL WHERE id = $1`, id)
	return err
}

// changed runs a statement and reports whether it changed a row.
func (s *Store) changed(ctx context.Context, query string, args ...any) (bool, error) {
	res, err := s.Exec(ctx, query, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

const sessionInfoSQL = `
SELECT user_id, expired, master, coalesce(authtype, 0) AS authtype, callnum, start_time, update_time, renew_time, exclusive,
       date_part('epoch', start_time) AS start_ts, date_part('epoch', update_time) AS update_ts,
       date_part('epoch', renew_time) AS renew_ts, id, hostip
  FROM sessions`

// SessionInfo returns a session; without details its id and address are left out.
func (s *Store) SessionInfo(ctx context.Context, id int64, details bool) (api.SessionInfo, error) {
	info, err := database.One[api.SessionInfo](ctx, s.DB, sessionInfoSQL+` WHERE id = $1`, id)
	if !details {
		info.ID, info.HostIP = nil, nil
	}
	return info, err
}

// UserSessions returns a user's sessions that have not expired.
func (s *Store) UserSessions(ctx context.Context, userID int64, details bool) ([]api.SessionInfo, error) {
	list, err := database.All[api.SessionInfo](ctx, s.DB, sessionInfoSQL+` WHERE user_id = $1 AND NOT expired ORDER BY id`, userID)
	for i := range list {
		if !details {
			list[i].ID, list[i].HostIP = nil, nil
		}
	}
	return list, err
}
