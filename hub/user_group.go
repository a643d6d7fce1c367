package hub

import (
	"context"
	"fmt"
	"slices"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) getUserGroups(ctx context.Context, p api.UserRefParams) ([]api.IDName, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return nil, err
	}
	return h.Store.UserGroups(ctx, user.ID)
}

func (h *Hub) newGroup(ctx context.Context, p api.NewGroupParams) (int64, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return 0, err
	}
	user, err := h.User(ctx, p.Name, false)
	if err != nil {
		return 0, err
	}
	if user != nil {
		return 0, koji.GenericErrorf("user/group already exists: %s", p.Name)
	}
	return h.Store.CreateUser(ctx, p.Name, koji.UserGroup, koji.UserActive, "")
}

// userGroup returns a group of users, nil if info names anything else.
func (h *Hub) userGroup(ctx context.Context, info any) (*api.User, error) {
	group, err := h.User(ctx, info, false)
	if group == nil || group.UserType != koji.UserGroup {
		return nil, err
	}
	return group, nil
}

func (h *Hub) addGroupMember(ctx context.Context, p api.AddGroupMemberParams) (rpc.None, error) {
	group, err := h.userGroup(ctx, p.Group)
	if err != nil {
		return rpc.None{}, err
	}
	user, err := h.User(ctx, p.User, false)
	switch {
	case err != nil:
		return rpc.None{}, err
	case group == nil:
		return rpc.None{}, koji.GenericErrorf("Not a group: %s", pyStr(p.Group))
	case user == nil:
		return rpc.None{}, koji.GenericErrorf("Not a user: %s", pyStr(p.User))
	case user.UserType == koji.UserGroup:
		return rpc.None{}, koji.GenericErrorf("Groups cannot be members of other groups")
	}
	member, err := h.isMember(ctx, group.ID, user.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if member {
		if p.Strict {
			err = koji.GenericErrorf("User already in group")
		}
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.AddGroupMember(ctx, group.ID, user.ID)
}

func (h *Hub) isMember(ctx context.Context, groupID, userID int64) (bool, error) {
	groups, err := h.Store.UserGroups(ctx, userID)
	if err != nil {
		return false, fmt.Errorf("groups of user %d: %w", userID, err)
	}
	return slices.ContainsFunc(groups, func(g api.IDName) bool { return g.ID == groupID }), nil
}

func (h *Hub) dropGroupMember(ctx context.Context, p api.DropGroupMemberParams) (rpc.None, error) {
	user, err := h.User(ctx, p.User, true)
	if err != nil {
		return rpc.None{}, err
	}
	group, err := h.userGroup(ctx, p.Group)
	if err != nil {
		return rpc.None{}, err
	}
	if group == nil {
		return rpc.None{}, koji.GenericErrorf("Not a group: %s", pyStr(p.Group))
	}
	member, err := h.isMember(ctx, group.ID, user.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if !member {
		return rpc.None{}, koji.GenericErrorf("No such user in group: %s", pyStr(p.Group))
	}
	return rpc.None{}, h.Store.DropGroupMember(ctx, group.ID, user.ID)
}

func (h *Hub) getGroupMembers(ctx context.Context, p api.GetGroupMembersParams) ([]api.GroupMember, error) {
	group, err := h.userGroup(ctx, p.Group)
	if err != nil {
		return nil, err
	}
	if group == nil {
		return nil, koji.GenericErrorf("No such group: %s", pyStr(p.Group))
	}
	return h.Store.GroupMembers(ctx, group.ID)
}
