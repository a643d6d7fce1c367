package hub

import (
	"context"
	"maps"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindOtherBuilds(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.MavenBuildTask, h.mavenBuild)
	rpc.Bind(r, api.ChainMaven, h.chainMaven)
	rpc.Bind(r, api.WrapperRPM, h.wrapperRPM)
	rpc.Bind(r, api.WinBuildTask, h.winBuild)
	rpc.Bind(r, api.BuildImage, h.buildImage)
	rpc.Bind(r, api.BuildImageOz, h.buildImageOz)
	rpc.Bind(r, api.BuildImageIndirection, h.buildImageIndirection)
}

// makeOther makes a task of a type that Koji's own builders work on. An empty
// channel leaves the choice to the policy.
func (h *Hub) makeOther(ctx context.Context, method string, args []any, channel string, priority *int64) (int64, error) {
	o, err := relativePriority(ctx, priority)
	if err != nil {
		return 0, err
	}
	if channel != "" {
		o.Channel = channel
	}
	return h.MakeTask(ctx, method, args, o)
}

// orEmpty is a map in the place of none.
func orEmpty(opts map[string]any) map[string]any {
	if opts == nil {
		return map[string]any{}
	}
	return opts
}

func (h *Hub) mavenBuild(ctx context.Context, p api.MavenBuildParams) (int64, error) {
	if !h.Config.EnableMaven {
		return 0, errNoMaven
	}
	return h.makeOther(ctx, "maven", []any{p.URL, p.Target, orEmpty(p.Opts)}, p.Channel, p.Priority)
}

func (h *Hub) chainMaven(ctx context.Context, p api.ChainMavenParams) (int64, error) {
	if !h.Config.EnableMaven {
		return 0, errNoMaven
	}
	if p.Builds == nil {
		return 0, koji.ParameterErrorf("Invalid type, expected type <class 'dict'>")
	}
	var opts any // Koji: none stay none here
	if p.Opts != nil {
		opts = p.Opts
	}
	return h.makeOther(ctx, "chainmaven", []any{p.Builds, p.Target, opts}, p.Channel, p.Priority)
}

func (h *Hub) wrapperRPM(ctx context.Context, p api.WrapperRPMParams) (int64, error) {
	if !h.Config.EnableMaven {
		return 0, errNoMaven
	}
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return 0, err
	}
	has, err := h.Store.BuildContent(ctx, b.ID)
	if err != nil {
		return 0, err
	}
	opts := maps.Clone(orEmpty(p.Opts))
	if has.RPMs && !xmlrpc.Truth(opts["scratch"]) && !xmlrpc.Truth(opts["create_build"]) {
		return 0, koji.PreBuildErrorf("wrapper rpms for %s have already been built", b.NVR)
	}
	target, err := h.BuildTarget(ctx, p.Target, nil, true)
	if err != nil {
		return 0, err
	}
	delete(opts, "repo_id") // Koji: clients used to send one
	args, err := xmlrpc.Plain([]any{p.URL, target, b, nil, opts})
	if err != nil {
		return 0, err
	}
	return h.makeOther(ctx, "wrapperRPM", args.([]any), p.Channel, p.Priority)
}

func (h *Hub) winBuild(ctx context.Context, p api.WinBuildParams) (int64, error) {
	if !h.Config.EnableWin {
		return 0, errNoWin
	}
	target, err := h.BuildTarget(ctx, p.Target, nil, true)
	if err != nil {
		return 0, err
	}
	if err := h.assertPolicy(ctx, "vm", policy.Data{"vm_name": p.VM, "tag": target.DestTag}); err != nil {
		return 0, err
	}
	return h.makeOther(ctx, "winbuild", []any{p.VM, p.URL, p.Target, orEmpty(p.Opts)}, p.Channel, p.Priority)
}

func (h *Hub) buildImage(ctx context.Context, p api.BuildImageParams) (int64, error) {
	kind, _ := p.ImgType.(string)
	if kind != "livecd" && kind != "appliance" && kind != "livemedia" {
		return 0, koji.GenericErrorf("Unrecognized image type: %s", pyStr(p.ImgType))
	}
	for _, v := range []any{p.Name, p.KSFile, p.Version} {
		if err := rpc.Into(v, new(string)); err != nil {
			return 0, err
		}
	}
	if err := assertPerm(ctx, kind); err != nil {
		return 0, err
	}
	o, err := relativePriority(ctx, p.Priority)
	if err != nil {
		return 0, err
	}
	o.Channel = kind
	if kind != "livemedia" { // whose task has a subtask for each arch
		if o.Arch, err = archesOf(p.Arch, true); err != nil {
			return 0, err
		}
	}
	return h.MakeTask(ctx, kind, []any{p.Name, p.Version, p.Arch, p.Target, p.KSFile, p.Opts}, o)
}

func (h *Hub) buildImageOz(ctx context.Context, p api.BuildImageOzParams) (int64, error) {
	return h.makeOther(ctx, "image", []any{p.Name, p.Version, p.Arches, p.Target, p.InstTree, p.Opts}, "image", p.Priority)
}

func (h *Hub) buildImageIndirection(ctx context.Context, p api.BuildImageIndirectionParams) (int64, error) {
	o, err := relativePriority(ctx, p.Priority)
	if err != nil {
		return 0, err
	}
	o.Channel = "image"
	_, scratch := p.Opts["scratch"]
	_, url := p.Opts["indirection_template_url"]
	if !scratch && !url {
		return 0, koji.ActionNotAllowedf("Non-scratch builds must provide url for the indirection template")
	}
	if arch, ok := p.Opts["arch"]; ok {
		if o.Arch, err = archesOf(arch, true); err != nil {
			return 0, err
		}
	}
	return h.MakeTask(ctx, "indirectionimage", []any{p.Opts}, o)
}
