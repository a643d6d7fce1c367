package hub

import (
	"context"

	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindOtherBuilds(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.MavenBuildTask, func(context.Context, api.MavenBuildParams) (int64, error) { return 0, h.noMavenBuilds() })
	rpc.Bind(r, api.ChainMaven, func(context.Context, api.ChainMavenParams) (int64, error) { return 0, h.noMavenBuilds() })
	rpc.Bind(r, api.WrapperRPM, func(context.Context, api.WrapperRPMParams) (int64, error) { return 0, h.noMavenBuilds() })
	rpc.Bind(r, api.WinBuildTask, func(context.Context, api.WinBuildParams) (int64, error) { return 0, h.noWinBuilds() })
}

// noMavenBuilds says why there is no task: a hub may import what Maven built
// elsewhere, but there is no worker that builds with it.
func (h *Hub) noMavenBuilds() error {
	if !h.Config.EnableMaven {
		return errNoMaven
	}
	return koji.GenericErrorf("builds with Maven are not there yet: this hub can only import them")
}

func (h *Hub) noWinBuilds() error {
	if !h.Config.EnableWin {
		return errNoWin
	}
	return koji.GenericErrorf("builds for Windows are not there yet: this hub can only import them")
}
