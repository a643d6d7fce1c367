package hub

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindUsers(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetUser, h.getUser)
	rpc.Bind(r, api.GetLoggedInUser, h.getLoggedInUser)
	rpc.Bind(r, api.ListUsers, h.listUsers)
	rpc.Bind(r, api.CreateUser, h.createUser)
	rpc.Bind(r, api.EditUser, h.editUser)
	rpc.Bind(r, api.EnableUser, h.enableUser)
	rpc.Bind(r, api.DisableUser, h.disableUser)
	rpc.Bind(r, api.AddUserKrbPrincipal, h.addUserKrbPrincipal)
	rpc.Bind(r, api.RemoveUserKrbPrincipal, h.removeUserKrbPrincipal)
	rpc.Bind(r, api.GetUserGroups, h.getUserGroups)
	rpc.Bind(r, api.NewGroup, h.newGroup)
	rpc.Bind(r, api.AddGroupMember, h.addGroupMember)
	rpc.Bind(r, api.DropGroupMember, h.dropGroupMember)
	rpc.Bind(r, api.GetGroupMembers, h.getGroupMembers)
}

func assertLogin(ctx context.Context) error { return session.From(ctx).AssertLogin() }

func assertPerm(ctx context.Context, perm string) error { return session.From(ctx).AssertPerm(perm) }

// User returns a user by id, by name or Kerberos principal, or by a map with id,
// name or krb_principal; nil info is the caller. If there is none it returns
// nil, or, when strict, a GenericError.
func (h *Hub) User(ctx context.Context, info any, strict bool) (*api.User, error) {
	return h.userWithGroups(ctx, info, strict, false)
}

func (h *Hub) userWithGroups(ctx context.Context, info any, strict, groups bool) (*api.User, error) {
	if info == nil {
		s := session.From(ctx)
		if !s.LoggedIn() {
			return nil, koji.GenericErrorf("No user provided")
		}
		info = s.UserID
	}
	ref, err := userRef(info)
	if err != nil {
		return nil, err
	}
	user, err := h.Store.User(ctx, ref, groups)
	return strictRow(user, err, strict, "No such user: %s", xmlrpc.Repr(info))
}

func userRef(info any) (store.UserRef, error) {
	switch v := info.(type) {
	case int64, int, bool:
		id, _ := toInt(v)
		return store.UserRef{ID: &id}, nil
	case string:
		if v == "" {
			nobody := int64(-1)
			return store.UserRef{ID: &nobody}, nil
		}
		return store.UserRef{Any: v}, nil
	case map[string]any:
		return userRefFromMap(v)
	}
	return store.UserRef{}, koji.GenericErrorf("Invalid type for userInfo: <class '%s'>", xmlrpc.TypeName(info))
}

func userRefFromMap(m map[string]any) (ref store.UserRef, err error) {
	if v := m["id"]; v != nil {
		id, ok := v.(int64)
		if !ok {
			return ref, koji.GenericErrorf("Invalid type for userid: <class '%s'>", xmlrpc.TypeName(v))
		}
		ref.ID = &id
	}
	for _, f := range []struct {
		key, what string
		dst       *string
	}{{"name", "username", &ref.Name}, {"krb_principal", "krb_principal", &ref.KrbPrincipal}} {
		v := m[f.key]
		if !xmlrpc.Truth(v) {
			continue
		}
		s, ok := v.(string)
		if !ok {
			return ref, koji.GenericErrorf("Invalid type for %s: <class '%s'>", f.what, xmlrpc.TypeName(v))
		}
		*f.dst = s
	}
	if ref == (store.UserRef{}) {
		return ref, koji.GenericErrorf("No user provided")
	}
	return ref, nil
}

func (h *Hub) getUser(ctx context.Context, p api.GetUserParams) (*api.User, error) {
	user, err := h.userWithGroups(ctx, p.UserInfo, p.Strict, p.Groups)
	if user != nil && !p.KrbPrincs {
		user.KrbPrincipals = nil
	}
	return user, err
}

func (h *Hub) getLoggedInUser(ctx context.Context, _ api.NoParams) (*api.LoggedInUser, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, nil
	}
	user, err := h.User(ctx, nil, true)
	if err != nil {
		return nil, err
	}
	me := &api.LoggedInUser{User: *user, AuthType: s.AuthType}
	if principals := *user.KrbPrincipals; len(principals) > 0 {
		me.KrbPrincipal = &principals[0]
	}
	return me, nil
}

func (h *Hub) listUsers(ctx context.Context, p api.ListUsersParams) (none rpc.Rows[api.ListedUser], err error) {
	var f store.UserFilter
	if p.InheritedPerm && !xmlrpc.Truth(p.Perm) {
		return none, koji.GenericErrorf("inherited_perm option must be used with perm option")
	}
	if f.Types, err = userTypes(p.UserType); err != nil {
		return none, err
	}
	if xmlrpc.Truth(p.Perm) {
		id, err := h.lookupID(ctx, store.Permissions, p.Perm)
		if err != nil {
			return none, err
		}
		f.PermID, f.Inherited = &id, p.InheritedPerm
	}
	if p.Prefix != nil {
		f.Prefix = *p.Prefix
	}
	if f.Options, err = query.ParseOptions(p.QueryOpts); err != nil {
		return none, err
	}
	if f.Options.Group != "" {
		return none, koji.GenericErrorf("queryOpts.group is not available for this API")
	}
	return h.Store.Users(ctx, f)
}

func userTypes(v any) ([]koji.UserType, error) {
	list, ok := v.([]any)
	switch v := v.(type) {
	case nil:
		return nil, nil
	case int64, bool:
		list = []any{v}
	default:
		if !ok {
			return nil, koji.ParameterErrorf("userType must be integer, list, tuple or None")
		}
	}
	types := []koji.UserType{}
	for _, t := range list {
		n, ok := toInt(t)
		if !ok {
			return nil, koji.ParameterErrorf("userType must be integer, list, tuple or None")
		}
		types = append(types, koji.UserType(n))
	}
	return types, nil
}

func (h *Hub) createUser(ctx context.Context, p api.CreateUserParams) (int64, error) {
	if err := h.Names.CheckUser(p.Username); err != nil {
		return 0, err
	}
	principal := ""
	if p.KrbPrincipal != nil {
		principal = *p.KrbPrincipal
		if err := h.checkPrincipal(principal); err != nil {
			return 0, err
		}
	}
	user, err := h.User(ctx, p.Username, false)
	if err != nil {
		return 0, err
	}
	if user != nil {
		return 0, koji.GenericErrorf("user already exists: %s", p.Username)
	}
	if err := h.assertNewPrincipal(ctx, principal); err != nil {
		return 0, err
	}
	status := koji.UserActive
	if p.Status != nil {
		status = *p.Status
	}
	if status != koji.UserActive && status != koji.UserBlocked {
		return 0, koji.GenericErrorf("invalid status: %d", int(status))
	}
	return h.Store.CreateUser(ctx, p.Username, koji.UserNormal, status, principal)
}

// checkPrincipal checks the form of a Kerberos principal and its realm.
func (h *Hub) checkPrincipal(principal string) error {
	if principal == "" {
		return nil
	}
	if err := h.Names.CheckPrincipal(principal); err != nil {
		return err
	}
	return h.checkRealm(principal)
}

// checkRealm checks that a principal's realm may log in.
func (h *Hub) checkRealm(principal string) error {
	allowed := h.Config.AllowedKrbRealms
	if allowed == "*" {
		return nil
	}
	_, realm, _ := strings.Cut(principal, "@")
	if realm == "" {
		return koji.AuthErrorf("invalid Kerberos principal: %s", principal)
	}
	for one := range strings.SplitSeq(allowed, ",") {
		if strings.TrimSpace(one) == realm {
			return nil
		}
	}
	return koji.AuthErrorf("Kerberos principal's realm: %s is not allowed", realm)
}

func (h *Hub) assertNewPrincipal(ctx context.Context, principal string) error {
	if principal == "" {
		return nil
	}
	user, err := h.Store.User(ctx, store.UserRef{KrbPrincipal: principal}, false)
	if err == nil && user != nil {
		err = koji.GenericErrorf("user with this Kerberos principal already exists: %s", principal)
	}
	return err
}

func (h *Hub) editUser(ctx context.Context, p api.EditUserParams) (rpc.None, error) {
	user, err := h.User(ctx, p.UserInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	if p.Name != nil && *p.Name != "" && *p.Name != user.Name {
		if err := h.renameUser(ctx, user.ID, *p.Name); err != nil {
			return rpc.None{}, err
		}
	}
	return rpc.None{}, h.mapPrincipals(ctx, user, p.KrbPrincipalMappings)
}

func (h *Hub) renameUser(ctx context.Context, id int64, name string) error {
	if err := h.Names.CheckUser(name); err != nil {
		return err
	}
	other, err := h.Store.User(ctx, store.UserRef{Name: name}, false)
	if err != nil {
		return err
	}
	if other != nil {
		return koji.GenericErrorf("Name %s already taken by user %d", name, other.ID)
	}
	return h.Store.RenameUser(ctx, id, name)
}

func (h *Hub) mapPrincipals(ctx context.Context, user *api.User, mappings []map[string]any) error {
	added, removed := map[string]bool{}, map[string]bool{}
	for _, m := range mappings {
		if old, _ := m["old"].(string); old != "" {
			removed[old] = true
		}
		if name, _ := m["new"].(string); name != "" {
			if err := h.checkPrincipal(name); err != nil {
				return err
			}
			added[name] = true
		}
	}
	current := map[string]bool{}
	for _, name := range *user.KrbPrincipals {
		current[name] = true
	}
	if both := common(added, removed); both != "" {
		return koji.GenericErrorf("There are some conflicts between added and removed Kerberos principals: %s", both)
	}
	if there := common(added, current); there != "" {
		return koji.GenericErrorf("Cannot add existing Kerberos principals: %s", there)
	}
	maps.DeleteFunc(current, func(name string, _ bool) bool { return !removed[name] })
	if len(current) < len(removed) {
		maps.DeleteFunc(removed, func(name string, _ bool) bool { return current[name] })
		return koji.GenericErrorf("Cannot remove non-existent Kerberos principals: %s", common(removed, removed))
	}
	for _, name := range slices.Sorted(maps.Keys(removed)) {
		if _, err := h.Store.RemoveKrbPrincipal(ctx, user.ID, name); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(added)) {
		if err := h.Store.AddKrbPrincipal(ctx, user.ID, name); err != nil {
			return err
		}
	}
	return nil
}

// common lists by commas what is in both sets.
func common(a, b map[string]bool) string {
	var both []string
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if b[name] {
			both = append(both, name)
		}
	}
	return strings.Join(both, ", ")
}

func (h *Hub) enableUser(ctx context.Context, p api.UserParams) (rpc.None, error) {
	return rpc.None{}, h.setUserStatus(ctx, p.Username, koji.UserActive)
}

func (h *Hub) disableUser(ctx context.Context, p api.UserParams) (rpc.None, error) {
	return rpc.None{}, h.setUserStatus(ctx, p.Username, koji.UserBlocked)
}

func (h *Hub) setUserStatus(ctx context.Context, info any, status koji.UserStatus) error {
	user, err := h.User(ctx, info, false)
	if err != nil {
		return err
	}
	// Koji: who there is, is told before what the caller may do.
	if user == nil {
		return koji.GenericErrorf("No such user: %s", pyStr(info))
	}
	if err := assertPerm(ctx, "admin"); err != nil || user.Status == status {
		return err
	}
	return h.Store.SetUserStatus(ctx, user.ID, status)
}

func (h *Hub) addUserKrbPrincipal(ctx context.Context, p api.KrbPrincipalParams) (int64, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return 0, err
	}
	if err := h.checkPrincipal(p.KrbPrincipal); err != nil {
		return 0, err
	}
	if err := h.assertNewPrincipal(ctx, p.KrbPrincipal); err != nil {
		return 0, err
	}
	return user.ID, h.Store.AddKrbPrincipal(ctx, user.ID, p.KrbPrincipal)
}

func (h *Hub) removeUserKrbPrincipal(ctx context.Context, p api.KrbPrincipalParams) (int64, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return 0, err
	}
	if p.KrbPrincipal == "" {
		return 0, koji.GenericErrorf("krb_principal must be specified")
	}
	had, err := h.Store.RemoveKrbPrincipal(ctx, user.ID, p.KrbPrincipal)
	if err == nil && !had {
		err = koji.AuthErrorf("cannot remove Kerberos Principal: %s with user %s", p.KrbPrincipal, user.Name)
	}
	return user.ID, err
}
