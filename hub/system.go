package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// KojiVersion is the version of Koji that stock clients take the hub for.
const KojiVersion = "1.35.3"

func bindSystem(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetAPIVersion, func(context.Context, api.NoParams) (int, error) { return koji.APIVersion, nil })
	rpc.Bind(r, api.GetKojiVersion, func(context.Context, api.NoParams) (string, error) { return KojiVersion, nil })
	rpc.Bind(r, api.TojiVersion, func(context.Context, api.NoParams) (string, error) { return version(), nil })
	rpc.Bind(r, api.Hello, func(context.Context, api.EchoParams) (string, error) { return "Hello World", nil })
	rpc.Bind(r, api.Echo, echo)
	rpc.Bind(r, api.Error, func(context.Context, api.NoParams) (rpc.None, error) {
		return rpc.None{}, koji.GenericErrorf("test error")
	})
	rpc.Bind(r, api.Fault, func(context.Context, api.NoParams) (rpc.None, error) {
		return rpc.None{}, pythonError("Exception", "test exception")
	})
	rpc.Bind(r, api.ListAPI, func(context.Context, api.NoParams) ([]rpc.APIEntry, error) { return r.ListAPI(), nil })
	rpc.Bind(r, api.ListMethods, func(context.Context, api.NoParams) ([]string, error) { return r.Names(), nil })
	rpc.Bind(r, api.MethodHelp, func(_ context.Context, p api.MethodParams) (string, error) { return r.MethodHelp(p.Method), nil })
	rpc.Bind(r, api.MethodSignature, func(_ context.Context, p api.MethodParams) (string, error) {
		return r.MethodSignature(p.Method), nil
	})
	rpc.Bind(r, api.ShowOpts, h.showOpts)
	rpc.Bind(r, api.EvalPolicy, h.evalPolicy)
	rpc.Bind(r, api.HostEvalPolicy, h.hostEvalPolicy)
	rpc.Bind(r, api.HostAssertPolicy, h.hostAssertPolicy)
	rpc.Bind(r, api.HostCheckPolicy, h.hostCheckPolicy)
	rpc.Bind(r, api.MavenEnabled, func(context.Context, api.NoParams) (bool, error) { return h.Config.EnableMaven, nil })
	rpc.Bind(r, api.WinEnabled, func(context.Context, api.NoParams) (bool, error) { return h.Config.EnableWin, nil })
}

// version returns the version that the binary was built from, "devel" for a
// work tree.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

func echo(_ context.Context, p api.EchoParams) ([]any, error) { return p.Args, nil }

// showOpts shows the hub's own section of the configuration, which holds no secrets.
func (h *Hub) showOpts(_ context.Context, p api.ShowOptsParams) (any, error) {
	text, err := json.Marshal(h.Config)
	if err != nil {
		return nil, fmt.Errorf("show options: %w", err)
	}
	if p.AsString {
		return string(text), nil
	}
	var opts map[string]any
	err = json.Unmarshal(text, &opts)
	return opts, err
}

func (h *Hub) evalPolicy(ctx context.Context, p api.EvalPolicyParams) (*string, error) {
	result, err := h.Policy().Eval(ctx, p.Name, policy.Data(p.Data))
	if err != nil || !result.Matched() {
		return nil, err
	}
	return &result.Action, nil
}

func (h *Hub) hostEvalPolicy(ctx context.Context, p api.EvalPolicyParams) (*string, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return nil, err
	}
	return h.evalPolicy(ctx, p)
}

func (h *Hub) hostAssertPolicy(ctx context.Context, p api.AssertPolicyParams) (rpc.None, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.Policy().Check(ctx, p.Name, policy.Data(p.Data), policy.CheckOptions{Default: p.Default})
}

func (h *Hub) hostCheckPolicy(ctx context.Context, p api.CheckPolicyParams) ([]any, error) {
	if _, err := session.From(ctx).AssertHost(); err != nil {
		return nil, err
	}
	opts := policy.CheckOptions{Default: p.Default}
	if p.Strict {
		if err := h.Policy().Check(ctx, p.Name, policy.Data(p.Data), opts); err != nil {
			return nil, err
		}
	}
	ok, reason, err := h.Policy().Allows(ctx, p.Name, policy.Data(p.Data), opts)
	return []any{ok, reason}, err
}
