// Package failure turns a task's failure into Temporal's kind of error, for
// activities and workflows alike.
package failure

import (
	"go.temporal.io/sdk/temporal"

	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
)

// Error is f as an application error of the fault's name, which nobody tries
// again and which carries f. It is benign: a package that does not build is no
// trouble of ours that a log had to warn of.
func Error(f task.Failure) error { return as(koji.FaultName(f.Fault), f) }

// Trouble is f as an error of one of the types task.ErrorInfrastructure and
// task.ErrorRefused: the task is given back.
func Trouble(kind string, f task.Failure) error { return as(kind, f) }

func as(kind string, f task.Failure) error {
	return temporal.NewApplicationErrorWithOptions(f.Msg, kind, temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{f}, Category: temporal.ApplicationErrorCategoryBenign,
	})
}
