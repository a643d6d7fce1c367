package api

import "github.com/toji-build/toji/internal/rpc"

// BuildNotification is a user's wish to hear about builds; a package or tag that
// is nil is any.
type BuildNotification struct {
	Email       string `rpc:"email"`
	ID          int64  `rpc:"id"`
	PackageID   *int64 `rpc:"package_id"`
	SuccessOnly bool   `rpc:"success_only"`
	TagID       *int64 `rpc:"tag_id"`
	UserID      int64  `rpc:"user_id"`
}

// BuildNotificationBlock is a user's wish not to hear about builds, whatever its
// notifications say; a package or tag that is nil is any.
type BuildNotificationBlock struct {
	ID        int64  `rpc:"id"`
	PackageID *int64 `rpc:"package_id"`
	TagID     *int64 `rpc:"tag_id"`
	UserID    int64  `rpc:"user_id"`
}

// GetBuildNotificationsParams are the parameters of getBuildNotifications and
// getBuildNotificationBlocks; nil is the caller.
type GetBuildNotificationsParams struct {
	UserID any `rpc:"userID,optional=None"`
}

// GetBuildNotificationParams are the parameters of getBuildNotification and
// getBuildNotificationBlock.
type GetBuildNotificationParams struct {
	ID     int64 `rpc:"id"`
	Strict bool  `rpc:"strict,optional=False"`
}

// UpdateNotificationParams are the parameters of updateNotification.
type UpdateNotificationParams struct {
	ID          int64 `rpc:"id"`
	PackageID   any   `rpc:"package_id"`
	TagID       any   `rpc:"tag_id"`
	SuccessOnly any   `rpc:"success_only"` // true as Python has it
}

// CreateNotificationParams are the parameters of createNotification.
type CreateNotificationParams struct {
	UserID      any `rpc:"user_id"`
	PackageID   any `rpc:"package_id"`
	TagID       any `rpc:"tag_id"`
	SuccessOnly any `rpc:"success_only"` // true as Python has it
}

// CreateNotificationBlockParams are the parameters of createNotificationBlock.
type CreateNotificationBlockParams struct {
	UserID    any `rpc:"user_id"`
	PackageID any `rpc:"package_id,optional=None"`
	TagID     any `rpc:"tag_id,optional=None"`
}

// DeleteNotificationParams are the parameters of deleteNotification and
// deleteNotificationBlock.
type DeleteNotificationParams struct {
	ID int64 `rpc:"id"`
}

// The methods for notifications about builds.
var (
	GetBuildNotifications = rpc.Define(rpc.Method[GetBuildNotificationsParams, []BuildNotification]{
		Name: "getBuildNotifications", Access: Anyone,
		Doc: "List the build notifications of a user, by default of the caller.",
	})
	GetBuildNotification = rpc.Define(rpc.Method[GetBuildNotificationParams, *BuildNotification]{
		Name: "getBuildNotification", Access: Anyone,
		Doc: "Return a build notification; nil if there is none and strict is false.",
	})
	GetBuildNotificationBlocks = rpc.Define(rpc.Method[GetBuildNotificationsParams, []BuildNotificationBlock]{
		Name: "getBuildNotificationBlocks", Access: Anyone,
		Doc: "List the notification blocks of a user, by default of the caller.",
	})
	GetBuildNotificationBlock = rpc.Define(rpc.Method[GetBuildNotificationParams, *BuildNotificationBlock]{
		Name: "getBuildNotificationBlock", Access: Anyone,
		Doc: "Return a notification block; nil if there is none and strict is false.",
	})
	UpdateNotification = rpc.Define(rpc.Method[UpdateNotificationParams, rpc.None]{
		Name: "updateNotification", Access: Anyone, Writes: true,
		Doc: "Change a build notification of the caller's, or of anyone's for an admin.",
	})
	CreateNotification = rpc.Define(rpc.Method[CreateNotificationParams, rpc.None]{
		Name: "createNotification", Access: Anyone, Writes: true,
		Doc: "Add a build notification for the caller, or for anyone if the caller is an admin.",
	})
	DeleteNotification = rpc.Define(rpc.Method[DeleteNotificationParams, rpc.None]{
		Name: "deleteNotification", Access: Anyone, Writes: true,
		Doc: "Delete a build notification of the caller's, or of anyone's for an admin.",
	})
	CreateNotificationBlock = rpc.Define(rpc.Method[CreateNotificationBlockParams, rpc.None]{
		Name: "createNotificationBlock", Access: Anyone, Writes: true,
		Doc: "Add a notification block for the caller, or for anyone if the caller is an admin.",
	})
	DeleteNotificationBlock = rpc.Define(rpc.Method[DeleteNotificationParams, rpc.None]{
		Name: "deleteNotificationBlock", Access: Anyone, Writes: true,
		Doc: "Delete a notification block of the caller's, or of anyone's for an admin.",
	})
)
