package hub

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/toji-build/toji/hub/policy"
	"github.com/toji-build/toji/hub/session"
	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) promoteBuild(ctx context.Context, p api.PromoteBuildParams) (*api.Build, error) {
	draft, err := h.build(ctx, p.Build, true)
	if err != nil {
		return nil, err
	}
	target, err := h.promotionTarget(ctx, draft)
	if err != nil {
		return nil, err
	}
	user := session.From(ctx).UserID
	data := policy.Data{"build": draft.ID, "target_release": target.Release, "user_id": user}
	if err := h.Policy().Check(ctx, "draft_promotion", data, policy.CheckOptions{Force: p.Force}); err != nil {
		return nil, err
	}
	if err := h.Store.PromoteBuild(ctx, draft.ID, target.Release, user); err != nil {
		return nil, err
	}
	if err := h.Store.TouchTags(ctx, draft.ID, koji.TagUpdateDraftPromotion); err != nil {
		return nil, err
	}
	b, err := h.build(ctx, draft.ID, true)
	if err != nil {
		return nil, err
	}
	from, to := h.Paths.Build(b.VolumeName, draft.Parts()), h.Paths.Build(b.VolumeName, target)
	if err := moveDir(from, to); err != nil {
		return nil, err
	}
	if err := h.linkToVolume(b); err != nil {
		return nil, err
	}
	if err := h.publishPromotion(ctx, draft, b); err != nil {
		return nil, err
	}
	volume, err := h.policyVolumeOf(ctx, b, false)
	if err != nil || volume == nil || volume.ID == b.VolumeID {
		return b, err
	}
	if err := h.moveToVolume(ctx, b, volume); err != nil {
		return nil, err
	}
	return h.build(ctx, b.ID, true)
}

// promotionTarget returns the NVR that a draft is to have, if it can have it.
func (h *Hub) promotionTarget(ctx context.Context, draft *api.Build) (koji.NVR, error) {
	target := draft.Parts()
	refuse := func(format string, args ...any) (koji.NVR, error) {
		return target, koji.GenericErrorf("Cannot promote build %s. Reason: %s", draft.NVR, fmt.Sprintf(format, args...))
	}
	if !draft.Draft {
		return refuse("Not a draft build")
	}
	if draft.State != koji.BuildComplete {
		return refuse("state (%s) is not COMPLETE.", draft.State)
	}
	var err error
	if target.Release, err = koji.TargetRelease(draft.Release); err != nil {
		return target, err
	}
	taken, err := h.Store.Build(ctx, store.BuildKey{NVR: target})
	if err == nil && taken != nil {
		return refuse("Target build exists: %s(#%d)", taken.NVR, taken.ID)
	}
	return target, err
}

// moveDir moves a directory and leaves a relative symbolic link behind. If an
// earlier try that did not get as far as its commit has done so, that is fine.
func moveDir(from, to string) error {
	link, err := filepath.Rel(filepath.Dir(from), to)
	if err != nil {
		return err
	}
	if target, err := os.Readlink(from); err == nil && target == link {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	err = os.Rename(from, to)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Stat(to); err != nil {
			return koji.GenericErrorf("Build directory missing: %s", from)
		}
		err = nil // it died before it made the link
	}
	if err != nil {
		return err
	}
	return os.Symlink(link, from)
}

func (h *Hub) publishPromotion(ctx context.Context, draft, b *api.Build) error {
	if !h.Messages.Enabled {
		return nil
	}
	user, err := h.User(ctx, session.From(ctx).UserID, true)
	if err != nil {
		return err
	}
	props := data{
		"type": "BuildPromote", "build_id": b.ID, "name": b.Name, "version": b.Version, "release": b.Release,
		"draft_release": draft.Release, "target_release": b.Release, "user": user.Name,
	}
	return h.publish(ctx, "build.promote", props, data{
		"draft_release": draft.Release, "target_release": b.Release, "build": h.about(b), "user": user,
	})
}
