package builder

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/toji-build/toji/activities/builder/buildroot"
	"github.com/toji-build/toji/internal/rpc"
	rpcclient "github.com/toji-build/toji/internal/rpc/client"
	"github.com/toji-build/toji/internal/task"
	"github.com/toji-build/toji/koji"
	"github.com/toji-build/toji/koji/api"
	"github.com/toji-build/toji/koji/tasks"
)

// SaveFailedTreeRequest is a saveFailedTree task.
type SaveFailedTreeRequest struct {
	Task   task.Task                  `json:"task"`
	Params tasks.SaveFailedTreeParams `json:"params"`
}

// SaveFailedTree uploads an archive of a buildroot that this host has kept.
func (a *Activities) SaveFailedTree(ctx context.Context, req SaveFailedTreeRequest) error {
	_, err := do(ctx, a, req.Task, func(ctx context.Context, j *job) (task.Nothing, error) {
		return task.Nothing{}, j.saveFailedTree(ctx, req.Params)
	})
	return err
}

func (j *job) saveFailedTree(ctx context.Context, p tasks.SaveFailedTreeParams) error {
	row, err := rpc.Invoke(ctx, j.hub, api.GetBuildroot, api.GetBuildrootParams{BuildrootID: p.BuildrootID})
	switch {
	case err != nil:
		return err
	case row == nil:
		return koji.GenericErrorf("Nonexistent buildroot: %d", p.BuildrootID)
	case row.HostID == nil || *row.HostID != j.cfg.Host.ID:
		return koji.GenericErrorf("Task is run on wrong builder")
	}
	// While it is this task's, it is not removed.
	if _, err := remember(j, rootFile, func() (rootState, error) { return rootState{BuildrootID: p.BuildrootID}, nil }); err != nil {
		return infrastructure(err)
	}
	dir, err := j.findRoot(strconv.FormatInt(p.BuildrootID, 10))
	if errors.Is(err, fs.ErrNotExist) {
		return koji.GenericErrorf("Buildroot directory is missing: buildroot %d is not kept any more", p.BuildrootID)
	}
	if err != nil {
		return infrastructure(err)
	}
	file := filepath.Join(j.dir, fmt.Sprintf("broot-%d.tar.gz", p.BuildrootID))
	j.logs.watch(filepath.Join(j.dir, buildroot.SaveLog))
	driver := j.cfg.Driver
	driver.Runner = j.steps
	if err := buildroot.Save(ctx, driver, dir, buildroot.Archive{File: file, Full: p.Full, Exclude: j.cfg.SaveExclude}); err != nil {
		return err
	}
	if err := j.hub.UploadFile(ctx, file, j.upload, "", rpcclient.UploadOptions{Overwrite: true, Volume: j.cfg.SaveVolume}); err != nil {
		return err
	}
	return os.Remove(file)
}
