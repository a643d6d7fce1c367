// Package system holds the activities on the database side: what a task's
// workflow reads and changes in PostgreSQL and in the top directory. They run
// in the hub's system worker.
//
// Each is one use case in one transaction and can be repeated: Temporal runs an
// activity at least once. A koji.Error is an answer and is not retried; any
// other error is trouble (the database is away) and is.
package system

import (
	"errors"

	"github.com/toji-build/toji/activities/failure"
	"github.com/toji-build/toji/hub"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// Activities is registered with the system worker; its exported methods are
// the activities.
type Activities struct {
	Hub *hub.Hub
}

// result translates a hub's error for Temporal: a koji.Error becomes an
// application error that is not retried and carries the failure.
func result[T any](v T, err error) (T, error) { return v, answer(err) }

func answer(err error) error {
	var fault *koji.Error
	if !errors.As(err, &fault) {
		return err
	}
	return failure.Error(task.FailureOf(fault))
}
