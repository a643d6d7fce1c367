package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// UserRef says which user is meant. What is empty does not count; Any is the
// name or a Kerberos principal.
type UserRef struct {
	ID           *int64
	Name         string
	KrbPrincipal string
	Any          string
}

// User returns a user with its Kerberos principals and, if groups is set, the
// names of its groups; nil if there is none.
func (s *Store) User(ctx context.Context, ref UserRef, groups bool) (*api.User, error) {
	q := query.Select{From: "users", Columns: []query.Column{
		{Expr: "users.id", Alias: "id"}, {Expr: "users.name", Alias: "name"},
		{Expr: "users.status", Alias: "status"}, {Expr: "users.usertype", Alias: "usertype"},
		{Expr: `ARRAY(SELECT k.krb_principal FROM user_krb_principals k WHERE k.user_id = users.id)`, Alias: "principals"},
	}}
	if groups {
		q.Column(`ARRAY(SELECT g.name FROM user_groups m JOIN users g ON g.id = m.group_id
		          WHERE m.user_id = users.id AND m.active AND g.usertype = 2 ORDER BY m.create_event, g.id)`, "group_names")
	}
	const byPrincipal = "users.id IN (SELECT user_id FROM user_krb_principals WHERE krb_principal = ?)"
	if ref.ID != nil {
		q.Where("users.id = ?::int8", *ref.ID)
	}
	if ref.Name != "" {
		q.Where("users.name = ?", ref.Name)
	}
	if ref.KrbPrincipal != "" {
		q.Where(byPrincipal, ref.KrbPrincipal)
	}
	if ref.Any != "" {
		q.Where("users.name = ? OR "+byPrincipal, ref.Any, ref.Any)
	}
	q.Options.Limit = 1
	row, err := orNil(query.One[userRow](ctx, s.DB, &q))
	if row == nil {
		return nil, err
	}
	return row.user(groups), nil
}

type userRow struct {
	api.User
	Principals []string `db:"principals"`
	GroupNames []string `db:"group_names"`
}

func (r *userRow) user(groups bool) *api.User {
	r.KrbPrincipals = &r.Principals
	if groups {
		r.Groups = &r.GroupNames
	}
	return &r.User
}

// UserFilter chooses users; what is empty does not count.
type UserFilter struct {
	Types     []koji.UserType
	Prefix    string // of the name, in any case
	PermID    *int64 // holds this permission
	Inherited bool   // a group's permission will do
	Options   query.Options
}

// Users lists users with their Kerberos principals.
func (s *Store) Users(ctx context.Context, f UserFilter) (rpc.Rows[api.ListedUser], error) {
	q := query.Select{From: "users", Options: f.Options, DefaultOrder: "users.id", Columns: []query.Column{
		{Expr: "users.id", Alias: "id"}, {Expr: "users.name", Alias: "name"},
		{Expr: "status", Alias: "status"}, {Expr: "usertype", Alias: "usertype"},
		{Expr: `ARRAY(SELECT k.krb_principal FROM user_krb_principals k WHERE k.user_id = users.id)`, Alias: "krb_principals"},
	}}
	if len(f.Types) > 0 {
		q.Where("usertype = ANY(?)", f.Types)
	}
	if f.PermID != nil {
		holds := "EXISTS (SELECT FROM user_perms p WHERE p.active AND p.perm_id = ? AND (p.user_id = users.id"
		if f.Inherited {
			holds += " OR p.user_id IN (SELECT g.group_id FROM user_groups g WHERE g.user_id = users.id AND g.active)"
		}
		q.Where(holds+"))", *f.PermID)
	}
	if f.Prefix != "" {
		q.Where("users.name ILIKE ? || '%'", f.Prefix)
	}
	return query.Rows[api.ListedUser](ctx, s.DB, &q)
}

// CreateUser adds a user and returns its id; krbPrincipal may be empty.
func (s *Store) CreateUser(ctx context.Context, name string, t koji.UserType, status koji.UserStatus, krbPrincipal string) (int64, error) {
	id, err := database.One[int64](ctx, s.DB,
		`INSERT INTO users (name, usertype, status) VALUES ($1, $2, $3) RETURNING id`, name, int(t), int(status))
	if err != nil {
		return 0, fmt.Errorf("create user %s: %w", name, err)
	}
	if krbPrincipal != "" {
		err = s.AddKrbPrincipal(ctx, id, krbPrincipal)
	}
	return id, err
}

// RenameUser gives a user another name.
func (s *Store) RenameUser(ctx context.Context, id int64, name string) error {
	return s.updateRow(ctx, "users", id, Row{"name": name})
}

// SetUserStatus lets a user log in or keeps it from doing so.
func (s *Store) SetUserStatus(ctx context.Context, id int64, status koji.UserStatus) error {
	return s.updateRow(ctx, "users", id, Row{"status": int(status)})
}

// SetUserType turns a user into something else.
func (s *Store) SetUserType(ctx context.Context, id int64, t koji.UserType) error {
	return s.updateRow(ctx, "users", id, Row{"usertype": int(t)})
}

// AddKrbPrincipal adds a Kerberos principal to a user.
func (s *Store) AddKrbPrincipal(ctx context.Context, userID int64, principal string) error {
	_, err := s.Exec(ctx, `INSERT INTO user_krb_principals (user_id, krb_principal) VALUES ($1, $2)`, userID, principal)
	if err != nil {
		return fmt.Errorf("add principal %s: %w", principal, err)
	}
	return nil
}

// RemoveKrbPrincipal removes a Kerberos principal from a user and tells whether
// the user had it.
func (s *Store) RemoveKrbPrincipal(ctx context.Context, userID int64, principal string) (bool, error) {
	result, err := s.Exec(ctx, `DELETE FROM user_krb_principals WHERE user_id = $1 AND krb_principal = $2`, userID, principal)
	if err != nil {
		return false, fmt.Errorf("remove principal %s: %w", principal, err)
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// UserGroups lists the groups that a user is in.
func (s *Store) UserGroups(ctx context.Context, userID int64) ([]api.IDName, error) {
	return database.All[api.IDName](ctx, s.DB, `
		SELECT users.id, users.name FROM user_groups JOIN users ON users.id = user_groups.group_id
		 WHERE user_groups.active AND users.usertype = 2 AND user_groups.user_id = $1
		 ORDER BY user_groups.create_event, users.id`, userID)
}

// GroupMembers lists the members of a group of users.
func (s *Store) GroupMembers(ctx context.Context, groupID int64) ([]api.GroupMember, error) {
	return database.All[api.GroupMember](ctx, s.DB, `
		SELECT users.id, users.name, users.usertype,
		       ARRAY(SELECT k.krb_principal FROM user_krb_principals k WHERE k.user_id = users.id) AS krb_principals
		  FROM user_groups JOIN users ON users.id = user_groups.user_id
		 WHERE user_groups.active AND user_groups.group_id = $1
		 ORDER BY users.id`, groupID)
}

// AddGroupMember puts a user into a group.
func (s *Store) AddGroupMember(ctx context.Context, groupID, userID int64) error {
	return s.Create(ctx, "user_groups", Row{"group_id": groupID, "user_id": userID})
}

// DropGroupMember takes a user out of a group.
func (s *Store) DropGroupMember(ctx context.Context, groupID, userID int64) error {
	_, err := s.Revoke(ctx, "user_groups", Row{"group_id": groupID, "user_id": userID})
	return err
}

// EnsureUser returns the id of the user, which it makes if there is none.
func (s *Store) EnsureUser(ctx context.Context, name string) (id int64, err error) {
	err = s.InTx(ctx, func(ctx context.Context) error {
		u, err := s.User(ctx, UserRef{Name: name}, false)
		if err == nil && u != nil {
			id = u.ID
			return nil
		}
		if err == nil {
			id, err = s.CreateUser(ctx, name, koji.UserNormal, koji.UserActive, "")
		}
		return err
	})
	return id, err
}
