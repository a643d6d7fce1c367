package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/database"
	"github.com/toji-build/toji/internal/obs"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func bindBuildMoves(r *rpc.Registry, h *Hub) {
	rpc.Bind(r, api.ChangeBuildVolume, h.changeBuildVolume)
	rpc.Bind(r, api.ApplyVolumePolicy, h.applyVolumePolicy)
	rpc.Bind(r, api.PromoteBuild, h.promoteBuild)
}

// defaultVolume is the volume that lies in the top directory itself.
const defaultVolume = "DEFAULT"

// linkToVolume makes sure that a build on another volume can be found on the
// default one by a symbolic link.
func (h *Hub) linkToVolume(b *api.Build) error {
	if b.VolumeName == defaultVolume {
		return nil
	}
	link := h.Paths.Build(defaultVolume, b.Parts())
	target, err := filepath.Rel(filepath.Dir(link), h.Paths.Build(b.VolumeName, b.Parts()))
	if err != nil {
		return fmt.Errorf("link build to its volume: %w", err)
	}
	if old, err := os.Readlink(link); err == nil {
		if old == target {
			return nil
		}
		if err := os.Remove(link); err != nil {
			return err
		}
	} else if _, err := os.Lstat(link); err == nil {
		return koji.GenericErrorf("Unexpected build content: %s", link)
	}
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		return err
	}
	return os.Symlink(target, link)
}

func (h *Hub) changeBuildVolume(ctx context.Context, p api.ChangeBuildVolumeParams) (rpc.None, error) {
	volume, err := h.Lookup(ctx, store.Volumes, p.Volume, true)
	if err != nil {
		return rpc.None{}, err
	}
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return rpc.None{}, err
	}
	if b.VolumeID == volume.ID {
		if p.Strict {
			return rpc.None{}, koji.GenericErrorf("Build %s already on volume %s", b.NVR, b.VolumeName)
		}
		return rpc.None{}, nil
	}
	return rpc.None{}, h.moveToVolume(ctx, b, volume)
}

func (h *Hub) applyVolumePolicy(ctx context.Context, p api.ApplyVolumePolicyParams) (rpc.None, error) {
	b, err := h.build(ctx, p.Build, true)
	if err != nil {
		return rpc.None{}, err
	}
	volume, err := h.policyVolumeOf(ctx, b, p.Strict)
	if err != nil || volume == nil || volume.ID == b.VolumeID {
		return rpc.None{}, err
	}
	return rpc.None{}, h.moveToVolume(ctx, b, volume)
}

// policyVolumeOf returns the volume that the volume policy names for a build;
// nil if it names none and strict is false.
func (h *Hub) policyVolumeOf(ctx context.Context, b *api.Build, strict bool) (*api.IDName, error) {
	data := policy.Data{"build": b.ID}
	ofTask, err := h.buildTaskPolicyData(ctx, b.TaskID)
	if err != nil {
		return nil, err
	}
	maps.Copy(data, ofTask)
	result, err := h.Policy().Eval(ctx, "volume", data)
	name := strings.TrimSpace(result.Action)
	switch {
	case err != nil && strict:
		return nil, err
	case err != nil:
		h.Log.ErrorContext(ctx, "volume policy error", obs.Error, err)
		return nil, nil
	case name == "" && strict:
		return nil, koji.GenericErrorf("No volume policy match")
	case name == "":
		return nil, nil
	}
	volume, err := h.Lookup(ctx, store.Volumes, name, false)
	return strictRow(volume, err, strict, "Policy returned no such volume: %s", name)
}

// moveToVolume copies a build's files to another volume. The old ones go, and
// the link on the default volume changes, when the transaction is committed.
func (h *Hub) moveToVolume(ctx context.Context, b *api.Build, volume *api.IDName) error {
	if b.State != koji.BuildComplete && b.State != koji.BuildDeleted {
		return koji.GenericErrorf("Build %s is %s", b.NVR, b.State)
	}
	if err := h.checkVolumeMove(ctx, b, volume); err != nil {
		return err
	}
	from := h.Paths.Build(b.VolumeName, b.Parts())
	moved := *b
	moved.VolumeID, moved.VolumeName = volume.ID, volume.Name
	to := h.Paths.Build(moved.VolumeName, moved.Parts())
	if volume.Name == defaultVolume { // the link stands where the files go
		if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if err := copyTree(from, to); err != nil {
		return errors.Join(fmt.Errorf("copy build to volume %s: %w", volume.Name, err), os.RemoveAll(to))
	}
	if err := h.Store.SetBuildVolume(ctx, b.ID, volume.ID); err != nil {
		return err
	}
	if err := h.Store.TouchTags(ctx, b.ID, koji.TagUpdateVolumeChange); err != nil {
		return err
	}
	database.AfterCommit(ctx, func() {
		if err := errors.Join(os.RemoveAll(from), h.linkToVolume(&moved)); err != nil {
			h.Log.ErrorContext(ctx, "build moved, but not all of its old files", obs.Build, b.NVR, obs.Error, err)
		}
	})
	return nil
}

// checkVolumeMove checks that a build's files are where they should be and
// nowhere else.
func (h *Hub) checkVolumeMove(ctx context.Context, b *api.Build, volume *api.IDName) error {
	if info, err := os.Stat(h.Paths.Volume(volume.Name)); err != nil || !info.IsDir() {
		return koji.GenericErrorf("Directory entry missing for volume %s", volume.Name)
	}
	volumes, err := h.Store.Volumes(ctx)
	if err != nil {
		return err
	}
	for _, v := range volumes {
		dir := h.Paths.Build(v.Name, b.Parts())
		info, err := os.Lstat(dir)
		switch {
		case v.ID == b.VolumeID || err != nil:
		case v.Name == defaultVolume && info.Mode()&fs.ModeSymlink != 0:
		case v.ID == volume.ID:
			return koji.GenericErrorf("Destination directory exists: %s", dir)
		default:
			return koji.GenericErrorf("Unexpected cross-volume content: %s", dir)
		}
	}
	from := h.Paths.Build(b.VolumeName, b.Parts())
	info, err := os.Stat(from)
	switch {
	case err != nil:
		return koji.GenericErrorf("Build directory missing: %s", from)
	case !info.IsDir():
		return koji.GenericErrorf("Not a directory: %s", from)
	}
	return nil
}

// copyTree copies a directory with all below it; symbolic links stay what they are.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		if err != nil {
			return err
		}
		dest := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(dest, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(name)
			if err != nil {
				return err
			}
			return os.Symlink(target, dest)
		}
		return copyFile(name, dest)
	})
}
