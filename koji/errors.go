package koji

import (
	"context"
	"errors"
	"fmt"
)

// Error is an error that has a meaning in Koji's protocol. Every error a client
// of the hub gets to see, and every failed task's result, is one of these.
type Error struct {
	// Fault is the XML-RPC fault code, one of the Fault constants.
	Fault int
	// Kind tells whose failure it is; when empty it follows from Fault, see KindOf.
	Kind Kind
	// Msg is the fault string. It is all that the other side gets to see.
	Msg string
	// Err is the cause, for logs and errors.Is; it never crosses the wire.
	Err error
}

// Error returns Msg, or the text of the cause if there is no message.
func (e *Error) Error() string {
	if e.Msg == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Msg
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// WithKind sets the failure class and returns e.
func (e *Error) WithKind(k Kind) *Error {
	e.Kind = k
	return e
}

// Kind is the failure class of a task.
type Kind string

// The failure classes.
const (
	KindPackage        Kind = "package"        // the sources or the request are at fault; retrying cannot help
	KindInfrastructure Kind = "infrastructure" // host, network or service trouble; worth retrying elsewhere
	KindPolicy         Kind = "policy"         // refused: permission, policy, lock
	KindCanceled       Kind = "canceled"       // stopped on request
)

// KindOf returns the failure class of err: the one set on its Error, else the
// one usual for the fault code. An error without a fault code is
// infrastructure trouble, except for context.Canceled. A nil error has none.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*Error](err)
	switch {
	case ok && e.Kind != "":
		return e.Kind
	case errors.Is(err, context.Canceled):
		return KindCanceled
	case !ok:
		return KindInfrastructure
	}
	switch e.Fault {
	case FaultRetry, FaultServerOffline, FaultPlugin, FaultCallback, FaultConfiguration:
		return KindInfrastructure
	case FaultLock, FaultTag, FaultActionNotAllowed:
		return KindPolicy
	}
	if isSubclass(e.Fault, FaultAuth) {
		return KindPolicy
	}
	return KindPackage
}

// FaultOf returns the fault code of the first Error in err's chain, or 0 if
// there is none.
func FaultOf(err error) int {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Fault
	}
	return 0
}

// IsFault reports whether err carries the given fault code or that of one of
// its subclasses: a PreBuildError is a BuildError, and everything in Koji's
// range of codes is a GenericError.
func IsFault(err error, fault int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && isSubclass(e.Fault, fault)
}

// Errorf makes an Error with a message formatted as by fmt.Errorf; %w keeps the
// operand as the cause.
func Errorf(fault int, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Fault: fault, Msg: err.Error(), Err: cause(err)}
}

// cause returns what err wraps: one error, the join of several, or nil.
func cause(err error) error {
	if many, ok := err.(interface{ Unwrap() []error }); ok {
		return errors.Join(many.Unwrap()...)
	}
	return errors.Unwrap(err)
}

// Short forms of Errorf, named for Koji's exception classes.

// GenericErrorf makes a GenericError (1000).
func GenericErrorf(format string, args ...any) *Error {
	return Errorf(FaultGeneric, format, args...)
}

// LockErrorf makes a LockError (1001).
func LockErrorf(format string, args ...any) *Error {
	return Errorf(FaultLock, format, args...)
}

// AuthErrorf makes an AuthError (1002).
func AuthErrorf(format string, args ...any) *Error {
	return Errorf(FaultAuth, format, args...)
}

// TagErrorf makes a TagError (1003).
func TagErrorf(format string, args ...any) *Error {
	return Errorf(FaultTag, format, args...)
}

// ActionNotAllowedf makes an ActionNotAllowed (1004).
func ActionNotAllowedf(format string, args ...any) *Error {
	return Errorf(FaultActionNotAllowed, format, args...)
}

// BuildErrorf makes a BuildError (1005).
func BuildErrorf(format string, args ...any) *Error {
	return Errorf(FaultBuild, format, args...)
}

// PreBuildErrorf makes a PreBuildError (1010).
func PreBuildErrorf(format string, args ...any) *Error {
	return Errorf(FaultPreBuild, format, args...)
}

// PostBuildErrorf makes a PostBuildError (1011).
func PostBuildErrorf(format string, args ...any) *Error {
	return Errorf(FaultPostBuild, format, args...)
}

// BuildrootErrorf makes a BuildrootError (1012).
func BuildrootErrorf(format string, args ...any) *Error {
	return Errorf(FaultBuildroot, format, args...)
}

// ServerOfflinef makes a ServerOffline (1014).
func ServerOfflinef(format string, args ...any) *Error {
	return Errorf(FaultServerOffline, format, args...)
}

// PluginErrorf makes a PluginError (1016).
func PluginErrorf(format string, args ...any) *Error {
	return Errorf(FaultPlugin, format, args...)
}

// ParameterErrorf makes a ParameterError (1019).
func ParameterErrorf(format string, args ...any) *Error {
	return Errorf(FaultParameter, format, args...)
}

// ImportErrorf makes an ImportError (1020).
func ImportErrorf(format string, args ...any) *Error {
	return Errorf(FaultImport, format, args...)
}

// ConfigurationErrorf makes a ConfigurationError (1021).
func ConfigurationErrorf(format string, args ...any) *Error {
	return Errorf(FaultConfiguration, format, args...)
}
