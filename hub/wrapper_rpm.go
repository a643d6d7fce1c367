package hub

import (
	"context"
	"strings"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/query"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

func (h *Hub) hostImportWrapperRPMs(ctx context.Context, p api.ImportWrapperRPMsParams) (rpc.None, error) {
	if !h.Config.EnableMaven {
		return rpc.None{}, errNoMaven
	}
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	p.RPMs.TaskID = p.TaskID // Koji: whatever the results say
	return rpc.None{}, h.ImportWrapperRPMs(ctx, p.BuildID, p.RPMs)
}

// ImportWrapperRPMs adds the RPMs that a task made of a complete build's files to
// the build, which has none yet, but for those that an earlier try has added.
func (h *Hub) ImportWrapperRPMs(ctx context.Context, buildID int64, w api.WrapperRPMs) error {
	return h.Store.InTx(ctx, func(ctx context.Context) error {
		if err := h.Store.LockBuild(ctx, buildID); err != nil {
			return err
		}
		b, err := h.build(ctx, buildID, true)
		if err != nil {
			return err
		}
		if b.State != koji.BuildComplete {
			return koji.GenericErrorf("cannot import wrapper rpms for %s: build state is %s, not complete", b.NVR, strings.ToLower(b.State.String()))
		}
		has, err := h.Store.BuildContent(ctx, b.ID)
		if err != nil {
			return err
		}
		if has.RPMs {
			if again, err := h.hasRPMsOf(ctx, b.ID, w.BuildrootID); err != nil || again {
				return err
			}
			return koji.GenericErrorf("wrapper rpms for %s have already been imported", b.NVR)
		}
		o := &otherImport{h: h, taskID: w.TaskID, build: b, filing: filing{work: h.Paths.Work("")}}
		if err := o.addWrappers(ctx, &w); err != nil {
			return err
		}
		if err := h.Store.TouchTags(ctx, b.ID, koji.TagUpdateImport); err != nil {
			return err
		}
		return o.record(ctx)
	})
}

// hasRPMsOf tells whether a build has RPMs that were made in the buildroot.
func (h *Hub) hasRPMsOf(ctx context.Context, build int64, buildroot *int64) (bool, error) {
	if buildroot == nil {
		return false, nil
	}
	rpms, err := h.Store.ListRPMs(ctx, store.RPMFilter{BuildID: &build, BuildrootID: buildroot}, query.Options{})
	return len(rpms.List) > 0, err
}
