package store

import (
	"context"
	"fmt"

	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/koji/api"
)

// Notifications lists the build notifications of a user.
func (s *Store) Notifications(ctx context.Context, userID int64) ([]api.BuildNotification, error) {
	return database.All[api.BuildNotification](ctx, s.DB, `SELECT id, user_id, package_id, tag_id, success_only, email
		FROM build_notifications WHERE user_id = $1 ORDER BY id`, userID)
}

// Notification returns a build notification, nil if there is none.
func (s *Store) Notification(ctx context.Context, id int64) (*api.BuildNotification, error) {
	return optional[api.BuildNotification](ctx, s, `SELECT id, user_id, package_id, tag_id, success_only, email
		FROM build_notifications WHERE id = $1::int8`, id)
}

// NotificationBlocks lists the notification blocks of a user.
func (s *Store) NotificationBlocks(ctx context.Context, userID int64) ([]api.BuildNotificationBlock, error) {
	return database.All[api.BuildNotificationBlock](ctx, s.DB, `SELECT id, user_id, package_id, tag_id
		FROM build_notifications_block WHERE user_id = $1 ORDER BY id`, userID)
}

// NotificationBlock returns a notification block, nil if there is none.
func (s *Store) NotificationBlock(ctx context.Context, id int64) (*api.BuildNotificationBlock, error) {
	return optional[api.BuildNotificationBlock](ctx, s, `SELECT id, user_id, package_id, tag_id
		FROM build_notifications_block WHERE id = $1::int8`, id)
}

// AddNotification adds a build notification; its id is not looked at.
func (s *Store) AddNotification(ctx context.Context, n api.BuildNotification) error {
	_, err := s.Exec(ctx, `INSERT INTO build_notifications (user_id, package_id, tag_id, success_only, email)
		VALUES ($1, $2, $3, $4, $5)`, n.UserID, n.PackageID, n.TagID, n.SuccessOnly, n.Email)
	if err != nil {
		return fmt.Errorf("add notification for user %d: %w", n.UserID, err)
	}
	return nil
}

// UpdateNotification changes what a build notification is about.
func (s *Store) UpdateNotification(ctx context.Context, n api.BuildNotification) error {
	return s.updateRow(ctx, "build_notifications", n.ID, Row{
		"package_id": n.PackageID, "tag_id": n.TagID, "success_only": n.SuccessOnly,
	})
}

// AddNotificationBlock adds a notification block; its id is not looked at.
func (s *Store) AddNotificationBlock(ctx context.Context, b api.BuildNotificationBlock) error {
	_, err := s.Exec(ctx, `INSERT INTO build_notifications_block (user_id, package_id, tag_id) VALUES ($1, $2, $3)`,
		b.UserID, b.PackageID, b.TagID)
	if err != nil {
		return fmt.Errorf("add notification block for user %d: %w", b.UserID, err)
	}
	return nil
}

// DeleteNotification deletes a build notification.
func (s *Store) DeleteNotification(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `DELETE FROM build_notifications WHERE id = $1`, id)
	return err
}

// DeleteNotificationBlock deletes a notification block.
func (s *Store) DeleteNotificationBlock(ctx context.Context, id int64) error {
	_, err := s.Exec(ctx, `DELETE FROM build_notifications_block WHERE id = $1`, id)
	return err
}

// NotificationWish says of which builds news are.
type NotificationWish struct {
	PackageID int64
	TagID     *int64  // nil for none: wishes for some tag do not count
	Success   bool    // what went well is not told to those who want failures only
	Involved  []int64 // users to tell without a wish of theirs
	Domain    string  // of their addresses
}

// recipients reads those that Koji's hub tells, but nobody who is blocked or a
// host: not even who built. The condition on a row of wishes stands twice, for and
// against.
const recipients = `
WITH wanted AS (
	SELECT n.user_id, n.email FROM build_notifications n JOIN users u ON u.id = n.user_id
	WHERE u.status = 0 AND u.usertype IN (0, 2)
		AND (n.package_id = $1 OR n.package_id IS NULL) AND (n.tag_id = $2 OR n.tag_id IS NULL)
		AND ($3 OR NOT n.success_only)
	UNION
	SELECT u.id, u.name || '@' || $5 FROM users u WHERE u.id = ANY($4::int[]) AND u.status = 0 AND u.usertype = 0
)
SELECT DISTINCT email FROM wanted w WHERE NOT EXISTS (
	SELECT FROM build_notifications_block b WHERE b.user_id = w.user_id
		AND (b.package_id = $1 OR b.package_id IS NULL) AND (b.tag_id = $2 OR b.tag_id IS NULL))
ORDER BY email`

// Recipients lists the addresses of those to tell of a build, each once.
func (s *Store) Recipients(ctx context.Context, w NotificationWish) ([]string, error) {
	return database.All[string](ctx, s.DB, recipients, w.PackageID, w.TagID, w.Success, w.Involved, w.Domain)
}
