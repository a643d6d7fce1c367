package api

import "github.com/toji-build/toji/internal/rpc"

// EchoParams are the parameters of echo and hello.
type EchoParams struct {
	Args []any `rpc:"*args"`
}

// MethodParams name a method.
type MethodParams struct {
	Method string `rpc:"method"`
}

// ShowOptsParams are the parameters of showOpts.
type ShowOptsParams struct {
	AsString bool `rpc:"as_string,optional=True"`
}

// EvalPolicyParams are the parameters of evalPolicy.
type EvalPolicyParams struct {
	Name string         `rpc:"name"`
	Data map[string]any `rpc:"data"`
}

// AssertPolicyParams are the parameters of host.assertPolicy.
type AssertPolicyParams struct {
	Name    string         `rpc:"name"`
	Data    map[string]any `rpc:"data"`
	Default string         `rpc:"default,optional='deny'"` // the action if no rule applies
}

// CheckPolicyParams are the parameters of host.checkPolicy.
type CheckPolicyParams struct {
	Name    string         `rpc:"name"`
	Data    map[string]any `rpc:"data"`
	Default string         `rpc:"default,optional='deny'"`
	Strict  bool           `rpc:"strict,optional=False"` // a refusal is an error
}

// The methods about the hub itself.
var (
	GetAPIVersion = rpc.Define(rpc.Method[NoParams, int]{
		Name: "getAPIVersion", Access: Anyone, Undocumented: true,
		Doc: "Return the version of the protocol.",
	})
	GetKojiVersion = rpc.Define(rpc.Method[NoParams, string]{
		Name: "getKojiVersion", Access: Anyone, Undocumented: true,
		Doc: "Return the version of Koji that the hub is compatible with.",
	})
	TojiVersion = rpc.Define(rpc.Method[NoParams, string]{
		Name: "toji.version", Access: Anyone,
		Doc: "Return Toji's own version.",
	})
	Hello = rpc.Define(rpc.Method[EchoParams, string]{
		Name: "hello", Access: Anyone,
		Doc: "Return a greeting.",
	})
	Echo = rpc.Define(rpc.Method[EchoParams, []any]{
		Name: "echo", Access: Anyone, Undocumented: true, Ordered: true,
		Doc: "Return the arguments.",
	})
	Error = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "error", Access: Anyone,
		Doc: "Fail as methods fail on purpose.",
	})
	Fault = rpc.Define(rpc.Method[NoParams, rpc.None]{
		Name: "fault", Access: Anyone,
		Doc: "Fail as methods fail when something unforeseen happens.",
	})
	ShowOpts = rpc.Define(rpc.Method[ShowOptsParams, any]{
		Name: "showOpts", Access: NeedPerm("admin"),
		Doc: "Return the hub's options, as text or as a map.",
	})
	ListAPI = rpc.Define(rpc.Method[NoParams, []rpc.APIEntry]{
		Name: "_listapi", Access: Anyone,
		Doc: "List the methods with their parameters.",
	})
	ListMethods = rpc.Define(rpc.Method[NoParams, []string]{
		Name: "system.listMethods", Access: Anyone, Undocumented: true,
		Doc: "List the names of the methods.",
	})
	MethodHelp = rpc.Define(rpc.Method[MethodParams, string]{
		Name: "system.methodHelp", Access: Anyone, Undocumented: true,
		Doc: "Return a method's parameters and documentation.",
	})
	MethodSignature = rpc.Define(rpc.Method[MethodParams, string]{
		Name: "system.methodSignature", Access: Anyone, Undocumented: true,
		Doc: "Return a text that says that there are no signatures.",
	})
	EvalPolicy = rpc.Define(rpc.Method[EvalPolicyParams, *string]{
		Name: "evalPolicy", Func: "eval_policy", Access: Anyone,
		Doc: "Return the action of a policy for given data; nil if no rule applies.",
	})
	HostEvalPolicy = rpc.Define(rpc.Method[EvalPolicyParams, *string]{
		Name: "host.evalPolicy", Access: NeedHost,
		Doc: "Return the action of a policy for given data; nil if no rule applies.",
	})
	HostAssertPolicy = rpc.Define(rpc.Method[AssertPolicyParams, rpc.None]{
		Name: "host.assertPolicy", Access: NeedHost,
		Doc: "Fail unless a policy allows what the data describe.",
	})
	HostCheckPolicy = rpc.Define(rpc.Method[CheckPolicyParams, []any]{
		Name: "host.checkPolicy", Access: NeedHost,
		Doc: "Return whether a policy allows what the data describe, and its reason.",
	})
	MavenEnabled = rpc.Define(rpc.Method[NoParams, bool]{
		Name: "mavenEnabled", Access: Anyone,
		Doc: "Return whether the hub lets Maven builds in.",
	})
	WinEnabled = rpc.Define(rpc.Method[NoParams, bool]{
		Name: "winEnabled", Access: Anyone,
		Doc: "Return whether the hub lets Windows builds in.",
	})
)
