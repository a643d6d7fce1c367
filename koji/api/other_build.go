package api

import "github.com/toji-build/toji/internal/rpc"

// MavenBuildParams are the parameters of mavenBuild.
type MavenBuildParams struct {
	URL      string         `rpc:"url"`
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"`
	Channel  string         `rpc:"channel,optional='maven'"`
}

// ChainMavenParams are the parameters of chainMaven.
type ChainMavenParams struct {
	Builds   any            `rpc:"builds"`
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"`
	Channel  string         `rpc:"channel,optional='maven'"`
}

// WrapperRPMParams are the parameters of wrapperRPM.
type WrapperRPMParams struct {
	Build    any            `rpc:"build"`
	URL      string         `rpc:"url"`
	Target   any            `rpc:"target"`
	Priority *int64         `rpc:"priority,optional=None"`
	Channel  string         `rpc:"channel,optional='maven'"`
	Opts     map[string]any `rpc:"opts,optional=None"`
}

// WinBuildParams are the parameters of winBuild.
type WinBuildParams struct {
	VM       string         `rpc:"vm"`
	URL      string         `rpc:"url"`
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"`
	Channel  string         `rpc:"channel,optional='vm'"`
}

// Builds of other things than RPMs. There is no worker for them yet: each
// answers so.
var (
	MavenBuildTask = rpc.Define(rpc.Method[MavenBuildParams, int64]{
		Name: "mavenBuild", Access: NeedLogin, Doc: "Create a task that builds with Maven.",
	})
	ChainMaven = rpc.Define(rpc.Method[ChainMavenParams, int64]{
		Name: "chainMaven", Access: NeedLogin, Doc: "Create a task that builds several things with Maven.",
	})
	WrapperRPM = rpc.Define(rpc.Method[WrapperRPMParams, int64]{
		Name: "wrapperRPM", Access: NeedLogin, Doc: "Create a task that wraps a build's archives in RPMs.",
	})
	WinBuildTask = rpc.Define(rpc.Method[WinBuildParams, int64]{
		Name: "winBuild", Access: NeedLogin, Doc: "Create a task that builds in a Windows VM.",
	})
)
