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
