package hub

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindVolumes(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ListVolumes, h.listVolumes)
	rpc.Bind(r, api.GetVolume, h.getVolume)
	rpc.Bind(r, api.AddVolume, h.addVolume)
	rpc.Bind(r, api.RemoveVolume, h.removeVolume)
}

func (h *Hub) listVolumes(ctx context.Context, _ api.NoParams) ([]api.IDName, error) {
	return h.Store.Volumes(ctx)
}

func (h *Hub) getVolume(ctx context.Context, p api.GetVolumeParams) (*api.IDName, error) {
	row, err := h.Lookup(ctx, store.Volumes, p.Volume, false)
	return strictRow(row, err, p.Strict, "No such volume: %s", pyStr(p.Volume))
}

func (h *Hub) addVolume(ctx context.Context, p api.AddVolumeParams) (*api.IDName, error) {
	if err := h.Names.CheckName(p.Name); err != nil {
		return nil, err
	}
	dir := h.Paths.Volume(p.Name)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return nil, koji.GenericErrorf("please create the volume directory first")
	}
	if err := linkTop(dir, h.Paths.TopDir); err != nil {
		return nil, err
	}
	if p.Strict {
		volume, err := h.Lookup(ctx, store.Volumes, p.Name, false)
		if err != nil {
			return nil, err
		}
		if volume != nil {
			return nil, koji.GenericErrorf("volume %s already exists", p.Name)
		}
	}
	return h.ensureName(ctx, store.Volumes, p.Name)
}

// linkTop makes sure that a volume's link to the top directory is right:
// repositories find packages on other volumes by it.
func linkTop(volume, top string) error {
	link := filepath.Join(volume, "toplink")
	info, err := os.Lstat(link)
	switch {
	case os.IsNotExist(err):
		if err := os.Symlink(top, link); err != nil {
			return fmt.Errorf("link volume to top directory: %w", err)
		}
		return nil
	case err != nil:
		return fmt.Errorf("check volume: %w", err)
	case info.Mode()&os.ModeSymlink == 0:
		return koji.GenericErrorf("Not a symlink: %s", link)
	}
	target, err := os.Stat(link)
	if err != nil {
		return koji.GenericErrorf("Broken volume toplink: %s", link)
	}
	if dir, err := os.Stat(top); err != nil || !os.SameFile(target, dir) {
		return koji.GenericErrorf("Invalid volume toplink: %s", link)
	}
	return nil
}

func (h *Hub) removeVolume(ctx context.Context, p api.RemoveVolumeParams) (rpc.None, error) {
	volume, err := h.Lookup(ctx, store.Volumes, p.Volume, true)
	if err != nil {
		return rpc.None{}, err
	}
	used, err := h.Store.VolumeInUse(ctx, volume.ID)
	if err != nil {
		return rpc.None{}, err
	}
	if used {
		return rpc.None{}, koji.GenericErrorf("volume %s has build references", volume.Name)
	}
	return rpc.None{}, h.Store.RemoveVolume(ctx, volume.ID)
}
