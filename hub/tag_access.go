package hub

import (
	"context"
	"slices"

	"github.com/toji-build/toji/koji"
)

// TagAccess says whether a user may put builds into a tag or take them out.
type TagAccess struct {
	Allowed  bool
	Override bool   // the user may force it
	Reason   string // why it is not allowed
}

// TagAccess checks a tag's lock and the permission that it asks for.
func (h *Hub) TagAccess(ctx context.Context, tag any, userID int64) (TagAccess, error) {
	perms, err := h.countingPerms(ctx, userID)
	if err != nil {
		return TagAccess{}, err
	}
	a := TagAccess{Allowed: true, Override: slices.Contains(perms, "admin")}
	t, err := h.Tag(ctx, tag, TagOptions{Strict: true})
	switch {
	case err != nil:
		return TagAccess{}, err
	case t.Locked:
		a.Allowed, a.Reason = false, "tag is locked"
	case t.Perm != nil && !slices.Contains(perms, *t.Perm):
		a.Allowed, a.Reason = false, "tag requires "+*t.Perm+" permission"
	}
	return a, nil
}

// AssertTagAccess returns an ActionNotAllowed error unless the user may change
// what is in the tag; force lets admins do so all the same.
func (h *Hub) AssertTagAccess(ctx context.Context, tag any, userID int64, force bool) error {
	a, err := h.TagAccess(ctx, tag, userID)
	if err == nil && !a.Allowed && !(a.Override && force) {
		err = koji.ActionNotAllowedf("%s", a.Reason)
	}
	return err
}
