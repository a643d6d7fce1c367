package api

import "github.com/toji-build/toji/internal/rpc"

// MavenBuildParams are the parameters of mavenBuild.
type MavenBuildParams struct {
	URL      string         `rpc:"url"`
	Target   any            `rpc:"target"`
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"` // relative to the default; negative for admins
	Channel  string         `rpc:"channel,optional='maven'"`
}

// ChainMavenParams are the parameters of chainMaven.
type ChainMavenParams struct {
	Builds   map[string]any `rpc:"builds"` // what to build, by package
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

// BuildImageParams are the parameters of buildImage.
type BuildImageParams struct {
	Name     any    `rpc:"name"`
	Version  any    `rpc:"version"`
	Arch     any    `rpc:"arch"` // a list of them for livemedia
	Target   any    `rpc:"target"`
	KSFile   any    `rpc:"ksfile"`   // path below work/
	ImgType  any    `rpc:"img_type"` // livecd, livemedia or appliance
	Opts     any    `rpc:"opts,optional=None"`
	Priority *int64 `rpc:"priority,optional=None"`
}

// BuildImageOzParams are the parameters of buildImageOz.
type BuildImageOzParams struct {
	Name     string `rpc:"name"`
	Version  string `rpc:"version"`
	Arches   any    `rpc:"arches"`
	Target   any    `rpc:"target"`
	InstTree string `rpc:"inst_tree"` // URL of an installation tree
	Opts     any    `rpc:"opts,optional=None"`
	Priority *int64 `rpc:"priority,optional=None"`
}

// BuildImageIndirectionParams are the parameters of buildImageIndirection.
type BuildImageIndirectionParams struct {
	Opts     map[string]any `rpc:"opts,optional=None"`
	Priority *int64         `rpc:"priority,optional=None"`
}

// Builds of other things than RPMs. Toji has no workflows for them: they are for
// hosts that run Koji's own builder.
var (
	MavenBuildTask = rpc.Define(rpc.Method[MavenBuildParams, int64]{
		Name: "mavenBuild", Access: NeedLogin, Writes: true,
		Doc: "Make a task that builds with Maven and return its id.",
	})
	ChainMaven = rpc.Define(rpc.Method[ChainMavenParams, int64]{
		Name: "chainMaven", Access: NeedLogin, Writes: true,
		Doc: "Make a task that builds several things with Maven and return its id.",
	})
	WrapperRPM = rpc.Define(rpc.Method[WrapperRPMParams, int64]{
		Name: "wrapperRPM", Access: NeedLogin, Writes: true,
		Doc: "Make a task that wraps a build's archives in RPMs and return its id.",
	})
	WinBuildTask = rpc.Define(rpc.Method[WinBuildParams, int64]{
		Name: "winBuild", Access: NeedLogin, Writes: true,
		Doc: "Make a task that builds in a Windows VM and return its id.",
	})
	BuildImage = rpc.Define(rpc.Method[BuildImageParams, int64]{
		Name: "buildImage", Access: Anyone, Writes: true,
		Doc: "Make a task that builds an image from a kickstart file and return its id. It takes the permission of the image's type.",
	})
	BuildImageOz = rpc.Define(rpc.Method[BuildImageOzParams, int64]{
		Name: "buildImageOz", Access: NeedPerm("image"), Writes: true,
		Doc: "Make a task that builds a disk image with Oz and return its id.",
	})
	BuildImageIndirection = rpc.Define(rpc.Method[BuildImageIndirectionParams, int64]{
		Name: "buildImageIndirection", Access: NeedPerm("image"), Writes: true,
		Doc: "Make a task that builds an image by means of two others and return its id.",
	})
)
