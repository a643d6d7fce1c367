package hub

import (
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/toji-build/toji/hub/store"
	"github.com/toji-build/toji/internal/rpc"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
)

// MoveToScratch moves what a scratch build made to the scratch directory of the
// task's owner. Files are as in CompleteBuildRequest.
func (h *Hub) MoveToScratch(ctx context.Context, taskID int64, srpm string, rpms []string, logs map[string][]string) error {
	t, err := h.Store.TaskForWorkflow(ctx, taskID)
	if err != nil {
		return err
	}
	dir, err := koji.Under(h.Paths.Scratch(), t.Task().Owner+fmt.Sprintf("/task_%d", taskID))
	if err != nil {
		return err
	}
	f := filing{work: h.Paths.Work("")}
	place := func(rel string) string { return dir + "/" + path.Base(rel) }
	list, err := h.readRPMs(&f, srpm, rpms, place)
	if err != nil {
		return err
	}
	var moves [][2]string
	for _, in := range list {
		moves = append(moves, [2]string{in.rel, place(in.rel)})
	}
	logMoves, err := logMoves(&f, logs, dir+"/logs")
	if err != nil {
		return err
	}
	for _, m := range append(moves, logMoves...) {
		if err := f.move(m[0], m[1]); err != nil {
			return errors.Join(err, f.undo())
		}
	}
	return nil
}

func (h *Hub) hostInitBuild(ctx context.Context, p api.HostInitBuildParams) (int64, error) {
	var data struct {
		TaskID  int64          `rpc:"task_id"`
		Name    string         `rpc:"name"`
		Version string         `rpc:"version"`
		Release string         `rpc:"release"`
		Epoch   *int64         `rpc:"epoch"`
		Source  string         `rpc:"source"`
		Extra   map[string]any `rpc:"extra"`
		Draft   bool           `rpc:"draft"`
	}
	for _, needed := range []string{"version", "release", "epoch"} {
		if _, ok := p.Data[needed]; !ok {
			return 0, koji.GenericErrorf("No %s value for build", needed)
		}
	}
	if err := rpc.Into(p.Data, &data); err != nil {
		return 0, err
	}
	if _, err := h.AssertTaskHost(ctx, data.TaskID); err != nil {
		return 0, err
	}
	t, err := h.Store.TaskForWorkflow(ctx, data.TaskID)
	if err != nil {
		return 0, err
	}
	return h.InitBuild(ctx, InitBuildRequest{
		TaskID: data.TaskID, Owner: t.Task().OwnerID, Name: data.Name, Version: data.Version, Release: data.Release,
		Epoch: data.Epoch, Source: data.Source, Extra: data.Extra, Draft: data.Draft,
	})
}

func (h *Hub) hostCompleteBuild(ctx context.Context, p api.HostCompleteBuildParams) (*api.Build, error) {
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return nil, err
	}
	err := h.CompleteBuild(ctx, CompleteBuildRequest{
		TaskID: p.TaskID, BuildID: p.BuildID, SRPM: p.SRPM, RPMs: p.RPMs, BuildrootOf: p.BRMap, Logs: p.Logs,
	})
	if err != nil {
		return nil, err
	}
	return h.Store.Build(ctx, store.BuildKey{ID: p.BuildID})
}

func (h *Hub) hostFailBuild(ctx context.Context, p api.HostFailBuildParams) (rpc.None, error) {
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.FailBuild(ctx, p.TaskID, p.BuildID)
}

func (h *Hub) hostMoveBuildToScratch(ctx context.Context, p api.HostMoveBuildToScratchParams) (rpc.None, error) {
	if _, err := h.AssertTaskHost(ctx, p.TaskID); err != nil {
		return rpc.None{}, err
	}
	return rpc.None{}, h.MoveToScratch(ctx, p.TaskID, p.SRPM, p.RPMs, p.Logs)
}
