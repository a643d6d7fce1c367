package koji

// The XML-RPC fault codes of Koji. Clients turn a code back into an exception
// class and match on it, so neither the codes nor their hierarchy may change.
const (
	FaultGeneric            = 1000
	FaultLock               = 1001
	FaultAuth               = 1002
	FaultTag                = 1003
	FaultActionNotAllowed   = 1004
	FaultBuild              = 1005
	FaultAuthLock           = 1006
	FaultAuthExpired        = 1007
	FaultSequence           = 1008
	FaultRetry              = 1009
	FaultPreBuild           = 1010
	FaultPostBuild          = 1011
	FaultBuildroot          = 1012
	FaultFunctionDeprecated = 1013
	FaultServerOffline      = 1014
	FaultLiveCD             = 1015
	FaultPlugin             = 1016
	FaultCallback           = 1017
	FaultAppliance          = 1018
	FaultParameter          = 1019
	FaultImport             = 1020
	FaultConfiguration      = 1021
	FaultLiveMedia          = 1022
	FaultGSSAPIAuth         = 1023
	FaultNameValidation     = 1024
)

// faultClass is one of Koji's exception classes.
type faultClass struct {
	name   string
	parent int // fault code of the base class, 0 for the root
}

var faultClasses = map[int]faultClass{
	FaultGeneric:            {"GenericError", 0},
	FaultLock:               {"LockError", FaultGeneric},
	FaultAuth:               {"AuthError", FaultGeneric},
	FaultTag:                {"TagError", FaultGeneric},
	FaultActionNotAllowed:   {"ActionNotAllowed", FaultGeneric},
	FaultBuild:              {"BuildError", FaultGeneric},
	FaultAuthLock:           {"AuthLockError", FaultAuth},
	FaultAuthExpired:        {"AuthExpired", FaultAuth},
	FaultSequence:           {"SequenceError", FaultAuth},
	FaultRetry:              {"RetryError", FaultAuth},
	FaultPreBuild:           {"PreBuildError", FaultBuild},
	FaultPostBuild:          {"PostBuildError", FaultBuild},
	FaultBuildroot:          {"BuildrootError", FaultBuild},
	FaultFunctionDeprecated: {"FunctionDeprecated", FaultGeneric},
	FaultServerOffline:      {"ServerOffline", FaultGeneric},
	FaultLiveCD:             {"LiveCDError", FaultGeneric},
	FaultPlugin:             {"PluginError", FaultGeneric},
	FaultCallback:           {"CallbackError", FaultPlugin},
	FaultAppliance:          {"ApplianceError", FaultGeneric},
	FaultParameter:          {"ParameterError", FaultGeneric},
	FaultImport:             {"ImportError", FaultGeneric},
	FaultConfiguration:      {"ConfigurationError", FaultGeneric},
	FaultLiveMedia:          {"LiveMediaError", FaultGeneric},
	FaultGSSAPIAuth:         {"GSSAPIAuthError", FaultAuth},
	FaultNameValidation:     {"NameValidationError", FaultGeneric},
}

// FaultName returns the name of Koji's exception class for a fault code, such
// as "BuildError", or "Fault" for a code that Koji does not define.
func FaultName(code int) string {
	if c, ok := faultClasses[code]; ok {
		return c.name
	}
	return "Fault"
}

// isSubclass reports whether code is of the class base or derived from it.
func isSubclass(code, base int) bool {
	for code != 0 {
		if code == base {
			return true
		}
		code = faultClasses[code].parent
	}
	return false
}
