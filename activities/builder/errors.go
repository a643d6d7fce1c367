package builder

import (
	"errors"
	"fmt"

	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/activities/failure"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/workers/step"
)

// errCanceled ends a job whose task is not this host's any more.
var errCanceled = errors.New("the task was cancelled or given to another host")

// errRefused marks a task that this host will not take.
var errRefused = errors.New("refused")

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errRefused, fmt.Sprintf(format, args...))
}

// infrastructure marks err as trouble of the host or of the way to the hub.
func infrastructure(err error) error {
	return &koji.Error{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: err.Error(), Err: err}
}

// answer is err as the workflow understands it.
func answer(err error) error {
	var fault *koji.Error
	switch {
	case errors.Is(err, errCanceled):
		return temporal.NewCanceledError()
	case errors.Is(err, step.ErrDetach):
		// Tried again on this host, where the next daemon finds the work.
		return temporal.NewApplicationError("the builder daemon stops; its work goes on", task.ErrorDetached)
	case errors.Is(err, step.ErrLost):
		// The host was restarted under it; neither host nor package is to blame.
		return temporal.NewApplicationError("the work was lost and starts anew", task.ErrorDetached)
	case errors.Is(err, errRefused):
		return failure.Trouble(task.ErrorRefused, hostFault(err))
	case errors.As(err, &fault) && fault.Kind != koji.KindInfrastructure:
		return failure.Error(task.FailureOf(fault))
	}
	// Whatever nobody foresaw is trouble of the host, not of the package.
	return failure.Trouble(task.ErrorInfrastructure, hostFault(err))
}

func hostFault(err error) task.Failure {
	return task.Failure{Fault: koji.FaultGeneric, Kind: koji.KindInfrastructure, Msg: err.Error()}
}
