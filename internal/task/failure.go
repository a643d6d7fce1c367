package task

import "github.com/toji-build/toji/koji"

// Failure is how a task failed: what clients see as its result (a fault) and
// whose fault it was. It travels as the details of a Temporal application
// error whose type is the fault's name.
type Failure struct {
	Fault int       `json:"fault"`
	Kind  koji.Kind `json:"kind"`
	Msg   string    `json:"msg"`
}

// Types of Temporal application errors that are not koji faults.
const (
	// ErrorInfrastructure marks trouble of a host or of the network: the task is
	// given back and tried elsewhere.
	ErrorInfrastructure = "Infrastructure"
	// ErrorRefused marks a task that a host will not take (no room, wrong arch):
	// it is given back, and the host is not asked again.
	ErrorRefused = "Refused"
	// ErrorDetached marks the end of a builder's daemon, not of the work: the next
	// daemon of the host goes on with it.
	ErrorDetached = "Detached"
)

// HostAttempts is how often a task is given to a host before its trouble is taken
// for the task's.
const HostAttempts = 3

// FailureOf is a koji.Error as a task's failure. When it does not say whose
// fault it is, a build error is the package's, and any other answer of ours is
// a matter of the request or the policy.
func FailureOf(e *koji.Error) Failure {
	kind := e.Kind
	switch {
	case kind != "":
	case koji.IsFault(e, koji.FaultBuild):
		kind = koji.KindPackage
	default:
		kind = koji.KindPolicy
	}
	return Failure{Fault: e.Fault, Kind: kind, Msg: e.Error()}
}
