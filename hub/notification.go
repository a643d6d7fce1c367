package hub

import (
	"cmp"
	"context"

	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindNotifications(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetBuildNotifications, h.getBuildNotifications)
	rpc.Bind(r, api.GetBuildNotification, h.getBuildNotification)
	rpc.Bind(r, api.GetBuildNotificationBlocks, h.getBuildNotificationBlocks)
	rpc.Bind(r, api.GetBuildNotificationBlock, h.getBuildNotificationBlock)
	rpc.Bind(r, api.UpdateNotification, h.updateNotification)
	rpc.Bind(r, api.CreateNotification, h.createNotification)
	rpc.Bind(r, api.DeleteNotification, h.deleteNotification)
	rpc.Bind(r, api.CreateNotificationBlock, h.createNotificationBlock)
	rpc.Bind(r, api.DeleteNotificationBlock, h.deleteNotificationBlock)
}

func (h *Hub) getBuildNotifications(ctx context.Context, p api.GetBuildNotificationsParams) ([]api.BuildNotification, error) {
	user, err := h.User(ctx, p.UserID, true)
	if err != nil {
		return nil, err
	}
	return h.Store.Notifications(ctx, user.ID)
}

func (h *Hub) getBuildNotification(ctx context.Context, p api.GetBuildNotificationParams) (*api.BuildNotification, error) {
	n, err := h.Store.Notification(ctx, p.ID)
	return strictRow(n, err, p.Strict, "No notification with ID %d found", p.ID)
}

func (h *Hub) getBuildNotificationBlocks(ctx context.Context, p api.GetBuildNotificationsParams) ([]api.BuildNotificationBlock, error) {
	user, err := h.User(ctx, p.UserID, true)
	if err != nil {
		return nil, err
	}
	return h.Store.NotificationBlocks(ctx, user.ID)
}

func (h *Hub) getBuildNotificationBlock(ctx context.Context, p api.GetBuildNotificationParams) (*api.BuildNotificationBlock, error) {
	b, err := h.Store.NotificationBlock(ctx, p.ID)
	return strictRow(b, err, p.Strict, "No notification block with ID %d found", p.ID)
}

// assertNotified checks that the caller is the user that a notification is for,
// or an admin. doing is such as "delete notifications".
func assertNotified(ctx context.Context, userID int64, doing string) error {
	s := session.From(ctx)
	switch {
	case !s.LoggedIn():
		return koji.GenericErrorf("Not logged-in")
	case s.UserID != userID && !s.HasPerm("admin"):
		return koji.GenericErrorf("user %d cannot %s for user %d", s.UserID, doing, userID)
	}
	return nil
}

// notifiedUser finds the user that a new notification, or what is called so, is
// for: the caller, or anyone if the caller is an admin.
func (h *Hub) notifiedUser(ctx context.Context, info any, what string) (*api.User, error) {
	s := session.From(ctx)
	if !s.LoggedIn() {
		return nil, koji.GenericErrorf("Not logged-in")
	}
	user, err := h.User(ctx, info, false)
	switch {
	case err != nil:
		return nil, err
	case user == nil:
		return nil, koji.GenericErrorf("No such user ID: %s", pyStr(info))
	case user.ID != s.UserID && !s.HasPerm("admin"):
		return nil, koji.GenericErrorf("user %s cannot create %s for user %s", s.UserName, what, user.Name)
	}
	return user, nil
}

// subject finds the package and the tag that a notification is about; what is
// nil stays so.
func (h *Hub) subject(ctx context.Context, pkg, tag any) (packageID, tagID *int64, err error) {
	for _, f := range []struct {
		table string
		info  any
		dst   **int64
	}{{store.Packages, pkg, &packageID}, {store.Tags, tag, &tagID}} {
		if f.info == nil {
			continue
		}
		id, err := h.lookupID(ctx, f.table, f.info)
		if err != nil {
			return nil, nil, err
		}
		*f.dst = &id
	}
	return packageID, tagID, nil
}

var errNotificationExists = koji.GenericErrorf("notification already exists")

// assertNewNotification checks that the user has no notification like n.
func (h *Hub) assertNewNotification(ctx context.Context, n api.BuildNotification) error {
	others, err := h.Store.Notifications(ctx, n.UserID)
	for _, o := range others {
		if samePtr(o.PackageID, n.PackageID) && samePtr(o.TagID, n.TagID) && o.SuccessOnly == n.SuccessOnly {
			return errNotificationExists
		}
	}
	return err
}

func (h *Hub) updateNotification(ctx context.Context, p api.UpdateNotificationParams) (none rpc.None, err error) {
	if !session.From(ctx).LoggedIn() {
		return none, koji.GenericErrorf("Not logged-in")
	}
	n, err := h.getBuildNotification(ctx, api.GetBuildNotificationParams{ID: p.ID, Strict: true})
	if err != nil {
		return none, err
	}
	if err := assertNotified(ctx, n.UserID, "update notifications"); err != nil {
		return none, err
	}
	if n.PackageID, n.TagID, err = h.subject(ctx, p.PackageID, p.TagID); err != nil {
		return none, err
	}
	n.SuccessOnly = xmlrpc.Truth(p.SuccessOnly)
	if err := h.assertNewNotification(ctx, *n); err != nil {
		return none, err
	}
	return none, h.Store.UpdateNotification(ctx, *n)
}

func (h *Hub) createNotification(ctx context.Context, p api.CreateNotificationParams) (none rpc.None, err error) {
	user, err := h.notifiedUser(ctx, p.UserID, "notifications")
	if err != nil {
		return none, err
	}
	// Koji: a hub that has no domain for mail writes None.
	email := user.Name + "@" + cmp.Or(h.Config.EmailDomain, "None")
	n := api.BuildNotification{UserID: user.ID, Email: email, SuccessOnly: xmlrpc.Truth(p.SuccessOnly)}
	if n.PackageID, n.TagID, err = h.subject(ctx, p.PackageID, p.TagID); err != nil {
		return none, err
	}
	if err := h.assertNewNotification(ctx, n); err != nil {
		return none, err
	}
	return none, h.Store.AddNotification(ctx, n)
}

func (h *Hub) deleteNotification(ctx context.Context, p api.DeleteNotificationParams) (rpc.None, error) {
	n, err := h.getBuildNotification(ctx, api.GetBuildNotificationParams{ID: p.ID, Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	if err := assertNotified(ctx, n.UserID, "delete notifications"); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DeleteNotification(ctx, n.ID)
}

func (h *Hub) createNotificationBlock(ctx context.Context, p api.CreateNotificationBlockParams) (none rpc.None, err error) {
	user, err := h.notifiedUser(ctx, p.UserID, "notification blocks")
	if err != nil {
		return none, err
	}
	b := api.BuildNotificationBlock{UserID: user.ID}
	if b.PackageID, b.TagID, err = h.subject(ctx, p.PackageID, p.TagID); err != nil {
		return none, err
	}
	others, err := h.Store.NotificationBlocks(ctx, user.ID)
	if err != nil {
		return none, err
	}
	for _, o := range others {
		if samePtr(o.PackageID, b.PackageID) && samePtr(o.TagID, b.TagID) {
			return none, errNotificationExists
		}
	}
	return none, h.Store.AddNotificationBlock(ctx, b)
}

func (h *Hub) deleteNotificationBlock(ctx context.Context, p api.DeleteNotificationParams) (rpc.None, error) {
	b, err := h.getBuildNotificationBlock(ctx, api.GetBuildNotificationParams{ID: p.ID, Strict: true})
	if err != nil {
		return rpc.None{}, err
	}
	if err := assertNotified(ctx, b.UserID, "delete notification blocks"); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Store.DeleteNotificationBlock(ctx, b.ID)
}
