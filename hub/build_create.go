package hub

import (
	"context"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/xmlrpc"
)

func bindImports(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.CreateMavenBuild, h.createMavenBuild)
	rpc.Bind(r, api.CreateWinBuild, h.createWinBuild)
	rpc.Bind(r, api.CreateImageBuild, h.createImageBuild)
	rpc.Bind(r, api.ImportArchive, h.importArchive)
}

// The types of builds that a hub can be without.
var (
	errNoMaven = koji.GenericErrorf("Maven support not enabled")
	errNoWin   = koji.GenericErrorf("Windows support not enabled")
)

var errDraftBuild = koji.GenericErrorf("Draft build not supported")

// buildToImport returns the build to import into, which is made if there is none
// and info is a map with name, version, release and epoch.
func (h *Hub) buildToImport(ctx context.Context, info any) (*api.Build, error) {
	b, err := h.build(ctx, info, false)
	if err != nil {
		return nil, err
	}
	if b == nil {
		m, ok := info.(map[string]any)
		if !ok {
			return nil, koji.GenericErrorf("Invalid type for build_info: <class '%s'>", xmlrpc.TypeName(info))
		}
		if xmlrpc.Truth(m["draft"]) {
			return nil, errDraftBuild
		}
		for _, key := range []string{"name", "version", "release", "epoch"} {
			if _, ok := m[key]; !ok {
				return nil, koji.GenericErrorf("Build info doesn't have mandatory '%s' key", key)
			}
		}
		var data struct {
			Name    string `rpc:"name"`
			Version string `rpc:"version"`
			Release string `rpc:"release"`
			Epoch   *int64 `rpc:"epoch"`
		}
		if err := rpc.Into(m, &data); err != nil {
			return nil, err
		}
		nvr := koji.NVR{Name: data.Name, Version: data.Version, Release: data.Release}
		id, err := h.newBuild(ctx, newBuild{NVR: nvr, Epoch: data.Epoch, State: koji.BuildComplete})
		if err != nil {
			return nil, err
		}
		return h.build(ctx, id, true)
	}
	if b.Draft {
		return nil, errDraftBuild
	}
	return b, nil
}

func (h *Hub) createMavenBuild(ctx context.Context, p api.CreateMavenBuildParams) (rpc.None, error) {
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	b, err := h.buildToImport(ctx, p.BuildInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.setMavenBuild(ctx, b.ID, p.MavenInfo)
}

func (h *Hub) createWinBuild(ctx context.Context, p api.CreateWinBuildParams) (rpc.None, error) {
	if !h.Config.EnableWin {
		return rpc.None{}, errNoWin
	}
	b, err := h.buildToImport(ctx, p.BuildInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.setWinBuild(ctx, b.ID, p.WinInfo)
}

func (h *Hub) createImageBuild(ctx context.Context, p api.CreateImageBuildParams) (rpc.None, error) {
	b, err := h.buildToImport(ctx, p.BuildInfo)
	if err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.setImageBuild(ctx, b.ID)
}

// setMavenBuild makes a build one of Maven. One that is so already has to have
// the same coordinates.
func (h *Hub) setMavenBuild(ctx context.Context, id int64, info map[string]any) error {
	old, err := h.Store.MavenBuild(ctx, id)
	if err != nil {
		return err
	}
	if old == nil && len(info) == 0 {
		return koji.GenericErrorf("Maven info is empty")
	}
	var values [3]string
	for i, key := range []string{"group_id", "artifact_id", "version"} {
		v, ok := info[key].(string)
		if !ok {
			return koji.GenericErrorf("Maven info doesn't have mandatory '%s' key", key)
		}
		if old != nil {
			if current := [3]string{old.GroupID, old.ArtifactID, old.Version}[i]; current != v {
				return koji.BuildErrorf("%s mismatch (current: %s, new: %s)", key, current, v)
			}
		}
		values[i] = v
	}
	if old != nil {
		return nil
	}
	if err := h.Store.AddMavenBuild(ctx, id, values[0], values[1], values[2]); err != nil {
		return err
	}
	return h.Store.SetBuildType(ctx, id, "maven")
}

func (h *Hub) setWinBuild(ctx context.Context, id int64, info map[string]any) error {
	if len(info) == 0 {
		return koji.GenericErrorf("Windows info is empty")
	}
	platform, ok := info["platform"].(string)
	if !ok {
		return koji.GenericErrorf("Windows info doesn't have mandatory platform key")
	}
	if err := h.Store.SetWinBuild(ctx, id, platform); err != nil {
		return err
	}
	return h.Store.SetBuildType(ctx, id, "win")
}

func (h *Hub) setImageBuild(ctx context.Context, id int64) error {
	if err := h.Store.SetImageBuild(ctx, id); err != nil {
		return err
	}
	return h.Store.SetBuildType(ctx, id, "image")
}
