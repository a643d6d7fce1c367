package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindPermissions(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.HasPerm, h.hasPerm)
	rpc.Bind(r, api.GetPerms, h.getPerms)
	rpc.Bind(r, api.GetUserPerms, h.getUserPerms)
	rpc.Bind(r, api.GetUserPermsInheritance, h.getUserPermsInheritance)
	rpc.Bind(r, api.GetAllPerms, h.getAllPerms)
	rpc.Bind(r, api.GrantPermission, h.grantPermission)
	rpc.Bind(r, api.RevokePermission, h.revokePermission)
	rpc.Bind(r, api.EditPermission, h.editPermission)
}

func (h *Hub) hasPerm(ctx context.Context, p api.HasPermParams) (bool, error) {
	if p.Strict {
		perm, err := h.Lookup(ctx, store.Permissions, p.Perm, false)
		if err != nil {
			return false, err
		}
		if perm == nil {
			return false, koji.GenericErrorf("No such permission %s defined", pyStr(p.Perm))
		}
	}
	name, _ := p.Perm.(string)
	return session.From(ctx).HasPerm(name), nil
}

func (h *Hub) getPerms(ctx context.Context, _ api.NoParams) ([]string, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, nil
	}
	return s.Perms, nil
}

// UserPerms lists the names of a user's permissions, its own first, each once;
// those of its groups too, if groups is set.
func (h *Hub) UserPerms(ctx context.Context, userID int64, groups bool) ([]string, error) {
	perms, err := h.Store.UserPerms(ctx, userID, groups)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range perms {
		if !slices.Contains(names, p.Name) {
			names = append(names, p.Name)
		}
	}
	return names, nil
}

// countingPerms lists the permissions that count in a call that is made for a
// user. The caller's own are those of its session, which a token may have less of.
func (h *Hub) countingPerms(ctx context.Context, userID int64) ([]string, error) {
	if s := session.From(ctx); s.LoggedIn() && s.UserID == userID {
		return s.Perms, nil
	}
	return h.UserPerms(ctx, userID, true)
}

func (h *Hub) getUserPerms(ctx context.Context, p api.GetUserPermsParams) ([]string, error) {
	user, err := h.User(ctx, p.UserID, true)
	if err != nil {
		return nil, err
	}
	return h.UserPerms(ctx, user.ID, p.WithGroups)
}

func (h *Hub) getUserPermsInheritance(ctx context.Context, p api.GetUserPermsInheritanceParams) (map[string][]*string, error) {
	user, err := h.User(ctx, p.UserID, true)
	if err != nil {
		return nil, err
	}
	perms, err := h.Store.UserPerms(ctx, user.ID, true)
	if err != nil {
		return nil, err
	}
	sources := map[string][]*string{}
	for _, p := range perms {
		sources[p.Name] = append(sources[p.Name], p.Group)
	}
	return sources, nil
}

func (h *Hub) getAllPerms(ctx context.Context, _ api.NoParams) ([]api.Permission, error) {
	return h.Store.Permissions(ctx)
}

func (h *Hub) grantPermission(ctx context.Context, p api.GrantPermissionParams) (rpc.None, error) {
	if name, ok := p.Permission.(string); ok && p.Create {
		if err := h.Names.CheckName(name); err != nil {
			return rpc.None{}, err
		}
	}
	if p.Description != nil && !p.Create {
		return rpc.None{}, koji.GenericErrorf("Description should be specified only with create.")
	}
	user, err := h.User(ctx, p.UserInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	perm, err := h.Lookup(ctx, store.Permissions, p.Permission, !p.Create)
	if err == nil && perm == nil {
		perm, err = h.ensureName(ctx, store.Permissions, p.Permission)
	}
	if err != nil {
		return rpc.None{}, err
	}
	if p.Description != nil {
		if err := h.Store.DescribePermission(ctx, perm.ID, *p.Description); err != nil {
			return rpc.None{}, err
		}
	}
	has, err := h.UserPerms(ctx, user.ID, false)
	if err != nil {
		return rpc.None{}, err
	}
	if slices.Contains(has, perm.Name) {
		return rpc.None{}, koji.GenericErrorf("user %s already has permission: %s", pyStr(p.UserInfo), perm.Name)
	}
	return rpc.None{}, h.Store.GrantPermission(ctx, user.ID, perm.ID)
}

func (h *Hub) revokePermission(ctx context.Context, p api.RevokePermissionParams) (rpc.None, error) {
	user, err := h.User(ctx, p.UserInfo, true)
	if err != nil {
		return rpc.None{}, err
	}
	perm, err := h.Lookup(ctx, store.Permissions, p.Permission, true)
	if err != nil {
		return rpc.None{}, err
	}
	has, err := h.UserPerms(ctx, user.ID, false)
	if err != nil {
		return rpc.None{}, err
	}
	if !slices.Contains(has, perm.Name) {
		return rpc.None{}, koji.GenericErrorf("user %s does not have permission: %s", pyStr(p.UserInfo), perm.Name)
	}
	return rpc.None{}, h.Store.RevokePermission(ctx, user.ID, perm.ID)
}

func (h *Hub) editPermission(ctx context.Context, p api.EditPermissionParams) (rpc.None, error) {
	id, err := h.lookupID(ctx, store.Permissions, p.Permission)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DescribePermission(ctx, id, p.Description)
}
