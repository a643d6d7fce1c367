package workflows

import (
	"errors"
	"slices"

	enums "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// failureOf says what err means for the task: the fault that its clients see
// and whose fault it was. It finds the failure that a child, an activity or
// the body itself named, through whatever Temporal wrapped around it.
func failureOf(err error) task.Failure {
	var app *temporal.ApplicationError
	if errors.As(err, &app) {
		var f task.Failure
		if app.HasDetails() && app.Details(&f) == nil && f.Fault != 0 {
			return f
		}
		return task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: app.Message()}
	}
	var fault *koji.Error
	if errors.As(err, &fault) {
		return task.FailureOf(fault)
	}
	var child *temporal.ChildWorkflowExecutionError
	if errors.As(err, &child) && temporal.IsCanceledError(err) {
		return task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindCanceled, Msg: "A subtask was canceled"}
	}
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure,
			Msg: "The host stopped answering (" + timeout.TimeoutType().String() + " timeout)"}
	}
	return task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: err.Error()}
}

// isHostTrouble says that another host may do better: the host is gone, is in
// trouble or refused.
func isHostTrouble(err error) bool {
	var timeout *temporal.TimeoutError
	if errors.As(err, &timeout) {
		return timeout.TimeoutType() != enums.TIMEOUT_TYPE_START_TO_CLOSE
	}
	var app *temporal.ApplicationError
	return errors.As(err, &app) && slices.Contains([]string{task.ErrorInfrastructure, task.ErrorRefused, task.ErrorDetached}, app.Type())
}

func isRefusal(err error) bool {
	var app *temporal.ApplicationError
	return errors.As(err, &app) && app.Type() == task.ErrorRefused
}
