package hub

import (
	"context"

	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindBuildTypes(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.GetBuildType, h.getBuildType)
	rpc.Bind(r, api.ListBTypes, h.listBTypes)
	rpc.Bind(r, api.AddBType, h.addBType)
	rpc.Bind(r, api.GetMavenBuild, ofBuild(h, "maven", h.Store.MavenBuild))
	rpc.Bind(r, api.GetWinBuild, ofBuild(h, "Windows", h.Store.WinBuild))
	rpc.Bind(r, api.GetImageBuild, ofBuild(h, "image", h.Store.ImageBuild))
}

func (h *Hub) getBuildType(ctx context.Context, p api.BuildParams) (api.Extra, error) {
	b, err := h.build(ctx, p.BuildInfo, p.Strict)
	if err != nil || b == nil {
		return nil, err
	}
	found, err := h.Store.BuildTypes(ctx, b.ID)
	if err != nil {
		return nil, err
	}
	info, _ := b.Extra.Object()["typeinfo"].(map[string]any)
	types := api.Extra{}
	for _, name := range found.Names {
		types[name] = info[name]
	}
	for name, legacy := range map[string]api.Extra{"maven": found.Maven, "win": found.Win, "image": found.Image} {
		if legacy != nil {
			types[name] = legacy
		}
	}
	return types, nil
}

func (h *Hub) listBTypes(ctx context.Context, p api.ListBTypesParams) (rpc.Rows[api.IDName], error) {
	opts, err := query.ParseOptions(p.QueryOpts)
	if err != nil {
		return rpc.Rows[api.IDName]{}, err
	}
	return h.Store.BTypes(ctx, p.Query["id"], p.Query["name"], opts)
}

func (h *Hub) addBType(ctx context.Context, p api.AddBTypeParams) (rpc.None, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return rpc.None{}, err
	}
	added, err := h.Store.AddBType(ctx, p.Name)
	if err == nil && !added {
		err = koji.GenericErrorf("btype already exists")
	}
	return rpc.None{}, err
}

// ofBuild makes a method of a function that says what is special about a build.
// A build that is not there, or not of the type, is nil; with strict it is an
// error.
func ofBuild[T any](h *Hub, kind string, read func(context.Context, int64) (*T, error)) func(context.Context, api.BuildParams) (*T, error) {
	return func(ctx context.Context, p api.BuildParams) (*T, error) {
		id, err := h.findBuildID(ctx, api.FindBuildIDParams{X: p.BuildInfo, Strict: p.Strict})
		if err != nil || id == nil {
			return nil, err
		}
		found, err := read(ctx, *id)
		if err == nil && found == nil && p.Strict {
			return nil, koji.GenericErrorf("no such %s build: %s", kind, pyStr(p.BuildInfo))
		}
		return found, err
	}
}
